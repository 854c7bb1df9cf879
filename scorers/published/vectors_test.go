package published

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"sort"
	"strings"
	"testing"
)

// vectorsDir holds the published records and synthetic ones made by the
// published scripts.
const vectorsDir = "../../../shared/vectors/ailiance"

// vector is one record of the vectors.
type vector struct {
	Task           string
	Model          string
	ID             string
	Prompt         string
	Prefix         string
	Domain         string
	SyntaxFormat   string `json:"syntax_format"`
	Expected       json.RawMessage
	ExpectedCounts struct {
		Pins *int `json:"expected_pin_count"`
		Pads *int `json:"expected_pad_count"`
	} `json:"expected_counts"`
	Generated    json.RawMessage
	Tool         json.RawMessage
	SampleScores []json.RawMessage `json:"sample_scores"`
	Scores       json.RawMessage
	Detail       json.RawMessage
}

func readVectors(t *testing.T, path string) []vector {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 64<<20)
	var all []vector
	for lines.Scan() {
		var v vector
		if err := json.Unmarshal(lines.Bytes(), &v); err != nil {
			t.Fatalf("%s: record %d: %v", path, len(all)+1, err)
		}
		all = append(all, v)
	}
	if err := lines.Err(); err != nil || len(all) == 0 {
		t.Fatalf("%s: %d records, %v", path, len(all), err)
	}
	return all
}

func vectorFiles(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(vectorsDir, "*.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Skipf("no vectors in %s", vectorsDir)
	}
	sort.Strings(files)
	return files
}

// decode reads JSON so that 1, 1.0 and true differ, and keys keep their order.
func decode(t *testing.T, raw json.RawMessage) any {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(string(raw)))
	d.UseNumber()
	v, err := decodeNext(d)
	if err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	return v
}

// member is a key of an object, as decode gives it.
type member struct {
	key   string
	value any
}

func decodeNext(d *json.Decoder) (any, error) {
	token, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch token {
	case json.Delim('{'):
		all := []member{}
		for d.More() {
			key, err := d.Token()
			if err != nil {
				return nil, err
			}
			v, err := decodeNext(d)
			if err != nil {
				return nil, err
			}
			all = append(all, member{key.(string), v})
		}
		_, err := d.Token()
		return all, err
	case json.Delim('['):
		all := []any{}
		for d.More() {
			v, err := decodeNext(d)
			if err != nil {
				return nil, err
			}
			all = append(all, v)
		}
		_, err := d.Token()
		return all, err
	}
	return token, nil
}

// recordOf is what a published score says, as a Record.
func recordOf(t *testing.T, raw json.RawMessage) Record {
	t.Helper()
	members, ok := decode(t, raw).([]member)
	if !ok {
		t.Fatalf("%s: want an object", raw)
	}
	return recordFrom(t, members)
}

func recordFrom(t *testing.T, members []member) Record {
	t.Helper()
	var r Record
	for _, m := range members {
		switch v := m.value.(type) {
		case json.Number:
			if !strings.ContainsAny(v.String(), ".eE") {
				n, err := v.Int64()
				if err != nil {
					t.Fatal(err)
				}
				r = append(r, Field{m.key, int(n)})
				continue
			}
			x, err := v.Float64()
			if err != nil {
				t.Fatal(err)
			}
			r = append(r, Field{m.key, x})
		case []member:
			r = append(r, Field{m.key, recordFrom(t, v)})
		default:
			r = append(r, Field{m.key, v})
		}
	}
	return r
}

func text(t *testing.T, raw json.RawMessage) string {
	t.Helper()
	var s string
	if len(raw) == 0 || string(raw) == "null" {
		return ""
	}
	if err := json.Unmarshal(raw, &s); err != nil {
		t.Fatalf("%.60s: %v", raw, err)
	}
	return s
}

