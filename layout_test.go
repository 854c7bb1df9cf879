package lorabench_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/ailiance/lorabench"

// rooms may import the rooms listed here, and the root package. Alcoves belong
// to their room.
var rooms = map[string][]string{
	"":        {},
	"tasks":   {},
	"scorers": {},
	"results": {},
	"env":     {},
	"model":   {},
	"runners": {"tasks", "scorers", "results", "env", "model"},
	"reports": {"tasks", "scorers", "results", "env", "model"},
	"cmd":     {"tasks", "scorers", "results", "env", "model", "runners", "reports"},
}

// TestImportsPointDown holds the arrows of the house.
func TestImportsPointDown(t *testing.T) {
	files := 0
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || d.Name() == "tools") {
			return fs.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(path, ".go") {
			return nil
		}
		files++
		room, _, inRoom := strings.Cut(filepath.ToSlash(path), "/")
		if !inRoom {
			room = ""
		}
		allowed, known := rooms[room]
		if !known {
			t.Errorf("%s: there is no room %q in the house", path, room)
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, i := range f.Imports {
			name, err := strconv.Unquote(i.Path.Value)
			if err != nil {
				return err
			}
			if room == "" && !strings.HasSuffix(path, "_test.go") && strings.Contains(name, ".") {
				t.Errorf("%s imports %s: the nouns need the standard library only", path, name)
			}
			inner, ours := strings.CutPrefix(name, module+"/")
			if !ours {
				continue
			}
			to, _, _ := strings.Cut(inner, "/")
			if to != room && !contains(allowed, to) {
				t.Errorf("%s: %s may not import %s", path, room, inner)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 10 {
		t.Fatalf("%d Go files seen: the walk went wrong", files)
	}
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}
