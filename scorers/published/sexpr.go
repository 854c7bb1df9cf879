package published

import (
	"sort"
	"strings"
	"unicode/utf8"
)

// walker follows parentheses as the published scripts do: a backslash hides the
// next character, inside of strings and outside.
type walker struct {
	depth    int
	inString bool
	escaped  bool
}

// step takes one byte and reports whether it changed the depth. Bytes of longer
// characters are never special.
func (w *walker) step(c byte) bool {
	switch {
	case w.escaped:
		w.escaped = false
	case c == '\\':
		w.escaped = true
	case c == '"':
		w.inString = !w.inString
	case w.inString:
	case c == '(':
		w.depth++
		return true
	case c == ')':
		w.depth--
		return true
	}
	return false
}

// balanced reports whether all parentheses close, and none closes too much.
func balanced(s string) bool {
	var w walker
	for i := range len(s) {
		if w.step(s[i]) && w.depth < 0 {
			return false
		}
	}
	return w.depth == 0
}

// blockEnd returns the place behind the parenthesis that closes the one at byte
// i; -1 where none does.
func blockEnd(s string, i int) int {
	var w walker
	for ; i < len(s); i++ {
		if w.step(s[i]) && w.depth == 0 {
			return i + 1
		}
	}
	return -1
}

// headAt reports whether what follows "(" and a name at byte i leaves the name
// whole.
func headAt(s string, i int) bool {
	if i >= len(s) || s[i] == '(' || s[i] == ')' {
		return true
	}
	r, _ := utf8.DecodeRuneInString(s[i:])
	return isSpace(r)
}

// span is s[start:end] of a text.
type span struct{ start, end int }

// blocks returns the blocks of a head that do not lie in one another. One that
// has no end ends the search.
func blocks(s, name string) []span {
	var all []span
	open := "(" + name
	for at := 0; ; {
		n := strings.Index(s[at:], open)
		if n < 0 {
			return all
		}
		at += n
		if !headAt(s, at+len(open)) {
			at++
			continue
		}
		end := blockEnd(s, at)
		if end < 0 {
			return all
		}
		all = append(all, span{at, end})
		at = end
	}
}

// nestedBlocks returns all blocks of a head, also those inside of others. One
// that has no end ends the search.
func nestedBlocks(s, name string) []span {
	var starts []int
	open := "(" + name
	for at := 0; ; {
		n := strings.Index(s[at:], open)
		if n < 0 {
			break
		}
		at += n
		if headAt(s, at+len(open)) {
			starts = append(starts, at)
			at += len(open)
		} else {
			at++
		}
	}
	ends := blockEnds(s, starts)
	var all []span
	for i, start := range starts {
		if ends[i] < 0 {
			break
		}
		all = append(all, span{start, ends[i]})
	}
	return all
}

// blockEnds returns what blockEnd returns for each of starts, which ascend, in
// one pass. A walk that begins at a parenthesis has its own idea of what is in
// strings: it either agrees with the walk from the beginning of s, or takes each
// for the other. So two walks are enough, and one stack for each.
func blockEnds(s string, starts []int) []int {
	const real = -1 // an entry that no start asks for
	type entry struct {
		start int // index in starts
		inner bool
	}
	ends := make([]int, len(starts))
	for i := range ends {
		ends[i] = -1
	}
	var stacks [2][]entry // by whether the walk from the beginning is in a string
	inString, escaped, next := 0, false, 0
	for i := range len(s) {
		asked := next < len(starts) && starts[next] == i
		stack := &stacks[inString]
		switch c := s[i]; {
		case escaped:
			escaped = false
			if asked { // it counts for its own walk, and for no other
				*stack = append(*stack, entry{start: next, inner: true})
			}
		case c == '\\':
			escaped = true
		case c == '"':
			inString = 1 - inString
		case c == '(':
			e := entry{start: real}
			if asked {
				e.start = next
			}
			*stack = append(*stack, e)
		case c == ')':
			for n := len(*stack); n > 0; n = len(*stack) {
				top := (*stack)[n-1]
				*stack = (*stack)[:n-1]
				if top.start != real {
					ends[top.start] = i + 1
				}
				if !top.inner {
					break
				}
			}
		}
		if asked {
			next++
		}
	}
	return ends
}

// firstFrom returns the first of spans, which ascend, that begins at byte i or
// later; ok is false where none does.
func firstFrom(spans []span, i int) (int, bool) {
	n := sort.Search(len(spans), func(k int) bool { return spans[k].start >= i })
	return n, n < len(spans)
}

// quotedAfter reads WS+ "text" at byte i, where text has no quote. end is behind
// the closing quote, -1 where there is none; min is the fewest characters.
func quotedAfter(s string, i, fewest int) (text string, end int) {
	open := skipSpace(s, i)
	if open == i || open >= len(s) || s[open] != '"' {
		return "", -1
	}
	n := strings.IndexByte(s[open+1:], '"')
	if n < fewest {
		return "", -1
	}
	return s[open+1 : open+1+n], open + 1 + n + 1
}

// occurrences yields the places of a literal, which do not overlap with what was
// taken: the caller returns where to go on, at least one byte further.
func occurrences(s, literal string, take func(at int) (next int)) {
	for at := 0; at <= len(s); {
		n := strings.Index(s[at:], literal)
		if n < 0 {
			return
		}
		at = take(at + n)
	}
}

// countSpaced counts literal followed by whitespace.
func countSpaced(s, literal string) int {
	count := 0
	occurrences(s, literal, func(at int) int {
		end := at + len(literal)
		space := skipSpace(s, end)
		if space > end {
			count++
		}
		return space
	})
	return count
}

// hasSpaced reports whether literal, whitespace and something that follows says
// is right stand anywhere.
func hasSpaced(s, literal string, right func(rest string) bool) bool {
	found := false
	occurrences(s, literal, func(at int) int {
		end := at + len(literal)
		space := skipSpace(s, end)
		found = found || space > end && right(s[space:])
		return space
	})
	return found
}
