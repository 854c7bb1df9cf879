package tasks

import (
	"crypto/sha1"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/ailiance/lorabench"
	"github.com/ailiance/lorabench/tasks/pyjson"
)

// The tasks of the published electronics benchmark, asked and scored as they
// were: greedy, one message of the user, the first rows of a file in its order.
// docs/scorers/published.md says what their numbers are worth.

const publishedSource = "github.com/ailiance/ailiance-bench at f8d8b3c, docs/scorers/published.md"

// publishedTask is what they have in common. Rows are conversations, of which
// the first message of the user is the prompt and the first of the assistant the
// reference; a row that lacks one is passed over. metrics are written as
// "name unit", the primary one first; a unit "yes" is a metric that is 0 or 1.
func publishedTask(name, dataset, title string, maxTokens int, metrics ...string) Definition {
	return Definition{
		Name: name + "@v0.2", Version: "0.2", Title: "as published: " + title, Source: publishedSource,
		Scorer: name + "@v0.2", Evaluation: Split{Dataset: dataset, Name: "valid"}, sampler: noShots,
		Metrics: publishedMetrics(metrics), maxTokens: maxTokens, published: true,
		keep: hasTurns, parse: func(r row) (example, error) {
			prompt, reference := turns(r)
			return example{doc: r.doc, question: prompt, target: lorabench.Target{Answer: reference}}, nil
		},
		naming: dataset + "-%02d",
	}
}

func publishedMetrics(specs []string) []lorabench.Metric {
	var metrics []lorabench.Metric
	for _, spec := range specs {
		name, unit, _ := strings.Cut(spec, " ")
		m := lorabench.Metric{Name: name, Unit: unit, Better: lorabench.Higher, Aggregate: lorabench.Mean, Margin: 1}
		switch unit {
		case "yes":
			m.Unit, m.Binary, m.Margin = fractionOfScore, true, 0.05
		case fractionOfScore:
			m.Margin = 0.05
		}
		if strings.HasSuffix(name, ".fp") || strings.HasSuffix(name, ".fn") || slices.Contains([]string{"n_floating_nodes", "errors_count", "warnings_count", "errs_delta", "warns_delta"}, name) {
			m.Better = lorabench.Lower
		}
		metrics = append(metrics, m)
	}
	return metrics
}

// turns are the first messages of the user and of the assistant.
func turns(r row) (user, assistant string) {
	user, assistant, _ = findTurns(r)
	return user, assistant
}

func hasTurns(r row) bool {
	_, _, ok := findTurns(r)
	return ok
}

// findTurns reads a row's conversation; ok is false where a turn is missing. An
// empty one is none that is missing.
func findTurns(r row) (user, assistant string, ok bool) {
	v, _ := r.doc.Get("messages")
	list, _ := v.([]any)
	found := map[string]bool{}
	for _, item := range list {
		message, isObject := item.(pyjson.Object)
		if !isObject {
			continue
		}
		role, _ := message.Get("role")
		content, _ := message.Get("content")
		text, isText := content.(string)
		name, _ := role.(string)
		if !isText || found[name] {
			continue
		}
		found[name] = true
		switch name {
		case "user":
			user = text
		case "assistant":
			assistant = text
		}
	}
	return user, assistant, found["user"] && found["assistant"]
}

// publishedTasks are all of them.
func publishedTasks() []Definition {
	return []Definition{
		publishedSymbols(), publishedFootprints(), publishedDecks(), publishedSchematics(), publishedExtraction(),
		publishedERC(), publishedDelta(), publishedCompletion(), publishedKIKI(), publishedN3(), publishedMascarade(),
		publishedGSM8K(), publishedJaccard(),
	}
}

