package pystr

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"testing"
	"unicode/utf8"
)

// Wanted values were printed by Python 3.11.

func TestIsSpace(t *testing.T) {
	want := map[rune]bool{}
	for _, r := range []rune{
		0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x1c, 0x1d, 0x1e, 0x1f, 0x20, 0x85, 0xa0, 0x1680, 0x2000, 0x2001, 0x2002, 0x2003,
		0x2004, 0x2005, 0x2006, 0x2007, 0x2008, 0x2009, 0x200a, 0x2028, 0x2029, 0x202f, 0x205f, 0x3000,
	} {
		want[r] = true
	}
	for r := rune(0); r <= utf8.MaxRune; r++ {
		if got := IsSpace(r); got != want[r] {
			t.Errorf("IsSpace(%U) = %v, want %v", r, got, want[r])
		}
	}
}

func TestStrings(t *testing.T) {
	for _, tt := range []struct {
		name string
		f    func(string) string
		in   string
		want string
	}{
		{"strip", Strip, "\x1c\u3000 a b\u00a0\x1f\n", "a b"},
		{"strip keeps U+200B", Strip, "\u200b ", "\u200b"},
		{"strip of nothing", Strip, "", ""},
		{"capitalize lowers the rest", Capitalize, "then, The Man", "Then, the man"},
		{"capitalize of nothing", Capitalize, "", ""},
		{"capitalize sharp s", Capitalize, "ß a", "Ss a"},
		{"capitalize a ligature", Capitalize, "ﬁne DAY", "Fine day"},
		{"capitalize a digraph", Capitalize, "ǆ", "ǅ"},
		{"capitalize a space first", Capitalize, " ABC", " abc"},
		{"capitalize a final sigma", Capitalize, "ΑΣ ΣΑΣ", "Ας σας"},
		{"capitalize a lone sigma", Capitalize, "ΣΑ", "Σα"},
		{"capitalize a dotted I", Capitalize, "İSTANBUL I", "İstanbul i"},
		{"lower first of a dotted I", LowerFirst, "İki KIZ", "i̇ki KIZ"},
		{"lower first", LowerFirst, "Era Fragile.", "era Fragile."},
		{"lower first of nothing", LowerFirst, "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.f(tt.in); got != tt.want {
				t.Errorf("%q -> %q, want %q", tt.in, got, tt.want)
			}
		})
	}
}

func TestCountSplit(t *testing.T) {
	for _, tt := range []struct {
		in   string
		want int
	}{
		{"", 1}, {" ", 2}, {"a", 1}, {" a", 2}, {"a b", 2}, {" a  b\n", 4}, {"a\x1cb\u00a0c", 3}, {"a\u200bb", 1},
	} {
		if got := CountSplit(tt.in); got != tt.want {
			t.Errorf("CountSplit(%q) = %d, want %d", tt.in, got, tt.want)
		}
	}
}

// TestCapitalizeVectors holds what lm-eval's machine printed.
func TestCapitalizeVectors(t *testing.T) {
	raw, err := os.ReadFile("../../../shared/vectors/lm-eval/vectors.json")
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("../shared is not there")
	}
	if err != nil {
		t.Fatal(err)
	}
	var v struct {
		Capitalize []string `json:"capitalize"`
	}
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	in := []string{"then, The Man", "école X", "ǆ", "ß a", ""}
	if len(v.Capitalize) != len(in) {
		t.Fatalf("%d vectors, want %d", len(v.Capitalize), len(in))
	}
	for i, want := range v.Capitalize {
		if got := Capitalize(in[i]); got != want {
			t.Errorf("Capitalize(%q) = %q, want %q", in[i], got, want)
		}
	}
}
