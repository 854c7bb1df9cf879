package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ailiance/lorabench/env"
	"github.com/ailiance/lorabench/scorers/spice"
)

type spiceOptions struct {
	deck   string
	json   bool
	raw    bool // as it stands
	unsafe bool
	getenv func(string) string
}

func newSpice(stdio env.Stdio) *cobra.Command {
	return group("spice", "circuits by hand", newSpiceRun(stdio))
}

func newSpiceRun(stdio env.Stdio) *cobra.Command {
	o := spiceOptions{getenv: stdio.Getenv}
	cmd := &cobra.Command{Use: "run DECK", Short: "simulate a deck in the sandbox: its analyses and vectors", Args: exactly(1),
		Long: `run simulates a whole SPICE deck, with its own title, sources and analyses, by
ngspice in the sandbox. Commands (.control) are taken out first, and a deck that
reads files is refused; --as-it-stands leaves both to the sandbox. DECK is a file,
- is standard input.`,
		Example: "  lorabench spice run filter.cir\n  lorabench spice run - --json < filter.cir",
		RunE: func(cmd *cobra.Command, args []string) error {
			o.deck = args[0]
			return spiceRun(cmd.Context(), stdio, o)
		}}
	f := cmd.Flags()
	f.BoolVar(&o.json, "json", false, "one JSON document, with all values")
	f.BoolVar(&o.raw, "as-it-stands", false, "do not take anything out of the deck")
	f.BoolVar(&o.unsafe, strings.TrimPrefix(unsafeFlag, "--"), false, unsafeHelp)
	return cmd
}

// maxDeck bounds a deck that is read, in bytes.
const maxDeck = 16 << 20

func spiceRun(ctx context.Context, stdio env.Stdio, o spiceOptions) error {
	deck, err := readDeck(stdio.In, o.deck)
	if err != nil {
		return fmt.Errorf("spice run: %s: %w", o.deck, err)
	}
	doc := simulationDocument{Schema: "lorabench/simulation/1", Deck: o.deck, Dropped: []spice.Removal{}, Analyses: []analysisDocument{}}
	clean := spice.Sanitised{Deck: deck}
	if !o.raw {
		if clean, err = spice.Sanitise(deck); err != nil {
			return fmt.Errorf("spice run: %s: %w", o.deck, err)
		}
		doc.Dropped, doc.Untitled = clean.Dropped, clean.Untitled
	}
	tools := newToolbox(o.getenv, o.unsafe)
	simulator, err := tools.spice(ctx)
	if err != nil {
		return fmt.Errorf("spice run: %w", err)
	}
	if tools.unconfined() {
		fmt.Fprintln(stdio.Err, notConfined)
	}
	sim, err := simulator.Run(ctx, []byte(clean.Deck))
	if err != nil {
		return fmt.Errorf("spice run: %s: %w", o.deck, err)
	}
	doc.Simulator, doc.Sandbox = simulator.Identity(), simulator.Protections().Mode
	if sim.Reason != "" {
		doc.Reason = &sim.Reason
	}
	for i := range sim.Plots {
		doc.Analyses = append(doc.Analyses, newAnalysis(&sim.Plots[i]))
	}
	if o.json {
		err = printJSON(stdio.Out, doc)
	} else {
		err = doc.print(stdio)
	}
	if err == nil && sim.Reason != "" {
		err = fmt.Errorf("spice run: %s: %s", o.deck, sim.Reason)
	}
	return err
}

func readDeck(stdin io.Reader, path string) (string, error) {
	in := stdin
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return "", err
		}
		defer f.Close()
		in = f
	}
	text, err := io.ReadAll(io.LimitReader(in, maxDeck+1))
	if err == nil && len(text) > maxDeck {
		err = fmt.Errorf("longer than %d MiB", maxDeck>>20)
	}
	return string(text), err
}

