package tokenizer

import (
	"encoding/json"
	"fmt"
	"slices"
	"unicode/utf8"
)

// maxStrip is the most characters that a decoder takes off the end of a text:
// that many must be held back.
const maxStrip = 1 << 10

// maxNesting is how deep sequences of steps may nest. Published files nest two.
const maxNesting = 8

// builder makes steps of their description.
type builder struct {
	classes  *classes
	alphabet *alphabet
}

// sequence makes the parts under key, one after another.
func sequence(c *component, key string, depth int, part func(data json.RawMessage, depth int) error) error {
	if depth == maxNesting {
		return fmt.Errorf("sequences nested deeper than %d", maxNesting)
	}
	list := c.list(key)
	if err := c.close(); err != nil {
		return err
	}
	for i, raw := range list {
		if err := part(raw, depth+1); err != nil {
			return fmt.Errorf("part %d: %w", i, err)
		}
	}
	return nil
}

func (b builder) normalizers(data json.RawMessage, depth int) (list normalizerSequence, err error) {
	if data == nil {
		return nil, nil
	}
	c, err := parseComponent(data)
	if err != nil {
		return nil, err
	}
	switch kind := c.text("type", ""); kind {
	case "Sequence":
		err := sequence(c, "normalizers", depth, func(part json.RawMessage, depth int) error {
			more, err := b.normalizers(part, depth)
			list = append(list, more...)
			return err
		})
		return list, err
	case "NFC", "NFD":
		list = append(list, newComposer(canonical, kind == "NFC"))
	case "NFKC", "NFKD":
		list = append(list, newComposer(compatible, kind == "NFKC"))
	case "Lowercase":
		list = append(list, lowercase())
	case "StripAccents":
		list = append(list, stripAccents())
	case "Strip":
		list = append(list, strip{b.classes, c.boolean("strip_left", true), c.boolean("strip_right", true)})
	case "Nmt":
		list = append(list, perChar(nmt))
	case "BertNormalizer":
		list = b.bertNormalizers(c)
	case "ByteLevel":
		list = append(list, byteLetters{b.alphabet})
	case "Precompiled":
		m, err := parseCharsmap(c.bytes("precompiled_charsmap"))
		if err != nil {
			c.fault("precompiled_charsmap: %w", err)
		}
		list = append(list, precompiled{m})
	case "Prepend":
		list = append(list, prepend(c.text("prepend", "")))
	case "Replace":
		list = append(list, replace{pattern: b.pattern(c), content: c.text("content", "")})
	default:
		return nil, fmt.Errorf("type %.40q is not supported", kind)
	}
	return list, c.close()
}

// pattern reads {"String": …} or {"Regex": …}.
func (b builder) pattern(c *component) finder {
	p := c.object("pattern")
	text, expr := p.raw("String"), p.raw("Regex")
	if (text == nil) == (expr == nil) {
		p.fault("want String or Regex")
	}
	var f finder
	switch {
	case expr != nil:
		found, err := b.regex(p.text("Regex", ""))
		if err != nil {
			p.fault("Regex: %w", err)
		}
		f = found
	default:
		s := p.text("String", "")
		if s == "" {
			p.fault("String is empty")
		}
		f = literal(s)
	}
	if err := p.close(); err != nil {
		c.fault("pattern: %w", err)
	}
	return f
}

// regex returns what finds a regular expression's matches.
func (b builder) regex(expr string) (finder, error) {
	if s, ok := scannerFor(expr, b.classes); ok {
		return s, nil
	}
	return newRegex(expr)
}

func parseBehavior(c *component, absent behavior) behavior {
	how := behavior(c.text("behavior", string(absent)))
	if !slices.Contains([]behavior{isolated, removed, mergedWithPrevious, mergedWithNext, contiguous}, how) {
		c.fault("behavior %.40q is not known", string(how))
	}
	return how
}

