package runners

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/ailiance/lorabench"
	"github.com/ailiance/lorabench/model"
	"github.com/ailiance/lorabench/tasks/pystr"
)

// errNoTokenizer refuses a checkpoint that has weights only.
var errNoTokenizer = errors.New("the checkpoint has no tokenizer (tokenizer.json): text cannot be measured")

// tokens turns requests into tokens by lm-eval's rules.
//
// Source: lm_eval/models/huggingface.py (tok_encode, _encode_pair) and
// lm_eval/utils.py (get_rolling_token_windows, make_disjoint_window).
type tokens struct {
	of     model.Tokenizer
	most   int     // positions of the model
	prefix int32   // stands in front of a text without context; -1 where there is none
	begin  string  // its text: a text that begins so gets no other BOS
	reader *reader // of what is generated
}

func newTokens(t model.Tokenizer, most int) (*tokens, error) {
	if t == nil {
		return nil, errNoTokenizer
	}
	k := &tokens{of: t, most: most, prefix: -1}
	if bos, ok := t.BOS(); ok {
		k.prefix = bos
	} else if eos := t.EOS(); len(eos) > 0 {
		k.prefix = eos[0]
	}
	if k.prefix >= 0 {
		k.begin = t.Decode([]int32{k.prefix}, false)
	}
	return k, nil
}

func (k *tokens) encode(text string) ([]int32, error) {
	special := k.begin == "" || !strings.HasPrefix(text, k.begin)
	return k.of.Encode(text, special)
}

var errNoPrefix = errors.New("the tokenizer has neither a BOS nor an EOS token, which a text without context needs in front of it")

// pair tokenises prompt and continuation together and splits them by the length
// of the prompt's own tokens. Where tokens merge across the seam the model still
// reads the prompt's own, as in lm-eval, and what merged is lost. Whitespace at
// the end of the prompt belongs to the continuation. scored tokens stand at the end
// of all; what is longer than the model loses its beginning.
func (k *tokens) pair(prompt, continuation string) (all []int32, scored int, err error) {
	trimmed := strings.TrimRightFunc(prompt, pystr.IsSpace)
	continuation = prompt[len(trimmed):] + continuation
	if trimmed == "" {
		return k.alone(continuation)
	}
	if all, err = k.encode(trimmed + continuation); err != nil {
		return nil, 0, err
	}
	context, err := k.encode(trimmed)
	if err != nil {
		return nil, 0, err
	}
	scored = max(0, len(all)-len(context))
	return k.fit(slices.Concat(context, all[len(all)-scored:]), scored)
}

// alone scores a text that nothing precedes: after the prefix token, unless it
// begins with that.
func (k *tokens) alone(text string) ([]int32, int, error) {
	if k.prefix < 0 {
		return nil, 0, errNoPrefix
	}
	ids, err := k.of.Encode(text, false)
	if err != nil {
		return nil, 0, err
	}
	if len(ids) > 0 && ids[0] == k.prefix {
		return k.fit(ids, len(ids)-1)
	}
	return k.fit(append([]int32{k.prefix}, ids...), len(ids))
}

// fit cuts the beginning off what is longer than the model: its last token needs
// no position.
func (k *tokens) fit(all []int32, scored int) ([]int32, int, error) {
	if scored > k.most {
		return nil, 0, fmt.Errorf("a continuation of %d tokens, the model has %d positions", scored, k.most)
	}
	return all[max(0, len(all)-k.most-1):], scored, nil
}

// window is a part of a long text: the last scored tokens are predicted.
type window struct {
	all    []int32
	scored int
}

// rolling cuts a text into windows that predict each of its tokens once. A full
// later window has one token of context, the last as many as there is room for.
func (k *tokens) rolling(text string) ([]window, error) {
	ids, err := k.encode(text)
	if err != nil {
		return nil, err
	}
	if len(ids) == 0 {
		return nil, nil
	}
	if k.prefix < 0 {
		return nil, errNoPrefix
	}
	first := min(k.most, len(ids))
	windows := []window{{all: append([]int32{k.prefix}, ids[:first]...), scored: first}}
	for done := first; done < len(ids); {
		n := min(len(ids)-done, k.most)
		end := done + n
		windows = append(windows, window{all: ids[end-k.most-1 : end], scored: n}) // end > most here
		done = end
	}
	return windows, nil
}

// generation tokenises a prompt to write after and returns how many tokens may
// be written: most, or where that is 0 what the request says. A prompt that
// leaves no room for them loses its beginning.
func (k *tokens) generation(r lorabench.Request, most int) (prompt []int32, n int, err error) {
	n = r.MaxNewTokens
	if most > 0 {
		n = most
	}
	if n >= k.most {
		return nil, 0, fmt.Errorf("%d new tokens leave no room for a prompt: the model has %d positions (--max-new-tokens)", n, k.most)
	}
	if prompt, err = k.encode(r.Prompt); err != nil {
		return nil, 0, err
	}
	if len(prompt) == 0 {
		if k.prefix < 0 {
			return nil, 0, errNoPrefix
		}
		prompt = []int32{k.prefix}
	}
	return prompt[max(0, len(prompt)-(k.most-n)):], n, nil
}