// recompute gives what we make of a record, and nil where nothing is known of its
// kind.
func recompute(t *testing.T, kind string, v vector, absolute map[string]Record) any {
	t.Helper()
	ercIn := func(raw json.RawMessage) ERC {
		var e struct {
			ParseOK  float64 `json:"parse_ok"`
			Via      string  `json:"parse_via"`
			Errors   *int    `json:"errors_count"`
			Warnings *int    `json:"warnings_count"`
		}
		if err := json.Unmarshal(raw, &e); err != nil {
			t.Fatal(err)
		}
		return ERC{e.ParseOK, e.Via, e.Errors, e.Warnings}
	}
	generated, expected := func() string { return text(t, v.Generated) }, func() string { return text(t, v.Expected) }
	switch kind {
	case "kicad-dsl", "synthetic.score_dsl":
		return Symbol(generated(), expected())
	case "kicad-dsl.refcounts":
		return SymbolPins(generated(), *v.ExpectedCounts.Pins)
	case "kicad-pcb", "synthetic.score_pcb":
		return Footprint(generated(), expected())
	case "kicad-pcb.refcounts":
		return FootprintPads(generated(), *v.ExpectedCounts.Pads)
	case "spice-sim", "spice-sim.recovered_refs", "synthetic.score_spice":
		return SPICE(generated(), expected())
	case "kicad-sch-gen", "synthetic.score_sch":
		return SchematicText(generated(), expected())
	case "synthetic.parse_sch":
		c, err := Connect(generated())
		if err == nil {
			return c.Record()
		}
		if what, raises := recordOf(t, v.Scores).Get("raises"); raises { // which error, in Python's words
			return Record{{"raises", what}}
		}
		return Record{{"raises", err.Error()}}
	case "kicad-sch-extract", "kicad-sch-extract.spi_bus", "synthetic.score_extract":
		truth, err := ParseExtraction(v.Expected)
		if err != nil {
			t.Fatalf("%s: %v", v.ID, err)
		}
		return Extract(generated(), truth.Enrich(v.Prompt))
	case "kicad-erc-abs":
		return ReadERC(generated(), nil).Record()
	case "kicad-sch-completion":
		return without(ReadCompletion(v.Prefix, generated(), nil).Record(), "errors_count", "warnings_count")
	case "synthetic.erc_fallback":
		return without(ReadERC(generated(), nil).Record(), "errors_count", "warnings_count")
	case "synthetic.erc_composite":
		return ercIn(v.Generated).Score()
	case "kicad-erc-delta", "synthetic.erc_delta":
		return Delta(ercIn(v.Generated), ercIn(v.Expected))
	case "gsm8k":
		return GSM8K(generated(), expected())
	case "synthetic.ratio_match":
		var g, e int
		if json.Unmarshal(v.Generated, &g) != nil || json.Unmarshal(v.Expected, &e) != nil {
			t.Fatal(v.ID)
		}
		return Record{{"ratio", ratio(g, e)}}
	case "synthetic.extract_code":
		return Record{{"code", ExtractCode(generated())}}
	case "synthetic.judge_iot":
		return Record{{"pass", JudgeIoT(generated())}}
	case "synthetic.judge_score":
		if n, ok := JudgeScore(generated()); ok {
			return Record{{"score", n}}
		}
		return Record{{"score", nil}}
	case "synthetic.jaccard":
		return Record{{"jaccard", Jaccard(generated(), expected())}}
	case "synthetic.kiki_native":
		q := KIKI{Format: v.SyntaxFormat}
		if err := json.Unmarshal(v.Expected, &q); err != nil {
			t.Fatal(err)
		}
		return q.Score(generated())
	case "synthetic.mascarade_functional":
		if r := Functional(v.Domain, generated(), expected()); r != nil {
			return r
		}
		return Record(nil)
	case "synthetic.mascarade_verdict":
		var m struct {
			Base float64 `json:"base_score"`
			LoRA float64 `json:"lora_score"`
			N    int
		}
		if err := json.Unmarshal(v.Generated, &m); err != nil {
			t.Fatal(err)
		}
		return Record{{"verdict", Verdict(m.Base, m.LoRA, m.N)}}
	case "synthetic.leak_normalize":
		return Record{{"normalized", Normalize(generated())}, {"shingles", Shingles(generated())}}
	case "synthetic.leak_is_leak":
		leak, overlap := Leak(generated(), expected())
		return Record{{"is_leak", leak}, {"overlap", overlap}}
	case "synthetic.n3_sem_equiv":
		return Record{{"sem_equiv", SemanticEquivalence(generated(), expected())}, {"features", Features(generated())}}
	case "synthetic.n3_erc_clean":
		var r struct {
			Code   int `json:"returncode"`
			Stdout string
			Stderr string
		}
		if err := json.Unmarshal(v.Generated, &r); err != nil {
			t.Fatal(err)
		}
		return Record{{"erc_clean", ERCClean(r.Code, r.Stdout, r.Stderr)}}
	case "synthetic.n3_composite":
		a := recordOf(t, v.Generated)
		axis := func(key string) float64 { x, _ := a.Number(key); return x }
		return Record{{"composite", N3(axis("parse_ok"), axis("erc_clean"), axis("sch_render"), axis("drc_clean"), axis("sem_equiv"))}}
	case "aggregates":
		return aggregateVector(t, v, absolute)
	}
	return nil
}

