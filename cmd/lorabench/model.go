package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ailiance/lorabench/env"
	"github.com/ailiance/lorabench/model"
	"github.com/ailiance/lorabench/model/checkpoint"
)

func newModel(stdio env.Stdio) *cobra.Command {
	return group("model", "the engine by hand", newInspect(stdio), newLogits(stdio), newGenerate(stdio), newTokenize(stdio))
}

// loadOne opens a model with at most one adapter, and returns the adapter's name.
func loadOne(ctx context.Context, from files, path, adapterText string, opt model.Options) (*model.Engine, string, error) {
	e, err := from.openModel(ctx, path, opt)
	if err != nil || adapterText == "" {
		return e, "", err
	}
	a, err := parseAdapter(adapterText)
	if err == nil {
		_, err = from.loadAdapter(ctx, e, path, a)
	}
	if err != nil {
		e.Close()
		return nil, "", err
	}
	return e, a.Name, nil
}

func newLogits(stdio env.Stdio) *cobra.Command {
	var adapterText, tokens, out, arithmetic string
	from := filesFor(stdio)
	cmd := &cobra.Command{Use: "logits MODEL --tokens F.json --out F.safetensors", Short: "logits of every position of given tokens", Args: exactly(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if tokens == "" || out == "" {
				return usagef("model logits: --tokens and --out are needed")
			}
			return writeLogits(cmd.Context(), from, args[0], adapterText, tokens, out, model.Arithmetic(arithmetic))
		}}
	cmd.Flags().StringVar(&adapterText, "adapter", "", "ADAPTER")
	cmd.Flags().StringVar(&tokens, "tokens", "", `file {"sequences": [[ids] …]}`)
	cmd.Flags().StringVar(&out, "out", "", `float32 tensors "logits.0" … [n, vocabulary]`)
	arithmeticFlag(cmd.Flags(), &arithmetic)
	from.flag(cmd.Flags())
	return cmd
}

// readSequences reads {"sequences": [[ids] …]}.
func readSequences(file string) ([][]int32, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("--tokens: %w", err)
	}
	var doc struct {
		Sequences [][]int32 `json:"sequences"`
	}
	if err := json.Unmarshal(data, &doc); err != nil {
		return nil, fmt.Errorf("--tokens %s: %w", file, err)
	}
	if len(doc.Sequences) == 0 {
		return nil, fmt.Errorf(`--tokens %s: no sequences: want {"sequences": [[1, 2, 3]]}`, file)
	}
	return doc.Sequences, nil
}

