package reports

import (
	"bytes"
	"encoding/xml"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/ailiance/lorabench"
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

// hostile is a name that would draw a link, a picture, a tag, a table cell, a
// heading, a line, or move the cursor, if it could.
const hostile = "x](http://e.example) ![p](http://e.example/p) <script>alert(1)</script> &lt; |**b**| `c` $d$\n# e\r\x1b[2J\u202e"

// TestHostileNames renders names, notes and reasons that are code everywhere.
func TestHostileNames(t *testing.T) {
	d := hostileData()
	r, err := Build(d, Policy{}, []Refusal{{Name: hostile + "2", Reason: hostile}})
	if err != nil {
		t.Fatal(err)
	}
	for name, render := range map[string]func(io.Writer, *Report) error{
		"summary": Summary, "matrix": Matrix, "lifts": Lifts,
		"scoreboard": func(w io.Writer, r *Report) error { return Scoreboard(w, r, false) },
	} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			if err := render(&b, r); err != nil {
				t.Fatal(err)
			}
			got := b.String()
			for _, bad := range []string{"\x1b", "\u202e", "\r", "\n# e"} {
				if strings.Contains(got, bad) {
					t.Errorf("%q in the rendering", bad)
				}
			}
			switch name {
			case "scoreboard": // plain text shows the rest as it is
			case "lifts":
				if err := xml.Unmarshal(b.Bytes(), new(any)); err != nil || strings.Contains(got, "<script") {
					t.Errorf("not a picture alone: %v", err)
				}
			default:
				inertMarkdown(t, got)
			}
		})
	}
}

// inertMarkdown fails where the parts of hostile are not escaped. Code may hold them.
func inertMarkdown(t *testing.T, got string) {
	t.Helper()
	for line := range strings.Lines(got) {
		if strings.HasPrefix(line, "- Command: ``") {
			continue
		}
		for _, bad := range []string{"](http", "![p]", "<script", " |**b"} {
			if i := strings.Index(line, bad); i >= 0 && (i == 0 || line[i-1] != '\\') {
				t.Errorf("%q in %s", bad, line)
			}
		}
	}
}

// hostileData is two arms whose adapter, notes and reasons are hostile.
func hostileData() Data {
	d := twoArms(20, 15, 3, 1, .05)
	d.Run = fixture().Run
	d.Run.Model = hostile
	d.Run.Command = []string{"lorabench", "run", "--adapter", hostile, "--api-key", "sesame"}
	a := &d.Measurements[1]
	a.Variant.Name, a.Variant.Path = hostile, hostile
	a.Results[0].Scores[0].Note = hostile
	a.Results[1].Scores[0] = lorabench.Score{Metric: "exact_match", Unscored: hostile}
	a.Results[2].Outputs[0].Text = hostile
	a.Results[3].SampleID = hostile
	d.Measurements[0].Results[3].SampleID = hostile
	return d
}

func TestMarkdownEscapes(t *testing.T) {
	for text, want := range map[string]string{
		"arc_easy: −31 points [−38, −24], p < 0.05": "arc_easy: −31 points [−38, −24], p < 0.05",
		"4.0 points": "4.0 points", "1. x": "1\\. x", "# x": "\\# x", "- x": "\\- x", "[a](b)": "\\[a]\\(b)", "a [b][c]": "a [b]\\[c]",
		"_a_": "\\_a\\_", "<b>": "\\<b>", "a < b": "a < b", "&amp;": "\\&amp;", "R & D": "R & D", "a\nb": "a b", "~~a": "\\~\\~a",
	} {
		if got := md(text); got != want {
			t.Errorf("md(%q) = %q, want %q", text, got, want)
		}
	}
}

// TestScoreboardWidth holds the tables to 100 columns with long names.
func TestScoreboardWidth(t *testing.T) {
	d := fixture()
	for i := range d.Measurements {
		if v := &d.Measurements[i].Variant; !v.IsBase() {
			v.Name = "an-adapter-with-a-name-that-says-far-too-much-" + v.Name
		}
	}
	r, err := Build(d, Policy{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := Scoreboard(&b, r, false); err != nil {
		t.Fatal(err)
	}
	tables, _, _ := strings.Cut(b.String(), "note: ")
	for line := range strings.Lines(tables) {
		if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > 100 {
			t.Errorf("%d columns: %s", n, line)
		}
	}
	if !strings.Contains(tables, "forgetful  ") || !strings.Contains(tables, "…") {
		t.Errorf("names are not cut in the middle:\n%s", tables)
	}
}

// A board that shows circuits says whether they were simulated.
func TestScoreboardSaysHowCircuitsAreScored(t *testing.T) {
	for scorer, want := range map[string]string{"spice": "; circuits simulated", "spice_structural": "; FORM ONLY, circuits not simulated", "choice": ""} {
		if got := circuitNote(scorer); got != want {
			t.Errorf("circuitNote(%q) = %q, want %q", scorer, got, want)
		}
	}
}
