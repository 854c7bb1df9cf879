package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ailiance/lorabench"
	"github.com/ailiance/lorabench/reports"
	"github.com/ailiance/lorabench/results"
)

type compareOptions struct {
	a, b, task, run, db string
	json                bool
}

func newCompare() *cobra.Command {
	o := compareOptions{}
	cmd := &cobra.Command{Use: "compare A B", Short: "paired differences and flips of two variants, or of two runs", Args: exactly(2),
		Long: `compare pairs the samples of A and B and prints what B's metrics are more or
less than A's. A and B are variants of a run (the newest, or --run), or two runs
by id or how it begins: then each variant is compared with the one of its name.`,
		Example: "  lorabench compare base math\n  lorabench compare 20260102-150405 20260103-091500 --task arc_easy",
		RunE: func(cmd *cobra.Command, args []string) error {
			o.a, o.b = args[0], args[1]
			return compare(cmd.Context(), cmd.OutOrStdout(), o)
		}}
	f := cmd.Flags()
	f.StringVar(&o.task, "task", "", "only this task")
	f.BoolVar(&o.json, "json", false, "one JSON document")
	runFlags(f, &o.run, &o.db)
	return cmd
}

// side is one of the two that are compared.
type side struct {
	Run     string  `json:"run"`
	Variant *string `json:"variant"` // null where runs are compared
}

// comparison is lorabench/compare/1.
type comparison struct {
	Schema      string                `json:"schema"`
	A           side                  `json:"a"`
	B           side                  `json:"b"`
	Comparisons []*reports.Comparison `json:"comparisons"` // B minus A; p-values are not adjusted
	Unpaired    []string              `json:"unpaired"`    // what only one of the two has
	Notes       []string              `json:"notes"`
}

func compare(ctx context.Context, w io.Writer, o compareOptions) error {
	c := comparison{Schema: "lorabench/compare/1", Comparisons: []*reports.Comparison{}, Unpaired: []string{}, Notes: []string{}}
	err := readStore(ctx, o.db, func(store *results.Store) error { return c.read(ctx, store, o) })
	if err != nil {
		return err
	}
	if o.json {
		return printJSON(w, c)
	}
	return c.print(w)
}

// read finds what A and B are and compares it.
func (c *comparison) read(ctx context.Context, store *results.Store, o compareOptions) error {
	data, _, notes, err := loadStored(ctx, store, o.run)
	if err != nil {
		return err
	}
	known := variantNames(data.Measurements)
	if slices.Contains(known, o.a) && slices.Contains(known, o.b) {
		c.A, c.B, c.Notes = side{data.Run.ID, &o.a}, side{data.Run.ID, &o.b}, append(c.Notes, notes...)
		return c.pair(variantOf(data.Measurements, o.a), variantOf(data.Measurements, o.b), o.task, byTask)
	}
	notVariants := usagef("compare %s %s: run %s has no such variants: it has %s", o.a, o.b, data.Run.ID, strings.Join(known, ", "))
	if o.run != "" {
		return notVariants
	}
	var runs [2]reports.Data
	for i, id := range []string{o.a, o.b} {
		var notFound *results.RunNotFoundError
		runs[i], _, notes, err = loadStored(ctx, store, id)
		if errors.As(err, &notFound) {
			return usagef("%w; nor is there a run %s (lorabench runs)", notVariants, id)
		}
		if err != nil {
			return err
		}
		for _, note := range notes {
			c.Notes = append(c.Notes, runs[i].Run.ID+": "+note)
		}
	}
	c.A, c.B = side{Run: runs[0].Run.ID}, side{Run: runs[1].Run.ID}
	return c.pair(runs[0].Measurements, runs[1].Measurements, o.task, byTaskAndVariant)
}

func byTask(m *reports.MeasurementData) string { return m.Task.Name }
func byTaskAndVariant(m *reports.MeasurementData) string {
	return m.Task.Name + " on " + m.Variant.Name
}

