package hub

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for _, tt := range []struct {
		text string
		want Ref
		name string
	}{
		{"hf:org/name", Ref{"org/name", "main", ""}, "name"},
		{"hf:gpt2", Ref{"gpt2", "main", ""}, "gpt2"},
		{"hf:Qwen/Qwen2.5-0.5B@refs/pr/7", Ref{"Qwen/Qwen2.5-0.5B", "refs/pr/7", ""}, "Qwen2.5-0.5B"},
		{"hf:o/n@" + strings.ToUpper(commit), Ref{"o/n", commit, ""}, "n"},
		{"hf:o/n:a/b.Q4_0.gguf", Ref{"o/n", "main", "a/b.Q4_0.gguf"}, "b.Q4_0"},
		{"hf:o/n@v1.0:adapters/math", Ref{"o/n", "v1.0", "adapters/math"}, "math"},
	} {
		got, err := Parse(tt.text)
		if err != nil || got != tt.want || got.Name() != tt.name {
			t.Errorf("Parse(%q) = %+v %q, %v, want %+v %q", tt.text, got, got.Name(), err, tt.want, tt.name)
		}
		if again, err := Parse(got.String()); err != nil || again != got {
			t.Errorf("Parse(%q) = %+v, %v", got, again, err)
		}
	}
	for _, bad := range []string{
		"", "org/name", "hf:", "hf:/name", "hf:org/", "hf:a/b/c", "hf:../name", "hf:org/..", "hf:org/.name", "hf:org/name.git", "hf:org/na--me", "hf:org/-name",
		"hf:org/na me", "hf:org/n\x00", "hf:org\\name", "hf:o/" + strings.Repeat("n", 97), "hf:o/é",
		"hf:o/n@", "hf:o/n@..", "hf:o/n@../../x", "hf:o/n@/etc", "hf:o/n@a//b", "hf:o/n@a\x00", `hf:o/n@a\b`, "hf:o/n@a/", "hf:o/n@.",
		"hf:o/n:", "hf:o/n:../x.gguf", "hf:o/n:/x.gguf", "hf:o/n:a\nb.gguf", "hf:o/n:a:b.gguf", "hf:o/n:.",
	} {
		if got, err := Parse(bad); err == nil {
			t.Errorf("Parse(%q) = %+v, want an error", bad, got)
		}
	}
}

// FuzzParse: whatever is accepted stays inside of the cache.
func FuzzParse(f *testing.F) {
	f.Add("hf:org/name@main:x.gguf")
	f.Add("hf:a/b@../c")
	f.Fuzz(func(t *testing.T, text string) {
		r, err := Parse(text)
		if err != nil {
			return
		}
		if strings.Contains(r.folder(), "/") {
			t.Errorf("folder %q", r.folder())
		}
		for _, name := range []string{r.folder(), r.Revision, r.Path} {
			if name != "" && (!filepath.IsLocal(name) || strings.ContainsAny(name, "\x00\\")) {
				t.Errorf("%+v leaves the cache", r)
			}
		}
		if again, err := Parse(r.String()); err != nil || again != r {
			t.Errorf("%q is read back as %+v, %v", r, again, err)
		}
	})
}

func TestCacheOf(t *testing.T) {
	for _, tt := range []struct{ env, want string }{
		{"HOME=/h", "/h/.cache/huggingface/hub"},
		{"HOME=/h XDG_CACHE_HOME=/x", "/x/huggingface/hub"},
		{"HOME=/h XDG_CACHE_HOME=/x HF_HOME=~/hf", "/h/hf/hub"},
		{"HOME=/h HF_HOME=/f HUGGINGFACE_HUB_CACHE=/old", "/old"},
		{"HOME=/h HF_HOME=/f HUGGINGFACE_HUB_CACHE=/old HF_HUB_CACHE=$HOME/new/", "/h/new"},
		{"", ""},
	} {
		env := map[string]string{}
		for _, pair := range strings.Fields(tt.env) {
			name, value, _ := strings.Cut(pair, "=")
			env[name] = value
		}
		if got, err := CacheOf(func(name string) string { return env[name] }); got.Dir != tt.want || (err == nil) != (tt.want != "") {
			t.Errorf("%s: %q, %v, want %q", tt.env, got.Dir, err, tt.want)
		}
	}
}

