package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ailiance/lorabench/env"
	"github.com/ailiance/lorabench/model"
)

type generateOptions struct {
	from                           files
	model, adapter, prompt, tokens string
	chat, system, thinking         string
	arithmetic                     string
	until                          []string
	most                           int
	sampling                       model.Sampling
	asJSON                         bool
}

func newGenerate(stdio env.Stdio) *cobra.Command {
	o := generateOptions{from: filesFor(stdio), thinking: string(model.ThinkingAuto)}
	cmd := &cobra.Command{Use: "generate MODEL (--prompt TEXT | --chat TEXT | --tokens F.json)", Short: "text after a prompt, greedy or sampled", Args: exactly(1),
		Example: `  lorabench model generate demo --adapter spice --prompt "Q: Tom has 12 pens and buys 7. How many pens has he?
A:"
  lorabench model generate MODEL --prompt "Once upon a time" --temperature 0.8 --top-p 0.95 --seed 7 --stop "The end"`,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.model = args[0]
			return generate(cmd.Context(), stdio, o)
		}}
	f := cmd.Flags()
	f.StringVar(&o.adapter, "adapter", "", "ADAPTER")
	f.StringVar(&o.prompt, "prompt", "", "text, as it is: special tokens in it count, and those that the tokenizer puts around a text are added")
	f.StringVar(&o.chat, "chat", "", "what a user says: asked by the checkpoint's own chat template, and answered without the reasoning")
	f.StringVar(&o.system, "system", "", "system message before --chat")
	f.Var(&choiceFlag{&o.thinking, []string{string(model.ThinkingAuto), string(model.ThinkingOn), string(model.ThinkingOff)}}, "thinking", "auto, on or off: whether --chat asks for reasoning, in a template that has a switch for it")
	f.StringVar(&o.tokens, "tokens", "", `file {"sequences": [[ids] …]}`)
	f.StringArrayVar(&o.until, "stop", nil, "end before this text; repeat for more")
	f.IntVar(&o.most, "max-new-tokens", 128, "bound of the text")
	f.Float64Var(&o.sampling.Temperature, "temperature", 0, "0: the likeliest token each time; else tokens are drawn from the logits divided by it")
	f.IntVar(&o.sampling.TopK, "top-k", 0, "draw from the K likeliest tokens; 0: all")
	f.Float64Var(&o.sampling.TopP, "top-p", 1, "draw from the likeliest tokens that add up to this probability")
	f.Float64Var(&o.sampling.MinP, "min-p", 0, "draw from tokens at least this many times as likely as the likeliest")
	f.Float64Var(&o.sampling.RepetitionPenalty, "repetition-penalty", 1, "divides the logits of tokens that were there before, also in greedy text; 1: none")
	f.Int64Var(&o.sampling.Seed, "seed", 1234, "of the draws: the same seed and prompt give the same text")
	f.BoolVar(&o.asJSON, "json", false, "one JSON document")
	arithmeticFlag(f, &o.arithmetic)
	o.from.flag(f)
	return cmd
}

func (o generateOptions) validate() error {
	switch {
	case len(slices.DeleteFunc([]string{o.prompt, o.chat, o.tokens}, func(s string) bool { return s == "" })) != 1:
		return usagef("model generate: want one of --prompt, --chat and --tokens")
	case o.system != "" && o.chat == "":
		return usagef("model generate: --system goes with --chat")
	case o.most < 1:
		return usagef("model generate: --max-new-tokens %d: want at least 1", o.most)
	case o.sampling.RepetitionPenalty == 0:
		return usagef("model generate: --repetition-penalty 0: want a number above it (1: none)")
	case slices.Contains(o.until, ""):
		return usagef("model generate: --stop: an empty text is everywhere")
	}
	if err := o.sampling.Validate(); err != nil {
		return usagef("model generate: %w", err)
	}
	return nil
}

// generation is one text of lorabench/generations/1.
type generation struct {
	Text         string    `json:"text"`
	IDs          []int32   `json:"ids"`
	LogProbs     []float64 `json:"logprobs"` // nats, of the model itself: before temperature, top-k, top-p, min-p
	Stop         string    `json:"stop"`
	PromptTokens int       `json:"prompt_tokens"`

	// Of --chat. Answer is null where the text ended before the answer began.
	Thinking *string `json:"thinking,omitempty"`
	Answer   *string `json:"answer,omitempty"`
}

