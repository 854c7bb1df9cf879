package hub

import (
	"bytes"
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	commit = "0123456789abcdef0123456789abcdef01234567"
	token  = "hf_secret"
)

// fakeHub serves one repository as the hub does: contents of LFS are at another host.
type fakeHub struct {
	*httptest.Server
	store *httptest.Server // where LFS contents are
	files map[string][]byte
	lfs   map[string]bool
	sizes map[string]int64 // what the list says, where it is not true
	page  int              // files a page of the list; 0: all

	// spoil may answer instead. It is given the file's path, or "" for the API.
	spoil func(w http.ResponseWriter, r *http.Request, file string) bool

	mu     sync.Mutex
	served map[string][]string // Range headers by file
	tokens map[string]string   // Authorization by host
}

func newFakeHub(t *testing.T, files map[string][]byte) *fakeHub {
	h := &fakeHub{files: files, lfs: map[string]bool{}, sizes: map[string]int64{}, served: map[string][]string{}, tokens: map[string]string{}}
	for name := range files {
		h.lfs[name] = path.Ext(name) == ".safetensors" || path.Ext(name) == ".gguf"
	}
	h.Server = httptest.NewServer(http.HandlerFunc(h.hub))
	h.store = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.note(r, "store")
		h.content(w, r, strings.TrimPrefix(r.URL.Path, "/"))
	}))
	t.Cleanup(h.Close)
	t.Cleanup(h.store.Close)
	return h
}

func (h *fakeHub) note(r *http.Request, host string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.tokens[host] = r.Header.Get("Authorization")
}

func (h *fakeHub) hub(w http.ResponseWriter, r *http.Request) {
	h.note(r, "hub")
	const api = "/api/models/org/name/"
	switch file, isFile := strings.CutPrefix(r.URL.Path, "/org/name/resolve/"+commit+"/"); {
	case isFile && h.lfs[file]:
		http.Redirect(w, r, h.store.URL+"/"+file+"?signature=secret", http.StatusFound)
	case isFile:
		h.content(w, r, file)
	case h.spoil != nil && h.spoil(w, r, ""):
	case r.URL.EscapedPath() == api+"revision/main", r.URL.EscapedPath() == api+"revision/feature%2Fx":
		fmt.Fprintf(w, `{"sha": %q, "private": false}`, commit)
	case r.URL.Path == api+"tree/"+commit && r.URL.Query().Get("recursive") == "true":
		h.tree(w, r)
	case strings.HasPrefix(r.URL.Path, api):
		w.Header().Set("X-Error-Code", "RevisionNotFound")
		http.Error(w, `{"error":"Invalid rev id"}`, http.StatusNotFound)
	default:
		w.Header().Set("X-Error-Code", "RepoNotFound")
		http.Error(w, `{"error":"Repository not found"}`, http.StatusUnauthorized)
	}
}

func (h *fakeHub) tree(w http.ResponseWriter, r *http.Request) {
	all := []entry{{Type: "directory", Path: "docs", OID: strings.Repeat("d", 40)}}
	for _, name := range slices.Sorted(maps.Keys(h.files)) {
		all = append(all, h.entry(name))
	}
	from := 0
	fmt.Sscan(r.URL.Query().Get("cursor"), &from)
	if h.page > 0 && from+h.page < len(all) {
		w.Header().Set("Link", fmt.Sprintf(`<%s%s?recursive=true&cursor=%d>; rel="next"`, h.URL, r.URL.Path, from+h.page))
		all = all[:from+h.page]
	}
	json.NewEncoder(w).Encode(all[from:])
}

func (h *fakeHub) entry(name string) entry {
	data := h.files[name]
	size, ok := h.sizes[name]
	if !ok {
		size = int64(len(data))
	}
	sum := sha1.Sum(fmt.Appendf(nil, "blob %d\x00%s", len(data), data))
	e := entry{Type: "file", Path: name, OID: hex.EncodeToString(sum[:]), Size: size}
	if h.lfs[name] {
		sum := sha256.Sum256(data)
		json.Unmarshal(fmt.Appendf(nil, `{"oid": %q, "size": %d}`, hex.EncodeToString(sum[:]), size), &e.LFS)
	}
	return e
}

