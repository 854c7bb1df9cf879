package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/ailiance/lorabench/env"
	"github.com/ailiance/lorabench/model"
	"github.com/ailiance/lorabench/model/architecture"
)

func newInspect(stdio env.Stdio) *cobra.Command {
	var asJSON bool
	from := filesFor(stdio)
	cmd := &cobra.Command{Use: "inspect MODEL", Short: "what a checkpoint is, also a broken one", Args: exactly(1),
		Long: `Reads the whole checkpoint and says what it is: architecture, storage, memory, tokenizer,
template, identity. It goes on behind what is wrong, lists all of it, and exits with 1.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return inspectModel(cmd.Context(), cmd.OutOrStdout(), from, args[0], asJSON)
		}}
	cmd.Flags().BoolVar(&asJSON, "json", false, "one JSON document")
	from.flag(cmd.Flags())
	return cmd
}

// modelReport is lorabench/model/1.
type modelReport struct {
	Schema      string               `json:"schema"`
	SHA256      string               `json:"sha256"`
	Base        string               `json:"base"`
	Tokenizer   string               `json:"tokenizer"`
	Template    *templateReport      `json:"chat_template"` // null: there is none
	Parameters  int64                `json:"parameters"`
	Storage     []model.StorageUse   `json:"storage"`
	Other       model.StorageUse     `json:"other_tensors"`
	Memory      int64                `json:"weights_bytes"`
	PerPosition int64                `json:"bytes_per_position"`
	EndTokens   []int32              `json:"end_tokens"`
	Config      *architecture.Config `json:"config"`
	Notes       []string             `json:"notes"`
	Faults      []string             `json:"faults"`
}

type templateReport struct {
	Identity string `json:"identity"`
	Begin    string `json:"thinking_begin"` // "": the model has no reasoning channel
	End      string `json:"thinking_end"`
}

func inspectModel(ctx context.Context, w io.Writer, from files, path string, asJSON bool) error {
	dir, name, done, err := from.checkpoint(ctx, path)
	if err != nil {
		return err
	}
	defer done()
	i, err := model.Inspect(ctx, dir, name)
	if err != nil {
		return err
	}
	if asJSON {
		err = printJSON(w, newModelReport(i))
	} else {
		err = printInspection(w, i)
	}
	if err == nil && len(i.Faults) > 0 {
		err = fmt.Errorf("%s: %s", path, strings.Join(i.Faults, "\n  "))
	}
	return err
}

func newModelReport(i *model.Inspection) modelReport {
	r := modelReport{
		Schema: "lorabench/model/1", SHA256: i.Hash, Base: i.BaseIdentity, Tokenizer: "none", Parameters: i.Parameters,
		Storage: orEmpty(i.Storage), Other: i.Other, Memory: i.PackedBytes, PerPosition: i.BytesPerPosition,
		EndTokens: orEmpty(i.EndTokens), Config: i.Config, Notes: orEmpty(i.Notes), Faults: orEmpty(i.Faults),
	}
	if t := i.Tokenizer; t != nil {
		r.Tokenizer = t.Identity()
	}
	if i.Chat != nil {
		begin, end := i.Chat.Markers()
		r.Template = &templateReport{Identity: i.Chat.Identity(), Begin: begin, End: end}
	}
	return r
}

// orEmpty makes a JSON array of a list that is nil.
func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

func printInspection(w io.Writer, i *model.Inspection) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	line := func(key, format string, args ...any) { fmt.Fprintf(t, "%s\t%s\n", key, fmt.Sprintf(format, args...)) }
	if c := i.Config; c != nil {
		inspectConfig(line, c)
	}
	if i.Parameters > 0 {
		line("parameters", "%s", countText(i.Parameters))
	}
	if len(i.Storage) > 0 {
		var parts []string
		for _, s := range i.Storage {
			parts = append(parts, fmt.Sprintf("%s: %d tensors, %s", s.Type, s.Tensors, sizeText(s.Bytes)))
		}
		line("storage", "%s", strings.Join(parts, "; "))
	}
	if i.Other.Tensors > 0 {
		line("not computed", "%d tensors, %s, of parts that text does not need", i.Other.Tensors, sizeText(i.Other.Bytes))
	}
	if i.PackedBytes > 0 {
		line("memory", "%s of weights, %s for the keys and values of 1,000 positions", sizeText(i.PackedBytes), sizeText(1000*i.BytesPerPosition))
	}
	inspectText(line, i)
	if i.Hash != "" {
		line("weights", "%s", i.Hash)
	}
	for _, note := range i.Notes {
		line("note", "%s", note)
	}
	if len(i.Faults) == 0 {
		line("computed by", "%s, kernels %s", model.Identity(), model.KernelPath())
	}
	return t.Flush()
}

func inspectConfig(line func(key, format string, args ...any), c *architecture.Config) {
	line("architecture", "%s: %d layers, hidden %d, feed-forward %s", c.ModelType, c.NumHiddenLayers, c.HiddenSize,
		distinctOf(c.Layers, func(l architecture.Layer) int { return l.IntermediateSize }))
	shared := 0
	for n, l := range c.Layers {
		if l.KeyValueLayer != n {
			shared++
		}
	}
	attention := fmt.Sprintf("%d heads of %s, %s for keys and values", c.NumAttentionHeads,
		distinctOf(c.Layers, func(l architecture.Layer) int { return l.HeadDim }),
		distinctOf(c.Layers, func(l architecture.Layer) int { return l.NumKeyValueHeads }))
	if windows := slices.DeleteFunc(slices.Clone(c.Layers), func(l architecture.Layer) bool { return l.Window == 0 }); len(windows) > 0 {
		attention += fmt.Sprintf("; a window of %s in %d layers", distinctOf(windows, func(l architecture.Layer) int { return l.Window }), len(windows))
	}
	if shared > 0 {
		attention += fmt.Sprintf("; %d layers share those of others", shared)
	}
	line("attention", "%s", attention)
	var ropes []string
	for _, r := range c.Ropes {
		text := fmt.Sprintf("%s, theta %g", r.Type, r.Theta)
		if r.Factor != 1 {
			text += fmt.Sprintf(", factor %g", r.Factor)
		}
		if r.Divisors != nil {
			text += ", frequencies divided by the file's tensor"
		}
		ropes = append(ropes, text)
	}
	line("positions", "%d (%s)", c.MaxPositionEmbeddings, strings.Join(ropes, "; "))
	tied := "an output layer of its own"
	if c.TieWordEmbeddings {
		tied = "the output layer is the embedding"
	}
	line("vocabulary", "%d; %s", c.VocabSize, tied)
}

// distinctOf lists the values of all layers, each once, in order.
func distinctOf[T any](list []T, of func(T) int) string {
	var values []int
	for _, v := range list {
		values = append(values, of(v))
	}
	slices.Sort(values)
	text := fmt.Sprint(slices.Compact(values))
	return strings.ReplaceAll(strings.Trim(text, "[]"), " ", " and ")
}

// inspectText says what turns text into tokens and back.
func inspectText(line func(key, format string, args ...any), i *model.Inspection) {
	tok := i.Tokenizer
	if tok == nil {
		line("tokenizer", "none")
	} else {
		begins := "begins texts with nothing"
		if id, ok := tok.BOS(); ok && tok.AddsBOS() {
			begins = fmt.Sprintf("begins texts with %q", tok.Decode([]int32{id}, false))
		}
		line("tokenizer", "%s, %s", begins, tok.Identity())
	}
	template := "none"
	if i.Chat != nil {
		template = i.Chat.Identity() + ", without reasoning"
		if begin, end := i.Chat.Markers(); begin != "" {
			template = fmt.Sprintf("%s, reasons between %s and %s", i.Chat.Identity(), begin, end)
		}
	}
	line("chat template", "%s", template)
	var ends []string
	for k, text := range i.EndTexts() {
		ends = append(ends, strings.TrimSpace(fmt.Sprintf("%d %s", i.EndTokens[k], text)))
	}
	if len(ends) > 0 {
		line("ends texts", "%s", strings.Join(ends, ", "))
	}
}

// sizeText is a number of bytes for people.
func sizeText(n int64) string {
	switch {
	case n >= 1e9:
		return fmt.Sprintf("%.2f GB", float64(n)/1e9)
	case n >= 1e6:
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	}
	return fmt.Sprintf("%.1f kB", float64(n)/1e3)
}

// countText is a large number for people.
func countText(n int64) string {
	switch {
	case n >= 1e9:
		return fmt.Sprintf("%.2f billion", float64(n)/1e9)
	case n >= 1e6:
		return fmt.Sprintf("%.1f million", float64(n)/1e6)
	}
	return fmt.Sprint(n)
}
