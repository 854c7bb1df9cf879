package main

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestReportFormats(t *testing.T) {
	db := testDB(t)
	base, tuned := gained(100)
	storeRun(t, db, testRun, nil, pair("math", base, tuned)...)
	for _, tt := range []struct{ format, want string }{
		{"text", "quiz: acc, points, higher is better"},
		{"md", "math"},
		{"json", `"schema": "lorabench/report/1"`},
		{"csv", "quiz"},
	} {
		t.Run(tt.format, func(t *testing.T) {
			stdout, stderr, code := command(t, "report", "--format", tt.format, "--db", db)
			if code != 0 || stderr != "" || !strings.Contains(stdout, tt.want) {
				t.Errorf("exit code %d, %s%s; want %q in it", code, stdout, stderr, tt.want)
			}
			path := filepath.Join(t.TempDir(), "report")
			if quiet, _, code := command(t, "report", "--format", tt.format, "--db", db, "--out", path); code != 0 || quiet != "" {
				t.Errorf("with --out: exit code %d, standard output %q", code, quiet)
			}
			if text, err := os.ReadFile(path); err != nil || string(text) != stdout {
				t.Errorf("the file is not what is printed: %v", err)
			}
		})
	}
	stdout, _, _ := command(t, "report", "--format", "csv", "--db", db)
	if rows, err := csv.NewReader(strings.NewReader(stdout)).ReadAll(); err != nil || len(rows) != 3 {
		t.Errorf("CSV: %d rows, %v; want 3", len(rows), err)
	}
}

func TestEscape(t *testing.T) {
	for _, tt := range []struct{ text, line, block string }{
		{"plain Ωé 漢字 👩‍🔬", "plain Ωé 漢字 👩‍🔬", "plain Ωé 漢字 👩‍🔬"},
		{"a\nb\tc\rd", `a\nb\tc\rd`, "a\nb\tc\\rd"},
		{"\x1b]0;x\a\x7f\u009b", `\x1b]0;x\a\x7f\u009b`, `\x1b]0;x\a\x7f\u009b`},
		{"\u202egnp.exe\u2028", `\u202egnp.exe\u2028`, `\u202egnp.exe\u2028`},
		{"\xff\ufffd\xc3", `\xff` + "\ufffd" + `\xc3`, `\xff` + "\ufffd" + `\xc3`},
	} {
		if got := oneLine(tt.text); got != tt.line {
			t.Errorf("oneLine(%q) = %q, want %q", tt.text, got, tt.line)
		}
		if got := block(tt.text); got != tt.block {
			t.Errorf("block(%q) = %q, want %q", tt.text, got, tt.block)
		}
	}
}