func (b builder) splitters(data json.RawMessage, depth int) (list []splitter, err error) {
	if data == nil {
		return nil, nil
	}
	c, err := parseComponent(data)
	if err != nil {
		return nil, err
	}
	switch kind := c.text("type", ""); kind {
	case "Sequence":
		err := sequence(c, "pretokenizers", depth, func(part json.RawMessage, depth int) error {
			more, err := b.splitters(part, depth)
			list = append(list, more...)
			return err
		})
		return list, err
	case "ByteLevel":
		c.ignore("trim_offsets")
		if c.boolean("add_prefix_space", true) {
			list = append(list, spacePrefix{})
		}
		if c.boolean("use_regex", true) {
			s, _ := scannerFor(patternGPT2, b.classes)
			list = append(list, split{pattern: s, behavior: isolated})
		}
		list = append(list, byteLetters{b.alphabet})
	case "Split":
		list = append(list, split{pattern: b.pattern(c), behavior: parseBehavior(c, ""), invert: c.boolean("invert", false)})
	case "Digits":
		how := contiguous
		if c.boolean("individual_digits", false) {
			how = isolated
		}
		list = append(list, split{pattern: characters{classes: b.classes, set: classNumeric, r: -1}, behavior: how})
	case "Punctuation":
		list = append(list, split{pattern: characters{classes: b.classes, set: classPunct, r: -1}, behavior: parseBehavior(c, isolated)})
	case "CharDelimiterSplit":
		r, size := utf8.DecodeRuneInString(c.text("delimiter", ""))
		if size == 0 {
			c.fault("delimiter is missing")
		}
		list = append(list, split{pattern: characters{classes: b.classes, r: r}, behavior: removed})
	case "WhitespaceSplit":
		list = append(list, split{pattern: characters{classes: b.classes, set: classSpace, r: -1}, behavior: removed})
	case "Whitespace":
		list = append(list, split{pattern: words{b.classes}, behavior: removed, invert: true})
	case "BertPreTokenizer":
		list = append(list, split{pattern: characters{classes: b.classes, set: classSpace, r: -1}, behavior: removed},
			split{pattern: characters{classes: b.classes, set: classPunct, r: -1}, behavior: isolated})
	case "UnicodeScripts":
		list = append(list, newScripts())
	case "FixedLength":
		n := 5
		if c.raw("length") != nil {
			n = c.integer("length")
		}
		if n < 1 {
			c.fault("length is %d, want at least 1", n)
		}
		list = append(list, fixedLength(n))
	case "Metaspace":
		m := parseMetaspace(c)
		m.cut = c.boolean("split", true)
		list = append(list, m)
	default:
		return nil, fmt.Errorf("type %.40q is not supported", kind)
	}
	return list, c.close()
}

// parseMetaspace reads what pre-tokenizer and decoder have in common.
func parseMetaspace(c *component) metaspace {
	m := metaspace{replacement: c.text("replacement", ""), scheme: c.text("prepend_scheme", "always")}
	if utf8.RuneCountInString(m.replacement) != 1 {
		c.fault("replacement %.40q is not one character", m.replacement)
	}
	if !slices.Contains([]string{"always", "first", "never"}, m.scheme) {
		c.fault("prepend_scheme %.40q is not known", m.scheme)
	}
	c.ignore("str_rep") // the same character once more, in old files
	if c.raw("add_prefix_space") != nil && !c.boolean("add_prefix_space", true) {
		if c.members["prepend_scheme"] != nil && m.scheme != "never" {
			c.fault("add_prefix_space is false, but prepend_scheme %q", m.scheme)
		}
		m.scheme = "never"
	}
	return m
}

// decoders makes the steps of a decoder. fused says that all tokens are one text
// already; it is changed by the steps that make it so.
func (b builder) decoders(data json.RawMessage, depth int, fused *bool) (list []decodeStep, err error) {
	c, err := parseComponent(data)
	if err != nil {
		return nil, err
	}
	kind := c.text("type", "")
	switch kind {
	case "Sequence":
		err := sequence(c, "decoders", depth, func(part json.RawMessage, depth int) error {
			more, err := b.decoders(part, depth, fused)
			list = append(list, more...)
			return err
		})
		return list, err
	case "Fuse": // the text is put together in any case
		*fused = true
		return nil, c.close()
	case "Strip":
		r, size := utf8.DecodeRuneInString(c.text("content", ""))
		start, stop := c.integer("start"), c.integer("stop")
		if start < 0 || stop < 0 || stop > maxStrip || size == 0 {
			c.fault("Strip of %d characters %q at the start and %d at the end", start, r, stop)
		}
		list = append(list, stripStart{char: r, count: start, fused: *fused})
		if stop > 0 {
			list = append(list, stripEnd{char: r, count: stop, fused: *fused})
		}
		return list, c.close()
	case "ByteLevel":
		c.ignore("add_prefix_space", "trim_offsets", "use_regex")
		list = append(list, byteLevelDecode{b.alphabet})
	case "ByteFallback":
		list = append(list, byteFallbackDecode{})
	case "Replace":
		n := replace{pattern: b.pattern(c), content: c.text("content", "")}
		if _, ok := n.pattern.(literal); !ok {
			c.fault("Replace of a regular expression is not supported in a decoder")
		}
		list = append(list, perToken(func(token string) string {
			text, _ := n.normalize(token) // a literal is found without errors
			return text
		}))
	case "Metaspace":
		m := parseMetaspace(c)
		c.ignore("split")
		list = append(list, metaspaceDecode{m.replacement, m.scheme == "never"})
	case "WordPiece":
		list = append(list, wordPieceDecode{c.text("prefix", "##"), c.boolean("cleanup", true)})
	case "BPEDecoder":
		d := suffixDecode(c.text("suffix", "</w>"))
		if d == "" {
			c.fault("suffix is empty")
		}
		list = append(list, d)
	default:
		return nil, fmt.Errorf("type %.40q is not supported", kind)
	}
	if *fused { // to the step all that came before is one token
		list = []decodeStep{whole{list[0]}}
	}
	*fused = *fused || kind == "ByteLevel"
	return list, c.close()
}
