package main

import (
	"fmt"
	"math"
	"strings"
)

// machine says where a document was measured.
func (d *document) machine() string {
	text := fmt.Sprintf("%s, %d threads, kernels %s, arithmetic %s", d.Machine.CPU, d.Machine.Threads, d.Machine.Kernel, d.Model.Arithmetic)
	if c := d.Machine.Ceiling; c != nil {
		text += fmt.Sprintf("; at best %.0f GFLOP/s, %.1f GB/s", c.GFLOPs, c.GBs)
	}
	return text
}

// ceilings are the tables of what was reached, a model each.
func ceilings(docs []*document) string {
	var b strings.Builder
	for _, d := range docs {
		fmt.Fprintf(&b, "### %s\n\n%s. First score after %.1f s. ", d.Model.Name, d.machine(), d.Model.FirstScore)
		if p := d.Memory.Peak; p != nil {
			held := d.Memory.Weights + d.Memory.Adapters + d.Memory.CacheMax
			fmt.Fprintf(&b, "In memory: %.2f GB at most; weights, adapters and the room for keys and values are %.2f GB.", float64(*p)/1e9, float64(held)/1e9)
		}
		b.WriteString("\n\n| work | variants | batch | tokens/s | min…max | shared | MFLOP a token | MB a token | GFLOP/s | GB/s | of ceiling |\n|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n")
		for _, c := range d.Cells {
			if c.TokensPerSecond == nil {
				continue
			}
			fmt.Fprintf(&b, "| %s | %s | %d | %s | %s…%s | %.0f %% | %s | %s | %.1f | %.1f | %.0f %% of %s |\n", c.WorkText(), c.VariantsText(), c.Batch,
				digits(c.TokensPerSecond.Median), digits(c.TokensPerSecond.Min), digits(c.TokensPerSecond.Max), 100*c.Shared,
				digits(c.FLOPsPerToken/1e6), digits(c.BytesPerToken/1e6), c.GFLOPs, c.GBs, 100*c.OfCeiling, c.Limit)
		}
		b.WriteString("\n")
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}

// ratios is a table of the ratios of all models.
func ratios(docs []*document) string {
	var b strings.Builder
	b.WriteString("| in turns | model | ratio | min…max | pairs | aim | shared |\n|---|---|--:|--:|--:|---|--:|\n")
	for _, d := range docs {
		for _, r := range d.Ratios {
			if r.Value != nil {
				fmt.Fprintf(&b, "| %s | %s | **%.2f** | %.2f…%.2f | %d | %s | %.0f %% |\n", r.Name, d.Model.Name, r.Value.Median, r.Value.Min, r.Value.Max, r.Value.N, r.Aim, 100*r.Shared)
			}
		}
	}
	return b.String()
}

// growth is the picture of each model, with a table of its points.
func growth(docs []*document) string {
	var b strings.Builder
	for _, d := range docs {
		fmt.Fprintf(&b, "### %s\n\n%s.\n\n![how cost grows](growth.svg)\n\n", d.Model.Name, d.machine())
		b.WriteString("| axis | | measured | median | min…max | unit | of ceiling |\n|---|--:|---|--:|--:|---|--:|\n")
		for _, c := range d.Curves {
			for _, p := range c.Points {
				if v := p.Value; v != nil {
					fmt.Fprintf(&b, "| %s | %d | %s | %s | %s…%s | %s | %.0f %% of %s |\n", c.Axis, p.X, c.Name, digits(v.Median), digits(v.Min), digits(v.Max), c.Unit, 100*p.OfCeiling, p.Limit)
				} else {
					fmt.Fprintf(&b, "| %s | %d | %s | – | | %s | %s |\n", c.Axis, p.X, c.Name, c.Unit, p.Reason)
				}
			}
		}
		b.WriteString("\n")
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}

// digits are three that count.
func digits(x float64) string {
	if x == 0 {
		return "0"
	}
	return fmt.Sprintf("%.*f", max(0, 2-int(math.Floor(math.Log10(math.Abs(x))))), x)
}