// aggregateVector sums up the published scores of a model's samples. absolute
// keeps the ERC aggregates, by model.
func aggregateVector(t *testing.T, v vector, absolute map[string]Record) Record {
	t.Helper()
	dataset, _, _ := strings.Cut(v.ID, "/")
	if dataset == "gsm8k" {
		var right []bool
		for _, raw := range v.SampleScores {
			right = append(right, string(raw) == "true")
		}
		return AggregateGSM8K(right)
	}
	var records []Record
	for _, raw := range v.SampleScores {
		r := recordOf(t, raw)
		if erc, nested := r.Get("erc"); nested {
			scores, _ := r.Get("scores")
			r = append(append(Record{}, erc.(Record)...), scores.(Record)...)
		}
		records = append(records, r)
	}
	switch dataset {
	case "kicad-sch-gen":
		return AggregateSchematics(records)
	case "kicad-sch-extract":
		return AggregateExtractions(records)
	case "kicad-erc-abs", "kicad-sch-completion":
		return AggregateERC(records)
	case "kicad-erc-delta":
		first, ok := absolute[v.Model]
		if !ok { // of a model whose own aggregate is not among the vectors: what is to be copied
			first = Record{{"composite_avg", must(recordOf(t, v.Scores).Get("composite_v1_avg"))}}
		}
		return AggregateDelta(records, first)
	}
	return AggregatePhase1(dataset, records)
}

func must(v any, ok bool) any {
	if !ok {
		panic("no such key")
	}
	return v
}

func without(r Record, keys ...string) Record {
	var rest Record
	for _, f := range r {
		if !strings.Contains(" "+strings.Join(keys, " ")+" ", " "+f.Key+" ") {
			rest = append(rest, f)
		}
	}
	return rest
}

// TestVectors recomputes every record, published and synthetic: each key equal,
// in its place, with its type, floats to the last bit.
func TestVectors(t *testing.T) {
	total := 0
	for _, file := range vectorFiles(t) {
		kind := strings.TrimSuffix(filepath.Base(file), ".jsonl")
		if kind == "synthetic.compare_fmt" || kind == "synthetic.keyword_rate" {
			continue // reports' own; TestKeywordRate
		}
		vectors := readVectors(t, file)
		absolute := map[string]Record{}
		if kind == "aggregates" {
			for _, v := range vectors {
				if strings.HasPrefix(v.ID, "kicad-erc-abs/") {
					absolute[v.Model] = aggregateVector(t, v, nil)
				}
			}
		}
		equal, keys := 0, 0
		for _, v := range vectors {
			got := recompute(t, kind, v, absolute)
			if got == nil {
				t.Errorf("%s: nothing is known of such records", file)
				break
			}
			n, differ := compare(t, got, v.Scores)
			if kind == "synthetic.score_spice" {
				more, worse := compare(t, ReadDeck(text(t, v.Generated)).Detail(), v.Detail)
				n, differ = n+more, append(differ, worse...)
			}
			keys += n
			if len(differ) > 0 {
				t.Errorf("%s: %s %s: %s", filepath.Base(file), v.Model, v.ID, strings.Join(differ, "; "))
				continue
			}
			equal++
		}
		total += equal
		t.Logf("%-34s %4d of %4d records equal, %5d keys", filepath.Base(file), equal, len(vectors), keys)
	}
	t.Logf("%d records equal", total)
}

// compare says where a recomputed value differs from the published JSON. keys is
// how many keys there are.
func compare(t *testing.T, got any, want json.RawMessage) (keys int, differ []string) {
	t.Helper()
	raw, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	return difference("", decode(t, raw), decode(t, want))
}

func difference(at string, got, want any) (keys int, differ []string) {
	switch want := want.(type) {
	case []member:
		g, ok := got.([]member)
		if !ok || len(g) != len(want) {
			return 1, []string{fmt.Sprintf("%s: %v, want %v", at, got, want)}
		}
		for i := range want {
			if g[i].key != want[i].key {
				return keys + 1, append(differ, fmt.Sprintf("%s: key %q, want %q", at, g[i].key, want[i].key))
			}
			n, worse := difference(at+"."+want[i].key, g[i].value, want[i].value)
			keys, differ = keys+n, append(differ, worse...)
		}
		return max(keys, 1), differ
	case []any:
		g, ok := got.([]any)
		if !ok || len(g) != len(want) {
			return 1, []string{fmt.Sprintf("%s: %v, want %v", at, got, want)}
		}
		for i := range want {
			_, worse := difference(fmt.Sprintf("%s[%d]", at, i), g[i], want[i])
			differ = append(differ, worse...)
		}
		return 1, differ
	case json.Number:
		g, ok := got.(json.Number)
		isInt := func(n json.Number) bool { return !strings.ContainsAny(n.String(), ".eE") }
		a, _ := g.Float64()
		b, _ := want.Float64()
		if !ok || isInt(g) != isInt(want) || math.Float64bits(a) != math.Float64bits(b) {
			return 1, []string{fmt.Sprintf("%s: %v, want %v", at, got, want)}
		}
		return 1, nil
	}
	if !reflect.DeepEqual(got, want) {
		return 1, []string{fmt.Sprintf("%s: %v, want %v", at, got, want)}
	}
	return 1, nil
}