func (h *fakeHub) content(w http.ResponseWriter, r *http.Request, file string) {
	h.mu.Lock()
	h.served[file] = append(h.served[file], r.Header.Get("Range"))
	h.mu.Unlock()
	if h.spoil != nil && h.spoil(w, r, file) {
		return
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(h.files[file]))
}

func (h *fakeHub) requests(file string) []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.served[file])
}

// said collects what a client tells.
type said struct {
	mu    sync.Mutex
	lines []string
}

func (s *said) say(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines = append(s.lines, fmt.Sprintf(format, args...))
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.lines, "\n")
}

func (h *fakeHub) client(told *said) Client {
	return Client{Endpoint: h.URL, Token: token, Idle: 5 * time.Second, Pause: time.Millisecond, Say: told.say}
}

func noise(n int) []byte {
	data := make([]byte, n)
	r := rand.New(rand.NewPCG(uint64(n), 1))
	for i := range data {
		data[i] = byte(r.IntN(256))
	}
	return data
}

// model is a repository as they are: with files that nobody here reads.
func model() map[string][]byte {
	return map[string][]byte{
		"config.json": []byte("{}"), "tokenizer.json": []byte(`{"model": "é"}`), "tokenizer_config.json": nil, "README.md": []byte("x"),
		"model.safetensors": noise(300_000), "pytorch_model.bin": noise(100), "onnx/model.safetensors": noise(10), "docs/config.json": []byte("no"),
		"model-Q4_0.gguf": noise(5000), "adapters/a/adapter_config.json": []byte("{}"), "adapters/a/adapter_model.safetensors": noise(2000),
	}
}

