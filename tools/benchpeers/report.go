package main

import (
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
)

// document is lorabench/peers/1.
type document struct {
	Schema  string    `json:"schema"`
	Started string    `json:"started"`
	CPU     string    `json:"cpu"`
	Threads int       `json:"threads"`
	Load    []float64 `json:"load"` // average before and after
	Rows    []*row    `json:"rows"`
	Skipped []skip    `json:"skipped"`
}

// row compares lorabench with one program in one kind of work.
type row struct {
	Work       string    `json:"work"`
	Model      string    `json:"model"`
	Arithmetic string    `json:"arithmetic"` // lorabench's
	Peer       string    `json:"peer"`
	Unit       string    `json:"unit"` // "tokens/s", or "s"
	Ours       []float64 `json:"ours"` // of each pair
	Theirs     []float64 `json:"theirs"`
	Aim        float64   `json:"aim"` // 0: none
	Ratio      *spread   `json:"ratio"`
}

// skip is what was left out.
type skip struct {
	What string `json:"what"`
	Why  string `json:"why"`
}

// spread is of the ratios of pairs: how many times as fast lorabench is.
type spread struct {
	Median float64 `json:"median"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
	Pairs  int     `json:"pairs"`
}

// ratio compares pair by pair; nil where there are none.
func (r *row) ratio() *spread {
	var all []float64
	for i := range min(len(r.Ours), len(r.Theirs)) {
		x := r.Ours[i] / r.Theirs[i]
		if r.Unit == seconds {
			x = 1 / x
		}
		if x > 0 && !math.IsInf(x, 0) {
			all = append(all, x)
		}
	}
	if len(all) == 0 {
		return nil
	}
	slices.Sort(all)
	return &spread{Median: middle(all), Min: all[0], Max: all[len(all)-1], Pairs: len(all)}
}

const seconds = "s"

// middle is the median of sorted numbers.
func middle(x []float64) float64 {
	n := len(x)
	if n%2 == 1 {
		return x[n/2]
	}
	return (x[n/2-1] + x[n/2]) / 2
}

func (d *document) skip(what, why string) {
	if s := (skip{what, why}); !slices.Contains(d.Skipped, s) {
		d.Skipped = append(d.Skipped, s)
	}
}

func (d *document) finish() {
	var measured []*row
	for _, r := range d.Rows {
		if r.Ratio = r.ratio(); r.Ratio != nil {
			measured = append(measured, r)
		}
	}
	d.Rows = measured
}

// row finds or begins a row.
func (d *document) row(key row) *row {
	for _, r := range d.Rows {
		if r.Work == key.Work && r.Model == key.Model && r.Arithmetic == key.Arithmetic && r.Peer == key.Peer {
			return r
		}
	}
	d.Rows = append(d.Rows, &key)
	return &key
}

// busy says whether other programs wanted the processors too. What this program
// runs is in the average after, with all its threads.
func (d *document) busy() bool {
	return slices.Max(append([]float64{0}, d.Load...)) > float64(d.Threads)+1
}

// markdown is the table for people.
func (d *document) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %d threads, %s", d.CPU, d.Threads, d.Started)
	if len(d.Load) == 2 {
		fmt.Fprintf(&b, "; load average %.1f before, %.1f after", d.Load[0], d.Load[1])
		if d.busy() {
			b.WriteString(" (**busy**: programs that spin while they wait lose most)")
		}
	}
	b.WriteString(".\n\n| work | model | arithmetic | against | lorabench | it | times as fast (least…most of pairs) | at least |\n|---|---|---|---|---|---|---|---|\n")
	for _, r := range d.Rows {
		if r.Ratio == nil {
			continue
		}
		aim := "–"
		if r.Aim > 0 {
			aim = fmt.Sprintf("%g", r.Aim)
			if r.Ratio.Median < r.Aim {
				aim += " **missed**"
			}
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s | **%.2f** (%.2f…%.2f of %d) | %s |\n", r.Work, r.Model, r.Arithmetic, r.Peer,
			number(r.Ours, r.Unit), number(r.Theirs, r.Unit), r.Ratio.Median, r.Ratio.Min, r.Ratio.Max, r.Ratio.Pairs, aim)
	}
	if len(d.Skipped) > 0 {
		b.WriteString("\nLeft out:\n\n")
		for _, s := range d.Skipped {
			fmt.Fprintf(&b, "- %s: %s\n", s.What, s.Why)
		}
	}
	return b.String()
}

// number is the median of measurements with three digits.
func number(x []float64, unit string) string {
	sorted := slices.Sorted(slices.Values(x))
	m := middle(sorted)
	digits := 0
	if m < 100 {
		digits = 1
	}
	if m < 10 {
		digits = 2
	}
	return fmt.Sprintf("%.*f %s", digits, m, unit)
}

// The table stands between these lines of a page.
const (
	beginMark = "<!-- benchpeers: begin -->"
	endMark   = "<!-- benchpeers: end -->"
)

// between replaces what stands between the marks of a page.
func between(page, text string) (string, error) {
	before, rest, ok := strings.Cut(page, beginMark)
	if !ok {
		return "", errors.New("it has no line " + beginMark)
	}
	_, after, ok := strings.Cut(rest, endMark)
	if !ok {
		return "", errors.New("it has no line " + endMark)
	}
	return before + beginMark + "\n" + text + endMark + after, nil
}

// modelName is a file's name without folder and ending.
func modelName(path string) string {
	return strings.TrimSuffix(filepath.Base(path), ".gguf")
}
