package tokenizer

import (
	"strings"
	"unicode/utf8"
)

// decodeStep is a step of the decoder. It turns a list of tokens into another
// list, and the lists come in parts, so its state is a stage of its own.
type decodeStep interface {
	begin() stage
}

// stage takes tokens one by one and hands on what it made of them.
type stage interface {
	push(token string, next func(string))
	flush(next func(string))
}

// perToken is a step that looks at each token alone.
type perToken func(token string) string

func (p perToken) begin() stage                         { return p }
func (p perToken) push(token string, next func(string)) { next(p(token)) }
func (p perToken) flush(func(string))                   {}

// byteLevelDecode reads the letters of tokens as bytes. A token that is not of
// letters only (an added one) stands for its own bytes. What comes out is one
// text: the steps after it see it as one token that comes in parts.
type byteLevelDecode struct{ alphabet *alphabet }

func (d byteLevelDecode) begin() stage { return &byteLevelStage{alphabet: d.alphabet} }

type byteLevelStage struct {
	alphabet *alphabet
	pending  []byte // the begin of a character
}

func (s *byteLevelStage) push(token string, next func(string)) {
	text, ok := s.alphabet.read(token)
	if !ok {
		text = token
	}
	if len(s.pending) == 0 && utf8.ValidString(text) {
		next(text)
		return
	}
	s.pending = append(s.pending, text...)
	out, n := lossy(s.pending)
	s.pending = append(s.pending[:0], s.pending[n:]...)
	next(out)
}

func (s *byteLevelStage) flush(next func(string)) {
	if len(s.pending) > 0 {
		next(string(utf8.RuneError))
	}
	s.pending = s.pending[:0]
}

// lossy reads as much of b as is decided, which is n bytes: only the begin of a
// character at the end is left. Bytes that are part of no character become
// U+FFFD, one for each longest stretch that could have begun a character, as in
// Rust's from_utf8_lossy and the Unicode standard (§3.9, U+FFFD substitution of
// maximal subparts).
func lossy(b []byte) (text string, n int) {
	var out strings.Builder
	for n < len(b) {
		rest := b[n:]
		if !utf8.FullRune(rest) {
			break
		}
		r, size := utf8.DecodeRune(rest)
		if r == utf8.RuneError && size == 1 {
			for size < len(rest) && !utf8.FullRune(rest[:size+1]) {
				size++
			}
		}
		out.WriteRune(r)
		n += size
	}
	return out.String(), n
}

// byteFallbackDecode puts runs of byte tokens (<0x0A>) together. A run that is
// not UTF-8 becomes as many U+FFFD as it has bytes, so nothing of a run is known
// before its end.
type byteFallbackDecode struct{}

func (byteFallbackDecode) begin() stage { return new(byteFallbackStage) }

type byteFallbackStage struct{ run []byte }

func (s *byteFallbackStage) push(token string, next func(string)) {
	if b, ok := byteToken(token); ok {
		s.run = append(s.run, b)
		return
	}
	s.flush(next)
	next(token)
}

func (s *byteFallbackStage) flush(next func(string)) {
	switch {
	case len(s.run) == 0:
		return
	case utf8.Valid(s.run):
		next(string(s.run))
	default:
		for range s.run {
			next(string(utf8.RuneError))
		}
	}
	s.run = s.run[:0]
}

// byteToken reads a token of the form <0x0A>.
func byteToken(token string) (b byte, ok bool) {
	if len(token) != len("<0x0A>") || token[:3] != "<0x" || token[5] != '>' {
		return 0, false
	}
	for _, digit := range []byte(token[3:5]) {
		switch {
		case digit >= '0' && digit <= '9':
			digit -= '0'
		case digit >= 'A' && digit <= 'F':
			digit -= 'A' - 10
		case digit >= 'a' && digit <= 'f':
			digit -= 'a' - 10
		default:
			return 0, false
		}
		b = b<<4 | digit
	}
	return b, true
}

// stripStart takes up to count times a character off the front: of every token,
// or, where all before it are one text, of that text.
type stripStart struct {
	char  rune
	count int
	fused bool
}

func (s stripStart) begin() stage { return &stripStage{stripStart: s, left: s.count} }

type stripStage struct {
	stripStart
	left int
}

func (s *stripStage) push(token string, next func(string)) {
	if !s.fused {
		s.left = s.count
	}
	for s.left > 0 && token != "" {
		r, size := utf8.DecodeRuneInString(token)
		if r != s.char {
			s.left = 0
			break
		}
		token = token[size:]
		s.left--
	}
	next(token)
}

