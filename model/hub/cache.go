package hub

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// Cache is the folder that huggingface_hub calls HF_HUB_CACHE.
type Cache struct{ Dir string }

// CacheOf returns the cache that the environment names, as huggingface_hub finds it.
func CacheOf(getenv func(string) string) (Cache, error) {
	for _, v := range []struct{ name, below string }{
		{"HF_HUB_CACHE", ""}, {"HUGGINGFACE_HUB_CACHE", ""}, {"HF_HOME", "hub"}, {"XDG_CACHE_HOME", "huggingface/hub"},
	} {
		dir := os.Expand(getenv(v.name), getenv)
		if dir == "" {
			continue
		}
		if rest, ok := strings.CutPrefix(dir, "~"); ok && (rest == "" || rest[0] == '/') {
			dir = getenv("HOME") + rest
		}
		dir, err := filepath.Abs(filepath.Join(dir, filepath.FromSlash(v.below)))
		return Cache{dir}, err
	}
	home := getenv("HOME")
	if home == "" {
		return Cache{}, errors.New("no cache of the hub: neither HF_HUB_CACHE, HF_HOME nor HOME is set")
	}
	return Cache{filepath.Join(home, ".cache", "huggingface", "hub")}, nil
}

// MissingError says that the cache has not got what a reference names.
type MissingError struct {
	Ref   Ref
	Cache string
	What  string // "" for all of it, else the file or folder
}

func (e *MissingError) Error() string {
	if e.What != "" {
		return fmt.Sprintf("%s: %s is not in the hub cache %s", e.Ref, e.What, e.Cache)
	}
	return fmt.Sprintf("%s is not in the hub cache %s", e.Ref, e.Cache)
}

// Snapshot is a repository at a commit, in the cache.
type Snapshot struct {
	Ref  Ref // its revision is the commit
	root *os.Root
}

// Find looks a reference up in the cache. What is not there is a *MissingError, also
// where huggingface_hub has left a list of files that are not all there yet. The
// caller closes the snapshot.
func (c Cache) Find(ref Ref, kind Kind) (*Snapshot, error) {
	root, err := os.OpenRoot(c.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &MissingError{Ref: ref, Cache: c.Dir}
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", ref, err)
	}
	s := &Snapshot{Ref: ref, root: root}
	if s.Ref.Revision, err = commitOf(root, ref); err == nil {
		err = s.check(kind)
	}
	var incomplete *MissingError
	if errors.As(err, &incomplete) {
		incomplete.Ref, incomplete.Cache = ref, c.Dir
	} else if errors.Is(err, fs.ErrNotExist) {
		err = &MissingError{Ref: ref, Cache: c.Dir}
		if s.Ref.Revision != "" && ref.Path != "" {
			err = &MissingError{Ref: ref, Cache: c.Dir, What: ref.Path}
		}
	} else if err != nil {
		err = fmt.Errorf("%s in the hub cache %s: %w", ref, c.Dir, err)
	}
	if err != nil {
		return nil, errors.Join(err, root.Close())
	}
	return s, nil
}

// commitOf is the commit that the cache knows for a revision: a whole one, that of
// a branch or tag, or the only one that begins so.
func commitOf(root *os.Root, ref Ref) (string, error) {
	if ref.Pinned() {
		return ref.Revision, nil
	}
	data, err := readFile(root, path.Join(ref.folder(), "refs", ref.Revision), mostRef)
	if err == nil {
		commit := strings.TrimSpace(string(data))
		if !isCommit(commit) {
			return "", fmt.Errorf("refs/%s holds %.50q, no commit", ref.Revision, commit)
		}
		return commit, nil
	}
	prefix := strings.ToLower(ref.Revision)
	if !hexText.MatchString(prefix) {
		return "", err
	}
	dir, err := root.Open(path.Join(ref.folder(), "snapshots"))
	if err != nil {
		return "", err
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return "", err
	}
	found := ""
	for _, name := range names {
		if !isCommit(name) || !strings.HasPrefix(name, prefix) {
			continue
		}
		if found != "" {
			return "", fmt.Errorf("%s begins both %s and %s", prefix, found, name)
		}
		found = name
	}
	if found == "" {
		return "", fs.ErrNotExist
	}
	return found, nil
}

// mostRef is far more than a commit has, in bytes.
const mostRef = 1 << 10

// readFile reads a small file that is one: to open a pipe would wait for its writer.
func readFile(root *os.Root, name string, most int64) ([]byte, error) {
	info, err := root.Stat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > most {
		return nil, fmt.Errorf("%s: want a file of at most %d bytes", name, most)
	}
	return root.ReadFile(name)
}

// check sees that what the reference names is there, all of it as far as that can
// be told.
func (s *Snapshot) check(kind Kind) error {
	dir, name := s.FS()
	info, err := fs.Stat(dir, name)
	if err != nil {
		return err
	}
	if s.Ref.isGGUF() == info.IsDir() {
		return fmt.Errorf("%s: want a .gguf file, or a folder", s.Ref.Path)
	}
	some, err := wanted(s.tree(), s.Ref, kind)
	if err != nil {
		return nil // there is no list; or what is wrong with the repository, who opens it will say
	}
	for _, e := range some {
		at := path.Join(s.Ref.folder(), "snapshots", s.Ref.Revision, e.Path)
		if _, err := s.root.Stat(at); errors.Is(err, fs.ErrNotExist) {
			return &MissingError{What: e.Path}
		}
	}
	return nil
}

// tree is the repository's list of files, where huggingface_hub has kept it.
func (s *Snapshot) tree() map[string]entry {
	var list struct {
		Version int                 `json:"format_version"`
		Files   map[string]struct{} `json:"files"`
	}
	data, err := readFile(s.root, path.Join(s.Ref.folder(), "trees", s.Ref.Revision+".json"), mostList)
	if err != nil || json.Unmarshal(data, &list) != nil || list.Version != 1 {
		return nil
	}
	files := map[string]entry{}
	for name := range list.Files {
		files[name] = entry{Path: name}
	}
	return files
}

// FS returns the folder that the reference names and ".", or, for a GGUF file, the
// folder that it is in and its name. It is good until Close.
func (s *Snapshot) FS() (dir fs.FS, name string) {
	at := path.Join(s.Ref.folder(), "snapshots", s.Ref.Revision, s.Ref.Path)
	if s.Ref.isGGUF() {
		return folder{s.root, path.Dir(at)}, path.Base(at)
	}
	return folder{s.root, at}, "."
}

// Close gives the snapshot's handle of the cache back.
func (s *Snapshot) Close() error { return s.root.Close() }

// folder is a folder of the cache. Its links may lead to other folders of the
// cache, where the contents are, and nowhere else. (fs.Sub of a root's file system
// would open a file to ask for its size.)
type folder struct {
	root *os.Root
	dir  string
}

func (f folder) path(op, name string) (string, error) {
	if !fs.ValidPath(name) {
		return "", &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	return path.Join(f.dir, name), nil
}

func (f folder) Open(name string) (fs.File, error) {
	at, err := f.path("open", name)
	if err != nil {
		return nil, err
	}
	file, err := f.root.Open(at)
	if err != nil {
		return nil, err // not a file that is nil
	}
	return file, nil
}

func (f folder) Stat(name string) (fs.FileInfo, error) {
	at, err := f.path("stat", name)
	if err != nil {
		return nil, err
	}
	return f.root.Stat(at)
}
