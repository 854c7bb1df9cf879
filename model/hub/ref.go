package hub

import (
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Prefix begins a reference to the hub.
const Prefix = "hf:"

// DefaultRevision is the branch that is meant where none is named.
const DefaultRevision = "main"

// Ref names a model or an adapter of the hub.
type Ref struct {
	Repo     string // "org/name"
	Revision string // branch, tag, commit, or the unambiguous beginning of a commit
	Path     string // a .gguf file or a folder in the repository; "" for its root
}

// Parse reads hf:org/name[@revision][:path]. A colon ends the revision, since
// branches may have slashes, and no branch has a colon.
func Parse(text string) (Ref, error) {
	rest, ok := strings.CutPrefix(text, Prefix)
	if !ok {
		return Ref{}, fmt.Errorf("%q: want %sorg/name@revision", text, Prefix)
	}
	rest, file, hasPath := strings.Cut(rest, ":")
	repo, revision, hasRevision := strings.Cut(rest, "@")
	if !hasRevision {
		revision = DefaultRevision
	}
	r := Ref{Repo: repo, Revision: revision, Path: file}
	switch {
	case !validRepo(repo):
		return Ref{}, fmt.Errorf("%q: no name of a repository: %q", text, repo)
	case !validName(revision):
		return Ref{}, fmt.Errorf("%q: no branch, tag or commit: %q", text, revision)
	case hasPath && !validName(file):
		return Ref{}, fmt.Errorf("%q: no path in a repository: %q", text, file)
	}
	if isCommit(strings.ToLower(revision)) {
		r.Revision = strings.ToLower(revision)
	}
	return r, nil
}

func (r Ref) String() string {
	text := Prefix + r.Repo + "@" + r.Revision
	if r.Path != "" {
		text += ":" + r.Path
	}
	return text
}

// Name is a short name: of the path's last part, or of the repository without its
// owner.
func (r Ref) Name() string {
	if r.Path != "" {
		return strings.TrimSuffix(path.Base(r.Path), path.Ext(r.Path))
	}
	return path.Base(r.Repo)
}

// Pinned reports whether the revision is a whole commit.
func (r Ref) Pinned() bool { return isCommit(r.Revision) }

// isGGUF reports whether the reference is to a single file.
func (r Ref) isGGUF() bool { return strings.EqualFold(path.Ext(r.Path), ".gguf") }

// folder is the repository's folder in the cache.
func (r Ref) folder() string { return "models--" + strings.ReplaceAll(r.Repo, "/", "--") }

var (
	repoPart = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_.-]{0,94}[A-Za-z0-9_])?$`)
	hexText  = regexp.MustCompile(`^[0-9a-f]+$`)
)

// validRepo holds the hub's rules for names, which keep a repository's folder in
// the cache from being another's, or no folder of the cache at all.
func validRepo(repo string) bool {
	parts := strings.Split(repo, "/")
	if len(parts) > 2 || strings.Contains(repo, "--") || strings.Contains(repo, "..") || strings.HasSuffix(repo, ".git") {
		return false
	}
	for _, p := range parts {
		if !repoPart.MatchString(p) {
			return false
		}
	}
	return true
}

// validName reports whether a revision or a path stays below the folder that it is
// put into.
func validName(name string) bool {
	return name != "." && len(name) <= 1024 && utf8.ValidString(name) && fs.ValidPath(name) &&
		!strings.ContainsFunc(name, func(r rune) bool { return unicode.IsControl(r) || r == '\\' || r == ':' })
}

func isCommit(text string) bool { return len(text) == 40 && hexText.MatchString(text) }
