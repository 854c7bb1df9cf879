package reports

import (
	"bytes"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
)

var update = flag.Bool("update", false, "rewrite golden files")

// golden compares got with testdata/name, or writes it with -update.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v (go test -update writes it)", err)
	}
	if !bytes.Equal(got, want) {
		a, b := strings.Split(string(got), "\n"), strings.Split(string(want), "\n")
		for i := range min(len(a), len(b)) {
			if a[i] != b[i] {
				t.Fatalf("%s line %d:\n got %s\nwant %s", name, i+1, a[i], b[i])
			}
		}
		t.Fatalf("%s: %d lines, want %d", name, len(a), len(b))
	}
}

// rendered renders twice from data built twice: same data, same bytes.
func rendered(t *testing.T, render func(io.Writer, *Report) error) []byte {
	t.Helper()
	var bytesOf [2]bytes.Buffer
	for i := range bytesOf {
		r, err := fixtureReport()
		if err != nil {
			t.Fatal(err)
		}
		if err := render(&bytesOf[i], r); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(bytesOf[0].Bytes(), bytesOf[1].Bytes()) {
		t.Error("two renderings of the same data differ")
	}
	return bytesOf[0].Bytes()
}

func TestScoreboard(t *testing.T) {
	got := rendered(t, func(w io.Writer, r *Report) error { return Scoreboard(w, r, false) })
	for i, line := range strings.Split(string(got), "\n") {
		if strings.HasPrefix(line, "note: ") || strings.Contains(line, ": ") {
			continue // prose
		}
		if n := utf8.RuneCountInString(line); n > 100 {
			t.Errorf("line %d is %d columns wide, want 100", i+1, n)
		}
	}
	if bytes.Contains(got, []byte("\x1b")) {
		t.Error("colour without being asked")
	}
	golden(t, "scoreboard.txt", got)
	coloured := rendered(t, func(w io.Writer, r *Report) error { return Scoreboard(w, r, true) })
	if !bytes.Contains(coloured, []byte("\x1b[31mBREACH\x1b[0m")) {
		t.Error("no colour though asked")
	}
}

func TestRenderings(t *testing.T) {
	for name, render := range map[string]func(io.Writer, *Report) error{
		"SUMMARY.md": Summary, "compare_base_vs_lora.md": Matrix, "report.json": JSON, "report.csv": CSV,
	} {
		t.Run(name, func(t *testing.T) {
			got := rendered(t, render)
			if bytes.Contains(got, []byte("NaN")) || bytes.Contains(got, []byte("%!")) {
				t.Error("NaN or a broken format in the rendering")
			}
			golden(t, name, got)
		})
	}
}

func TestLifts(t *testing.T) { golden(t, "lifts.svg", rendered(t, Lifts)) }
