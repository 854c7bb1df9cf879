package scorers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ailiance/lorabench"
	"github.com/ailiance/lorabench/scorers/kicad/erc"
	"github.com/ailiance/lorabench/scorers/published"
)

// ofPublished marks scorers of the published benchmark, bit for bit; the name
// without it is the newest scorer of the field.
const ofPublished = "@v0.2"

// IsPublished reports whether the scorer called name is one of the published
// benchmark's.
func IsPublished(name string) bool { return publishedScorers()[name].judgeOf != nil }

// PublishedRecord returns the published score object of a text, keys in order:
// all that the scorer's metrics are made of, and what is no number. It is nil
// where the text has none, with the reason.
func PublishedRecord(ctx context.Context, name string, tools Tools, s *lorabench.Sample, text string) (published.Record, error) {
	p := publishedScorers()[name]
	if p.judgeOf == nil {
		return nil, fmt.Errorf("%s is no published scorer", name)
	}
	judge, err := p.judgeOf(s.Target, prompt(s))
	if err != nil {
		return nil, err
	}
	r, _, err := judge(ctx, tools, text)
	return r, err
}

// NeedsTarget reports whether the scorer called name compares with anything.
func NeedsTarget(name string) bool { return !publishedScorers()[name].targetless }

// judgement scores one text. note says how, where that is not plain. An error is
// a reason why there is no score.
type judgement func(ctx context.Context, tools Tools, text string) (r published.Record, note string, err error)

// plain is a judgement without tools.
func plain(f func(text string) published.Record) (judgement, error) {
	return func(_ context.Context, _ Tools, text string) (published.Record, string, error) {
		return f(text), "", nil
	}, nil
}

// publishedScorer is a scorer of the published benchmark.
type publishedScorer struct {
	metrics    string // keys of its records that are numbers, the primary one first
	targetless bool   // it compares with nothing
	checks     bool   // kicad-cli looks at texts, where it is there
	judgeOf    func(t lorabench.Target, prompt string) (judgement, error)
}

// parts are the metrics of a nested score.
func parts(name string) string {
	var all []string
	for _, part := range []string{"f1", "precision", "recall", "tp", "fp", "fn"} {
		all = append(all, name+"."+part)
	}
	return strings.Join(all, " ")
}