func parse(t *testing.T, text string) Ref {
	t.Helper()
	r, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// listing is every file of a folder: a link's target, or a content's length.
func listing(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		short, _ := filepath.Rel(dir, name)
		if target, err := os.Readlink(name); err == nil {
			all[short] = target
			return nil
		}
		info, err := d.Info()
		all[short] = fmt.Sprint(info.Size())
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestFetch: the cache has afterwards what huggingface_hub would have made, what is
// needed and no more; a second time nothing is fetched; and it is found offline.
func TestFetch(t *testing.T) {
	h := newFakeHub(t, model())
	h.page = 3
	c := Cache{filepath.Join(t.TempDir(), "hub")}
	told := &said{}
	s, err := c.Fetch(t.Context(), h.client(told), parse(t, "hf:org/name"), Model)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if s.Ref.String() != "hf:org/name@"+commit {
		t.Errorf("found %s", s.Ref)
	}
	want := map[string]string{"refs/main": "40"}
	for _, name := range []string{"config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors"} {
		e := h.entry(name)
		want["blobs/"+e.blob()] = fmt.Sprint(e.size())
		want["snapshots/"+commit+"/"+name] = "../../blobs/" + e.blob()
	}
	if got := listing(t, filepath.Join(c.Dir, "models--org--name")); !maps.Equal(got, want) {
		t.Errorf("the cache has\n%v, want\n%v", got, want)
	}
	if h.tokens["hub"] != "Bearer "+token || h.tokens["store"] != "" {
		t.Errorf("tokens %v: want one at the hub only", h.tokens)
	}
	for range 2 {
		dir, name := s.FS()
		if data, err := fs.ReadFile(dir, "model.safetensors"); name != "." || err != nil || !bytes.Equal(data, h.files["model.safetensors"]) {
			t.Errorf("%s, %d bytes, error %v", name, len(data), err)
		}
		if s, err = c.Find(parse(t, "hf:org/name@"+commit[:7]), Model); err != nil {
			t.Fatal(err)
		}
		defer s.Close()
	}
	for _, other := range []string{"hf:org/name@feature/x", "hf:org/name@" + commit, "hf:org/name:adapters/a", "hf:org/name:model-Q4_0.gguf"} {
		kind := Model
		if strings.Contains(other, "adapters") {
			kind = Adapter
		}
		s, err := c.Fetch(t.Context(), h.client(told), parse(t, other), kind)
		if err != nil {
			t.Fatal(err)
		}
		dir, name := s.FS()
		if _, err := fs.Stat(dir, map[Kind]string{Model: name, Adapter: "adapter_model.safetensors"}[kind]); err != nil {
			t.Errorf("%s: %v", other, err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	got := listing(t, filepath.Join(c.Dir, "models--org--name"))
	if link := got["snapshots/"+commit+"/adapters/a/adapter_config.json"]; !strings.HasPrefix(link, "../../../../blobs/") || got["refs/feature/x"] != "40" {
		t.Errorf("link %s; %v", link, got)
	}
	for name := range h.files {
		if n := len(h.requests(name)); n > 1 {
			t.Errorf("%s was fetched %d times", name, n)
		}
	}
	if strings.Contains(told.String(), "secret") || !strings.Contains(told.String(), "4 files, 293 KiB") {
		t.Errorf("said:\n%s", told)
	}
}

// TestFetchShards: an index names the weights.
func TestFetchShards(t *testing.T) {
	files := map[string][]byte{
		"config.json": []byte("{}"), "a.safetensors": noise(10), "b.safetensors": noise(20), "consolidated.safetensors": noise(99),
		"model.safetensors.index.json": []byte(`{"weight_map": {"x": "a.safetensors", "y": "b.safetensors", "z": "a.safetensors"}}`),
	}
	h := newFakeHub(t, files)
	c := Cache{t.TempDir()}
	s, err := c.Fetch(t.Context(), h.client(&said{}), parse(t, "hf:org/name"), Model)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	dir, _ := s.FS()
	if names, err := fs.Glob(dir, "*"); err != nil || !slices.Equal(names, []string{"a.safetensors", "b.safetensors", "config.json", "model.safetensors.index.json"}) {
		t.Errorf("files %v, error %v", names, err)
	}
	for _, bad := range []string{"../../x.safetensors", "c.safetensors", "config.json", "sub/a.safetensors"} {
		h.files["model.safetensors.index.json"] = fmt.Appendf(nil, `{"weight_map": {"x": %q}}`, bad)
		h.files["sub/a.safetensors"] = noise(3)
		if _, err := c.Fetch(t.Context(), h.client(&said{}), parse(t, "hf:org/name"), Model); err == nil || !strings.Contains(err.Error(), bad) {
			t.Errorf("an index that names %s: error %v", bad, err)
		}
	}
}

// cut sends the first n bytes of what was asked for, and breaks off.
func cut(h *fakeHub, w http.ResponseWriter, r *http.Request, file string, n int) {
	from := 0
	fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-", &from)
	data := h.files[file]
	w.Header().Set("Content-Length", fmt.Sprint(len(data)-from))
	if from > 0 {
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, len(data)-1, len(data)))
		w.WriteHeader(http.StatusPartialContent)
	}
	w.Write(data[from : from+n])
	w.(http.Flusher).Flush()
	panic(http.ErrAbortHandler)
}

// TestFetchResumes: after a broken connection, in the same process or another, the
// rest is asked for and no more, whatever the server makes of that.
func TestFetchResumes(t *testing.T) {
	const file = "model.safetensors"
	blob := func(h *fakeHub, c Cache) string {
		return filepath.Join(c.Dir, "models--org--name", "blobs", h.entry(file).blob())
	}
	for _, tt := range []struct {
		name  string
		spoil func(h *fakeHub) func(w http.ResponseWriter, r *http.Request, file string, n int) bool // n-th request
		there []byte                                                                                 // of an earlier attempt
		want  []string                                                                               // ranges
	}{
		{"the connection breaks twice", func(h *fakeHub) func(w http.ResponseWriter, r *http.Request, file string, n int) bool {
			return func(w http.ResponseWriter, r *http.Request, file string, n int) bool {
				if n < 2 {
					cut(h, w, r, file, 100_000)
				}
				return false
			}
		}, nil, []string{"", "bytes=100000-", "bytes=200000-"}},
		{"an earlier process", nil, noise(300_000)[:7], []string{"bytes=7-"}},
		{"an earlier process had all", nil, noise(300_000), nil},
		{"an earlier process had too much", nil, append(noise(300_000), 1), []string{""}},
		{"an earlier process had something else", nil, []byte("something else"), []string{"bytes=14-", ""}},
		{"an earlier process had as much of something else", nil, noise(300_001)[:300_000], []string{""}},
		{"no ranges", func(h *fakeHub) func(w http.ResponseWriter, r *http.Request, file string, n int) bool {
			return func(w http.ResponseWriter, r *http.Request, file string, n int) bool {
				w.Write(h.files[file])
				return true
			}
		}, noise(300_000)[:7], []string{"bytes=7-"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := newFakeHub(t, model())
			if tt.spoil != nil {
				spoil, n := tt.spoil(h), 0
				h.spoil = func(w http.ResponseWriter, r *http.Request, f string) bool {
					if f != file {
						return false
					}
					n++
					return spoil(w, r, f, n-1)
				}
			}
			c := Cache{t.TempDir()}
			if tt.there != nil {
				if err := os.MkdirAll(filepath.Dir(blob(h, c)), 0o777); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(blob(h, c)+".incomplete", tt.there, 0o666); err != nil {
					t.Fatal(err)
				}
			}
			s, err := c.Fetch(t.Context(), h.client(&said{}), parse(t, "hf:org/name"), Model)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			if got := h.requests(file); !slices.Equal(got, tt.want) {
				t.Errorf("ranges %q, want %q", got, tt.want)
			}
			if data, err := os.ReadFile(blob(h, c)); err != nil || !bytes.Equal(data, h.files[file]) {
				t.Errorf("%d bytes, error %v", len(data), err)
			}
			if _, err := os.Stat(blob(h, c) + ".incomplete"); err == nil {
				t.Error("the incomplete file is still there")
			}
		})
	}
}

// TestFetchFails: each fault is one error that says what is wrong; nothing that is
// not whole can be found; the token is in no message; and afterwards it goes on.
func TestFetchFails(t *testing.T) {
	const file = "model.safetensors"
	status := func(code int, header ...string) func(h *fakeHub, w http.ResponseWriter, r *http.Request, f string) bool {
		return func(_ *fakeHub, w http.ResponseWriter, _ *http.Request, f string) bool {
			if f == file || f == "" && code/100 == 4 {
				for i := 0; i < len(header); i += 2 {
					w.Header().Set(header[i], header[i+1])
				}
				http.Error(w, "sorry", code)
				return true
			}
			return false
		}
	}
	onFile := func(do func(h *fakeHub, w http.ResponseWriter, r *http.Request)) func(h *fakeHub, w http.ResponseWriter, r *http.Request, f string) bool {
		return func(h *fakeHub, w http.ResponseWriter, r *http.Request, f string) bool {
			if f == file {
				do(h, w, r)
			}
			return f == file
		}
	}
	for _, tt := range []struct {
		name  string
		spoil func(h *fakeHub, w http.ResponseWriter, r *http.Request, f string) bool
		says  string
		tries int // requests of the file
	}{
		{"401", status(401, "X-Error-Code", "RepoNotFound"), "HF_TOKEN", 0},
		{"403 gated", status(403, "X-Error-Code", "GatedRepo", "X-Error-Message", "Access to model org/name is restricted"), "access has to be asked for", 0},
		{"404 revision", status(404, "X-Error-Code", "RevisionNotFound"), "no such revision", 0},
		{"429", status(429, "Retry-After", "0"), "429", 0},
		{"429 for hours", status(429, "Retry-After", "7200"), "2h0m0s", 0},
		{"503", status(503), "503", attempts},
		{"content of the same length", onFile(func(h *fakeHub, w http.ResponseWriter, r *http.Request) { w.Write(noise(300_001)[:300_000]) }), "another hash", 1},
		{"too short", onFile(func(h *fakeHub, w http.ResponseWriter, r *http.Request) { w.Write(h.files[file][:1000]) }), "sends 1000 bytes, want 300000", 1},
		{"too long", onFile(func(h *fakeHub, w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "300001")
			w.Write(noise(300_001))
		}), "sends 300001 bytes, want 300000", 1},
		{"too long, and does not say so", onFile(func(h *fakeHub, w http.ResponseWriter, r *http.Request) {
			w.Write(noise(300_001))
			w.(http.Flusher).Flush()
		}), "more than the 300000 bytes", 1},
		{"breaks off again and again", onFile(func(h *fakeHub, w http.ResponseWriter, r *http.Request) { cut(h, w, r, file, 10) }), "unexpected EOF", attempts},
		{"wrong range", onFile(func(h *fakeHub, w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Range") == "" {
				cut(h, w, r, file, 10)
			}
			w.Header().Set("Content-Range", "bytes 0-299999/300000")
			w.WriteHeader(http.StatusPartialContent)
		}), `want "bytes 10-299999/300000"`, 2},
		{"416", onFile(func(h *fakeHub, w http.ResponseWriter, r *http.Request) { w.WriteHeader(416) }), "less than 1 bytes", 1},
		{"redirects in a circle", onFile(func(h *fakeHub, w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, r.URL.Path, http.StatusFound)
		}), "more than 10", 9},
		{"silence", onFile(func(h *fakeHub, w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "300000")
			w.Write(h.files[file][:10])
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}), "sends nothing", attempts},
		{"not JSON", func(_ *fakeHub, w http.ResponseWriter, _ *http.Request, f string) bool {
			if f == "" {
				fmt.Fprint(w, "<html>welcome to the hotel's network</html>")
			}
			return f == ""
		}, "not what the hub answers", 0},
		{"no commit", func(_ *fakeHub, w http.ResponseWriter, _ *http.Request, f string) bool {
			if f == "" {
				fmt.Fprint(w, `{"sha": "../../../etc"}`)
			}
			return f == ""
		}, "is no commit", 0},
		{"the list goes on elsewhere", func(_ *fakeHub, w http.ResponseWriter, r *http.Request, f string) bool {
			if strings.Contains(r.URL.Path, "/tree/") {
				w.Header().Set("Link", `<http://elsewhere.example/x>; rel="next"`)
				fmt.Fprint(w, `[]`)
				return true
			}
			return false
		}, "another host", 0},
		{"the list has no end", func(h *fakeHub, w http.ResponseWriter, r *http.Request, f string) bool {
			if strings.Contains(r.URL.Path, "/tree/") {
				w.Header().Set("Link", fmt.Sprintf(`<%s>; rel="next"`, r.URL))
				fmt.Fprint(w, `[{"type": "file", "path": "../config.json"}]`)
				return true
			}
			return false
		}, "without end", 0},
		{"no hash", func(h *fakeHub, w http.ResponseWriter, r *http.Request, f string) bool {
			if strings.Contains(r.URL.Path, "/tree/") {
				e := h.entry(file)
				e.LFS.OID = "../" + e.LFS.OID[3:]
				json.NewEncoder(w).Encode([]entry{h.entry("config.json"), e})
				return true
			}
			return false
		}, "no hash", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := newFakeHub(t, model())
			h.spoil = func(w http.ResponseWriter, r *http.Request, f string) bool { return tt.spoil(h, w, r, f) }
			c := Cache{t.TempDir()}
			told := &said{}
			client := h.client(told)
			client.Idle = 200 * time.Millisecond
			ref := parse(t, "hf:org/name")
			_, err := c.Fetch(t.Context(), client, ref, Model)
			if err == nil || !strings.Contains(err.Error(), tt.says) || strings.Count(err.Error(), "\n") > 0 {
				t.Fatalf("error %v, want one that says %q", err, tt.says)
			}
			t.Log(err)
			if text := err.Error() + told.String(); strings.Contains(text, "secret") {
				t.Errorf("a secret is told:\n%s", text)
			}
			if n := len(h.requests(file)); n != tt.tries {
				t.Errorf("%d requests, want %d", n, tt.tries)
			}
			var missing *MissingError
			if _, err := c.Find(ref, Model); !errors.As(err, &missing) {
				t.Errorf("Find: %v, want a MissingError", err)
			}
			if _, err := os.Stat(filepath.Join(c.Dir, "models--org--name", "blobs", h.entry(file).blob())); err == nil {
				t.Error("a content that is not whole has its name")
			}
			h.spoil = nil
			s, err := c.Fetch(t.Context(), h.client(told), ref, Model)
			if err != nil {
				t.Fatal(err)
			}
			s.Close()
		})
	}
}

