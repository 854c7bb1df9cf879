package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/ailiance/lorabench/model/cost"
)

// planDocument is lorabench/plan/1.
type planDocument struct {
	Schema   string       `json:"schema"`
	Model    string       `json:"model"`
	Variants int          `json:"variants"`
	Hardware planHardware `json:"hardware"`
	Weights  float64      `json:"weights_bytes"`
	Adapters float64      `json:"adapters_bytes"`
	Tasks    []planTask   `json:"tasks"`
	Seconds  *float64     `json:"seconds"` // null: something does not fit
}

// planHardware is what the machine can do, and what of it is reached.
type planHardware struct {
	Name      string        `json:"name"`
	Bandwidth float64       `json:"bytes_per_second"`
	FLOPs     float64       `json:"flops_per_second"`
	Memory    float64       `json:"memory_bytes"`
	Prefill   float64       `json:"prefill_efficiency"`
	Head      float64       `json:"head_efficiency"`
	Adapter   float64       `json:"adapter_slowdown"`
	Decode    []planReached `json:"decode_efficiency"`
}

type planReached struct {
	Rows int     `json:"rows"`
	Part float64 `json:"part"`
}

// planTask is a task as it is planned: all variants together, but samples and
// requests.
type planTask struct {
	Task      string     `json:"task"`
	Samples   int        `json:"samples"`
	Requests  int        `json:"requests"`
	Lengths   *string    `json:"answers"`         // where their lengths are from; null: nothing is written
	Prompt    int64      `json:"prompt_tokens"`   // of all requests
	Computed  int64      `json:"computed_tokens"` // of them, where prefixes are shared
	Prefix    int        `json:"prefix_tokens"`   // that all requests have
	Scored    int64      `json:"scored_tokens"`
	Generated int64      `json:"generated_tokens"`
	Fits      bool       `json:"fits"`
	Batch     int        `json:"sequences"` // written at a time
	Room      int        `json:"room"`      // sequences that memory has room for
	Prefill   *planPhase `json:"prefill"`
	Decode    *planPhase `json:"decode"`
	Seconds   *float64   `json:"seconds"`
	Ideal     *float64   `json:"ideal_seconds"`
	Alone     *float64   `json:"one_by_one_seconds"` // the base's time for each variant after the other
	Separate  *float64   `json:"separate_seconds"`   // no prefix and no block shared; null: does not fit
	Budget    *float64   `json:"budget_seconds"`
	Within    *bool      `json:"within_budget"`
}

type planPhase struct {
	Tokens  int64   `json:"tokens"`
	Steps   float64 `json:"steps"`
	FLOPs   float64 `json:"flops"`
	Bytes   float64 `json:"bytes"`
	Ideal   float64 `json:"ideal_seconds"`
	Seconds float64 `json:"seconds"`
	Limit   string  `json:"limit"` // compute, bandwidth or memory
}

func newPlanDocument(name string, l cost.Load) planDocument {
	h := l.Hardware
	d := planDocument{
		Schema: "lorabench/plan/1", Model: name, Variants: 1 + len(l.Adapters), Tasks: []planTask{},
		Hardware: planHardware{
			Name: h.Name, Bandwidth: h.Bandwidth, FLOPs: h.FLOPs, Memory: h.Memory,
			Prefill: h.Efficiency.Prefill, Head: h.Efficiency.Head, Adapter: h.Efficiency.Adapter, Decode: []planReached{},
		},
	}
	for _, r := range h.Efficiency.Decode {
		d.Hardware.Decode = append(d.Hardware.Decode, planReached(r))
	}
	e := l.Estimate()
	d.Weights, d.Adapters = e.Weights, e.Adapters
	d.Seconds = new(float64)
	return d
}

// add plans a task; budget 0 is none.
func (d *planDocument) add(name string, l cost.Load, lengths string, budget time.Duration) {
	e, w := l.Estimate(), l.Work
	variants := int64(d.Variants)
	t := planTask{
		Task: name, Samples: w.Samples, Requests: w.Requests, Prefix: w.Prefix, Fits: e.Fits, Batch: e.Batch, Room: e.Room,
		Prompt: w.Separate.Positions * variants, Computed: e.Prefill.Tokens, Scored: w.Scored * variants, Generated: e.Decode.Tokens,
	}
	if w.Generations > 0 {
		t.Lengths = &lengths
		t.Scored -= int64(w.Generations) * variants
	}
	if budget > 0 {
		seconds := budget.Seconds()
		t.Budget = &seconds
	}
	if alone := timeOf(l, true, 0); alone != nil && d.Variants > 1 {
		all := *alone * float64(d.Variants)
		t.Alone = &all
	}
	if e.Fits {
		seconds, ideal := e.Time(), e.Ideal()
		t.Seconds, t.Ideal = &seconds, &ideal
		t.Prefill, t.Decode = phaseOf(e.Prefill), phaseOf(e.Decode)
		t.Separate = timeOf(l, false, len(l.Adapters))
		if budget > 0 {
			within := seconds <= budget.Seconds()
			t.Within = &within
		}
		if d.Seconds != nil {
			*d.Seconds += seconds
		}
	} else {
		d.Seconds = nil
	}
	d.Tasks = append(d.Tasks, t)
}

