package tokenizer

import (
	"strings"
	"unicode/utf8"
)

// pieceRules are what SentencePiece does around its model: the settings of a
// NormalizerSpec, and the spelling of tokens that are no plain text.
type pieceRules struct {
	Charsmap               []byte
	AddDummyPrefix         bool // a space in front of the text
	RemoveExtraWhitespaces bool // at the ends, and of several in a row all but one
	EscapeWhitespaces      bool // a space is spelled ▁
	Suffix                 bool // the dummy prefix goes to the end
	User                   []string
	Control                []string
	Unknown                string
	UnknownSurface         string // what Unknown is decoded to
	Bytes                  bool   // tokens of the form <0x0A> are bytes
}

// pieceSplitter is SentencePiece's normalizer. It is a splitter because it treats
// the texts between added tokens each as a text of its own, and never cuts one.
//
// Source: Normalizer::Normalize of SentencePiece.
type pieceSplitter struct {
	pieceRules
	rules *charsmap // nil for none
	user  *trie     // nil for none: what is left as it is
	mark  string
}

func newPieceSplitter(p pieceRules) (pieceSplitter, error) {
	s := pieceSplitter{pieceRules: p, mark: " "}
	if p.EscapeWhitespaces {
		s.mark = string(wordMark)
	}
	if len(p.User) > 0 {
		s.user = newTrie(listed(p.User), func(int32) bool { return true })
	}
	var err error
	if len(p.Charsmap) > 0 {
		s.rules, err = parseCharsmap(p.Charsmap)
	}
	return s, err
}

// listed is a vocabulary of a list.
func listed(tokens []string) *vocabulary {
	v := &vocabulary{tokens: tokens, present: make([]bool, len(tokens))}
	for i := range v.present {
		v.present[i] = true
	}
	return v
}

func (s pieceSplitter) split(text string, atStart bool, next emit) error {
	text, err := s.normalized(text)
	if err != nil || text == "" {
		return err
	}
	return next(text, atStart)
}

func (s pieceSplitter) normalized(text string) (string, error) {
	size := len(text)
	if s.RemoveExtraWhitespaces {
		for text != "" {
			with, n := s.prefix(text)
			if with != " " {
				break
			}
			text = text[n:]
		}
	}
	if text == "" {
		return "", nil
	}
	var b strings.Builder
	if s.AddDummyPrefix && !s.Suffix {
		b.WriteString(s.mark)
	}
	trailing := b.Len() // where the spaces at the end begin
	spaced := s.RemoveExtraWhitespaces
	for text != "" {
		with, n := s.prefix(text)
		text = text[n:]
		if spaced {
			with = strings.TrimLeft(with, " ")
		}
		if with == "" {
			continue
		}
		spaced = s.RemoveExtraWhitespaces && strings.HasSuffix(with, " ")
		with = strings.ReplaceAll(with, " ", s.mark)
		b.WriteString(with)
		if rest := strings.TrimRight(with, s.mark); rest != "" {
			trailing = b.Len() - len(with) + len(rest)
		}
		if err := checkGrowth(size, b.Len()); err != nil {
			return "", err
		}
	}
	out := b.String()
	if s.RemoveExtraWhitespaces {
		out = out[:max(trailing, 0)]
		for strings.HasSuffix(out, s.mark) {
			out = strings.TrimSuffix(out, s.mark)
		}
	}
	if s.AddDummyPrefix && s.Suffix {
		out += s.mark
	}
	return out, nil
}

// prefix returns what is to stand in place of the next n bytes of text.
func (s pieceSplitter) prefix(text string) (with string, n int) {
	if s.user != nil {
		if _, n := s.user.longest(text); n > 0 {
			return text[:n], n
		}
	}
	if s.rules != nil {
		if with, n, ok := s.rules.find(text, true); ok {
			return with, n
		}
	}
	_, n = utf8.DecodeRuneInString(text)
	return text[:n], n
}

// pieceDecode spells tokens as text.
//
// Source: SentencePieceProcessor::Decode, but for control tokens, which are left
// out there and spelled here unless special tokens are skipped.
type pieceDecode struct {
	pieceRules
	plain map[string]bool // control tokens
}

func newPieceDecode(p pieceRules) pieceDecode {
	d := pieceDecode{pieceRules: p, plain: map[string]bool{}}
	for _, c := range p.Control {
		d.plain[c] = true
	}
	return d
}

func (d pieceDecode) begin() stage { return &pieceStage{pieceDecode: d, begins: true} }

type pieceStage struct {
	pieceDecode
	begins  bool // a space that comes next was put there by the normalizer
	some    bool // there is text
	pending []byte
}

func (s *pieceStage) push(token string, next func(string)) {
	if b, ok := byteToken(token); ok && s.Bytes {
		s.pending = append(s.pending, b)
		s.characters(next, false)
		return
	}
	s.characters(next, true)
	if s.some {
		s.begins = false
	}
	switch {
	case s.plain[token]:
	case token == s.Unknown:
		token = s.UnknownSurface
	default:
		if s.begins && (s.AddDummyPrefix || s.RemoveExtraWhitespaces) {
			rest, cut := strings.CutPrefix(token, string(wordMark))
			token = rest
			if cut && !s.RemoveExtraWhitespaces {
				s.begins = false
			}
		}
		token = strings.ReplaceAll(token, string(wordMark), " ")
	}
	s.emit(token, next)
}

func (s *pieceStage) emit(text string, next func(string)) {
	if text != "" {
		s.some = true
		next(text)
	}
}

// characters hands on the bytes that are characters: all of them at the end of a
// run, where a byte that is part of none becomes U+FFFD.
func (s *pieceStage) characters(next func(string), all bool) {
	done := 0
	for done < len(s.pending) && (all || utf8.FullRune(s.pending[done:])) {
		r, n := utf8.DecodeRune(s.pending[done:])
		s.emit(string(r), next)
		done += n
	}
	s.pending = append(s.pending[:0], s.pending[done:]...)
}

func (s *pieceStage) flush(next func(string)) {
	s.characters(next, true)
	s.begins, s.some = true, false
}
