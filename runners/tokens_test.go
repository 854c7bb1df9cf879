package runners

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/ailiance/lorabench"
)

func newTestTokens(t *testing.T, most int) *tokens {
	t.Helper()
	k, err := newTokens(bytesTokenizer{}, most)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func spell(ids []int32) string { return bytesTokenizer{}.Decode(ids, false) }

func TestPair(t *testing.T) {
	k := newTestTokens(t, 10)
	for _, tt := range []struct {
		name, prompt, continuation string
		all                        string
		scored                     int
	}{
		{"plain", "ab", " c", "ab c", 2},
		{"whitespace moves to the continuation", "ab \n", "c", "ab \nc", 3},
		{"no context", "", "abc", "\x00abc", 3},
		{"whitespace alone is no context", " ", "abc", "\x00 abc", 4},
		{"the prefix stands there already", "", "\x00abc", "\x00abc", 3},
		{"the beginning is cut off", "abcdefghij", " k", "bcdefghij k", 2},
		{"nothing to score", "ab", "", "ab", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			all, scored, err := k.pair(tt.prompt, tt.continuation)
			if err != nil || spell(all) != tt.all || scored != tt.scored {
				t.Errorf("pair(%q, %q) = %q, %d, %v, want %q, %d", tt.prompt, tt.continuation, spell(all), scored, err, tt.all, tt.scored)
			}
		})
	}
	if _, _, err := k.pair("a", strings.Repeat("b", 11)); err == nil {
		t.Error("a continuation longer than the model is no error")
	}
}

func TestGeneration(t *testing.T) {
	k := newTestTokens(t, 10)
	for _, tt := range []struct {
		prompt    string
		own, most int
		want      string
		n         int
	}{
		{"abcdef", 4, 0, "abcdef", 4},
		{"abcdefgh", 4, 0, "cdefgh", 4},
		{"abcdefgh", 4, 2, "abcdefgh", 2},
		{"", 4, 0, "\x00", 4},
	} {
		got, n, err := k.generation(lorabench.Request{Prompt: tt.prompt, MaxNewTokens: tt.own}, tt.most)
		if err != nil || spell(got) != tt.want || n != tt.n {
			t.Errorf("generation(%q, %d, %d) = %q, %d, %v, want %q, %d", tt.prompt, tt.own, tt.most, spell(got), n, err, tt.want, tt.n)
		}
	}
	if _, _, err := k.generation(lorabench.Request{Prompt: "a", MaxNewTokens: 10}, 0); err == nil {
		t.Error("as many new tokens as positions are no error")
	}
}

// Windows as lm-eval cuts them, from its own runs.
func TestRollingAgainstLMEval(t *testing.T) {
	data, err := os.ReadFile("../../shared/vectors/lm-eval/vectors.json")
	if err != nil {
		t.Skip("../shared is not there")
	}
	var vectors map[string]json.RawMessage
	if err := json.Unmarshal(data, &vectors); err != nil {
		t.Fatal(err)
	}
	k := newTestTokens(t, 4)
	seen := 0
	for _, n := range []int{0, 1, 3, 5, 10} {
		var want [][2][]int32
		if err := json.Unmarshal(vectors[fmt.Sprintf("rolling_disjoint_len%d_max4_ctx1", n)], &want); err != nil {
			t.Fatal(err)
		}
		text := make([]byte, n)
		for i := range text {
			text[i] = byte(i + 10)
		}
		got, err := k.rolling(string(text))
		if err != nil {
			t.Fatal(err)
		}
		if len(got) != len(want) {
			t.Fatalf("%d tokens: %d windows, want %d", n, len(got), len(want))
		}
		for i, w := range got {
			seen++
			all := slices.Concat(want[i][0], want[i][1])
			for j := range all {
				if all[j] += 10; all[j] == -90 {
					all[j] = 0 // the prefix
				}
			}
			if !slices.Equal(w.all, all) || w.scored != len(want[i][1]) {
				t.Errorf("%d tokens, window %d: %v, %d scored, want %v, %d", n, i, w.all, w.scored, all, len(want[i][1]))
			}
		}
	}
	if seen < 6 {
		t.Errorf("%d windows compared, want at least 6", seen)
	}
}

// fullStop makes one token of a full stop and a line feed, as Llama 3's does.
type fullStop struct{ bytesTokenizer }

func (f fullStop) Encode(text string, special bool) ([]int32, error) {
	ids, err := f.bytesTokenizer.Encode(strings.ReplaceAll(text, ".\n", "\x01"), special)
	return ids, err
}

// lm-eval's input is the prompt's own tokens and those of the whole behind as
// many: the merged token that stands at the seam is not read.
func TestPairMergedAtTheSeam(t *testing.T) {
	k, err := newTokens(fullStop{}, 10)
	if err != nil {
		t.Fatal(err)
	}
	all, scored, err := k.pair("ab.\n", "cd")
	if want := "ab.cd"; err != nil || spell(all) != want || scored != 2 {
		t.Errorf("pair = %q, %d, %v, want %q, 2", spell(all), scored, err, want)
	}
}