// pair compares the measurements that have the same key, on the task, or on all.
func (c *comparison) pair(as, bs []reports.MeasurementData, task string, key func(*reports.MeasurementData) string) error {
	others := map[string]*reports.MeasurementData{}
	for i := range bs {
		others[key(&bs[i])] = &bs[i]
	}
	matched := map[string]bool{}
	for i := range as {
		a := &as[i]
		b := others[key(a)]
		if task != "" && a.Task.Name != task {
			continue
		}
		matched[key(a)] = true
		if b == nil {
			c.Unpaired = append(c.Unpaired, key(a)+": only in A")
			continue
		}
		for _, m := range a.Task.Metrics {
			c.Comparisons = append(c.Comparisons, reports.Compare(a, b, m))
		}
	}
	for i := range bs {
		if b := &bs[i]; !matched[key(b)] && (task == "" || b.Task.Name == task) {
			c.Unpaired = append(c.Unpaired, key(b)+": only in B")
		}
	}
	if task != "" && len(c.Comparisons)+len(c.Unpaired) == 0 {
		return usagef("--task %s: it was not measured: there are %s", task, strings.Join(taskNames(as, bs), ", "))
	}
	return nil
}

func (c *comparison) print(w io.Writer) error {
	between := c.A.Variant == nil
	if between {
		fmt.Fprintf(w, "run %s (A) and run %s (B); a lift is B minus A\n\n", oneLine(c.A.Run), oneLine(c.B.Run))
	} else {
		fmt.Fprintf(w, "run %s: %s (A) and %s (B); a lift is B minus A\n\n", oneLine(c.A.Run), oneLine(*c.A.Variant), oneLine(*c.B.Variant))
	}
	header := []string{"TASK", "METRIC", "A", "B", "LIFT [95 %]", "N", "FLIPS −/+", "P"}
	var rows [][]string
	flips := 0
	for _, x := range c.Comparisons {
		task := x.Task
		if between {
			task += " on " + x.Variant
		}
		row := []string{task, x.Metric.Name + ", " + unitText(x.Metric), valueText(x.Metric, x.BaseOn), valueText(x.Metric, x.On), x.Text(), strconv.Itoa(x.N), "", ""}
		if x.Flips != nil {
			flips += len(x.Flips.Lost) + len(x.Flips.Gained)
			row[6] = fmt.Sprintf("%d/%d", len(x.Flips.Lost), len(x.Flips.Gained))
		}
		if x.P != nil {
			row[7] = strconv.FormatFloat(*x.P, 'g', 2, 64)
		}
		rows = append(rows, row)
	}
	if err := table(w, header, rows, 2, 3, 5, 6, 7); err != nil {
		return err
	}
	fmt.Fprintln(w)
	for _, note := range append(c.Unpaired, c.Notes...) {
		fmt.Fprintf(w, "note: %s\n", oneLine(note))
	}
	_, err := fmt.Fprintln(w, "Flips: samples that only A, and only B, got right. p is two-sided and not adjusted for the number of lines.")
	if err == nil && !between && flips > 0 {
		_, err = fmt.Fprintf(w, "See them: lorabench samples --run %s --task TASK --variant %s --flips %s\n",
			shellWord(c.A.Run), shellWord(*c.B.Variant), shellWord(*c.A.Variant))
	}
	return err
}

// shellWord is a name as it can be typed into a shell.
func shellWord(name string) string {
	name = oneLine(name)
	if plainWord.MatchString(name) {
		return name
	}
	return "'" + strings.ReplaceAll(name, "'", `'\''`) + "'"
}

var plainWord = regexp.MustCompile(`^[A-Za-z0-9_@%+=:,./-]+$`)

// unitText is the unit that valueText prints values in.
func unitText(m lorabench.Metric) string {
	if m.Unit == "fraction" {
		return "points"
	}
	return m.Unit
}

// valueText prints a metric's value; fractions in points, as the scoreboard does.
func valueText(m lorabench.Metric, x *float64) string {
	switch {
	case x == nil:
		return "–"
	case m.Unit == "fraction":
		return strconv.FormatFloat(100**x, 'f', 1, 64)
	}
	return strconv.FormatFloat(*x, 'g', 5, 64)
}

func variantNames(all []reports.MeasurementData) []string {
	var names []string
	for i := range all {
		if name := all[i].Variant.Name; !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

func variantOf(all []reports.MeasurementData, name string) []reports.MeasurementData {
	var some []reports.MeasurementData
	for i := range all {
		if all[i].Variant.Name == name {
			some = append(some, all[i])
		}
	}
	return some
}

func taskNames(groups ...[]reports.MeasurementData) []string {
	var names []string
	for _, all := range groups {
		for i := range all {
			if name := all[i].Task.Name; !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}
