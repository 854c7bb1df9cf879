package tasks

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io/fs"

	"github.com/ailiance/lorabench"
	"github.com/ailiance/lorabench/tasks/pyjson"
	"github.com/ailiance/lorabench/tasks/pyrand"
)

// Options are what a user may change in a task.
type Options struct {
	NumFewshot   int          // examples in front of each question; -1: the task's own number
	Seed         int64        // of the draw of examples
	Limit        int          // only the first rows of the dataset; 0: all
	TaskSeed     uint64       // of the questions of generated tasks; 0: [PublishedSeed]
	System       string       // system instruction, in front of the task's own description
	Conversation Conversation // what requests are: texts, or messages
}

// DefaultOptions are lm-eval's: the task's own shots, seed 1234, all rows.
func DefaultOptions() Options { return Options{NumFewshot: -1, Seed: 1234} }

// Load reads the task's rows below data and makes its samples, in dataset
// order, each with its full prompts or, of conversations, with the messages that
// a prompt is to be made of. Embedded tasks do not use data, which may then be nil.
//
// A task whose definition says zero shots for good takes none whatever o says,
// as in lm-eval. With a limit, prompts are those of the full task's first rows:
// examples are drawn in dataset order.
//
// Where a file is not there the error is a *MissingFileError.
func (d Definition) Load(ctx context.Context, data fs.FS, o Options) (*lorabench.Task, error) {
	t, err := d.load(ctx, data, o)
	if err != nil {
		return nil, fmt.Errorf("task %s: %w", d.Name, err)
	}
	return t, nil
}

func (d Definition) load(ctx context.Context, data fs.FS, o Options) (*lorabench.Task, error) {
	if o.NumFewshot < -1 || o.Limit < 0 {
		return nil, fmt.Errorf("%d shots and a limit of %d: want no negative number, but for -1 shots", o.NumFewshot, o.Limit)
	}
	if d.Embedded {
		data = embedded()
	}
	if data == nil && d.generate == nil {
		return nil, fmt.Errorf("no data directory: want one with %s", d.Evaluation.Path())
	}
	sum := sha256.New()
	table, err := d.table(ctx, data, o, sum)
	if err != nil {
		return nil, err
	}
	rows := d.own(table.rows)
	if d.first > 0 {
		rows = rows[:min(d.first, len(rows))]
	}
	if len(rows) == 0 {
		return nil, fmt.Errorf("read %s: no rows of this task", table.path)
	}
	task := &lorabench.Task{
		Name: d.Name, Version: d.Version, Title: d.Title, Source: d.Source,
		Dataset:  lorabench.Dataset{Name: d.Evaluation.Dataset, Split: table.split, Rows: len(rows)},
		NumShots: d.shots(o),
		Scorer:   d.Scorer, Filters: d.Filters, Normalize: d.Normalize, Metrics: d.Metrics,
	}
	if d.form != nil {
		if form := d.form(rows[0]); form != "" {
			task.Version += "+" + form
			task.Dataset.Split += ", " + form
		}
	}
	if o.Limit > 0 {
		rows = rows[:min(o.Limit, len(rows))]
	}
	evaluated, err := d.parseAll(ctx, rows)
	if err != nil {
		return nil, err
	}
	shots, err := d.drawer(ctx, data, o, task.NumShots, sum)
	if err != nil {
		return nil, err
	}
	ids := map[string]int{}
	for i, e := range evaluated {
		s := d.sample(i, e, o.opening(d.description, shots(e)))
		if first, used := ids[s.ID]; used {
			return nil, fmt.Errorf("read %s: rows %d and %d are both called %q", table.path, first, i, s.ID)
		}
		ids[s.ID] = i
		task.Samples = append(task.Samples, s)
	}
	task.Dataset.SHA256 = hex.EncodeToString(sum.Sum(nil))
	task.Nulls = d.nulls(evaluated)
	return task, nil
}

// shots returns how many examples stand in front of each question.
func (d Definition) shots(o Options) int {
	if d.sampler == noShots {
		return 0
	}
	if o.NumFewshot >= 0 {
		return o.NumFewshot
	}
	return d.NumShots
}

