package reports

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/ailiance/lorabench"
	"github.com/ailiance/lorabench/scorers/spice"
	"github.com/olekukonko/tablewriter"
	"github.com/olekukonko/tablewriter/renderer"
	"github.com/olekukonko/tablewriter/tw"
)

// Scoreboard writes the report for a terminal: a table a task with its primary
// metric, then warnings, then the verdicts. Tables are at most boardWidth columns
// wide, unless a verdict's labels are many. colour adds ANSI colours to verdicts.
func Scoreboard(w io.Writer, r *Report, colour bool) error {
	out := &strings.Builder{}
	fmt.Fprintf(out, "run %s on %s\n", printable(r.Run.ID), printable(r.Run.Model))
	boards := make([][][]string, len(r.Tasks))
	for i, t := range r.Tasks {
		boards[i] = boardRows(r, t)
	}
	shared := boardWidths(boards...)
	for i, t := range r.Tasks {
		m := t.Rows[0].Primary().Metric
		fmt.Fprintf(out, "\n%s: %s, %s, %s is better%s%s\n", printable(t.Info.Name), printable(m.Name), printable(unit(m)), m.Better, circuitNote(t.Info.Scorer), statusNote(t))
		widths := shared
		if tableWidth(shared) > boardWidth { // a table alone may be narrower
			widths = boardWidths(boards[i])
		}
		if colour {
			paint(r, t, boards[i])
		}
		if err := board(out, fit(widths), boards[i]); err != nil {
			return fmt.Errorf("task %s: write scoreboard: %w", t.Info.Name, err)
		}
	}
	if len(r.Warnings) > 0 {
		fmt.Fprintln(out)
	}
	for _, warning := range r.Warnings {
		fmt.Fprintf(out, "note: %s\n", printable(warning))
	}
	fmt.Fprintln(out)
	for _, a := range r.Adapters {
		fmt.Fprintln(out, coloured(printable(a.Sentence), a.Outcome, colour))
	}
	fmt.Fprintf(out, "gate: %s (exit code %d), %s\n", coloured(string(r.Outcome), r.Outcome, colour), r.ExitCode, policyText(r.Policy))
	lines := strings.Split(out.String(), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	if _, err := io.WriteString(w, strings.Join(lines, "\n")); err != nil {
		return fmt.Errorf("write scoreboard: %w", err)
	}
	return nil
}

func policyText(p Policy) string {
	if p.Default {
		return "default policy: each task with its own margin"
	}
	return "policy " + p.SHA256
}

// circuitNote says how circuits were scored: the same task has two scorers.
func circuitNote(scorer string) string {
	switch scorer {
	case spice.Name:
		return "; circuits simulated"
	case spice.StructuralName:
		return "; FORM ONLY, circuits not simulated"
	}
	return ""
}

// statusNote says where a task's measurements did not end by themselves.
func statusNote(t *TaskReport) string {
	for _, row := range t.Rows {
		if row.Status != lorabench.Done {
			return fmt.Sprintf(" (%s)", row.Status)
		}
	}
	return ""
}

const floorRow = "(floor)"

var boardHeader = [...]string{"VARIANT", "VALUE [95 %]", "LIFT [95 %]", "N", "NO SCORE", "VERDICT"}

// Columns of a table.
const (
	columnVariant = 0
	columnLift    = 2
	columnVerdict = 5
)

const (
	boardWidth   = 100 // columns of a table
	leastVariant = 12  // columns of a variant's name, should all else be wide
)

// boardRows returns the rows of a task; the last is the floor, where there is one.
func boardRows(r *Report, t *TaskReport) [][]string {
	var rows [][]string
	var floor *Cell
	for _, row := range t.Rows {
		cell := row.Primary()
		if cell.Floor != nil {
			floor = cell
		}
		line := []string{printable(row.Variant), cell.text(), "", thousands(cell.N), thousands(row.Measured - cell.N), ""}
		if c := t.Comparison(row.Variant, ""); c != nil {
			line[columnLift] = c.liftText()
		}
		if v := r.Verdict(row.Variant, t.Info.Name); v != nil {
			line[columnVerdict] = v.short()
		}
		rows = append(rows, line)
	}
	if floor != nil {
		m := floor.Metric
		rows = append(rows, []string{floorRow, fixed(shown(m, floor.Floor.Value), max(decimalsFor(m, floor.CI95), 1)), printable(floor.Floor.Output), "", "", ""})
	}
	return rows
}

// text prints a cell's value with its interval, without the unit: "91.0 [86.2, 94.2]".
func (c *Cell) text() string {
	if c.Value == nil {
		return "–"
	}
	places := max(decimalsFor(c.Metric, c.CI95), 1)
	s := fixed(shown(c.Metric, *c.Value), places)
	if c.CI95 == nil {
		return s + " [?]"
	}
	return s + " [" + fixed(shown(c.Metric, c.CI95.Lo), places) + ", " + fixed(shown(c.Metric, c.CI95.Hi), places) + "]"
}

// short prints the outcome and the labels.
func (v *Verdict) short() string {
	words := []string{string(v.Outcome)}
	for _, l := range v.Labels {
		words = append(words, string(l))
	}
	if v.Tier == Advisory {
		words = append(words, "(advisory)")
	}
	return strings.Join(words, " ")
}

// paint colours the verdicts, once the widths are known.
func paint(r *Report, t *TaskReport, rows [][]string) {
	for i, row := range t.Rows {
		if v := r.Verdict(row.Variant, t.Info.Name); v != nil {
			rows[i][columnVerdict] = coloured(rows[i][columnVerdict], v.Outcome, true)
		}
	}
}

// boardWidths returns the widths of the columns that these tables need.
func boardWidths(boards ...[][]string) []int {
	widths := make([]int, len(boardHeader))
	widen := func(cells []string) {
		for i, c := range cells {
			widths[i] = max(widths[i], len([]rune(c)))
		}
	}
	widen(boardHeader[:])
	for _, rows := range boards {
		for _, row := range rows {
			if row[0] == floorRow { // its text is cut to what the lifts need
				row = slices.Clone(row)
				row[columnLift] = ""
			}
			widen(row)
		}
	}
	return widths
}

// tableWidth returns how many columns a table takes, with a space on either side
// of each of its own.
func tableWidth(widths []int) int {
	n := 2 * len(widths)
	for _, w := range widths {
		n += w
	}
	return n
}

// fit narrows the variants' names to what is left of boardWidth.
func fit(widths []int) []int {
	if over := tableWidth(widths) - boardWidth; over > 0 {
		widths = slices.Clone(widths)
		widths[columnVariant] = min(widths[columnVariant], max(widths[columnVariant]-over, leastVariant))
	}
	return widths
}

// board draws one table.
func board(w io.Writer, widths []int, rows [][]string) error {
	columns := tw.NewMapper[int, int]()
	for _, row := range rows {
		row[columnVariant] = elide(row[columnVariant], widths[columnVariant])
		if text := []rune(row[columnLift]); len(text) > widths[columnLift] { // the floor's
			row[columnLift] = string(text[:widths[columnLift]-1]) + "…"
		}
	}
	for i, width := range widths[:len(widths)-1] {
		columns.Set(i, width+2) // with its padding
	}
	align := []tw.Align{tw.AlignLeft, tw.AlignLeft, tw.AlignLeft, tw.AlignRight, tw.AlignRight, tw.AlignLeft}
	plain := tw.CellConfig{
		Formatting: tw.CellFormatting{AutoFormat: tw.Off, AutoWrap: tw.WrapNone},
		Alignment:  tw.CellAlignment{PerColumn: align},
	}
	table := tablewriter.NewTable(w,
		tablewriter.WithRenderer(renderer.NewBlueprint(tw.Rendition{
			Borders: tw.BorderNone, Symbols: tw.NewSymbols(tw.StyleLight),
			Settings: tw.Settings{Separators: tw.Separators{BetweenColumns: tw.Off}, Lines: tw.Lines{ShowHeaderLine: tw.On}},
		})),
		tablewriter.WithConfig(tablewriter.Config{Header: plain, Row: plain, Widths: tw.CellWidth{PerColumn: columns}}),
		tablewriter.WithTrimSpace(tw.Off),
	)
	table.Header(boardHeader[:])
	if err := table.Bulk(rows); err != nil {
		return err
	}
	return table.Render()
}

// coloured paints text by outcome.
func coloured(text string, o Outcome, colour bool) string {
	if !colour {
		return text
	}
	code := map[Outcome]int{Pass: 32, Breach: 31, Inconclusive: 33, Invalid: 35}[o]
	return "\x1b[" + strconv.Itoa(code) + "m" + text + "\x1b[0m"
}