// publishedScorers are the scorers of the published benchmark, by name.
func publishedScorers() map[string]publishedScorer {
	return map[string]publishedScorer{
		"kicad_dsl" + ofPublished: {
			metrics: "composite parse_ok fields_complete has_draw_or_rect fplist_balanced pin_count_match expected_pin_count generated_pin_count",
			judgeOf: func(t lorabench.Target, _ string) (judgement, error) {
				var o struct {
					Pins *int `json:"expected_pin_count"`
				}
				if isText, err := textOr(t, &o); err != nil || !isText && o.Pins == nil {
					return nil, wantText(err, `{"expected_pin_count": n}`)
				} else if isText {
					n := published.CountSymbolPins(t.Answer)
					o.Pins = &n
				}
				return plain(func(text string) published.Record { return published.SymbolPins(text, *o.Pins) })
			},
		},
		"kicad_pcb" + ofPublished: {
			metrics: "composite parse_ok layer_fcu has_fp_text has_at_coords has_size_dims pad_count_match expected_pad_count generated_pad_count",
			judgeOf: func(t lorabench.Target, _ string) (judgement, error) {
				var o struct {
					Pads *int `json:"expected_pad_count"`
				}
				if isText, err := textOr(t, &o); err != nil || !isText && o.Pads == nil {
					return nil, wantText(err, `{"expected_pad_count": n}`)
				} else if isText {
					n := published.CountFootprintPads(t.Answer)
					o.Pads = &n
				}
				return plain(func(text string) published.Record { return published.FootprintPads(text, *o.Pads) })
			},
		},
		"spice_sim" + ofPublished: {
			metrics: "composite parse_ok has_end ground_node_present balanced component_count_match analysis_count_match floating_nodes_low " +
				"expected_n_components generated_n_components expected_n_analyses generated_n_analyses n_models n_subckts n_floating_nodes",
			judgeOf: func(t lorabench.Target, _ string) (judgement, error) {
				if err := noObject(t); err != nil {
					return nil, err
				}
				reference := published.ReadDeck(t.Answer)
				return plain(func(text string) published.Record { return published.ScoreDeck(published.ReadDeck(text), reference) })
			},
		},
		"kicad_sch_gen" + ofPublished: {
			metrics: "composite parse_ok starts_with_kicad_sch has_version has_lib_symbols has_uuid comp_count_match label_count_match " +
				"cli_proxy_score structure_score expected_n_components generated_n_components expected_n_labels generated_n_labels",
			judgeOf: func(t lorabench.Target, _ string) (judgement, error) {
				if err := noObject(t); err != nil {
					return nil, err
				}
				return plain(func(text string) published.Record { return published.SchematicText(text, t.Answer) })
			},
		},
		"sch_extract" + ofPublished: {
			metrics: "composite json_ok " + parts("components") + " " + parts("nets") + " " + parts("net_pins") +
				" expected_n_components predicted_n_components expected_n_nets predicted_n_nets gt_has_pins pred_has_pins",
			judgeOf: func(t lorabench.Target, prompt string) (judgement, error) {
				truth, err := published.ParseExtraction(objectOf(t))
				if err != nil {
					return nil, err
				}
				truth = truth.Enrich(prompt)
				return plain(func(text string) published.Record { return published.Extract(text, truth) })
			},
		},
		"erc" + ofPublished: {
			metrics:    "composite parse_ok parse_ok_score erc_no_errors erc_low_warnings errors_count warnings_count",
			targetless: true, checks: true,
			judgeOf: func(t lorabench.Target, _ string) (judgement, error) {
				var said kicadSaid
				if err := objectOr(t, &said); err != nil {
					return nil, err
				}
				return func(ctx context.Context, tools Tools, text string) (published.Record, string, error) {
					empty := published.ReadERC(text, nil)
					if empty.Via == published.ViaEmpty { // kicad-cli is not asked
						return empty.Record(), "empty", nil
					}
					counts, note, err := said.counts(ctx, tools, published.Unfence(text))
					if err != nil {
						return nil, "", err
					}
					return published.ReadERC(text, counts).Record(), note, nil
				}, nil
			},
		},
		"erc_delta" + ofPublished: {
			metrics: "composite_v2 no_extra_errors no_extra_warnings errs_delta warns_delta",
			checks:  true,
			judgeOf: judgeDelta,
		},
		"kicad_sch_completion" + ofPublished: {
			metrics: "composite parse_ok parse_ok_score erc_no_errors erc_low_warnings errors_count warnings_count",
			checks:  true,
			judgeOf: func(t lorabench.Target, _ string) (judgement, error) {
				var o struct {
					Prefix *string `json:"prefix"`
					kicadSaid
				}
				if isText, err := textOr(t, &o); err != nil || !isText && o.Prefix == nil {
					return nil, wantText(err, `{"prefix": "(kicad_sch …"}`)
				} else if isText {
					o.Prefix = &t.Answer
				}
				return func(ctx context.Context, tools Tools, text string) (published.Record, string, error) {
					counts, note, err := o.counts(ctx, tools, published.Complete(*o.Prefix, text))
					if err != nil {
						return nil, "", err
					}
					return published.ReadCompletion(*o.Prefix, text, counts).Record(), note, nil
				}, nil
			},
		},
		"kiki_native" + ofPublished: {
			metrics: "overall_score passed syntax_ok contains_score unique_score",
			judgeOf: func(t lorabench.Target, _ string) (judgement, error) {
				q := published.KIKI{Format: "sexpr"}
				if err := json.Unmarshal(objectOf(t), &q); err != nil {
					return nil, errors.New(`want {"syntax_format": "sexpr", "must_contain": […], "must_be_unique": […]}`)
				}
				return plain(q.Score)
			},
		},
		"n3" + ofPublished: {
			metrics: "composite parse_ok erc_clean sch_render drc_clean sem_equiv",
			judgeOf: judgeN3,
		},
		"mascarade" + ofPublished: {
			metrics: "score",
			judgeOf: judgeMascarade,
		},
		"gsm8k_last_number" + ofPublished: {
			metrics: "ok",
			judgeOf: func(t lorabench.Target, _ string) (judgement, error) {
				if err := noObject(t); err != nil {
					return nil, err
				}
				return plain(func(text string) published.Record { return published.GSM8K(text, t.Answer) })
			},
		},
		"jaccard" + ofPublished: {
			metrics: "jaccard",
			judgeOf: func(t lorabench.Target, _ string) (judgement, error) {
				if err := noObject(t); err != nil {
					return nil, err
				}
				return plain(func(text string) published.Record {
					return published.Record{{Key: "jaccard", Value: published.Jaccard(text, t.Answer)}}
				})
			},
		},
	}
}

