package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"

	"github.com/olekukonko/tablewriter"
	"github.com/olekukonko/tablewriter/renderer"
	"github.com/olekukonko/tablewriter/tw"
	"github.com/spf13/cobra"

	"github.com/ailiance/lorabench/env"
	"github.com/ailiance/lorabench/reports"
	"github.com/ailiance/lorabench/results"
)

type reportOptions struct{ policy, run, db, format, out, published string }

// renderings are the values of --format.
const renderings = "text, md, json, csv, compare"

func newReport(stdio env.Stdio) *cobra.Command {
	o := reportOptions{}
	cmd := &cobra.Command{Use: "report", Short: "scoreboard, summary, or table of a stored run", Args: exactly(0),
		Long: `report prints what is stored of a run. --format compare is the table of
compare_base_vs_lora.md: a line a metric, a column a variant.

With --published no run is read: PATH holds result files of the published
electronics benchmark, and their tables are printed in the published shape.`,
		Example: "  lorabench report\n  lorabench report --format md --out SUMMARY.md\n  lorabench report --published bench-results",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return report(cmd.Context(), stdio.Out, o, stdio.OutIsTerminal && !stdio.NoColor)
		}}
	f := cmd.Flags()
	f.StringVar(&o.format, "format", "text", renderings)
	f.StringVar(&o.out, "out", "", "file to write; else standard output")
	f.StringVar(&o.policy, "policy", "", "policy file, as for gate")
	f.StringVar(&o.published, "published", "", "published result files: a folder of them, compare_inputs.json, all_models.txt, 31_domains_baseline.json or comparison_*.json")
	runFlags(f, &o.run, &o.db)
	return cmd
}

func report(ctx context.Context, w io.Writer, o reportOptions, colour bool) error {
	if o.published != "" {
		return o.reportPublished(w)
	}
	var render func(io.Writer, *reports.Report) error
	switch o.format {
	case "text":
		render = func(w io.Writer, r *reports.Report) error { return reports.Scoreboard(w, r, colour && o.out == "") }
	case "md":
		render = reports.Summary
	case "json":
		render = reports.JSON
	case "csv":
		render = reports.CSV
	case "compare":
		render = reports.Matrix
	case "html", "card":
		return usagef("--format %s: not built yet: there are %s", o.format, renderings)
	default:
		return usagef("--format %q: there are %s", o.format, renderings)
	}
	var text bytes.Buffer
	err := readStore(ctx, o.db, func(store *results.Store) error {
		r, _, err := buildReport(ctx, store, o.run, o.policy)
		if err != nil {
			return err
		}
		return render(&text, r)
	})
	if err != nil {
		return err
	}
	return o.write(w, text.Bytes())
}

// write puts a rendering where it was asked for.
func (o reportOptions) write(w io.Writer, text []byte) error {
	if o.out == "" {
		_, err := w.Write(text)
		return err
	}
	if err := os.WriteFile(o.out, text, 0o666); err != nil {
		return fmt.Errorf("--out: %w", err)
	}
	return nil
}

// table prints rows under a header, as the scoreboard does; columns named in
// right are numbers. Cells are made safe for a terminal.
func table(w io.Writer, header []string, rows [][]string, right ...int) error {
	align := make([]tw.Align, len(header))
	for i := range align {
		align[i] = tw.AlignLeft
	}
	for _, i := range right {
		align[i] = tw.AlignRight
	}
	for _, row := range rows {
		for i := range row {
			row[i] = oneLine(row[i])
		}
	}
	plain := tw.CellConfig{
		Formatting: tw.CellFormatting{AutoFormat: tw.Off, AutoWrap: tw.WrapNone},
		Alignment:  tw.CellAlignment{PerColumn: align},
	}
	var text strings.Builder
	t := tablewriter.NewTable(&text,
		tablewriter.WithRenderer(renderer.NewBlueprint(tw.Rendition{
			Borders: tw.BorderNone, Symbols: tw.NewSymbols(tw.StyleLight),
			Settings: tw.Settings{Separators: tw.Separators{BetweenColumns: tw.Off}, Lines: tw.Lines{ShowHeaderLine: tw.On}},
		})),
		tablewriter.WithConfig(tablewriter.Config{Header: plain, Row: plain}),
		tablewriter.WithTrimSpace(tw.Off),
	)
	t.Header(header)
	if err := t.Bulk(rows); err != nil {
		return err
	}
	if err := t.Render(); err != nil {
		return err
	}
	lines := strings.Split(text.String(), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	_, err := io.WriteString(w, strings.Join(lines, "\n"))
	return err
}

// oneLine makes a text safe for a terminal: control characters, line breaks too,
// and what turns the direction of writing are shown as Go writes them.
func oneLine(s string) string { return escape(s, false) }

// block is oneLine for a text of several lines.
func block(s string) string { return escape(s, true) }

func escape(s string, breaks bool) string {
	var b strings.Builder
	for i, r := range s {
		switch {
		case breaks && (r == '\n' || r == '\t'):
			b.WriteRune(r)
		case r == unicode.ReplacementChar && !strings.HasPrefix(s[i:], string(unicode.ReplacementChar)):
			fmt.Fprintf(&b, `\x%02x`, s[i]) // not UTF-8
		case unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029':
			quoted := fmt.Sprintf("%+q", r)
			b.WriteString(quoted[1 : len(quoted)-1])
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
