package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/ailiance/lorabench/env"
	"github.com/ailiance/lorabench/scorers/sandbox"
)

func TestDoctor(t *testing.T) {
	var doc struct {
		Schema string
		OK     bool
		Checks []map[string]any
	}
	if err := json.Unmarshal(jsonOf(t, "doctor", "--json"), &doc); err != nil {
		t.Fatal(err)
	}
	if doc.Schema != "lorabench/doctor/1" || !doc.OK {
		t.Errorf("schema %s, ok %v; want lorabench/doctor/1, true: these tests run with a database", doc.Schema, doc.OK)
	}
	var names []string
	for _, c := range doc.Checks {
		names = append(names, c["name"].(string))
		for _, key := range []string{"ok", "required", "found", "needed_for"} {
			if _, is := c[key]; !is {
				t.Errorf("%s has no %q", c["name"], key)
			}
		}
	}
	if got := strings.Join(names, " "); got != "build processor kernels cgo database memory disk sandbox ngspice kicad-cli" {
		t.Errorf("checks: %s", got)
	}
	stdout, stderr, code := command(t, "doctor")
	if code != 0 || stderr != "" || !strings.Contains(stdout, "ok       database   SQLite writes and reads back") {
		t.Errorf("exit code %d, %s%s", code, stdout, stderr)
	}
}

func TestFindings(t *testing.T) {
	size := func(n uint64) *uint64 { return &n }
	for _, tt := range []struct {
		name string
		got  finding
		ok   bool
		want string // in found
	}{
		{"vector kernels", kernels("avx2", "vnni", false), true, "f32 avx2, int8 vnni, bf16 none"},
		{"plain kernels", kernels("go", "go", false), false, "many times slower"},
		{"memory", memory(env.Memory{Total: size(8 << 30), Available: size(4 << 30), Limit: size(6 << 30)}), true, "4.0 GiB available of 8.0 GiB, limited to 6.0 GiB"},
		{"little memory", memory(env.Memory{Total: size(8 << 30), Available: size(1 << 29)}), false, "0.5 GiB available"},
		{"memory unknown", memory(env.Memory{}), true, "unknown"},
		{"disk full", disk(env.Disk{Free: size(0)}), false, "0.0 GiB free"},
		{"no sandbox", confinement(sandbox.Protections{Refused: "not Linux"}), false, "not Linux"},
		{"a sandbox", confinement(sandbox.Protections{Mode: "landlock", Landlock: 4, Seccomp: true}), true, "landlock, Landlock 4, seccomp"},
	} {
		if tt.got.OK != tt.ok || !strings.Contains(tt.got.Found, tt.want) {
			t.Errorf("%s: ok %v, %q; want %v, %q", tt.name, tt.got.OK, tt.got.Found, tt.ok, tt.want)
		}
	}
	var text strings.Builder
	if err := printFindings(&text, []finding{{"x", false, false, "\x1b[1mno", "y"}}); err != nil || text.String() != "missing  x          \\x1b[1mno\n                    for y (optional)\n" {
		t.Errorf("printed %q, %v", text.String(), err)
	}
}