func generate(ctx context.Context, stdio env.Stdio, o generateOptions) error {
	if err := o.validate(); err != nil {
		return err
	}
	var sequences [][]int32
	if o.tokens != "" {
		var err error
		if sequences, err = readSequences(o.tokens); err != nil {
			return err
		}
	}
	e, name, err := loadOne(ctx, o.from, o.model, o.adapter, model.Options{TextOptional: o.tokens != "", Arithmetic: model.Arithmetic(o.arithmetic)})
	if err != nil {
		return err
	}
	defer e.Close()
	var c *conversation
	if o.tokens == "" {
		t := e.Tokenizer()
		if t == nil {
			return errors.New("the checkpoint has no tokenizer: give --tokens")
		}
		text, addSpecial := o.prompt, true
		if o.chat != "" {
			if c, err = o.converse(e); err != nil {
				return err
			}
			text, addSpecial = c.prompt, false
		}
		ids, err := t.Encode(text, addSpecial)
		if err != nil {
			return err
		}
		sequences = [][]int32{ids}
	}
	if o.sampling.RepetitionPenalty == 1 { // else the note on a suggested one would be wrong
		for _, note := range e.Notes() {
			o.from.say("%s", note)
		}
	}
	for i, ids := range sequences {
		if err := e.Submit(model.Job{ID: i, Adapter: name, Tokens: ids, MaxNewTokens: o.most, Until: o.until, Sampling: o.sampling}); err != nil {
			return fmt.Errorf("sequence %d: %w", i, err)
		}
	}
	if !o.asJSON && c == nil {
		_, err := writeTexts(ctx, e, len(sequences), stdio.Out)
		return err
	}
	texts, err := writeTexts(ctx, e, len(sequences), io.Discard)
	if err != nil {
		return err
	}
	if c != nil {
		if err := c.answer(&texts[0], e.Tokenizer(), o, stdio); err != nil {
			return err
		}
	}
	if !o.asJSON {
		return nil
	}
	return printJSON(stdio.Out, struct {
		Schema       string         `json:"schema"`
		Sampling     model.Sampling `json:"sampling"`
		MaxNewTokens int            `json:"max_new_tokens"`
		Until        []string       `json:"until"`
		Texts        []generation   `json:"texts"`
	}{"lorabench/generations/1", o.sampling, o.most, append([]string{}, o.until...), texts})
}

// writeTexts generates the n texts that were submitted and shows them in their order,
// each as it comes and with a line's end.
func writeTexts(ctx context.Context, e *model.Engine, n int, w io.Writer) ([]generation, error) {
	texts := make([]*generation, n)
	current, shown := 0, 0 // the text that is being shown, and how much of it was
	for e.Pending() > 0 {
		answers, err := e.Step(ctx)
		if err != nil {
			return nil, err
		}
		for _, a := range answers {
			if a.Err != nil {
				return nil, fmt.Errorf("sequence %d: %w", a.ID, a.Err)
			}
			texts[a.ID] = &generation{Text: a.Text, IDs: append([]int32{}, a.New...), LogProbs: append([]float64{}, a.NewLogProbs...), Stop: string(a.Stop), PromptTokens: a.PromptTokens}
		}
		for ; current < n && texts[current] != nil; current++ {
			if _, err := fmt.Fprintln(w, visible(texts[current].Text[shown:])); err != nil {
				return nil, err
			}
			shown = 0
		}
		if current < n {
			text := e.Written(current)[shown:]
			shown += len(text)
			if _, err := io.WriteString(w, visible(text)); err != nil {
				return nil, err
			}
		}
	}
	all := make([]generation, n)
	for i, t := range texts {
		all[i] = *t
	}
	return all, nil
}

// conversation is a prompt of --chat.
type conversation struct {
	chat   *model.Chat
	prompt string
}

// converse renders what the user says by the checkpoint's template. Templates
// that tell the date tell today's, as transformers has it.
func (o generateOptions) converse(e *model.Engine) (*conversation, error) {
	c, err := e.Chat()
	if err != nil {
		return nil, err
	}
	if c == nil {
		return nil, errors.New("the checkpoint has no chat template: give --prompt")
	}
	var turns []model.Turn
	if o.system != "" {
		turns = append(turns, model.Turn{Role: "system", Content: o.system})
	}
	turns = append(turns, model.Turn{Role: "user", Content: o.chat})
	prompt, err := c.Prompt(turns, model.Thinking(o.thinking), time.Now())
	return &conversation{c, prompt}, err
}

// answer tells the answer from the reasoning, and shows it.
func (c *conversation) answer(g *generation, t model.Tokenizer, o generateOptions, stdio env.Stdio) error {
	output := t.Decode(g.IDs, false) // the markers may be special tokens
	for _, stop := range o.until {
		output, _, _ = strings.Cut(output, stop)
	}
	thinking, answer, answered := c.chat.Split(c.prompt, output)
	g.Thinking = &thinking
	if answered {
		g.Answer = &answer
	}
	switch {
	case o.asJSON:
		return nil
	case !answered:
		fmt.Fprintf(stdio.Err, "no answer: the text ended (%s) within %d characters of reasoning, which --json shows\n", g.Stop, len([]rune(thinking)))
		return nil
	case thinking != "":
		fmt.Fprintf(stdio.Err, "%d characters of reasoning are left out; --json shows them\n", len([]rune(thinking)))
	}
	_, err := fmt.Fprintln(stdio.Out, visible(answer))
	return err
}