func writeLogits(ctx context.Context, from files, path, adapterText, tokens, out string, with model.Arithmetic) error {
	sequences, err := readSequences(tokens)
	if err != nil {
		return err
	}
	e, name, err := loadOne(ctx, from, path, adapterText, model.Options{TokensOnly: true, Arithmetic: with})
	if err != nil {
		return err
	}
	defer e.Close()
	vocabulary := e.Config().VocabSize
	list := make([]checkpoint.TensorInfo, len(sequences))
	for i, ids := range sequences {
		list[i] = checkpoint.TensorInfo{Name: fmt.Sprintf("logits.%d", i), DType: checkpoint.F32, Shape: []int{len(ids), vocabulary}}
	}
	f, err := os.Create(out)
	if err != nil {
		return fmt.Errorf("--out: %w", err)
	}
	defer f.Close()
	err = checkpoint.WriteSafetensors(f, nil, list, func(i int, w io.Writer) error {
		if len(sequences[i]) == 0 {
			return nil
		}
		logits, err := e.Logits(ctx, name, sequences[i])
		if err != nil {
			return err
		}
		var row []byte
		for _, position := range logits {
			row, _ = checkpoint.F32.AppendFloat32s(row[:0], position)
			if _, err := w.Write(row); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("--out %s: %w", out, err)
	}
	return f.Close()
}

func newTokenize(stdio env.Stdio) *cobra.Command {
	var special, decode bool
	from := filesFor(stdio)
	cmd := &cobra.Command{Use: "tokenize MODEL", Short: `text on standard input to {"ids": […]}, or back`, Args: exactly(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return tokenize(cmd.Context(), stdio, from, args[0], special, decode)
		}}
	cmd.Flags().BoolVar(&special, "special", false, "with the special tokens that the tokenizer puts around a text; decoding, keep them")
	cmd.Flags().BoolVar(&decode, "decode", false, `{"ids": […]} on standard input to text`)
	from.flag(cmd.Flags())
	return cmd
}

func tokenize(ctx context.Context, stdio env.Stdio, from files, path string, special, decode bool) error {
	dir, name, done, err := from.checkpoint(ctx, path)
	if err != nil {
		return err
	}
	defer done()
	t, err := model.ReadTokenizer(dir, name) // no weights are needed
	if err != nil {
		return err
	}
	if t == nil {
		return errors.New("the checkpoint has no tokenizer")
	}
	text, err := io.ReadAll(stdio.In)
	if err != nil {
		return err
	}
	type document struct {
		IDs []int32 `json:"ids"`
	}
	if decode {
		var doc document
		if err := json.Unmarshal(text, &doc); err != nil {
			return fmt.Errorf(`standard input: %w: want {"ids": [1, 2]}`, err)
		}
		for i, id := range doc.IDs {
			if id < 0 || int(id) >= t.VocabSize() {
				return fmt.Errorf("standard input: ids: number %d is %d, want 0 … %d", i, id, t.VocabSize()-1)
			}
		}
		_, err := io.WriteString(stdio.Out, t.Decode(doc.IDs, !special))
		return err
	}
	ids, err := t.Encode(string(text), special)
	if err != nil {
		return err
	}
	if ids == nil {
		ids = []int32{}
	}
	return json.NewEncoder(stdio.Out).Encode(document{ids})
}

func newAdapter(stdio env.Stdio) *cobra.Command {
	var asJSON bool
	var arithmetic string
	from := filesFor(stdio)
	check := &cobra.Command{Use: "check MODEL ADAPTER", Short: "proof that an adapter is applied, or exit 5 and why", Args: exactly(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return checkAdapter(cmd.Context(), cmd.OutOrStdout(), from, args[0], args[1], model.Arithmetic(arithmetic), asJSON)
		}}
	check.Flags().BoolVar(&asJSON, "json", false, "one JSON document")
	arithmeticFlag(check.Flags(), &arithmetic)
	from.flag(check.Flags())
	return group("adapter", "what an adapter does to a model", check)
}

// adapterReport is lorabench/adapter/1.
type adapterReport struct {
	Schema  string    `json:"schema"`
	Applied bool      `json:"applied"`
	Reason  *string   `json:"reason"`
	Format  string    `json:"format"`  // "PEFT LoRA", "MLX DoRA", …
	Targets []string  `json:"targets"` // paths of modules inside a block
	Changes []string  `json:"changes"` // what is done to them: LoRA, DoRA, bias, weight, tokens
	Skipped int       `json:"skipped"` // tensors of parts that see or hear
	Modules int       `json:"modules"`
	Tensors int       `json:"tensors"`
	Rank    *int      `json:"rank"`  // of all modules; null where they differ
	Scale   *float64  `json:"scale"` // likewise
	Ranks   []int     `json:"ranks"` // the distinct ones, ascending
	Scales  []float64 `json:"scales"`
	Probe   any       `json:"probe"`
}

// only returns the value of a list of one.
func only[T any](list []T) *T {
	if len(list) != 1 {
		return nil
	}
	return &list[0]
}

func checkAdapter(ctx context.Context, w io.Writer, from files, path, text string, with model.Arithmetic, asJSON bool) error {
	a, err := parseAdapter(text)
	if err != nil {
		return usageError{err}
	}
	e, err := from.openModel(ctx, path, model.Options{TextOptional: true, Arithmetic: with})
	if err != nil {
		return err
	}
	defer e.Close()
	proof, err := from.loadAdapter(ctx, e, path, a)
	var refused *model.AdapterError
	if err != nil && !errors.As(err, &refused) {
		return err
	}
	report := adapterReport{Schema: "lorabench/adapter/1", Applied: err == nil, Ranks: []int{}, Scales: []float64{}, Targets: []string{}, Changes: []string{}}
	if refused != nil {
		report.Reason = &refused.Reason
	} else {
		report.Modules, report.Tensors, report.Ranks, report.Scales = proof.Modules, proof.Tensors, proof.Ranks, proof.Scales
		report.Format, report.Targets, report.Changes, report.Skipped = proof.Format, proof.Targets, proof.Changes, proof.Skipped
		report.Rank, report.Scale = only(proof.Ranks), only(proof.Scales)
		report.Probe = struct {
			KL         float64 `json:"kl"`
			Difference float64 `json:"max_logit_difference"`
			Tokens     int     `json:"tokens"`
			ZeroB      bool    `json:"zero_b_equals_base"`
			Modules    int     `json:"numerical_modules"`
			Error      float64 `json:"numerical_error"`
		}{proof.KL, proof.MaxLogitDifference, proof.ProbeTokens, proof.ZeroBEqualsBase, proof.NumericalModules, proof.NumericalError}
	}
	if asJSON {
		return errors.Join(err, printJSON(w, report))
	}
	if err != nil {
		return err
	}
	skipped := ""
	if proof.Skipped > 0 {
		skipped = fmt.Sprintf("; %d tensors are of parts that see or hear, which no text reaches", proof.Skipped)
	}
	_, err = fmt.Fprintf(w, `applied: %s, %d tensors on %d modules (%s), rank %v, scale %v, changes %s%s
numbers: outputs of %d modules change as the file's tensors say in float64, within %.2g
probe: KL %.4g nats, largest logit difference %.4g over %d tokens; with B = 0 equal to the base bit for bit
`,
		proof.Format, proof.Tensors, proof.Modules, strings.Join(proof.Targets, ", "), proof.Ranks, proof.Scales, strings.Join(proof.Changes, ", "), skipped,
		proof.NumericalModules, proof.NumericalError, proof.KL, proof.MaxLogitDifference, proof.ProbeTokens)
	return err
}