// TestFetchWaits: 429 and 5xx are waited for and tried again.
func TestFetchWaits(t *testing.T) {
	h := newFakeHub(t, model())
	n := 0
	h.spoil = func(w http.ResponseWriter, r *http.Request, f string) bool {
		n++
		switch {
		case f == "model.safetensors" && n%2 == 1:
			w.Header().Set("Retry-After", "0")
			http.Error(w, "slowly", http.StatusTooManyRequests)
		case f == "" && n < 3:
			http.Error(w, "later", http.StatusBadGateway)
		default:
			return false
		}
		return true
	}
	told := &said{}
	s, err := Cache{t.TempDir()}.Fetch(t.Context(), h.client(told), parse(t, "hf:org/name"), Model)
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
	if !strings.Contains(told.String(), "502") {
		t.Errorf("said:\n%s", told)
	}
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Duration{
		"": 0, "7": 7 * time.Second, "-7": 0, "x": 0, "99999999999": 0, now.Add(time.Minute).Format(http.TimeFormat): time.Minute, now.Add(-time.Minute).Format(http.TimeFormat): 0,
	} {
		if got := retryAfter(text, now); got != want {
			t.Errorf("Retry-After %q: %s, want %s", text, got, want)
		}
	}
}

// TestFetchInterrupted: what came before Ctrl-C is kept, and gone on with.
func TestFetchInterrupted(t *testing.T) {
	const file = "model.safetensors"
	h := newFakeHub(t, model())
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	h.spoil = func(w http.ResponseWriter, r *http.Request, f string) bool {
		if f != file {
			return false
		}
		w.Header().Set("Content-Length", "300000")
		w.Write(h.files[file][:50_000])
		w.(http.Flusher).Flush()
		time.AfterFunc(100*time.Millisecond, cancel)
		<-r.Context().Done()
		return true
	}
	c := Cache{t.TempDir()}
	if _, err := c.Fetch(ctx, h.client(&said{}), parse(t, "hf:org/name"), Model); !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v, want that of the context", err)
	}
	h.spoil = nil
	s, err := c.Fetch(t.Context(), h.client(&said{}), parse(t, "hf:org/name"), Model)
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
	if got := h.requests(file); !slices.Equal(got, []string{"", "bytes=50000-"}) {
		t.Errorf("ranges %q", got)
	}
}