// judgeDelta compares with what kicad-cli said of the reference, or with the
// reference itself, which it then looks at. Stored results of both sides stand
// in for texts.
func judgeDelta(t lorabench.Target, _ string) (judgement, error) {
	type result struct {
		ParseOK  float64 `json:"parse_ok"`
		Via      string  `json:"parse_via"`
		Errors   *int    `json:"errors_count"`
		Warnings *int    `json:"warnings_count"`
	}
	read := func(r result) published.ERC { return published.ERC(r) }
	var o struct {
		result
		Generated *result   `json:"generated"`
		Said      kicadSaid `json:"said"` // of the text
	}
	isText, err := textOr(t, &o)
	if err != nil || !isText && o.Via == "" {
		return nil, wantText(err, `{"parse_via": "kicad-cli", "errors_count": n, "warnings_count": n}`)
	}
	if o.Generated != nil {
		return plain(func(string) published.Record { return published.Delta(read(*o.Generated), read(o.result)) })
	}
	return func(ctx context.Context, tools Tools, text string) (published.Record, string, error) {
		reference := read(o.result)
		if isText {
			counts, _, err := (&kicadSaid{}).counts(ctx, tools, t.Answer)
			if err != nil {
				return nil, "", fmt.Errorf("the reference: %w", err)
			}
			reference = published.ReadERC(t.Answer, counts)
		}
		counts, note, err := o.Said.counts(ctx, tools, published.Unfence(text))
		if err != nil {
			return nil, "", err
		}
		return published.Delta(published.ReadERC(text, counts), reference), note, nil
	}, nil
}

// judgeN3 computes of the five axes what a text alone tells. What kicad-cli's
// exit codes were is part of the target.
func judgeN3(t lorabench.Target, _ string) (judgement, error) {
	var o struct {
		Reference *string        `json:"reference"`
		Axes      map[string]int `json:"axes"` // parse_ok, erc_clean, sch_render
	}
	isText, err := textOr(t, &o)
	if err != nil || !isText && o.Reference == nil {
		return nil, wantText(err, `{"reference": "(kicad_sch …", "axes": {"parse_ok": 1, "erc_clean": 1, "sch_render": 1}}`)
	}
	if isText {
		o.Reference = &t.Answer
	}
	return plain(func(text string) published.Record {
		r := published.Record{}
		axes := make([]float64, 3)
		known := true
		for i, axis := range []string{"parse_ok", "erc_clean", "sch_render"} {
			if value, has := o.Axes[axis]; has {
				axes[i] = float64(value)
				r = append(r, published.Field{Key: axis, Value: value})
			} else {
				known = false
				r = append(r, published.Field{Key: axis, Value: nil})
			}
		}
		equivalence := published.SemanticEquivalence(text, *o.Reference)
		r = append(r, published.Field{Key: "drc_clean", Value: 0}, published.Field{Key: "sem_equiv", Value: equivalence})
		composite := published.Field{Key: "composite", Value: nil}
		if known {
			composite.Value = published.N3(axes[0], axes[1], axes[2], 0, equivalence)
		}
		return append(r, composite)
	})
}

// errJudge is the reason where mascarade-eval asks a model.
var errJudge = errors.New("no functional score: a judge is asked, and what it said is not part of the line")

// judgeMascarade scores by function where that is possible, else by what a judge
// said.
func judgeMascarade(t lorabench.Target, _ string) (judgement, error) {
	var o struct {
		Domain   *string `json:"domain"`
		Expected string  `json:"expected"`
		Judge    *string `json:"judge"` // what the judge wrote
	}
	if err := json.Unmarshal(objectOf(t), &o); err != nil || o.Domain == nil {
		return nil, errors.New(`want {"domain": "kicad", "expected": "DEF …", "judge": "SCORE: 7"}; judge may be missing`)
	}
	return func(_ context.Context, _ Tools, text string) (published.Record, string, error) {
		if r := published.Functional(*o.Domain, text, o.Expected); r != nil {
			score, _ := r.Number("composite")
			return append(slices.Clone(r), published.Field{Key: "score", Value: score}), "", nil
		}
		if o.Judge == nil {
			return nil, "", errJudge
		}
		score, ok := published.JudgeScore(*o.Judge)
		if !ok {
			return nil, "", errors.New("the judge gave no score: the item is dropped")
		}
		return published.Record{{Key: "score", Value: float64(score) / 10}}, "by the judge", nil
	}, nil
}

// kicadSaid is what kicad-cli said of a text: stored, or else found out.
type kicadSaid struct {
	ExitCode *int            `json:"kicad_cli_rc"`
	Report   json.RawMessage `json:"report"`
}

// How kicad-cli came to have no counts.
const (
	noteNotLoaded = "kicad-cli did not load it: scored by its text"
	noteNoKiCad   = "kicad-cli is not here: scored by its text"
)