func publishedSymbols() Definition {
	d := publishedTask("kicad_dsl", "kicad-dsl", "legacy symbols, by their form (P1)", 1024,
		"composite fraction", "parse_ok yes", "fields_complete yes", "has_draw_or_rect yes", "fplist_balanced yes", "pin_count_match yes",
		"expected_pin_count pins", "generated_pin_count pins")
	d.first = 20
	d.nulls = constants(func(examples []example) []string {
		texts := []string{symbolStub(0)}
		if pins := mostFrequentCount(examples, "X ", "expected_pin_count"); pins > 0 {
			texts = append(texts, symbolStub(pins))
		}
		return texts
	})
	return d
}

// symbolStub is a symbol with all that is looked for, and pins without meaning.
func symbolStub(pins int) string {
	var b strings.Builder
	b.WriteString("DEF U U 0 40 Y Y 1 F N\nF0 \"U\" 0 0 50 H V C CNN\nF1 \"U\" 0 0 50 H V C CNN\nF2 \"\" 0 0 50 H I C CNN\nDRAW\nS -1 1 1 -1 0 1 0 N\n")
	for i := range pins {
		fmt.Fprintf(&b, "X P %d 0 0 100 R 50 50 1 1 B\n", i+1)
	}
	b.WriteString("ENDDRAW\nENDDEF\n")
	return b.String()
}

// mostFrequentCount is how often lines of a reference begin with mark, in most
// of them. Of references that are not there key says how often they do.
func mostFrequentCount(examples []example, mark, key string) int {
	counts := make([]string, len(examples))
	for i, e := range examples {
		n := 0
		var known map[string]int
		if json.Unmarshal(e.target.Bench, &known) == nil {
			n = known[key]
		}
		for line := range strings.Lines(e.target.Answer) {
			if strings.HasPrefix(strings.TrimLeft(line, " \t"), mark) {
				n++
			}
		}
		counts[i] = fmt.Sprint(n)
	}
	n := 0
	if len(counts) > 0 {
		_, _ = fmt.Sscan(mostFrequent(counts), &n)
	}
	return min(n, 200)
}

func publishedFootprints() Definition {
	d := publishedTask("kicad_pcb", "kicad-pcb", "legacy footprints, by their form (P1)", 1536,
		"composite fraction", "parse_ok yes", "layer_fcu yes", "has_fp_text yes", "has_at_coords yes", "has_size_dims yes", "pad_count_match yes",
		"expected_pad_count pads", "generated_pad_count pads")
	d.first = 20
	d.nulls = constants(func(examples []example) []string {
		texts := []string{footprintStub(0)}
		if pads := mostFrequentCount(examples, "(pad ", "expected_pad_count"); pads > 0 {
			texts = append(texts, footprintStub(pads))
		}
		return texts
	})
	return d
}

func footprintStub(pads int) string {
	return "(module U (layer F.Cu)\n(fp_text reference R (at 0 0) (layer F.SilkS) (effects (font (size 1 1))))\n" +
		strings.Repeat("(pad 1 smd rect (at 0 0) (size 1 1) (layers F.Cu))\n", pads) + ")\n"
}

// Decks that are always the same: the first has what is counted most often, the
// second the least that parses, the third is no deck at all.
const (
	deckOfSeven = "* circuit\nV1 1 0 5\nR1 1 2 1k\nR2 2 0 1k\nC1 2 0 1u\nR3 2 3 1k\nC2 3 0 1u\nR4 3 0 1k\n.tran 1u 1m\n.end\n"
	deckOfTwo   = "V1 1 0 5\nR1 1 0 1k\n.op\n.end\n"
	deckOfProse = "This is a circuit that works.\nThe voltage divides over both parts.\nIt has a source and a load.\nGround is the reference of all.\n"
)

func publishedDecks() Definition {
	d := publishedTask("spice_sim", "spice-sim", "SPICE decks, by what they look like (P1)", 1280,
		"composite fraction", "parse_ok yes", "has_end yes", "ground_node_present yes", "balanced yes",
		"component_count_match fraction", "analysis_count_match fraction", "floating_nodes_low fraction",
		"expected_n_components parts", "generated_n_components parts", "expected_n_analyses analyses", "generated_n_analyses analyses",
		"n_models models", "n_subckts subcircuits", "n_floating_nodes nodes")
	d.first = 20
	d.nulls = constants(func([]example) []string { return []string{deckOfSeven, deckOfTwo, deckOfProse} })
	return d
}

