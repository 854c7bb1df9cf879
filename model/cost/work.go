package cost

import (
	"bytes"
	"encoding/binary"
	"slices"
)

// Work is what one variant has to do of a task.
type Work struct {
	Samples  int
	Requests int // to the engine: choices, windows, generations
	Prefix   int // positions at the beginning that all requests have

	Shared, Separate Prompts // where what requests have in common is computed once, and where it is not

	Scored      int64   // rows of prompts whose logits are needed
	Generations int     // requests that write
	Prompt      float64 // mean positions of the prompt of one that writes
	New         []int   // tokens that each of them writes
	Others      [][]int // likewise of each adapter, where they are not New
}

// Prompts is the computing of prompts.
type Prompts struct {
	Positions int64
	Pairs     float64 // for each of them, the positions that it attends to
}

// add adds the positions from..to of a sequence.
func (p *Prompts) add(from, to int) {
	p.Positions += int64(to - from)
	p.Pairs += float64(to-from) * float64(from+1+to) / 2
}

// lengths are the tokens of every answer of base and adapters.
func (w *Work) lengths(adapters int) []int {
	if w.Others == nil {
		return slices.Repeat(w.New, 1+adapters)
	}
	return slices.Concat(append([][]int{w.New}, w.Others...)...)
}

// Generation is the work of samples that each write written tokens after prefix
// positions which all have and own ones of their own.
func Generation(samples, prefix, own, written int) Work {
	w := Work{Samples: samples, Requests: samples, Generations: samples, Prefix: prefix, Prompt: float64(prefix + own), Scored: int64(samples)}
	w.New = slices.Repeat([]int{written}, samples)
	if samples > 0 {
		w.Shared.add(0, prefix)
	}
	for range samples {
		w.Shared.add(prefix, prefix+own)
		w.Separate.add(0, prefix+own)
	}
	return w
}

// Tally counts the work of requests. What the engine shares of them is counted as
// its cache of prefixes does it: every distinct prefix once, except of positions
// whose logits are needed.
type Tally struct {
	work     Work
	prefixes [][]byte // that may be shared, 4 bytes a token, comparable as bytes
	prompts  int64    // positions of those that write
}

// Sample counts a sample.
func (t *Tally) Sample() { t.work.Samples++ }

// Score counts a request whose last scored tokens are scored.
func (t *Tally) Score(tokens []int32, scored int) {
	t.add(tokens[:len(tokens)-1], scored)
}

// Generate counts a request that writes written tokens after a prompt.
func (t *Tally) Generate(prompt []int32, written int) {
	t.work.Generations++
	t.prompts += int64(len(prompt))
	t.work.New = append(t.work.New, written)
	t.add(prompt, 1)
}

// add counts a sequence of inputs, of which the last few need logits.
func (t *Tally) add(inputs []int32, logits int) {
	w := &t.work
	w.Requests++
	w.Scored += int64(logits)
	w.Separate.add(0, len(inputs))
	wanted := len(inputs) - logits
	w.Shared.add(wanted, len(inputs))
	key := make([]byte, 0, 4*wanted)
	for _, id := range inputs[:wanted] {
		key = binary.BigEndian.AppendUint32(key, uint32(id))
	}
	t.prefixes = append(t.prefixes, key)
}

// Work is what was counted.
func (t *Tally) Work() Work {
	w := t.work
	w.New = slices.Clone(w.New)
	if w.Generations > 0 {
		w.Prompt = float64(t.prompts) / float64(w.Generations)
	}
	// In order, what a prefix has in common with any before it, it has in common
	// with the one just before it.
	slices.SortFunc(t.prefixes, bytes.Compare)
	var last []byte
	for i, p := range t.prefixes {
		common := commonTokens(last, p)
		w.Shared.add(common, len(p)/4)
		if i == 0 {
			common = len(p) / 4
		}
		if i == 0 || common < w.Prefix {
			w.Prefix = common
		}
		last = p
	}
	return w
}

func commonTokens(a, b []byte) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i / 4
		}
	}
	return n / 4
}
