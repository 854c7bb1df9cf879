package tokenizer

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// addedToken is an entry of added_tokens in tokenizer.json.
type addedToken struct {
	ID         int32  `json:"id"`
	Content    string `json:"content"`
	SingleWord bool   `json:"single_word"`
	LStrip     bool   `json:"lstrip"`
	RStrip     bool   `json:"rstrip"`
	Normalized bool   `json:"normalized"`
	Special    bool   `json:"special"`
}

// addedTokens are the tokens that are looked for in the text before anything
// else touches it, and those looked for after the normalizer.
type addedTokens struct {
	plain      matcher
	normalized matcher
	special    map[string]bool // by content
	list       []addedToken    // by id
}

// newAddedTokens indexes list. Later entries replace earlier ones of one id.
func newAddedTokens(list []addedToken, n normalizerSequence, c *classes) (addedTokens, error) {
	byID := map[int32]addedToken{}
	for _, a := range list {
		byID[a.ID] = a
	}
	added := addedTokens{special: map[string]bool{}, plain: newMatcher(c), normalized: newMatcher(c)}
	for _, a := range byID {
		added.list = append(added.list, a)
	}
	slices.SortFunc(added.list, func(a, b addedToken) int { return int(a.ID) - int(b.ID) })
	for _, a := range added.list {
		if a.Special {
			added.special[a.Content] = true
		}
		if err := added.index(a, n); err != nil {
			return added, err
		}
	}
	return added, nil
}

// index makes a findable. Of two tokens that the normalizer makes equal the Rust
// library finds now one and now the other, so that is an error.
func (t *addedTokens) index(a addedToken, n normalizerSequence) error {
	if !a.Normalized {
		t.plain.add(a.Content, a)
		return nil
	}
	content, err := n.normalize(a.Content)
	if err != nil {
		return fmt.Errorf("added token %.60q: %w", a.Content, err)
	}
	if content == "" {
		return fmt.Errorf("added token %.60q: the normalizer leaves nothing of it", a.Content)
	}
	if before := t.normalized.add(content, a); before != nil {
		return fmt.Errorf("added tokens %.60q and %.60q: the normalizer makes %.60q of both", before.Content, a.Content, content)
	}
	return nil
}

// matcher finds added tokens in a text: the leftmost one, and of those the
// longest. It is a trie over bytes.
type matcher struct {
	classes *classes
	starts  [256]bool
	next    map[trieEdge]int32
	tokens  []*addedToken // by node; nil where no token ends
}

type trieEdge struct {
	node int32
	b    byte
}

func newMatcher(c *classes) matcher {
	return matcher{classes: c, next: map[trieEdge]int32{}, tokens: []*addedToken{nil}}
}

// add has a found where pattern stands. Where another token is found there, it
// stays, and is returned.
func (m *matcher) add(pattern string, a addedToken) (before *addedToken) {
	m.starts[pattern[0]] = true
	node := int32(0)
	for i := range len(pattern) {
		edge := trieEdge{node, pattern[i]}
		next, ok := m.next[edge]
		if !ok {
			next = int32(len(m.tokens))
			m.next[edge] = next
			m.tokens = append(m.tokens, nil)
		}
		node = next
	}
	if before = m.tokens[node]; before == nil {
		m.tokens[node] = &a
	}
	return before
}

// at returns the longest token at the start of text, and where it ends.
func (m *matcher) at(text string) (a *addedToken, end int) {
	node := int32(0)
	for i := range len(text) {
		next, ok := m.next[trieEdge{node, text[i]}]
		if !ok {
			break
		}
		node = next
		if m.tokens[node] != nil {
			a, end = m.tokens[node], i+1
		}
	}
	return a, end
}

// split hands on, in order, the tokens found in text and what is between them
// (id -1). atStart says that a piece begins where text does.
//
// Source: AddedVocabulary::find_matches, with its quirk: a token that strips
// the spaces to its right may swallow the start of the next match, or all of it.
// In the latter case the next token is still there, unless it strips the spaces
// to its left.
func (m *matcher) split(text string, yield func(piece string, id int32, atStart bool) error) error {
	done := 0
	for i := 0; i < len(text); {
		if !m.starts[text[i]] {
			i++
			continue
		}
		a, n := m.at(text[i:])
		if a == nil {
			i++
			continue
		}
		start, stop := i, i+n
		i = stop
		if a.SingleWord && (m.wordBefore(text[:start]) || m.wordAfter(text[stop:])) {
			continue
		}
		// What was stripped already is not looked at again: a token may be of
		// spaces itself, and a text of nothing else.
		if a.LStrip {
			start = done + len(m.trimRight(text[done:max(start, done)]))
		}
		if a.RStrip {
			stop = len(text) - len(m.trimLeft(text[max(stop, done):]))
		}
		if start >= stop {
			continue
		}
		if done < start {
			if err := yield(text[done:start], -1, done == 0); err != nil {
				return err
			}
		}
		if err := yield("", a.ID, start == 0); err != nil {
			return err
		}
		done = stop
	}
	if done < len(text) {
		return yield(text[done:], -1, done == 0)
	}
	return nil
}

func (m *matcher) isSpace(r rune) bool { return m.classes[r]&classSpace != 0 }

func (m *matcher) trimLeft(s string) string  { return strings.TrimLeftFunc(s, m.isSpace) }
func (m *matcher) trimRight(s string) string { return strings.TrimRightFunc(s, m.isSpace) }

func (m *matcher) wordBefore(s string) bool {
	r, size := utf8.DecodeLastRuneInString(s)
	return size > 0 && m.classes[r]&classWord != 0
}

func (m *matcher) wordAfter(s string) bool {
	r, size := utf8.DecodeRuneInString(s)
	return size > 0 && m.classes[r]&classWord != 0
}

// AddedTokens returns the texts of the tokens that Encode looks for before
// anything else, special ones among them, by id.
func (t *Tokenizer) AddedTokens() []string {
	var texts []string
	for _, a := range t.added.list {
		texts = append(texts, a.Content)
	}
	return texts
}
