package published

import "strings"

// fence returns what the first fenced block holds whose opening line has one of
// languages or none; the whole text where there is no such block.
//
// An opening fence is three backticks anywhere, a language in any case, and
// whitespace with at least one line's end. One with another language is passed
// over, and then the block's closing fence may be taken for an opening one: so
// does the published pattern.
func fence(s string, languages ...string) string {
	for at := 0; ; at++ {
		n := strings.Index(s[at:], "```")
		if n < 0 {
			return s
		}
		at += n
		body := openFence(s, at+3, languages)
		if body < 0 {
			continue
		}
		length := strings.Index(s[body:], "```")
		if length < 0 { // nor behind any later fence
			return s
		}
		return s[body : body+length]
	}
}

// openFence returns where the body begins, -1 where no fence opens.
func openFence(s string, at int, languages []string) int {
	for _, language := range languages {
		if end := hasFold(s, at, language); end >= 0 {
			if body := behindLineEnd(s, end); body >= 0 {
				return body
			}
		}
	}
	return behindLineEnd(s, at)
}

// behindLineEnd returns the place behind the last line's end of the whitespace
// at byte i, -1 where it has none.
func behindLineEnd(s string, i int) int {
	space := s[i:skipSpace(s, i)]
	last := strings.LastIndexByte(space, '\n')
	if last < 0 {
		return -1
	}
	return i + last + 1
}