// timeOf is the time of a load with other choices; nil where it does not fit.
func timeOf(l cost.Load, shared bool, adapters int) *float64 {
	l.Shared, l.Adapters = shared, l.Adapters[:adapters]
	if adapters == 0 {
		l.Work.Others = nil
	}
	e := l.Estimate()
	if !e.Fits {
		return nil
	}
	seconds := e.Time()
	return &seconds
}

func phaseOf(p cost.Phase) *planPhase {
	if p.Tokens == 0 {
		return nil
	}
	return &planPhase{Tokens: p.Tokens, Steps: p.Steps, FLOPs: p.FLOPs, Bytes: p.Bytes, Ideal: p.Ideal, Seconds: p.Time, Limit: string(p.Limit)}
}

// print says it to people.
func (d *planDocument) print(w io.Writer) error {
	h := d.Hardware
	fmt.Fprintf(w, "%s on %s: %.4g GB/s, %.4g TFLOP/s, %s of memory; weights %s", d.Model, h.Name, h.Bandwidth/1e9, h.FLOPs/1e12, sizeText(int64(h.Memory)), sizeText(int64(d.Weights)))
	if d.Variants > 1 {
		fmt.Fprintf(w, ", %d adapters %s", d.Variants-1, sizeText(int64(d.Adapters)))
	}
	fmt.Fprintf(w, "\nreached of these ceilings: %s\n", h.reached())
	for i := range d.Tasks {
		if err := d.Tasks[i].print(w, d.Variants); err != nil {
			return err
		}
	}
	if d.Seconds != nil && len(d.Tasks) > 1 {
		fmt.Fprintf(w, "\nall tasks: %s\n", timeText(*d.Seconds))
	}
	return nil
}

func (h *planHardware) reached() string {
	if h.Name != thisMachine {
		return fmt.Sprintf("%.0f %%, as given", 100*h.Prefill)
	}
	parts := []string{fmt.Sprintf("prompts %.0f %%", 100*h.Prefill), fmt.Sprintf("logits %.0f %%", 100*h.Head)}
	for _, r := range h.Decode {
		parts = append(parts, fmt.Sprintf("writing %d at a time %.0f %%", r.Rows, 100*r.Part))
	}
	if h.Adapter > 1 {
		parts = append(parts, fmt.Sprintf("a row with an adapter takes %.2f times as long", h.Adapter))
	}
	return strings.Join(parts, ", ")
}

func (t *planTask) print(w io.Writer, variants int) error {
	fmt.Fprintf(w, "\n%s: %d samples, %d requests", t.Task, t.Samples, t.Requests)
	if variants > 1 {
		fmt.Fprintf(w, " × %d variants", variants)
	}
	fmt.Fprintln(w)
	if !t.Fits {
		fmt.Fprint(w, "  does not fit: weights, adapters and the keys and values of one sequence need more memory")
		if t.Alone != nil {
			fmt.Fprintf(w, "; one variant after the other %s", timeText(*t.Alone))
		}
		_, err := fmt.Fprintln(w)
		return err
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	if p := t.Prefill; p != nil {
		fmt.Fprintf(table, "  prompts\t%s tokens, of which %s computed\t%s\tlimit: %s\n", countText(t.Prompt), countText(t.Computed), timeText(p.Seconds), p.Limit)
	}
	if p := t.Decode; p != nil {
		limit := p.Limit
		if limit == string(cost.Memory) {
			limit = fmt.Sprintf("memory, room for %d sequences", t.Room)
		}
		fmt.Fprintf(table, "  answers\t%s tokens (%s), %d at a time\t%s\tlimit: %s\n", countText(p.Tokens), *t.Lengths, t.Batch, timeText(p.Seconds), limit)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	line := fmt.Sprintf("  in all %s; at the ceilings %s", timeText(*t.Seconds), timeText(*t.Ideal))
	if t.Separate != nil {
		line += fmt.Sprintf("; with nothing shared %s", timeText(*t.Separate))
	}
	if t.Alone != nil {
		line += fmt.Sprintf("; one variant after the other %s", timeText(*t.Alone))
	}
	if t.Budget != nil {
		verdict := "within"
		if !*t.Within {
			verdict = "NOT within"
		}
		line += fmt.Sprintf("; %s the budget of %s", verdict, timeText(*t.Budget))
	}
	_, err := fmt.Fprintln(w, line)
	return err
}

// timeText rounds to what a plan can know.
func timeText(seconds float64) string {
	switch {
	case seconds < 10:
		return fmt.Sprintf("%.2g s", seconds)
	case seconds < 7200:
		return fmt.Sprintf("%.0f s", seconds)
	}
	return fmt.Sprintf("%.1f h", seconds/3600)
}