// put writes a file of the cache, or a link where text begins with "->".
func put(t *testing.T, dir, name, text string) {
	t.Helper()
	at := filepath.Join(dir, "models--o--n", name)
	err := os.MkdirAll(filepath.Dir(at), 0o777)
	if target, link := strings.CutPrefix(text, "->"); err == nil && link {
		err = os.Symlink(target, at)
	} else if err == nil {
		err = os.WriteFile(at, []byte(text), 0o666)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestFind: revisions of each kind, and what is missing or cannot be told apart.
func TestFind(t *testing.T) {
	const other = "0123456aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	partly := strings.Repeat("f", 40)
	c := Cache{t.TempDir()}
	put(t, c.Dir, "refs/main", commit+"\n")
	put(t, c.Dir, "refs/refs/pr/7", other)
	put(t, c.Dir, "refs/cafe", commit)
	put(t, c.Dir, "refs/broken", "../../../etc")
	put(t, c.Dir, "refs/gone", strings.Repeat("e", 40))
	put(t, c.Dir, "blobs/b1", "content")
	put(t, c.Dir, "snapshots/"+commit+"/config.json", "->../../blobs/b1")
	put(t, c.Dir, "snapshots/"+commit+"/sub/x.gguf", "->../../../blobs/b1")
	put(t, c.Dir, "snapshots/"+other+"/config.json", "plain")
	put(t, c.Dir, "snapshots/"+other+"/odd.gguf/x", "a folder")
	put(t, c.Dir, "snapshots/"+partly+"/config.json", "plain")
	put(t, c.Dir, "trees/"+partly+".json", `{"format_version": 1, "files": {"config.json": {"size": 5, "blob_id": "b"}, "tokenizer.json": {}, "model.safetensors": {}, "x.bin": {}}}`)
	for _, tt := range []struct{ ref, commit, file, says string }{
		{"hf:o/n", commit, "config.json", ""},
		{"hf:o/n@refs/pr/7", other, "config.json", ""},
		{"hf:o/n@" + other, other, "config.json", ""},
		{"hf:o/n@0123456A", other, "config.json", ""},
		{"hf:o/n@cafe", commit, "config.json", ""},
		{"hf:o/n:sub/x.gguf", commit, "x.gguf", ""},
		{"hf:o/n:sub", commit, "x.gguf", ""},
		{"hf:o/n@0123456", "", "", "begins both"},
		{"hf:o/n@broken", "", "", "no commit"},
		{"hf:o/n@gone", "", "", "hf:o/n@gone is not in the hub cache"},
		{"hf:o/n@v2", "", "", "hf:o/n@v2 is not in the hub cache"},
		{"hf:o/n@f00", "", "", "is not in the hub cache"},
		{"hf:o/n@fffff", "", "", "tokenizer.json is not in the hub cache"},
		{"hf:o/m", "", "", "is not in the hub cache"},
		{"hf:o/n:y.gguf", "", "", "y.gguf is not in the hub cache"},
		{"hf:o/n:config.json", "", "", "want a .gguf file, or a folder"},
		{"hf:o/n@" + other + ":odd.gguf", "", "", "want a .gguf file, or a folder"},
	} {
		s, err := c.Find(parse(t, tt.ref), Model)
		if tt.says != "" {
			var missing *MissingError
			if err == nil || !strings.Contains(err.Error(), tt.says) || errors.As(err, &missing) != strings.Contains(tt.says, "is not in") {
				t.Errorf("%s: %v, want an error that says %q", tt.ref, err, tt.says)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", tt.ref, err)
			continue
		}
		dir, _ := s.FS()
		if data, err := fs.ReadFile(dir, tt.file); s.Ref.Revision != tt.commit || err != nil || len(data) == 0 {
			t.Errorf("%s: %s, %q, %v", tt.ref, s.Ref, data, err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := (Cache{filepath.Join(c.Dir, "none")}).Find(Ref{Repo: "o/n", Revision: "main"}, Model); !errors.As(err, new(*MissingError)) {
		t.Errorf("no cache: %v", err)
	}
}

// TestFindStaysInside: no link of a cache leads out of it.
func TestFindStaysInside(t *testing.T) {
	outside := t.TempDir()
	put(t, outside, "secret", "secret")
	c := Cache{filepath.Join(t.TempDir(), "hub")}
	put(t, c.Dir, "refs/main", commit)
	put(t, c.Dir, "snapshots/"+commit+"/absolute", "->"+filepath.Join(outside, "models--o--n", "secret"))
	put(t, c.Dir, "snapshots/"+commit+"/up", "->../../../../../secret")
	put(t, c.Dir, "snapshots/"+commit+"/good", "->../../blobs/b1")
	put(t, c.Dir, "blobs/b1", "content")
	if err := os.WriteFile(filepath.Join(c.Dir, "..", "secret"), []byte("secret"), 0o666); err != nil {
		t.Fatal(err)
	}
	s, err := c.Find(Ref{Repo: "o/n", Revision: "main"}, Model)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	dir, _ := s.FS()
	for _, name := range []string{"absolute", "up", "../" + commit + "/good", "/etc/passwd"} {
		if data, err := fs.ReadFile(dir, name); err == nil {
			t.Errorf("%s: read %q", name, data)
		}
		if _, err := fs.Stat(dir, name); err == nil {
			t.Errorf("%s: there", name)
		}
	}
	if data, err := fs.ReadFile(dir, "good"); err != nil || string(data) != "content" {
		t.Errorf("good: %q, %v", data, err)
	}
	put(t, c.Dir, "refs/out", "->"+filepath.Join(outside, "models--o--n", "secret"))
	if _, err := c.Find(Ref{Repo: "o/n", Revision: "out"}, Model); err == nil || strings.Contains(err.Error(), `"secret"`) {
		t.Errorf("a ref outside of the cache: %v", err)
	}
}
