package published

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"
)

// everything runs every scorer on one text, as answer and as reference, and
// returns all that must lie in [0, 1].
func everything(s string) []float64 {
	var shares []float64
	add := func(r Record, keys ...string) {
		for _, k := range keys {
			if x, ok := r.Number(k); ok {
				shares = append(shares, x)
			}
		}
		if _, err := json.Marshal(r); err != nil {
			panic(err)
		}
	}
	add(Symbol(s, s), "composite")
	add(Footprint(s, s), "composite")
	add(SPICE(s, s), "composite", "floating_nodes_low", "component_count_match")
	add(ReadDeck(s).Detail())
	add(SchematicText(s, s), "composite", "structure_score")
	if c, err := Connect(s); err == nil {
		add(c.Record())
	}
	truth, err := ParseExtraction(json.RawMessage(`{"components":[{"ref":"R1"}],"nets":[{"name":"A","pins":[]}]}`))
	if err != nil {
		panic(err)
	}
	add(Extract(s, truth.Enrich(s)), "composite", "net_pins.f1")
	if own, err := ParseExtraction(json.RawMessage(s)); err == nil {
		add(Extract(s, own), "composite")
	}
	erc := ReadERC(s, nil)
	add(erc.Record(), "composite")
	add(Delta(erc, ReadERC(s, &Counts{3, 4})), "composite_v2")
	add(ReadCompletion("(kicad_sch (lib_symbols", s, nil).Record(), "composite")
	first, _, _ := strings.Cut(head(s, 60), "\n") // what is asked for is short
	add(KIKI{Format: "sexpr", Contains: words(first), Unique: words(first)}.Score(s), "overall_score")
	add(Features(s))
	shares = append(shares, Jaccard(s, s), KeywordRate(s, words(first)), min(1, SemanticEquivalence(s, s)))
	ExtractCode(s)
	JudgeIoT(s)
	JudgeScore(s)
	ERCClean(0, s, s)
	add(GSM8K(s, s))
	_, overlap := Leak(s, first)
	Perplexity(s)
	return append(shares, overlap)
}

// FuzzEverything holds that no text makes a scorer panic or leave [0, 1].
func FuzzEverything(f *testing.F) {
	for _, s := range []string{
		"", "```", "```spice\nR1 1 0 1k\n```", "(kicad_sch (version 1) (uuid \"u\") (lib_symbols (symbol \"a\" (pin (at 0 0 0) (number \"1\")))) (symbol (lib_id \"a\") (at 0 0 45) (mirror x) (property \"Reference\" \"R²\")) (wire (pts (xy 0 0) (xy 1 1))) (junction (at 1 1)) (label \"A\" (at 0 0)))",
		"DEF X R 0 0\nF0 \"\"\nF1 \"\"\nF2 \"\"\nDRAW\nX a 1 0 0\nENDDRAW\nENDDEF", "(module x (layer F.Cu) (fp_text r (at -1 0)) (pad 1 smd (size 1 1)))",
		`{"components":[{"ref":"R1"},{"ref":1.0},{"ref":true}],"nets":[{"name":"A","pins":["R1.1",3]}]}`, "\"correct\" : tRue SCORE: 75.5", "ΑΣ İı ſ K ٣.٤\x85\u2028R1 a b", "\\(\\)\"(", "1,000.50", "\xff\xfe(at \xf0",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for i, x := range everything(s) {
			if !(x >= 0 && x <= 1) || math.IsNaN(x) {
				t.Errorf("score %d of %q is %v", i, s, x)
			}
		}
	})
}

// hostile are what naive patterns stumble over, when it is repeated.
var hostile = []string{
	" ", "\n", "\t \n", "`", "```", "```\n", "```spice ", "```spice\n", "(", ")", "()", "\"", "\\", "\\(", "(pin ", "(pin(at 0 0)(number \"1\")", "\\(pin \"(pin ",
	"(symbol ", "(symbol (lib_id \"a\")", "(symbol \"", "(lib_symbols", "(lib_symbols(symbol", "(property \"", "(property \"a\" ", "(label \"", "(label \"a\"(at 0 0 ", "(at ", "(at 1 1 1", "(at 1 1)",
	"(xy 1 1", "(wire(xy 1 1)", "(mirror ", "(mirror xyxy", "DEF ", "DEF a", "ENDDEF", "DEF a ENDDEF ", "X", "X a\n", "X a b\n", "F0\n", "RR\n", "RR ", "R1 a b\n", ".model", ".model\n", ".model a\n", ".end", ".end\n", "\n.end ;", ".ends\n.subckt\n",
	"{", "[", "{\"a\":", "\"\\ud800", "9", "9.", "-", "1e", "{\"ref\":9", "SCORE:", "score: 7.5 ", "\"correct\":", "R1 ", "R1 .", "Σ", "İ", "١", "²", "(net A ", "(net ", "(net A b)", "7 ", "7 erro", "a.1,", "the ", "\x00", "\xff",
}

// TestHostileTexts holds that time grows with the length of a text and not with
// its square.
func TestHostileTexts(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	const size = 1 << 16
	for _, unit := range hostile {
		for _, s := range []string{strings.Repeat(unit, size/len(unit)), "(kicad_sch (lib_symbols (symbol \"a\" " + strings.Repeat(unit, size/len(unit)/2) + strings.Repeat(")", size/2)} {
			start := time.Now()
			everything(s)
			if took := time.Since(start); took > 2*time.Second {
				t.Errorf("%q…: %v for %d KiB", unit, took, size>>10)
			}
		}
	}
}

// TestKeywordRate holds the published rule: a keyword counts once, and a text
// that repeats itself counts for less.
func TestKeywordRate(t *testing.T) {
	keywords := []string{"netlist", ".tran", "subckt", "SPICE"}
	for _, tt := range []struct {
		text string
		want float64
	}{
		{"", 0},
		{"A Netlist with .TRAN", 0.5},
		{"netlist netlist netlist", 0.25},
		{strings.Repeat("netlist ", 11), 0.25 * 0.25}, // 1 word of 11 is another
		{"a b c d netlist netlist netlist netlist netlist netlist netlist", 0.125}, // 5 of 11
		{"a b c d e f g h i j netlist netlist", 0.25},
	} {
		if got := KeywordRate(tt.text, keywords); got != tt.want {
			t.Errorf("KeywordRate(%q) = %v, want %v", tt.text, got, tt.want)
		}
	}
	if got := KeywordRate("x", nil); got != 0 {
		t.Errorf("without keywords: %v", got)
	}
}
