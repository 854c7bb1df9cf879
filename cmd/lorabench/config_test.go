package main

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestConfigFile(t *testing.T) {
	needCgo(t)
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "lorabench.yaml"), `model: demo
adapter:
  helps: spice
tasks: [demo_choice]
limit: 3
quiet: true
gate:
  tasks:
    demo_choice: {margin: 0.5}
`)
	s := try(t, t.Context(), dir, "run", "--limit", "2")
	if s.code != exitDone || !strings.Contains(s.out, "helps") || !strings.Contains(s.out, "policy sha256:") || s.err != "" {
		t.Errorf("exit %d\n%s%s", s.code, s.out, s.err)
	}
	if n := samplesIn(filepath.Join(dir, "lorabench.db")); n != 4 { // the command line's limit, two variants
		t.Errorf("%d samples measured, want 4", n)
	}
}

func TestConfigFileIsStrict(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"unknown key", "model: demo\nmodle: x\n", "line 2: unknown key modle"},
		{"resume is no setting", "resume: true\n", "line 1: unknown key resume"},
		{"twice", "limit: 1\nlimit: 2\n", "lorabench.yaml: line 2: "},
		{"bad value", "model: demo\n\nthreads: many\n", "line 3: threads: "},
		{"bad choice", "order: sorted\n", "want random or dataset"},
		{"nested", "tasks: [[a]]\n", "line 1: tasks: want a text"},
		{"a list", "- model\n", "line 1: want one mapping"},
		{"no YAML", "model: [\n", "lorabench.yaml: line 1: "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			writeFile(t, filepath.Join(dir, "lorabench.yaml"), tt.text)
			s := try(t, t.Context(), dir, "run", "--model", "demo", "--tasks", "demo_choice", "--limit", "1")
			if s.code != exitUsage || !strings.Contains(s.err, tt.want) {
				t.Errorf("exit %d, want %d and a message with %q\n%s%s", s.code, exitUsage, tt.want, s.out, s.err)
			}
		})
	}
}
