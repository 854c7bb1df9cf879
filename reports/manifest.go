package reports

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"
)

// manifestName is written last: a folder with it is whole.
const manifestName = "manifest.sha256"

// maxManifest bounds a manifest, in bytes.
const maxManifest = 1 << 16

// ManifestError says which files of an evidence folder are not what its manifest
// says.
type ManifestError struct {
	Folder  string
	Differ  []string // other bytes than those that were hashed
	Missing []string // in the folder, or in the manifest
	Problem string   // of the manifest itself; "" where it can be read
}

func (e *ManifestError) Error() string {
	var parts []string
	if e.Problem != "" {
		parts = append(parts, manifestName+": "+e.Problem)
	}
	if len(e.Differ) > 0 {
		parts = append(parts, strings.Join(e.Differ, ", ")+": not the bytes that were hashed")
	}
	if len(e.Missing) > 0 {
		parts = append(parts, strings.Join(e.Missing, ", ")+": missing")
	}
	return fmt.Sprintf("evidence %s: %s", e.Folder, strings.Join(parts, "; "))
}

// manifest holds the sha256 of files by name.
type manifest map[string][sha256.Size]byte

// write writes the manifest as sha256sum does, in the order of names.
func (m manifest) write(w io.Writer) error {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if _, err := fmt.Fprintf(w, "%x  %s\n", m[name], name); err != nil {
			return err
		}
	}
	return nil
}

// manifestLine is a line of sha256sum: binary or text, a plain name.
var manifestLine = regexp.MustCompile(`^([0-9a-f]{64}) [ *]([A-Za-z0-9_][A-Za-z0-9_.-]*)$`)

// readManifest reads the manifest of a folder. Its error says what is wrong with it.
func readManifest(root *os.Root) (manifest, error) {
	file, err := openFile(root, manifestName)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	m := manifest{}
	lines := bufio.NewScanner(io.LimitReader(file, maxManifest))
	for lines.Scan() {
		parts := manifestLine.FindStringSubmatch(lines.Text())
		if parts == nil {
			return nil, fmt.Errorf("line %d: want a sha256, two spaces and a name", len(m)+1)
		}
		if _, twice := m[parts[2]]; twice {
			return nil, fmt.Errorf("%s twice", parts[2])
		}
		hash, err := hex.DecodeString(parts[1])
		if err != nil {
			return nil, err
		}
		m[parts[2]] = [sha256.Size]byte(hash)
	}
	return m, lines.Err()
}

// verify compares the files of a folder with its manifest, which must name all of
// wanted. It returns a [*ManifestError].
func verify(root *os.Root, path string, wanted []string) error {
	e := &ManifestError{Folder: path}
	m, err := readManifest(root)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		e.Missing = []string{manifestName}
		return e
	case err != nil:
		e.Problem = err.Error()
		return e
	}
	names := slices.Clone(wanted)
	for name := range m {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		want, listed := m[name]
		if !listed {
			e.Missing = append(e.Missing, name+" (in "+manifestName+")")
			continue
		}
		switch got, err := hashOf(root, name); {
		case errors.Is(err, fs.ErrNotExist):
			e.Missing = append(e.Missing, name)
		case err != nil:
			e.Differ = append(e.Differ, fmt.Sprintf("%s (%v)", name, err))
		case got != want:
			e.Differ = append(e.Differ, name)
		}
	}
	if len(e.Differ) > 0 || len(e.Missing) > 0 {
		return e
	}
	return nil
}

func hashOf(root *os.Root, name string) ([sha256.Size]byte, error) {
	file, err := openFile(root, name)
	if err != nil {
		return [sha256.Size]byte{}, err
	}
	defer file.Close()
	h := sha256.New()
	if _, err := io.Copy(h, file); err != nil {
		return [sha256.Size]byte{}, cause(err)
	}
	return [sha256.Size]byte(h.Sum(nil)), nil
}
