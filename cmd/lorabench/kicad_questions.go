package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ailiance/lorabench/scorers/kicad"
	"github.com/ailiance/lorabench/scorers/kicad/circuit"
	"github.com/ailiance/lorabench/tasks/electronics/schematic"
	"github.com/ailiance/lorabench/tasks/generated"
)

// newKiCadQuestions makes questions of schematics that are there.
func newKiCadQuestions() *cobra.Command {
	most, out := 100_000, ""
	cmd := &cobra.Command{Use: "questions FILE…", Short: "rows of sch_extract_real, of your own schematics",
		Example: "  mkdir -p DATA/sch_extract_real\n  lorabench kicad questions /usr/share/kicad/demos/*/*.kicad_sch --out DATA/sch_extract_real/test.jsonl",
		Long: `Writes a line a schematic, {"id", "family", "prompt", "reference", "target"}: its text with its
sheets, and the netlist that "kicad nets" extracts. Sheets of another file that is given are no
question of their own. What is too large, or connects nothing, is left out, and named.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usagef("%s: want a schematic or more", cmd.CommandPath())
			}
			rows, err := questionsOf(cmd.Context(), args, most, func(path string, why error) {
				fmt.Fprintf(cmd.ErrOrStderr(), "lorabench: note: %s is left out: %s\n", path, line(why.Error()))
			})
			if err != nil {
				return fmt.Errorf("kicad questions: %w", err)
			}
			return writeQuestions(cmd.OutOrStdout(), out, rows)
		}}
	cmd.Flags().IntVar(&most, "max-bytes", most, "schematics of more text are left out")
	cmd.Flags().StringVar(&out, "out", "", "file to write; standard output where it is missing")
	return cmd
}

func writeQuestions(w io.Writer, out string, rows []generated.Row) error {
	lines, err := generated.JSONL(rows)
	if err != nil {
		return err
	}
	if out == "" {
		_, err = w.Write(lines)
		return err
	}
	if err := os.WriteFile(out, lines, 0o644); err != nil {
		return fmt.Errorf("--out: %w", err)
	}
	return nil
}

// questionsOf makes a row of each schematic that is not a sheet of another.
func questionsOf(ctx context.Context, paths []string, most int, leftOut func(path string, why error)) ([]generated.Row, error) {
	type question struct {
		path string
		row  generated.Row
	}
	var questions []question
	sheets := map[string]bool{}
	for _, path := range paths {
		row, files, err := questionOf(ctx, path, most)
		switch {
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		case errors.Is(err, fs.ErrNotExist):
			return nil, err
		case err != nil:
			leftOut(path, err)
		}
		for _, f := range files {
			sheets[f] = true
		}
		if err == nil {
			questions = append(questions, question{filepath.Clean(path), row})
		}
	}
	var rows []generated.Row
	ids := map[string]int{}
	for _, q := range questions {
		if sheets[q.path] {
			continue
		}
		if ids[q.row.ID]++; ids[q.row.ID] > 1 {
			q.row.ID = fmt.Sprintf("%s-%d", q.row.ID, ids[q.row.ID])
		}
		rows = append(rows, q.row)
	}
	return rows, nil
}

// questionOf makes a row of a schematic. sheets are the other files that belong
// to it, also where it makes none.
func questionOf(ctx context.Context, path string, most int) (row generated.Row, sheets []string, err error) {
	f, err := os.Open(path)
	if err != nil {
		return row, nil, err
	}
	text, err := readKiCadFile(f)
	if err != nil {
		return row, nil, err
	}
	if kind := kindOf(text); kind != "kicad_sch" {
		return row, nil, fmt.Errorf("begins with %q, want a schematic of KiCad 6 or later", kind)
	}
	folder, err := os.OpenRoot(filepath.Dir(path))
	if err != nil {
		return row, nil, err
	}
	defer folder.Close()
	files := []schematic.File{{Name: filepath.Base(path), Text: string(text)}}
	n, err := kicad.ReadNetlist(ctx, path, text, func(name string) ([]byte, error) {
		if filepath.Ext(name) != ".kicad_sch" { // what is not in the question may not count
			return nil, fs.ErrNotExist
		}
		f, err := folder.Open(filepath.FromSlash(name))
		if err != nil {
			return nil, fmt.Errorf("sheet %s: %v", name, err)
		}
		text, err := readKiCadFile(f)
		if !slices.ContainsFunc(files, func(f schematic.File) bool { return f.Name == name }) {
			files = append(files, schematic.File{Name: name, Text: string(text)})
			sheets = append(sheets, filepath.Join(filepath.Dir(path), filepath.FromSlash(name)))
		}
		return text, err
	}, kicad.Limits{})
	if err != nil {
		return row, sheets, errors.New(err.Error()) // a sheet that is not there is no path that is not there
	}
	all := schematic.Join(files)
	if len(all) > most {
		return row, sheets, fmt.Errorf("%d bytes, at most %d are asked for", len(all), most)
	}
	target := circuit.TargetOf(n)
	raw, err := json.Marshal(target)
	if err != nil {
		return row, sheets, err
	}
	if _, err := circuit.ParseTarget(raw); err != nil {
		return row, sheets, err
	}
	list := schematic.Netlist{}
	for _, c := range target.Components {
		list.Components = append(list.Components, schematic.Component{Ref: c.Ref, Value: c.Value})
	}
	for _, net := range target.Nets {
		if len(net.Pins) > 1 {
			list.Nets = append(list.Nets, schematic.NamedNet{Pins: net.Pins})
		}
	}
	if len(list.Nets) == 0 {
		return row, sheets, errors.New("no two pins are connected")
	}
	name := strings.TrimSuffix(filepath.Base(path), ".kicad_sch")
	return generated.Row{
		ID: strings.Join(strings.Fields(name), "_"), Family: "real", Prompt: schematic.ExtractPrompt(all), Reference: schematic.NetlistAnswer(list), Target: bytes.TrimSpace(raw),
	}, sheets, nil
}
