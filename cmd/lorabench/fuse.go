package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/ailiance/lorabench/env"
	"github.com/ailiance/lorabench/model"
)

func newFuse(stdio env.Stdio) *cobra.Command {
	from := filesFor(stdio)
	var out string
	var dequantize, asJSON bool
	cmd := &cobra.Command{Use: "fuse MODEL ADAPTER --out DIR", Short: "one checkpoint of a base with an adapter merged in", Args: exactly(2),
		Long: `Writes the Hugging Face or MLX checkpoint MODEL with ADAPTER merged into its weights,
rounded once to the type that the base stores. What is written is opened again and
compared with base and adapter side by side; the largest difference of a logit is
printed, and what rounding does not explain is an error.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if out == "" {
				return usagef("fuse: --out is needed")
			}
			return fuse(cmd.Context(), cmd.OutOrStdout(), from, args[0], args[1], out, dequantize, asJSON)
		}}
	cmd.Flags().StringVar(&out, "out", "", "folder to write, which must not be there yet")
	cmd.Flags().BoolVar(&dequantize, "dequantize", false, "write a quantised base as plain numbers")
	from.flag(cmd.Flags())
	cmd.Flags().BoolVar(&asJSON, "json", false, "one JSON document")
	return cmd
}

// fusionReport is lorabench/fusion/1.
type fusionReport struct {
	Schema     string   `json:"schema"`
	Out        string   `json:"out"`
	Tensors    int      `json:"tensors"`
	Changed    []string `json:"changed"`
	DType      string   `json:"dtype"`
	Untied     bool     `json:"untied"`
	Files      []string `json:"files"`
	Tokens     int      `json:"probe_tokens"`
	Difference float64  `json:"max_logit_difference"`
	RMS        float64  `json:"rms_logit_difference"`
	Tolerance  float64  `json:"tolerance"`
}

func fuse(ctx context.Context, w io.Writer, from files, path, text, out string, dequantize, asJSON bool) error {
	a, err := parseAdapter(text)
	if err != nil {
		return usageError{err}
	}
	base, name, done, err := from.checkpoint(ctx, path)
	if err != nil {
		return err
	}
	defer done()
	if name != "." {
		return usagef("fuse %s: a GGUF file's weights are not in the form of a Hugging Face checkpoint: fuse onto the checkpoint that it was made from", path)
	}
	e, err := model.OpenFS(ctx, base, name, model.Options{})
	if err != nil {
		return err
	}
	defer e.Close()
	if _, err := from.loadAdapter(ctx, e, path, a); err != nil {
		return err
	}
	f, err := e.Fuse(ctx, base, a.Name, out, dequantize)
	if err != nil {
		return err
	}
	if asJSON {
		return printJSON(w, fusionReport{
			Schema: "lorabench/fusion/1", Out: out, Tensors: f.Tensors, Changed: f.Changed, DType: f.DType, Untied: f.Untied, Files: f.Files,
			Tokens: f.ProbeTokens, Difference: f.MaxLogitDifference, RMS: f.RMSLogitDifference, Tolerance: f.Tolerance,
		})
	}
	untied := ""
	if f.Untied {
		untied = "\nthe output layer is no longer the embedding: the adapter changes one of them only"
	}
	_, err = fmt.Fprintf(w, "%s: %d of %d tensors merged, rounded to %s%s\nlargest logit difference to base and adapter side by side: %.3g over %d tokens; root mean square %.3g (rounding explains up to %.3g)\n",
		out, len(f.Changed), f.Tensors, f.DType, untied, f.MaxLogitDifference, f.ProbeTokens, f.RMSLogitDifference, f.Tolerance)
	return err
}
