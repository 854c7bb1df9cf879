package published

import (
	"iter"
	"math"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// What CPython's str, re and float do, where Go's packages do otherwise.

// isSpace is str.isspace of one character, and the \s of re.
func isSpace(r rune) bool { return unicode.IsSpace(r) || 0x1c <= r && r <= 0x1f }

// isWord is the \w of re.
func isWord(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsNumber(r) }

// isAlnum is str.isalnum of one character.
func isAlnum(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) }

// isDecimal is the \d of re.
func isDecimal(r rune) bool { return unicode.Is(unicode.Nd, r) }

// isDigit is str.isdigit of one character: decimals, and digits that are none,
// as in R².
func isDigit(r rune) bool { return isDecimal(r) || unicode.Is(digitsOnly, r) }

// digitsOnly are the characters whose Numeric_Type is Digit (Unicode 15).
var digitsOnly = &unicode.RangeTable{
	R16: []unicode.Range16{
		{Lo: 0xb2, Hi: 0xb3, Stride: 1}, {Lo: 0xb9, Hi: 0xb9, Stride: 1}, {Lo: 0x1369, Hi: 0x1371, Stride: 1},
		{Lo: 0x19da, Hi: 0x19da, Stride: 1}, {Lo: 0x2070, Hi: 0x2070, Stride: 1}, {Lo: 0x2074, Hi: 0x2079, Stride: 1},
		{Lo: 0x2080, Hi: 0x2089, Stride: 1}, {Lo: 0x2460, Hi: 0x2468, Stride: 1}, {Lo: 0x2474, Hi: 0x247c, Stride: 1},
		{Lo: 0x2488, Hi: 0x2490, Stride: 1}, {Lo: 0x24ea, Hi: 0x24ea, Stride: 1}, {Lo: 0x24f5, Hi: 0x24fd, Stride: 1},
		{Lo: 0x24ff, Hi: 0x24ff, Stride: 1}, {Lo: 0x2776, Hi: 0x277e, Stride: 1}, {Lo: 0x2780, Hi: 0x2788, Stride: 1},
		{Lo: 0x278a, Hi: 0x2792, Stride: 1},
	},
	R32: []unicode.Range32{
		{Lo: 0x10a40, Hi: 0x10a43, Stride: 1}, {Lo: 0x10e60, Hi: 0x10e68, Stride: 1}, {Lo: 0x11052, Hi: 0x1105a, Stride: 1},
		{Lo: 0x1f100, Hi: 0x1f10a, Stride: 1},
	},
	LatinOffset: 2,
}

// decimalValue is the value of a character of category Nd: they come in runs of
// ten, each from its zero.
func decimalValue(r rune) rune {
	if '0' <= r && r <= '9' {
		return r - '0'
	}
	for _, run := range unicode.Nd.R16 {
		if rune(run.Lo) <= r && r <= rune(run.Hi) {
			return (r - rune(run.Lo)) % 10
		}
	}
	for _, run := range unicode.Nd.R32 {
		if rune(run.Lo) <= r && r <= rune(run.Hi) {
			return (r - rune(run.Lo)) % 10
		}
	}
	return 0
}

// asciiDigits writes decimals of any script as 0 to 9.
func asciiDigits(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= utf8.RuneSelf && isDecimal(r) {
			return '0' + decimalValue(r)
		}
		return r
	}, s)
}

// fold is what a letter of an ASCII pattern sees of r where case is ignored.
func fold(r rune) rune {
	switch {
	case 'A' <= r && r <= 'Z':
		return r + 'a' - 'A'
	case r == 'ſ':
		return 's'
	case r == '\u212a': // the kelvin sign
		return 'k'
	case r == 'İ' || r == 'ı':
		return 'i'
	}
	return r
}

// isNameFold is [A-Za-z0-9_] where case is ignored.
func isNameFold(r rune) bool { return isName(fold(r)) }

// isName is [A-Za-z0-9_].
func isName(r rune) bool {
	return r == '_' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
}

// skip returns the end of the run of characters of a kind that begins at byte i.
func skip(s string, i int, is func(rune) bool) int {
	for i < len(s) {
		r, n := utf8.DecodeRuneInString(s[i:])
		if !is(r) {
			break
		}
		i += n
	}
	return i
}

func skipSpace(s string, i int) int { return skip(s, i, isSpace) }

func skipToken(s string, i int) int {
	return skip(s, i, func(r rune) bool { return !isSpace(r) })
}