// TestFetchTwice: of two that fetch the same, one does, and both have it.
func TestFetchTwice(t *testing.T) {
	h := newFakeHub(t, model())
	c := Cache{t.TempDir()}
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			s, err := c.Fetch(t.Context(), h.client(&said{}), Ref{Repo: "org/name", Revision: "main"}, Model)
			if err != nil {
				t.Error(err)
				return
			}
			s.Close()
		})
	}
	all.Wait()
	for name := range h.files {
		if n := len(h.requests(name)); n > 1 {
			t.Errorf("%s was fetched %d times", name, n)
		}
	}
}

// TestFetchNothing: a repository without what is asked for says what it has.
func TestFetchNothing(t *testing.T) {
	for _, tt := range []struct {
		files []string
		ref   string
		kind  Kind
		says  string
	}{
		{[]string{"a-Q8_0.gguf", "b.gguf"}, "hf:org/name", Model, "hf:org/name:FILE: a-Q8_0.gguf, b.gguf"},
		{[]string{"a.gguf"}, "hf:org/name:b.gguf", Model, "no file b.gguf"},
		{[]string{"config.json", "pytorch_model.bin"}, "hf:org/name", Model, "pickles"},
		{[]string{"config.json", "model.safetensors"}, "hf:org/name", Adapter, "no adapter: there is no adapter_config.json"},
		{[]string{"adapter_config.json", "adapter_model.bin"}, "hf:org/name", Adapter, "adapters.safetensors"},
		{[]string{"config.json"}, "hf:org/other", Model, "no such repository"},
		{[]string{"config.json"}, "hf:org/name@nowhere", Model, "no such revision"},
	} {
		files := map[string][]byte{}
		for _, name := range tt.files {
			files[name] = []byte(name)
		}
		h := newFakeHub(t, files)
		if _, err := (Cache{t.TempDir()}).Fetch(t.Context(), h.client(&said{}), parse(t, tt.ref), tt.kind); err == nil || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s with %v: error %v, want one that says %q", tt.ref, tt.files, err, tt.says)
		}
	}
	for _, bad := range []string{"huggingface.co", "ftp://x", "https://me:pass@x", ":"} {
		if _, err := (Cache{t.TempDir()}).Fetch(t.Context(), Client{Endpoint: bad}, parse(t, "hf:org/name"), Model); err == nil || !strings.Contains(err.Error(), "HF_ENDPOINT") {
			t.Errorf("endpoint %q: error %v", bad, err)
		}
	}
}