// schematicIDs are the ids of the schematics that texts are asked for: a sixth
// row was passed over.
const notAsked = "spi_bus_4devices"

// schematicTask is a task over the six hand-written schematics, whose rows have
// names of their own.
func schematicTask(name, title string, metrics ...string) Definition {
	d := publishedTask(name, "kicad-sch-gen", title, 4096, metrics...)
	parse := d.parse
	d.keep = func(r row) bool {
		id, _ := r.doc.Get("_id")
		return hasTurns(r) && id != notAsked
	}
	d.parse = func(r row) (example, error) {
		e, err := parse(r)
		if id, ok := r.doc.Get("_id"); ok {
			e.id, _ = id.(string)
		}
		return e, err
	}
	return d
}

func publishedSchematics() Definition {
	d := schematicTask("kicad_sch_gen", "schematics, by their form and counts (P2)",
		"composite fraction", "parse_ok yes", "starts_with_kicad_sch yes", "has_version yes", "has_lib_symbols yes", "has_uuid yes",
		"comp_count_match fraction", "label_count_match fraction", "cli_proxy_score fraction", "structure_score fraction",
		"expected_n_components parts", "generated_n_components parts", "expected_n_labels labels", "generated_n_labels labels")
	d.nulls = constants(func([]example) []string { return []string{schematicStub(0), schematicStub(3)} })
	return d
}

// schematicStub is a schematic with n parts and labels that mean nothing.
func schematicStub(n int) string {
	var b strings.Builder
	b.WriteString("(kicad_sch (version 20250114) (uuid \"u\") (lib_symbols)")
	for i := range n {
		fmt.Fprintf(&b, " (symbol (lib_id \"R\") (at 0 0 0) (property \"Reference\" \"R%d\")) (label \"L%d\" (at 0 0 0))", i+1, i+1)
	}
	return b.String() + ")\n"
}

func publishedExtraction() Definition {
	metrics := []string{"composite fraction", "json_ok yes"}
	for _, part := range []string{"components", "nets", "net_pins"} {
		for _, m := range []string{".f1 fraction", ".precision fraction", ".recall fraction", ".tp names", ".fp names", ".fn names"} {
			metrics = append(metrics, part+m)
		}
	}
	metrics = append(metrics, "expected_n_components parts", "predicted_n_components parts", "expected_n_nets nets", "predicted_n_nets nets",
		"gt_has_pins yes", "pred_has_pins yes")
	d := publishedTask("sch_extract", "kicad-sch-extract", "parts and nets out of a schematic, by their names (P3)", 2048, metrics...)
	d.keep = func(r row) bool {
		truth, ok := r.doc.Get("ground_truth_json")
		return hasTurns(r) && ok && truth != nil
	}
	d.parse = func(r row) (example, error) {
		prompt, reference := turns(r)
		c := &columns{row: r}
		c.object("ground_truth_json")
		if c.err != nil {
			return example{}, c.err
		}
		truth, _ := r.doc.Get("ground_truth_json")
		e := example{doc: r.doc, question: prompt, target: lorabench.Target{Answer: reference, Bench: pyjson.Append(nil, truth)}}
		if id, ok := r.doc.Get("_id"); ok {
			e.id, _ = id.(string)
		}
		return e, nil
	}
	d.nulls = constants(func([]example) []string {
		return []string{
			`{"components":[],"nets":[]}`,
			`{"components":[{"ref":"R1"},{"ref":"R2"},{"ref":"U1"},{"ref":"C1"}],"nets":[{"name":"VCC","pins":["R1.1"]},{"name":"GND","pins":["R2.2"]}]}`,
		}
	})
	return d
}

// ercMetrics are those of the ERC scores.
var ercMetrics = []string{"composite fraction", "parse_ok fraction", "parse_ok_score fraction", "erc_no_errors fraction", "erc_low_warnings fraction",
	"errors_count errors", "warnings_count warnings"}