// hasFold returns the end of word, which is in lower case, where s has it at
// byte i in any case; -1 where it has not.
func hasFold(s string, i int, word string) int {
	for _, want := range word {
		if i >= len(s) {
			return -1
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		if fold(r) != want {
			return -1
		}
		i += n
	}
	return i
}

// wordAt reports whether the character at byte i is a word character.
func wordAt(s string, i int) bool {
	if i >= len(s) {
		return false
	}
	r, _ := utf8.DecodeRuneInString(s[i:])
	return isWord(r)
}

// wordBefore reports whether the character before byte i is a word character.
func wordBefore(s string, i int) bool {
	if i == 0 {
		return false
	}
	r, _ := utf8.DecodeLastRuneInString(s[:i])
	return isWord(r)
}

// boundary is the \b of re.
func boundary(s string, i int) bool { return wordBefore(s, i) != wordAt(s, i) }

// head is s[:n] in code points.
func head(s string, n int) string {
	for i := range s {
		if n == 0 {
			return s[:i]
		}
		n--
	}
	return s
}

func strip(s string) string { return strings.TrimFunc(s, isSpace) }

func words(s string) []string { return strings.FieldsFunc(s, isSpace) }

// lines is s.splitlines().
func lines(s string) []string {
	var all []string
	start := 0
	for i, r := range s {
		if i < start { // the second half of \r\n
			continue
		}
		switch r {
		case '\n', '\r', '\v', '\f', 0x1c, 0x1d, 0x1e, 0x85, 0x2028, 0x2029:
			all = append(all, s[start:i])
			start = i + utf8.RuneLen(r)
			if r == '\r' && strings.HasPrefix(s[start:], "\n") {
				start++
			}
		}
	}
	if start < len(s) {
		all = append(all, s[start:])
	}
	return all
}

// lineHeads yields, of each line that is not blank, where it begins and its
// first character that is no whitespace. A pattern ^\s*X can match there and
// nowhere else: from an earlier blank line it leads to the same place. Only \n
// ends a line.
func lineHeads(s string) iter.Seq2[int, int] {
	return func(yield func(int, int) bool) {
		for start := 0; start < len(s); {
			end := len(s)
			if n := strings.IndexByte(s[start:], '\n'); n >= 0 {
				end = start + n
			}
			if first := skipSpace(s[:end], start); first < end && !yield(start, first) {
				return
			}
			start = end + 1
		}
	}
}

// lower is s.lower(): with the final sigma, and İ as two characters.
func lower(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	for i, r := range s {
		switch {
		case r < utf8.RuneSelf:
			b.WriteRune(unicode.ToLower(r))
		case r == 'İ':
			b.WriteString("i\u0307")
		case r == 'Σ':
			b.WriteRune(lowerSigma(s, i))
		default:
			b.WriteRune(unicode.ToLower(r))
		}
	}
	return b.String()
}

// lowerSigma is the small sigma of the capital one at byte i: the final one
// behind a letter with none to follow.
func lowerSigma(s string, i int) rune {
	cased := func(r rune) bool {
		return unicode.IsUpper(r) || unicode.IsLower(r) || unicode.IsTitle(r) ||
			unicode.Is(unicode.Other_Lowercase, r) || unicode.Is(unicode.Other_Uppercase, r)
	}
	behind := false
	for before := s[:i]; before != ""; {
		r, n := utf8.DecodeLastRuneInString(before)
		before = before[:len(before)-n]
		if !caseIgnorable(r) {
			behind = cased(r)
			break
		}
	}
	if !behind {
		return 'σ'
	}
	for _, r := range s[i+len("Σ"):] {
		if !caseIgnorable(r) {
			if cased(r) {
				return 'σ'
			}
			break
		}
	}
	return 'ς'
}

// caseIgnorable is Unicode's Case_Ignorable.
func caseIgnorable(r rune) bool {
	switch r {
	case '\'', '.', ':', '·', '\u0387', '\u055f', '\u05f4', '\u2018', '\u2019', '\u2024', '\u2027',
		'\ufe13', '\ufe52', '\ufe55', '\uff07', '\uff0e', '\uff1a':
		return true
	}
	return unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf, unicode.Lm, unicode.Sk)
}

// round is Python's round(x, places): the nearest decimal of the exact value,
// ties to even.
func round(x float64, places int) float64 {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return x
	}
	rounded, err := strconv.ParseFloat(strconv.FormatFloat(x, 'f', places, 64), 64)
	if err != nil {
		return x
	}
	return rounded
}

// sum is Python's sum of floats since 3.12: with Neumaier's compensation.
func sum(values []float64) float64 {
	s, c := 0.0, 0.0
	for _, x := range values {
		t := s + x
		if math.Abs(s) >= math.Abs(x) {
			c += (s - t) + x
		} else {
			c += (x - t) + s
		}
		s = t
	}
	return s + c
}

// oneIf is 1 or 0.
func oneIf(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// ratio is how near the number of what was generated comes to that of what was
// expected, in [0, 1].
func ratio(generated, expected int) float64 {
	difference := generated - expected
	if difference < 0 {
		difference = -difference
	}
	return max(0, min(1, 1-float64(difference)/float64(max(expected, 1))))
}

// decodeAt returns the character at byte i and its length.
func decodeAt(s string, i int) (rune, int) { return utf8.DecodeRuneInString(s[i:]) }