func (s *stripStage) flush(func(string)) { s.left = s.count }

// metaspaceDecode turns the visible character back into spaces. Those of the
// first token were put there by the pre-tokenizer, unless it never does.
type metaspaceDecode struct {
	replacement string
	keepFirst   bool
}

func (d metaspaceDecode) begin() stage { return &metaspaceStage{metaspaceDecode: d} }

type metaspaceStage struct {
	metaspaceDecode
	started bool
}

func (s *metaspaceStage) push(token string, next func(string)) {
	space := " "
	if !s.started && !s.keepFirst {
		space = ""
	}
	s.started = true
	next(strings.ReplaceAll(token, s.replacement, space))
}

func (s *metaspaceStage) flush(func(string)) { s.started = false }

// spaced puts spaces between tokens: what is done where there is no decoder.
type spaced struct{}

func (spaced) begin() stage { return new(spacedStage) }

type spacedStage struct{ started bool }

func (s *spacedStage) push(token string, next func(string)) {
	if s.started {
		token = " " + token
	}
	s.started = true
	next(token)
}

func (s *spacedStage) flush(func(string)) { s.started = false }

// stripEnd takes up to count times a character off the end: of every token, or,
// where all before it are one text, of that text.
type stripEnd struct {
	char  rune
	count int
	fused bool
}

func (s stripEnd) begin() stage { return &stripEndStage{stripEnd: s} }

type stripEndStage struct {
	stripEnd
	held int // characters that may be the last of the text
}

func (s *stripEndStage) push(token string, next func(string)) {
	rest := token
	n := 0
	for {
		r, size := utf8.DecodeLastRuneInString(rest)
		if size == 0 || r != s.char || n == s.count {
			break
		}
		rest = rest[:len(rest)-size]
		n++
	}
	if !s.fused {
		next(rest)
		return
	}
	if rest != "" { // what was held is in the middle
		next(strings.Repeat(string(s.char), s.held))
		next(rest)
		s.held = 0
	}
	s.held += n
	if more := s.held - s.count; more > 0 {
		next(strings.Repeat(string(s.char), more))
		s.held = s.count
	}
}

func (s *stripEndStage) flush(func(string)) { s.held = 0 }

// wordPieceDecode puts a space before every token but the first and those that
// continue a word.
type wordPieceDecode struct {
	prefix  string
	cleanup bool
}

// cleaner takes out spaces that English does not have. Every replacement sees
// what the ones before it left.
var cleaner = [][2]string{
	{" .", "."}, {" ?", "?"}, {" !", "!"}, {" ,", ","}, {" ' ", "'"}, {" n't", "n't"}, {" 'm", "'m"},
	{" do not", " don't"}, {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"},
}

func (d wordPieceDecode) begin() stage { return &wordPieceStage{wordPieceDecode: d} }

type wordPieceStage struct {
	wordPieceDecode
	started bool
}

func (s *wordPieceStage) push(token string, next func(string)) {
	if s.started {
		rest, ok := strings.CutPrefix(token, s.prefix)
		if !ok {
			rest = " " + token
		}
		token = rest
	}
	s.started = true
	if s.cleanup {
		for _, c := range cleaner {
			token = strings.ReplaceAll(token, c[0], c[1])
		}
	}
	next(token)
}

func (s *wordPieceStage) flush(func(string)) { s.started = false }

// suffixDecode turns the suffix that ends words into spaces, and that of the last
// token into nothing.
type suffixDecode string

func (d suffixDecode) begin() stage { return &suffixStage{suffix: string(d)} }

type suffixStage struct {
	suffix string
	token  string // the last one so far
	held   bool
}

func (s *suffixStage) push(token string, next func(string)) {
	if s.held {
		next(strings.ReplaceAll(s.token, s.suffix, " "))
	}
	s.token, s.held = token, true
}

func (s *suffixStage) flush(next func(string)) {
	if s.held {
		next(strings.ReplaceAll(s.token, s.suffix, ""))
	}
	s.held = false
}

// whole hands a step one token that is all of the text: nothing is known before
// the end.
type whole struct{ step decodeStep }

func (w whole) begin() stage { return &wholeStage{stage: w.step.begin()} }

type wholeStage struct {
	stage
	text strings.Builder
}

func (s *wholeStage) push(token string, _ func(string)) { s.text.WriteString(token) }

func (s *wholeStage) flush(next func(string)) {
	s.stage.push(s.text.String(), next)
	s.stage.flush(next)
	s.text.Reset()
}