// emptySchematic is what kicad-cli finds nothing wrong with.
const emptySchematic = "(kicad_sch (version 20250114))"

func publishedERC() Definition {
	d := schematicTask("erc", "kicad-cli's errors in a schematic, or what its text looks like (P4)", ercMetrics...)
	d.parse = withoutTarget(d.parse)
	d.nulls = constants(func([]example) []string { return []string{emptySchematic, schematicStub(1)} })
	return d
}

// withoutTarget keeps the question alone: nothing is compared with.
func withoutTarget(parse func(row) (example, error)) func(row) (example, error) {
	return func(r row) (example, error) {
		e, err := parse(r)
		e.target = lorabench.Target{}
		return e, err
	}
}

func publishedDelta() Definition {
	d := schematicTask("erc_delta", "kicad-cli's errors in a schematic beyond those of the reference (P5)",
		"composite_v2 fraction", "no_extra_errors fraction", "no_extra_warnings fraction", "errs_delta errors", "warns_delta warnings")
	d.nulls = constants(func([]example) []string { return []string{emptySchematic, schematicStub(1)} })
	return d
}

// completionPrompt is what stands in front of the header that a model is to
// complete.
const completionPrompt = "You are completing a KiCad 10 schematic file. The header is written. Continue by adding lib_symbols entries, " +
	"symbol instances, wires, labels, and the closing parens. Output only completion code (no markdown, no explanation).\n\nExisting prefix:\n"

func publishedCompletion() Definition {
	d := schematicTask("kicad_sch_completion", "schematics whose header is given (P6)", ercMetrics...)
	parse := d.parse
	d.parse = func(r row) (example, error) {
		e, err := parse(r)
		prefix := completionPrefix(e.id)
		e.question = completionPrompt + prefix + "\n\nContinue:"
		e.target = lorabench.Target{Answer: prefix}
		return e, err
	}
	d.nulls = constants(func([]example) []string {
		return []string{"))", ") (symbol (lib_id \"R\") (property \"Reference\" \"R1\")) (label \"A\"))"}
	})
	return d
}

// completionPrefix is the header of the schematic called id.
func completionPrefix(id string) string {
	return fmt.Sprintf("(kicad_sch\n\t(version 20250114)\n\t(generator \"kicad-bench\")\n\t(generator_version \"1.0\")\n\t(uuid \"%s\")\n\t(paper \"A4\")\n"+
		"\t(title_block\n\t\t(title \"%s\")\n\t\t(date \"2026-05-11\")\n\t)\n\t(lib_symbols\n", uuid5("phase6-"+id), titleCase(strings.ReplaceAll(id, "_", " ")))
}

