// Package answer takes an answer out of what a model wrote around it.
//
// The rule, the same for every task of circuits, symbols and schematics, as
// version [Version]:
//
//  1. Reasoning is not looked at: it is not part of the text any more
//     (lorabench.Output.Thinking).
//  2. A fence is a line that begins, after at most three spaces, with three or
//     more backticks or tildes; the first word behind an opening one is the
//     block's language (CommonMark 0.31, §4.5). A block that has no end is cut
//     off, and is not an answer.
//  3. Of the blocks whose language is one that the task names, or that name
//     none, the last is the answer; of a task's own language before one that
//     names none. Blocks of other languages are examples of something else.
//  4. Where there are no fences at all, the whole text is the answer.
//
// A text with fences of which none fits has no answer, with the reason.
package answer

import "strings"

// Version is part of the identity of every task that uses the rule.
const Version = "1"

// Reasons of a text without an answer.
const (
	ReasonEmpty  = "no answer: the text is empty"
	ReasonCutOff = "no answer: the code block has no end"
	ReasonOther  = "no answer: the code blocks are of other languages"
)

// block is one fenced block.
type block struct {
	language string // lower case
	text     string
	open     bool // it has no end
}

// Block returns the answer in text. languages are lower case. Where reason is
// not "" there is no answer, and text is "".
func Block(text string, languages ...string) (answer, reason string) {
	blocks := fenced(text)
	if len(blocks) == 0 {
		if strings.TrimSpace(text) == "" {
			return "", ReasonEmpty
		}
		return text, ""
	}
	for i := len(blocks) - 1; i >= 0; i-- {
		b := blocks[i]
		for _, l := range languages {
			if b.language == l && !b.open {
				return b.text, ""
			}
		}
	}
	for i := len(blocks) - 1; i >= 0; i-- {
		if b := blocks[i]; b.language == "" && !b.open {
			return b.text, ""
		}
	}
	if blocks[len(blocks)-1].open {
		return "", ReasonCutOff
	}
	return "", ReasonOther
}

// fenced returns the blocks of a text, in order.
func fenced(text string) []block {
	var blocks []block
	var body strings.Builder
	var mark byte // of the open block's fence
	length := 0   // likewise; 0 outside of a block
	language := ""
	for line := range strings.Lines(text) {
		c, n, rest := fence(line)
		switch {
		case length == 0 && n > 0 && !(c == '`' && strings.Contains(rest, "`")):
			mark, length = c, n
			language, _, _ = strings.Cut(strings.TrimSpace(rest), " ")
			language = strings.ToLower(strings.Trim(language, "{}."))
			body.Reset()
		case length > 0 && c == mark && n >= length && strings.TrimSpace(rest) == "":
			blocks = append(blocks, block{language, body.String(), false})
			length = 0
		case length > 0:
			body.WriteString(line)
		}
	}
	if length > 0 {
		blocks = append(blocks, block{language, body.String(), true})
	}
	return blocks
}

// fence returns the mark and the length of the fence that a line begins with,
// and what follows it. The length is 0 where there is none.
func fence(line string) (mark byte, length int, rest string) {
	trimmed := strings.TrimLeft(line, " ")
	if len(line)-len(trimmed) > 3 || trimmed == "" || trimmed[0] != '`' && trimmed[0] != '~' {
		return 0, 0, ""
	}
	mark = trimmed[0]
	for length < len(trimmed) && trimmed[length] == mark {
		length++
	}
	if length < 3 {
		return 0, 0, ""
	}
	return mark, length, trimmed[length:]
}