// simulationDocument is lorabench/simulation/1.
type simulationDocument struct {
	Schema    string             `json:"schema"`
	Deck      string             `json:"deck"`
	Simulator string             `json:"simulator"`
	Sandbox   string             `json:"sandbox"`
	Untitled  bool               `json:"untitled"` // the first line is an element: a title was put in front
	Dropped   []spice.Removal    `json:"dropped"`
	Reason    *string            `json:"reason"` // why there are no usable results
	Analyses  []analysisDocument `json:"analyses"`
}

type analysisDocument struct {
	Name    string           `json:"name"` // "AC Analysis"
	Complex bool             `json:"complex"`
	Points  int              `json:"points"`
	Vectors []vectorDocument `json:"vectors"`
}

// vectorDocument has a number for each point, null for what is not finite.
type vectorDocument struct {
	Name string     `json:"name"` // "v(out)"
	Kind string     `json:"kind"` // "voltage"
	Real []*float64 `json:"real"`
	Imag []*float64 `json:"imag,omitempty"` // of complex analyses
}

func newAnalysis(p *spice.Plot) analysisDocument {
	a := analysisDocument{Name: p.Name, Complex: p.Complex, Points: p.Points, Vectors: make([]vectorDocument, len(p.Variables))}
	finite := func(v float64) *float64 {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil
		}
		return &v
	}
	for i, variable := range p.Variables {
		v := vectorDocument{Name: variable.Name, Kind: variable.Kind, Real: make([]*float64, p.Points)}
		if p.Complex {
			v.Imag = make([]*float64, p.Points)
		}
		for k := range p.Points {
			x := p.Values[k*len(p.Variables)+i]
			v.Real[k] = finite(real(x))
			if p.Complex {
				v.Imag[k] = finite(imag(x))
			}
		}
		a.Vectors[i] = v
	}
	return a
}

// print tells people the range of each vector; of a single point its value.
func (d simulationDocument) print(stdio env.Stdio) error {
	if d.Untitled {
		fmt.Fprintln(stdio.Err, "the first line is an element: a title was put in front of it")
	}
	for _, r := range d.Dropped {
		fmt.Fprintf(stdio.Err, "line %d: %s: not simulated: %s\n", r.Line, many(r.Lines, "line"), r.Reason)
	}
	for _, a := range d.Analyses {
		if _, err := fmt.Fprintf(stdio.Out, "%s, %s\n", oneLine(a.Name), many(a.Points, "point")); err != nil {
			return err
		}
		rows := make([][]string, len(a.Vectors))
		for i, v := range a.Vectors {
			first, last, least, most := v.summary()
			rows[i] = []string{oneLine(v.Name), oneLine(v.Kind), first, last, least, most}
		}
		if err := table(stdio.Out, []string{"VECTOR", "KIND", "FIRST", "LAST", "LEAST", "MOST"}, rows, 2, 3, 4, 5); err != nil {
			return err
		}
		fmt.Fprintln(stdio.Out)
	}
	return nil
}

// summary describes a vector; of complex numbers their magnitudes.
func (v vectorDocument) summary() (first, last, least, most string) {
	lo, hi := math.Inf(1), math.Inf(-1)
	at := func(i int) (float64, bool) {
		if v.Real[i] == nil || v.Imag != nil && v.Imag[i] == nil {
			return 0, false
		}
		if v.Imag != nil && v.Kind != "frequency" {
			return math.Hypot(*v.Real[i], *v.Imag[i]), true
		}
		return *v.Real[i], true
	}
	text := func(x float64, ok bool) string {
		if !ok || math.IsInf(x, 0) {
			return "-"
		}
		return strconv.FormatFloat(x, 'g', 6, 64)
	}
	for i := range v.Real {
		if x, ok := at(i); ok {
			lo, hi = min(lo, x), max(hi, x)
		}
	}
	if len(v.Real) > 0 {
		first, last = text(at(0)), text(at(len(v.Real)-1))
	}
	return first, last, text(lo, true), text(hi, true)
}
