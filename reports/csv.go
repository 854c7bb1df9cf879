package reports

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// CSV writes a line a task, variant and metric, numbers at full precision in the
// metric's unit, empty where there is none.
func CSV(w io.Writer, r *Report) error {
	out := csv.NewWriter(w)
	lines := [][]string{{
		"run", "task", "task_version", "variant", "metric", "unit", "better", "primary", "status", "total", "measured",
		"value", "n", "ci95_lo", "ci95_hi", "floor", "floor_output",
		"pairs", "lift", "lift_ci95_lo", "lift_ci95_hi", "lift_method", "lost", "gained", "p", "p_adjusted", "mde", "under_floor", "verdict", "labels",
	}}
	for _, t := range r.Tasks {
		for _, row := range t.Rows {
			for i := range row.Cells {
				cell := &row.Cells[i]
				m := cell.Metric
				line := []string{
					r.Run.ID, t.Info.Name, t.Info.Version, row.Variant, m.Name, m.Unit, string(m.Better), strconv.FormatBool(cell.Primary),
					string(row.Status), strconv.Itoa(row.Total), strconv.Itoa(row.Measured), number64(cell.Value), strconv.Itoa(cell.N),
				}
				if cell.CI95 != nil {
					line = append(line, number64(&cell.CI95.Lo), number64(&cell.CI95.Hi))
				} else {
					line = append(line, "", "")
				}
				if cell.Floor != nil {
					line = append(line, number64(&cell.Floor.Value), cell.Floor.Output)
				} else {
					line = append(line, "", "")
				}
				line = append(line, csvLift(r, t.Comparison(row.Variant, m.Name))...)
				lines = append(lines, line)
			}
		}
	}
	if err := out.WriteAll(lines); err != nil {
		return fmt.Errorf("write report as CSV: %w", err)
	}
	return nil
}

// csvLift returns the columns of a comparison, all empty where there is none.
func csvLift(r *Report, c *Comparison) []string {
	line := make([]string, 13)
	if c == nil {
		return line
	}
	line[0], line[1] = strconv.Itoa(c.N), number64(c.Lift)
	if c.CI95 != nil {
		line[2], line[3] = number64(&c.CI95.Lo), number64(&c.CI95.Hi)
	}
	line[4] = c.Method
	if c.Flips != nil {
		line[5], line[6] = strconv.Itoa(len(c.Flips.Lost)), strconv.Itoa(len(c.Flips.Gained))
	}
	line[7], line[8], line[9], line[10] = number64(c.P), number64(c.Adjusted), number64(c.MDE), strconv.FormatBool(c.UnderFloor)
	if v := r.Verdict(c.Variant, c.Task); v != nil && v.c == c {
		line[11] = string(v.Outcome)
		line[12] = strings.ReplaceAll(labelText(v.Labels), ", ", " ")
	}
	return line
}

func number64(x *float64) string {
	if x == nil || !finite(*x) {
		return ""
	}
	return strconv.FormatFloat(*x, 'g', -1, 64)
}
