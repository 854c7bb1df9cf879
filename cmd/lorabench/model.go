package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/ailiance/lorabench/model"
)

func newModel() *cobra.Command {
	cmd := &cobra.Command{Use: "model", Short: "the engine by hand"}
	var asJSON bool
	inspect := &cobra.Command{Use: "inspect MODEL", Short: "architecture, shapes and identity", Args: exactly(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return inspectModel(cmd.Context(), cmd.OutOrStdout(), args[0], asJSON)
		}}
	inspect.Flags().BoolVar(&asJSON, "json", false, "one JSON document")
	cmd.AddCommand(inspect)
	return cmd
}

func inspectModel(ctx context.Context, w io.Writer, path string, asJSON bool) error {
	e, err := model.Open(ctx, path, model.Options{})
	if err != nil {
		return err
	}
	defer e.Close()
	c := e.Config()
	if asJSON {
		return printJSON(w, struct {
			Schema string `json:"schema"`
			SHA256 string `json:"sha256"`
			Config any    `json:"config"`
		}{"lorabench/model/1", e.Hash(), c})
	}
	fmt.Fprintf(w, "%s: %d layers, hidden %d, %d heads of %d (%d for keys and values), feed-forward %d, vocabulary %d, %d positions\n%s\n",
		c.ModelType, c.NumHiddenLayers, c.HiddenSize, c.NumAttentionHeads, c.HeadDim, c.NumKeyValueHeads, c.IntermediateSize,
		c.VocabSize, c.MaxPositionEmbeddings, e.Hash())
	return nil
}

func newAdapter() *cobra.Command {
	cmd := &cobra.Command{Use: "adapter", Short: "what an adapter does to a model"}
	var asJSON bool
	check := &cobra.Command{Use: "check MODEL ADAPTER", Short: "proof that an adapter is applied, or exit 5 and why", Args: exactly(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return checkAdapter(cmd.Context(), cmd.OutOrStdout(), args[0], args[1], asJSON)
		}}
	check.Flags().BoolVar(&asJSON, "json", false, "one JSON document")
	cmd.AddCommand(check)
	return cmd
}

// adapterReport is lorabench/adapter/1.
type adapterReport struct {
	Schema  string    `json:"schema"`
	Applied bool      `json:"applied"`
	Reason  *string   `json:"reason"`
	Modules int       `json:"modules"`
	Tensors int       `json:"tensors"`
	Rank    []int     `json:"rank"`
	Scale   []float64 `json:"scale"`
	Probe   any       `json:"probe"`
}

func checkAdapter(ctx context.Context, w io.Writer, path, dir string, asJSON bool) error {
	e, err := model.Open(ctx, path, model.Options{})
	if err != nil {
		return err
	}
	defer e.Close()
	proof, refused := e.LoadAdapter(ctx, filepath.Base(dir), os.DirFS(dir))
	report := adapterReport{Schema: "lorabench/adapter/1", Applied: refused == nil}
	if refused != nil {
		reason := refused.Error()
		report.Reason = &reason
	} else {
		report.Modules, report.Tensors, report.Rank, report.Scale = proof.Modules, proof.Tensors, proof.Ranks, proof.Scales
		report.Probe = struct {
			KL         float64 `json:"kl"`
			Difference float64 `json:"max_logit_difference"`
		}{proof.KL, proof.MaxLogitDifference}
	}
	if asJSON {
		if err := printJSON(w, report); err != nil {
			return err
		}
		return refused
	}
	if refused != nil {
		return refused
	}
	ranks, err := json.Marshal(proof.Ranks)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "applied: %d tensors on %d modules, rank %s, scale %v\nprobe: KL %.4g nats, largest logit difference %.4g over %d tokens; with B = 0 equal to the base bit for bit\n",
		proof.Tensors, proof.Modules, ranks, proof.Scales, proof.KL, proof.MaxLogitDifference, proof.ProbeTokens)
	return nil
}