// own returns the rows that belong to the task.
func (d Definition) own(rows []row) []row {
	if d.keep == nil {
		return rows
	}
	var own []row
	for _, r := range rows {
		if d.keep(r) {
			own = append(own, r)
		}
	}
	return own
}

func (d Definition) parseAll(ctx context.Context, rows []row) ([]example, error) {
	examples := make([]example, len(rows))
	for i, r := range rows {
		if err := checkEvery(ctx, i); err != nil {
			return nil, err
		}
		e, err := d.parse(r)
		if err != nil {
			return nil, err
		}
		e.hash = docHash(e.doc)
		examples[i] = e
	}
	return examples, nil
}

// drawer returns what gives an example its shots. It has to be called for each
// example once, in dataset order: it draws.
func (d Definition) drawer(ctx context.Context, data fs.FS, o Options, n int, sum hash.Hash) (func(example) []example, error) {
	if n == 0 {
		return func(example) []example { return nil }, nil
	}
	pool, where := d.examples, "the task's own examples"
	if d.Shots != nil {
		table, err := readTable(ctx, data, *d.Shots, sum)
		if err != nil {
			return nil, fmt.Errorf("examples for %d shots: %w", n, err)
		}
		if pool, err = d.parseAll(ctx, d.own(table.rows)); err != nil {
			return nil, fmt.Errorf("examples for %d shots: %w", n, err)
		}
		where = table.path
	}
	draw := n
	if d.sampler == drawnOther {
		draw++
	}
	if len(pool) < draw {
		return nil, fmt.Errorf("examples for %d shots: %s has %d, want at least %d", n, where, len(pool), draw)
	}
	random := pyrand.New(o.Seed)
	return func(e example) []example { return d.choose(random, pool, n, e) }, nil
}

// choose picks n shots for e from pool.
//
// Source: lm_eval/api/samplers.py. drawnOther is what its default sampler does
// where the split of the shots equals the test split by name, which holds too
// where neither is named.
func (d Definition) choose(random *pyrand.Rand, pool []example, n int, e example) []example {
	if d.sampler == firstN {
		return pool[:n]
	}
	draw := n
	if d.sampler == drawnOther {
		draw++
	}
	var shots []example
	for _, i := range random.Sample(len(pool), draw) {
		if d.sampler == drawnOther && pool[i].hash == e.hash {
			continue
		}
		shots = append(shots, pool[i])
	}
	return shots[:n]
}

// sample builds the requests of the example in row index.
func (d Definition) sample(index int, e example, before opening) lorabench.Sample {
	s := lorabench.Sample{
		ID: e.id, Index: index, DocHash: e.hash, Cluster: e.cluster, Target: e.target,
	}
	if s.ID == "" {
		s.ID = fmt.Sprintf(cmp.Or(d.naming, "%d"), index)
	}
	switch {
	case e.rolling: // the text itself, whatever is asked for
		s.Requests = []lorabench.Request{{Kind: lorabench.Rolling, Prompt: e.question}}
	case e.continuations == nil:
		r := before.ask(e.question)
		r.Kind, r.Until, r.MaxNewTokens = lorabench.Generate, d.until, d.maxTokens
		s.Requests = []lorabench.Request{r}
	default:
		for i, c := range e.continuations {
			prompt := e.question
			if e.prompts != nil {
				prompt = e.prompts[i]
			}
			r := before.ask(prompt)
			r.Kind, r.Continuation = lorabench.LogLikelihood, before.delimiter+c
			s.Requests = append(s.Requests, r)
		}
	}
	if first := s.Requests[0]; first.Messages == nil {
		s.PromptHash = sha256Hex(first.Prompt)
	}
	return s
}

// docHash is lm-eval's doc_hash: over json.dumps(doc, indent=2, ensure_ascii=False).
func docHash(doc pyjson.Object) string {
	sum := sha256.Sum256(pyjson.Append(nil, doc))
	return hex.EncodeToString(sum[:])
}

func sha256Hex(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}
