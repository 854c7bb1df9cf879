package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/ailiance/lorabench/env"
	"github.com/ailiance/lorabench/model/demo"
)

const hubCommit = "00112233445566778899aabbccddeeff00112233"

// demoHub serves the embedded base and an adapter as two repositories of a hub, all
// files as LFS contents.
func demoHub(t *testing.T, requests *atomic.Int64) *httptest.Server {
	spice, _ := demo.Adapter("spice")
	repos := map[string]fs.FS{"me/base": demo.Base(), "me/spice": spice}
	mux := http.NewServeMux()
	for name, files := range repos {
		mux.HandleFunc("/api/models/"+name+"/revision/main", func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprintf(w, `{"sha": %q}`, hubCommit)
		})
		mux.HandleFunc("/api/models/"+name+"/tree/"+hubCommit, func(w http.ResponseWriter, _ *http.Request) {
			list, err := fs.ReadDir(files, ".")
			if err != nil {
				t.Error(err)
			}
			var all []map[string]any
			for _, d := range list {
				data, err := fs.ReadFile(files, d.Name())
				if err != nil {
					t.Error(err)
				}
				sum := sha256.Sum256(data)
				all = append(all, map[string]any{"type": "file", "path": d.Name(), "lfs": map[string]any{"oid": hex.EncodeToString(sum[:]), "size": len(data)}})
			}
			json.NewEncoder(w).Encode(all)
		})
		mux.HandleFunc("/"+name+"/resolve/"+hubCommit+"/", func(w http.ResponseWriter, r *http.Request) {
			http.ServeFileFS(w, r, files, path.Base(r.URL.Path))
		})
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return server
}

// TestHub: without --download the network is not used, and what is missing is said;
// with it a run is of one commit, which its evidence names, and a rerun needs the
// cache alone.
func TestHub(t *testing.T) {
	needCgo(t)
	var requests atomic.Int64
	server := demoHub(t, &requests)
	dir, home := t.TempDir(), t.TempDir()
	t.Chdir(dir)
	variables := map[string]string{"HOME": home, "HF_ENDPOINT": server.URL, "HF_TOKEN": "hf_secret"}
	do := func(args ...string) session {
		var out, errs bytes.Buffer
		stdio := env.Stdio{In: strings.NewReader(""), Out: &out, Err: &errs, Width: 100, NoColor: true, Getenv: func(name string) string { return variables[name] }}
		return session{run(t.Context(), stdio, args), out.String(), errs.String()}
	}
	measure := []string{"run", "--model", "hf:me/base", "--adapter", "hf:me/spice", "--tasks", "demo_choice", "--limit", "4"}
	for _, tt := range []struct {
		args []string
		code int
		says string
	}{
		{measure, exitFault, "hint: --download fetches it; or: hf download me/base --revision main"},
		{[]string{"model", "inspect", "hf:me/base@v1"}, exitFault, "--revision v1"},
		{[]string{"model", "inspect", "hf:me/../base"}, exitUsage, "no name of a repository"},
		{[]string{"run", "--model", "hf:me", "--adapter", "x=hf:a/b@..", "--tasks", "demo_choice"}, exitUsage, `no branch, tag or commit`},
		{with(measure, "--data", dir, "--tasks", "nothing", "--download"), exitUsage, "nothing"},
	} {
		if s := do(tt.args...); s.code != tt.code || !strings.Contains(s.err, tt.says) {
			t.Errorf("%v: exit %d, %s", tt.args, s.code, s.err)
		}
	}
	variables["HF_HUB_OFFLINE"] = "1"
	if s := do(with(measure, "--download")...); s.code != exitUsage || !strings.Contains(s.err, "HF_HUB_OFFLINE") {
		t.Errorf("exit %d, %s", s.code, s.err)
	}
	delete(variables, "HF_HUB_OFFLINE")
	if n := requests.Load(); n != 0 {
		t.Fatalf("%d requests without --download", n)
	}

	s := do(with(measure, "--download")...)
	if s.code != 0 || !strings.Contains(s.err, "fetching hf:me/base@"+hubCommit) || strings.Contains(s.out+s.err, "secret") {
		t.Fatalf("exit %d\n%s%s", s.code, s.out, s.err)
	}
	asked := requests.Load()
	settings, _ := filepath.Glob("results/*/*/demo_choice/spice/env.json")
	if len(settings) != 1 {
		t.Fatalf("evidence %v", settings)
	}
	data, err := os.ReadFile(settings[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"hf:me/base@" + hubCommit, "hf:me/spice@" + hubCommit} {
		if !strings.Contains(string(data), want) {
			t.Errorf("env.json does not name %s", want)
		}
	}
	for _, args := range [][]string{
		{"rerun", filepath.Dir(settings[0])},
		with(measure, "--resume"),
		{"model", "inspect", "hf:me/base"},
		{"model", "generate", "hf:me/base@0011", "--adapter", "hf:me/spice", "--prompt", "x", "--max-new-tokens", "2"},
		{"adapter", "check", "demo", "hf:me/spice"},
	} {
		if s := do(args...); s.code != 0 {
			t.Errorf("%v: exit %d, %s", args, s.code, s.err)
		}
	}
	if n := requests.Load() - asked; n != 0 {
		t.Errorf("%d requests without --download", n)
	}
	if s := do("run", "--model", "hf:me/base", "--tasks", "demo_choice", "--limit", "4", "--download"); s.code != 0 || strings.Contains(s.err, "fetching") {
		t.Errorf("exit %d, %s", s.code, s.err)
	}
}
