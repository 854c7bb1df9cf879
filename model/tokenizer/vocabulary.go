package tokenizer

import (
	"fmt"
	"strings"
)

// vocabulary is tokens by id and ids by token.
type vocabulary struct {
	tokens  []string // "" where present is false
	present []bool
	ids     map[string]int32
	limit   int // ids are less than this
}

func newVocabulary(size int) *vocabulary {
	return &vocabulary{ids: make(map[string]int32, size), limit: size + maxHoles}
}

// maxHoles is how many ids a vocabulary may leave out. Published ones leave out
// a few hundred at most; a number out of a damaged file must not become memory.
const maxHoles = 1 << 16

// set gives token its id. The same twice is no error.
func (v *vocabulary) set(token string, id int) error {
	if have, ok := v.ids[token]; ok && int(have) != id {
		return fmt.Errorf("token %.60q has the ids %d and %d", token, have, id)
	}
	if id < 0 || id >= v.limit {
		return fmt.Errorf("token %.60q has id %d, want 0 to %d", token, id, v.limit-1)
	}
	for id >= len(v.tokens) {
		v.tokens = append(v.tokens, "")
		v.present = append(v.present, false)
	}
	if v.present[id] && v.tokens[id] != token {
		return fmt.Errorf("tokens %.60q and %.60q have the same id %d", v.tokens[id], token, id)
	}
	v.tokens[id], v.present[id] = token, true
	v.ids[token] = int32(id)
	return nil
}

// mergeRule is two tokens that become one.
type mergeRule struct{ left, right string }

// splitMerge reads a rule of the form "left right".
func splitMerge(line string) (mergeRule, error) {
	left, right, ok := strings.Cut(line, " ")
	if !ok || left == "" || right == "" || strings.Contains(right, " ") {
		return mergeRule{}, fmt.Errorf("%.60q is not two tokens with a space between", line)
	}
	return mergeRule{left, right}, nil
}
