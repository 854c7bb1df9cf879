package tokenizer

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/clipperhouse/uax29/v2/graphemes"
)

// charsmap is SentencePiece's compiled rules: what is to stand in place of which
// characters.
type charsmap struct {
	units []uint32 // a double array, as the library Darts-clone stores it
	texts string   // what the rules make, each ended by a zero byte
}

// maxRule is the most bytes that a rule looks at. The longest of those that
// SentencePiece has built in has 18.
const maxRule = 64

// parseCharsmap reads rules: the size of the array, the array, the texts.
func parseCharsmap(data []byte) (*charsmap, error) {
	if len(data) < 4 {
		return nil, fmt.Errorf("%d bytes are too few", len(data))
	}
	size := binary.LittleEndian.Uint32(data)
	data = data[4:]
	if uint64(size) > uint64(len(data)) || size%4 != 0 || size == 0 {
		return nil, fmt.Errorf("an array of %d bytes among %d", size, len(data))
	}
	m := &charsmap{units: make([]uint32, size/4), texts: string(data[size:])}
	for i := range m.units {
		m.units[i] = binary.LittleEndian.Uint32(data[4*i:])
	}
	if !utf8.ValidString(m.texts) {
		return nil, errors.New("the texts are not UTF-8")
	}
	return m, nil
}

// find returns what a rule makes of the begin of text, and how many bytes the
// rule takes: the shortest rule that fits, or the longest. ok is false for none.
func (m *charsmap) find(text string, longest bool) (with string, n int, ok bool) {
	offset := func(unit uint32) uint32 { return unit >> 10 << (unit & (1 << 9) >> 6) }
	at := offset(m.units[0])
	for i := range min(len(text), maxRule) {
		b := uint32(text[i])
		at ^= b
		if b == 0 || int64(at) >= int64(len(m.units)) || m.units[at]&(1<<31|0xff) != b {
			break
		}
		unit := m.units[at]
		at ^= offset(unit)
		if unit>>8&1 == 0 {
			continue
		}
		if int64(at) >= int64(len(m.units)) {
			break
		}
		start := m.units[at] &^ (1 << 31)
		if int64(start) > int64(len(m.texts)) || int(start) < len(m.texts) && !utf8.RuneStart(m.texts[start]) {
			break
		}
		with, _, _ = strings.Cut(m.texts[start:], "\x00")
		n, ok = i+1, true
		if !longest {
			break
		}
	}
	return with, n, ok
}

// precompiled replaces characters by the rules of m. Short grapheme clusters are
// looked up as one, but by their shortest begin that has a rule; so is every
// character of others.
//
// Source: Precompiled of the Rust library, and its crate spm_precompiled.
type precompiled struct{ rules *charsmap }

func (p precompiled) normalize(text string) (string, error) {
	var b strings.Builder
	for g := graphemes.FromString(text); g.Next(); {
		cluster := g.Value()
		if len(cluster) < 6 {
			if with, _, ok := p.rules.find(cluster, false); ok {
				b.WriteString(with)
				continue
			}
		}
		for i := 0; i < len(cluster); {
			_, n := utf8.DecodeRuneInString(cluster[i:])
			char := cluster[i : i+n]
			i += n
			if with, _, ok := p.rules.find(char, false); ok {
				char = with
			}
			b.WriteString(char)
		}
		if err := checkGrowth(len(text), b.Len()); err != nil {
			return "", err
		}
	}
	return b.String(), nil
}
