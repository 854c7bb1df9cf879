package sexpr

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	d, err := Parse([]byte("# a comment\n(kicad_sch (version 20211123)\n  (at 1.5 -2 90) (name \"a \\\"b\\\"\\n\\\\\") (hide yes) () (data |QUJD\nREVG==|))"), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	root := d.Root()
	if !root.Is("kicad_sch") || root.Value("version") != "20211123" {
		t.Errorf("head %q, version %q", root.Head(), root.Value("version"))
	}
	at := root.List("at")
	if x, ok := at.Float(2); !ok || x != -2 {
		t.Errorf("second number of at: %g, %t", x, ok)
	}
	if _, ok := at.Float(4); ok {
		t.Error("there is no fourth number")
	}
	if got, want := root.Value("name"), "a \"b\"\n\\"; got != want {
		t.Errorf("name %q, want %q", got, want)
	}
	if !root.Has("hide") || root.Has("data") {
		t.Error("hide is yes, and data is no flag")
	}
	if got := root.Value("data"); got != "QUJD\nREVG==" {
		t.Errorf("data %q", got)
	}
	n := 0
	for range root.Lists("") {
		n++
	}
	if n != 6 || at.Line() != 3 {
		t.Errorf("%d lists in the root, want 6; at is in line %d, want 3", n, at.Line())
	}
}

func TestParseRefuses(t *testing.T) {
	for _, tt := range []struct{ text, reason string }{
		{"", "line 1: no list"},
		{"word", "outside of a list"},
		{"(a))", `line 1: ")" without "("`},
		{"(a\n(b)\n(c", `line 3: "(" without ")"`},
		{`(a "b)`, "a string without an end"},
		{`(a "b\`, "a string without an end"},
		{"(a) b", "outside of a list"},
	} {
		_, err := Parse([]byte(tt.text), Limits{})
		if err == nil || !strings.Contains(err.Error(), tt.reason) {
			t.Errorf("%q: error %v, want %q", tt.text, err, tt.reason)
		}
	}
}

func TestLimits(t *testing.T) {
	for name, text := range map[string]string{
		"depth": strings.Repeat("(", 1_000_000),
		"nodes": "(" + strings.Repeat("a ", 2000) + ")",
		"bytes": "(" + strings.Repeat("a", 20_000) + ")",
	} {
		if _, err := Parse([]byte(text), Limits{Bytes: 1_100_000, Nodes: 1000, Depth: 100}); name != "bytes" && !errors.Is(err, ErrLimit) {
			t.Errorf("%s: %v, want a limit", name, err)
		}
		if _, err := Parse([]byte(text), Limits{Bytes: 10_000, Nodes: 1000, Depth: 100}); name == "bytes" && !errors.Is(err, ErrLimit) {
			t.Errorf("%s: %v, want a limit", name, err)
		}
	}
}

func TestRepair(t *testing.T) {
	d, err := Parse([]byte("(pad (teardrops (curved_edges no)filter_ratio 0.9)) (width 1))"), Limits{})
	if err != nil || d.Repairs() != 1 {
		t.Fatalf("%v, want one repair", err)
	}
	if got := d.Root().List("teardrops").Value("filter_ratio"); got != "0.9" || !d.Root().List("width").Valid() {
		t.Errorf("filter_ratio %q in teardrops, width in pad: %t", got, d.Root().List("width").Valid())
	}
}

// TestRealFiles reads every file of KiCad's packages and of ../shared.
func TestRealFiles(t *testing.T) {
	read := 0
	for _, root := range []string{"/usr/share/kicad", "../../../shared/data/kicad"} {
		filepath.WalkDir(root, func(path string, e os.DirEntry, err error) error {
			if err != nil || e.IsDir() || !strings.Contains(".kicad_sch.kicad_pcb.kicad_sym.kicad_mod.net", filepath.Ext(path)) || filepath.Ext(path) == "" {
				return nil
			}
			text, err := os.ReadFile(path)
			if err != nil || !bytes.HasPrefix(bytes.TrimLeft(text, " \t\r\n"), []byte("(")) {
				return nil
			}
			if _, err := Parse(text, Limits{}); err != nil {
				t.Errorf("%s: %v", path, err)
			}
			read++
			return nil
		})
	}
	if read == 0 {
		t.Skip("neither KiCad's packages nor ../shared are here")
	}
	t.Logf("%d files", read)
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"(a (b 1) \"c\\\"\" |QUJD|)", "(a)b", "((((", "#\n(a)", "(a (b)c)"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		d, err := Parse(text, Limits{Bytes: 1 << 16, Nodes: 1 << 12, Depth: 64})
		if err != nil {
			return
		}
		var walk func(n Node) int
		walk = func(n Node) int {
			count := 1
			_, _, _ = n.Text(), n.Line(), n.Source()
			for e := range n.Elements() {
				count += walk(e)
			}
			return count
		}
		count := 0
		for l := range d.Lists() {
			count += walk(l)
		}
		if count != len(d.nodes) {
			t.Fatalf("%d of %d nodes are reached", count, len(d.nodes))
		}
	})
}

func BenchmarkParse(b *testing.B) {
	one := "\t(symbol (lib_id \"Device:R\") (at 123.19 45.72 90) (unit 1)\n\t\t(property \"Reference\" \"R12\" (at 1 2 0) (effects (font (size 1.27 1.27))))\n\t)\n"
	text := []byte("(kicad_sch\n" + strings.Repeat(one, 50_000) + ")")
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if _, err := Parse(text, Limits{}); err != nil {
			b.Fatal(err)
		}
	}
}