// counts returns nil where kicad-cli does not load the text, and where it is not
// there: the published score then looks at the text alone. note says which.
func (k *kicadSaid) counts(ctx context.Context, tools Tools, schematic string) (counts *published.Counts, note string, err error) {
	if k.ExitCode == nil {
		return countViolations(ctx, tools, schematic)
	}
	if counts = published.ParseReport(*k.ExitCode, k.Report); counts == nil {
		note = noteNotLoaded
	}
	return counts, note, nil
}

// countViolations has kicad-cli look at a schematic, where it is there.
func countViolations(ctx context.Context, tools Tools, schematic string) (counts *published.Counts, note string, err error) {
	if tools.Checker == nil {
		return nil, noteNoKiCad, nil
	}
	report, err := tools.Checker.Check(ctx, erc.Schematic{Root: []byte(schematic)})
	switch {
	case err != nil:
		return nil, "", err
	case report.Reason != "":
		return nil, noteNotLoaded, nil
	}
	counts = &published.Counts{}
	for kind, n := range report.Count {
		switch kind.Severity {
		case "error":
			counts.Errors += n
		case "warning":
			counts.Warnings += n
		}
	}
	return counts, "", nil
}

// textOr reads a target that is a text, or an object that stands for it.
func textOr(t lorabench.Target, object any) (isText bool, err error) {
	if t.Bench == nil {
		return true, nil
	}
	return false, json.Unmarshal(t.Bench, object)
}

// objectOr reads a target that is an object, or nothing.
func objectOr(t lorabench.Target, object any) error {
	if t.Bench == nil {
		return nil
	}
	return json.Unmarshal(t.Bench, object)
}

// objectOf is an object, which may be written as a text.
func objectOf(t lorabench.Target) json.RawMessage {
	if t.Bench != nil {
		return t.Bench
	}
	return json.RawMessage(t.Answer)
}

func noObject(t lorabench.Target) error {
	if t.Bench != nil {
		return errors.New("want a text")
	}
	return nil
}

func wantText(err error, object string) error {
	if err != nil {
		return fmt.Errorf("%w: want a text, or %s", err, object)
	}
	return fmt.Errorf("want a text, or %s", object)
}

// prompt is what a sample asks.
func prompt(s *lorabench.Sample) string {
	if len(s.Requests) == 0 {
		return ""
	}
	r := s.Requests[0]
	if r.Messages != nil {
		return r.Messages[len(r.Messages)-1].Content
	}
	return r.Prompt
}

// publishedDomains are the published scorers as domains.
func publishedDomains() map[string]domain {
	all := map[string]domain{}
	for name, p := range publishedScorers() {
		all[name] = domain{
			metrics: strings.Fields(p.metrics), text: true, either: true, needs: Needs{Checker: p.checks},
			check: func(raw json.RawMessage) error {
				t := lorabench.Target{Bench: raw}
				if json.Unmarshal(raw, &t.Answer) == nil {
					t.Bench = nil
				}
				_, err := p.judgeOf(t, "")
				return err
			},
			judge: p.judge,
		}
	}
	return all
}

// judge scores a text as a domain's judge does.
func (p publishedScorer) judge(ctx context.Context, tools Tools, s *lorabench.Sample, text string) Finding {
	judge, err := p.judgeOf(s.Target, prompt(s))
	if err != nil {
		return Finding{Unscored: err.Error()}
	}
	r, note, err := judge(ctx, tools, text)
	if err != nil {
		return Finding{Unscored: err.Error()}
	}
	f := Finding{Values: map[string]float64{}, Missing: map[string]string{}, Note: notes(note, publishedNote(r))}
	for _, m := range strings.Fields(p.metrics) {
		if value, ok := r.Number(m); ok {
			f.Values[m] = value
		} else {
			f.Missing[m] = "null, as it is published: kicad-cli gave no counts or exit code"
		}
	}
	return f
}

// publishedNote says of a record what is no number.
func publishedNote(r published.Record) string {
	if _, ofERC := r.Get("parse_via"); ofERC {
		return ""
	}
	if note, ok := r.Get("syntax_note"); ok {
		if holds, _ := r.Get("syntax_ok"); holds == false {
			text, _ := note.(string)
			if strings.HasPrefix(text, "unbalanced") {
				text = "unbalanced parens, no netlist"
			}
			return text
		}
		return ""
	}
	for _, key := range []string{"parse_ok", "json_ok"} {
		if parses, ok := r.Get(key); ok && parses == false {
			return "does not parse"
		}
	}
	if pred, ok := r.Get("pred"); ok && pred == nil {
		return "no number"
	}
	return ""
}

// addPublished adds the published scorers to those of fields.
func addPublished(all map[string]domain) map[string]domain {
	maps.Copy(all, publishedDomains())
	return all
}