// uuid5 is RFC 9562's version 5 in the namespace of domain names.
func uuid5(name string) string {
	namespace := []byte{0x6b, 0xa7, 0xb8, 0x10, 0x9d, 0xad, 0x11, 0xd1, 0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8}
	sum := sha1.Sum(append(namespace, name...))
	u := sum[:16]
	u[6] = u[6]&0x0f | 0x50
	u[8] = u[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", u[:4], u[4:6], u[6:8], u[8:10], u[10:])
}

// titleCase is Python's str.title: capitals behind what is no letter.
func titleCase(s string) string {
	letter := false
	return strings.Map(func(r rune) rune {
		first := !letter
		letter = unicode.IsLetter(r)
		if first {
			return unicode.ToTitle(r)
		}
		return unicode.ToLower(r)
	}, s)
}

func publishedKIKI() Definition {
	d := publishedTask("kiki_native", "kiki-native", "questions that ask for words (KIKI-native kicad_dsl v1, v3)", 1000,
		"overall_score fraction", "passed yes", "syntax_ok yes", "contains_score fraction", "unique_score fraction")
	d.keep = nil
	d.parse = func(r row) (example, error) {
		c := &columns{row: r}
		e := example{id: c.text("id"), doc: r.doc, question: c.text("prompt")}
		for _, list := range []string{"must_contain", "must_be_unique"} {
			if _, ok := c.get(list).([]any); !ok {
				c.fail(list, "want a list of strings")
			}
		}
		e.target.Bench = pyjson.Append(nil, r.doc)
		return e, c.err
	}
	d.nulls = constants(func(examples []example) []string { return []string{keywordSoup(examples)} })
	return d
}

// keywordSoup holds each word that any question wants, once, as a line that
// looks like a netlist's.
func keywordSoup(examples []example) string {
	var soup []string
	for _, e := range examples {
		var q struct {
			Contains []string `json:"must_contain"`
			Unique   []string `json:"must_be_unique"`
		}
		if json.Unmarshal(e.target.Bench, &q) != nil {
			continue
		}
		for _, w := range slices.Concat(q.Unique, q.Contains) {
			if !slices.Contains(soup, w) {
				soup = append(soup, w)
			}
		}
	}
	return "R1 N1 N2 1k\n" + strings.Join(soup, " ") + "\n"
}

func publishedN3() Definition {
	d := schematicTask("n3", "five axes, of which the text alone tells one (N3)",
		"composite fraction", "parse_ok yes", "erc_clean yes", "sch_render yes", "drc_clean yes", "sem_equiv fraction")
	d.nulls = constants(func([]example) []string {
		return []string{emptySchematic, "(symbol R1)(symbol U1)(net VCC R1)(net GND U1)"}
	})
	return d
}

func publishedMascarade() Definition {
	d := publishedTask("mascarade", "mascarade-eval", "function where it parses, a judge else (mascarade-eval)", 1024, "score fraction")
	d.keep = nil
	d.parse = func(r row) (example, error) {
		c := &columns{row: r}
		e := example{doc: r.doc, question: c.text("prompt")}
		c.text("domain")
		c.text("expected")
		e.target.Bench = pyjson.Append(nil, r.doc)
		return e, c.err
	}
	d.nulls = constants(func([]example) []string { return []string{symbolStub(0), deckOfSeven} })
	return d
}

func publishedGSM8K() Definition {
	d := publishedTask("gsm8k_last_number", "gsm8k", "GSM8K by the last number of a text; the rule is inferred, the prompt is the question alone", 1024, "ok yes")
	d.Evaluation, d.keep, d.first, d.naming = gsm8kSplit("test"), nil, 200, "gsm8k-%03d"
	d.parse = func(r row) (example, error) {
		c := &columns{row: r}
		question, answer := c.text("question"), c.text("answer")
		return example{doc: r.doc, question: question, target: lorabench.Target{Answer: gsm8kNumber(answer)}}, c.err
	}
	d.nulls = func(examples []example) []lorabench.Null {
		return generationNulls("%s", func(t lorabench.Target) string { return t.Answer })(examples)
	}
	return d
}

func publishedJaccard() Definition {
	d := publishedTask("jaccard", "forgetting", "words in common with the reference (P9)", 512, "jaccard fraction")
	d.first = 5
	d.nulls = constants(func([]example) []string { return []string{"the a of to and in is for it with on that this be are"} })
	return d
}

// constants are the null outputs of a published task: nothing, the prompt, and
// texts that are always the same.
func constants(texts func([]example) []string) func([]example) []lorabench.Null {
	return func(examples []example) []lorabench.Null {
		nulls := []lorabench.Null{saying("empty text", ""), echo()}
		for _, text := range texts(examples) {
			first, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
			nulls = append(nulls, saying(fmt.Sprintf("always %.40q…, %d bytes", first, len(text)), text))
		}
		return nulls
	}
}

// NullsOf are the null outputs of a published task for samples that it did not
// load itself; nil for other tasks.
func (d Definition) NullsOf(samples []lorabench.Sample) []lorabench.Null {
	if !d.published {
		return nil
	}
	examples := make([]example, len(samples))
	for i, s := range samples {
		examples[i] = example{id: s.ID, target: s.Target}
	}
	return d.nulls(examples)
}
