// Package sexpr reads the S-expressions that KiCad writes: schematics, boards,
// symbols, footprints and netlists, of KiCad 4 to 9.
//
// A document is one slice of fixed-size nodes over the text that was read; no
// node is copied, and nothing recurses. The text is hostile: its size, depth
// and number of nodes are bounded, and the time is linear in its length.
//
// The package deliberately does not know what a list means.
//
// Source: https://dev-docs.kicad.org/en/file-formats/sexpr-intro, and the files
// of KiCad's own libraries and demos.
package sexpr

import (
	"bytes"
	"errors"
	"fmt"
	"iter"
	"math"
	"strconv"
	"strings"
)

// Limits bound what Parse accepts. A zero means the default.
type Limits struct {
	Bytes int // of the text; default 256 MiB, at most 2 GiB
	Nodes int // lists and atoms; default 32 million, of 16 bytes each
	Depth int // of lists in lists; default 256 (KiCad's own files: 12)

	// NoRepair takes ")word" for ") word", which it is where a list may hold
	// words behind lists, as a pin does.
	NoRepair bool
}

const (
	defaultBytes = 256 << 20
	defaultNodes = 32 << 20
	defaultDepth = 256
)

// An Error says where a text stops being S-expressions.
type Error struct {
	Offset int // bytes from the start
	Line   int // from 1
	Reason string

	// AfterList is set where all up to Offset is whole lists, one or more: KiCad
	// does not look at what follows the first.
	AfterList bool
	// Unfinished is set where the text ends inside of a list or a string.
	Unfinished bool
}

func (e *Error) Error() string { return fmt.Sprintf("line %d: %s", e.Line, e.Reason) }

// ErrLimit is wrapped by errors about a text beyond its Limits.
var ErrLimit = errors.New("text is beyond the limits")

type kind uint8

const (
	list kind = iota
	word
	quoted  // "…" without escapes
	escaped // "…" with escapes
	bar     // |…|, base64
)

// node is a list or an atom. The children of a list follow it.
type node struct {
	start, end uint32 // atom: its text without quotes; list: from "(" to behind ")"
	next       uint32 // the node behind this one and all that is in it
	kind       kind
}

// Document is a parsed text. It keeps the text, which must not change.
type Document struct {
	src     []byte
	nodes   []node
	repairs int
}

// Repairs counts the places where a parenthesis was missing and was put in:
// KiCad 9 wrote files with ")word value)" for ") (word value)", and reads them.
func (d *Document) Repairs() int { return d.repairs }

// class of a byte: what it does outside of a string.
var class [256]uint8

const (
	inWord uint8 = iota
	space
	paren
	quote
)

var base64Byte [256]bool

func init() {
	for _, c := range " \t\r\n\v\f\x00" {
		class[c] = space
	}
	class['('], class[')'], class['"'] = paren, paren, quote
	for c := range 256 {
		b := byte(c)
		base64Byte[c] = b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || strings.IndexByte("+/= \t\r\n", b) >= 0
	}
}

// Parse reads all of src: one list or more, and nothing but white space and
// comment lines ("#" first) between them. The error is an *[Error], or wraps
// [ErrLimit].
func Parse(src []byte, l Limits) (*Document, error) {
	if l.Bytes <= 0 {
		l.Bytes = defaultBytes
	}
	if l.Nodes <= 0 {
		l.Nodes = defaultNodes
	}
	if l.Depth <= 0 {
		l.Depth = defaultDepth
	}
	if len(src) > min(l.Bytes, math.MaxInt32) {
		return nil, fmt.Errorf("%w: %d bytes, at most %d are read", ErrLimit, len(src), min(l.Bytes, math.MaxInt32))
	}
	d := &Document{src: src, nodes: make([]node, 0, min(len(src)/8+16, l.Nodes))}
	if err := d.parse(l); err != nil {
		return nil, err
	}
	if len(d.nodes) == 0 {
		return nil, &Error{Line: 1, Reason: "no list: the text is empty"}
	}
	return d, nil
}

func (d *Document) parse(l Limits) error {
	src := d.src
	open := make([]uint32, 0, 32)
	fail := func(at int, format string, args ...any) *Error {
		return &Error{at, 1 + bytes.Count(src[:at], []byte{'\n'}), fmt.Sprintf(format, args...), len(open) == 0 && len(d.nodes) > 0, false}
	}
	i := 0
	if bytes.HasPrefix(src, []byte("\ufeff")) {
		i = 3
	}
	lineStart := true
	for i < len(src) {
		c := src[i]
		if class[c] == space {
			lineStart = lineStart || c == '\n'
			i++
			continue
		}
		if lineStart && c == '#' {
			n := bytes.IndexByte(src[i:], '\n')
			if n < 0 {
				break
			}
			i += n
			continue
		}
		lineStart = false
		if len(d.nodes) >= l.Nodes {
			return fmt.Errorf("%w: more than %d lists and atoms", ErrLimit, l.Nodes)
		}
		switch {
		case c == '(':
			if len(open) >= l.Depth {
				return fmt.Errorf("%w: lists deeper than %d", ErrLimit, l.Depth)
			}
			open = append(open, uint32(len(d.nodes)))
			d.nodes = append(d.nodes, node{start: uint32(i), kind: list})
			i++
		case c == ')':
			if len(open) == 0 {
				return fail(i, `")" without "("`)
			}
			i++
			n := &d.nodes[open[len(open)-1]]
			n.end, n.next = uint32(i), uint32(len(d.nodes))
			open = open[:len(open)-1]
			if i < len(src) && len(open) > 0 && !l.NoRepair && (src[i] >= 'a' && src[i] <= 'z') {
				d.repairs++
				if len(d.nodes) >= l.Nodes {
					return fmt.Errorf("%w: more than %d lists and atoms", ErrLimit, l.Nodes)
				}
				open = append(open, uint32(len(d.nodes)))
				d.nodes = append(d.nodes, node{start: uint32(i), kind: list})
			}
		case len(open) == 0:
			return fail(i, "%s outside of a list", excerpt(src[i:]))
		case c == '"':
			start := i + 1
			k := quoted
			j := start
			for j < len(src) && src[j] != '"' {
				if src[j] == '\\' {
					k = escaped
					j++
				}
				j++
			}
			if j >= len(src) {
				return unfinished(fail(i, "a string without an end: %s", excerpt(src[i:])))
			}
			d.atom(start, j, k)
			i = j + 1
		default:
			if c == '|' {
				if end := barEnd(src, i+1); end > 0 {
					d.atom(i+1, end, bar)
					i = end + 1
					continue
				}
			}
			j := i + 1
			for j < len(src) && class[src[j]] == inWord {
				j++
			}
			d.atom(i, j, word)
			i = j
		}
	}
	if len(open) > 0 {
		at := int(d.nodes[open[len(open)-1]].start)
		return unfinished(fail(at, `"(" without ")": %s`, excerpt(src[at:])))
	}
	return nil
}

func unfinished(e *Error) error {
	e.Unfinished, e.AfterList = true, false
	return e
}

func (d *Document) atom(start, end int, k kind) {
	d.nodes = append(d.nodes, node{uint32(start), uint32(end), uint32(len(d.nodes)) + 1, k})
}

// barEnd returns where the second bar is, or 0 where this is no base64 text.
func barEnd(src []byte, i int) int {
	for i < len(src) && base64Byte[src[i]] {
		i++
	}
	if i < len(src) && src[i] == '|' {
		return i
	}
	return 0
}

// excerpt is the beginning of a text in words.
func excerpt(b []byte) string {
	return strconv.QuoteToASCII(string(b[:min(len(b), 40)]))
}

// Node is a list or an atom of a document. The zero Node is neither: it has no
// head, no elements and an empty text.
type Node struct {
	d *Document
	i uint32
}

// Root returns the first list.
func (d *Document) Root() Node { return Node{d, 0} }

// Lists returns the lists that stand beside one another at the top.
func (d *Document) Lists() iter.Seq[Node] {
	return func(yield func(Node) bool) {
		for i := uint32(0); int(i) < len(d.nodes); i = d.nodes[i].next {
			if !yield(Node{d, i}) {
				return
			}
		}
	}
}

// Valid reports whether n is a list or an atom.
func (n Node) Valid() bool { return n.d != nil }

// IsList reports whether n is a list.
func (n Node) IsList() bool { return n.d != nil && n.d.nodes[n.i].kind == list }

// Quoted reports whether n is an atom that was written in quotes.
func (n Node) Quoted() bool {
	if n.d == nil {
		return false
	}
	k := n.d.nodes[n.i].kind
	return k == quoted || k == escaped
}

// Elements returns the elements of a list, its head first.
func (n Node) Elements() iter.Seq[Node] {
	return func(yield func(Node) bool) {
		if !n.IsList() {
			return
		}
		for i, end := n.i+1, n.d.nodes[n.i].next; i < end; i = n.d.nodes[i].next {
			if !yield(Node{n.d, i}) {
				return
			}
		}
	}
}

// Head returns the text of a list's first element where that is an atom.
func (n Node) Head() string {
	if b := n.head(); b != nil {
		return string(b)
	}
	return ""
}

func (n Node) head() []byte {
	if !n.IsList() || n.d.nodes[n.i].next == n.i+1 || n.d.nodes[n.i+1].kind == list {
		return nil
	}
	h := n.d.nodes[n.i+1]
	return n.d.src[h.start:h.end]
}

// Is reports whether n is a list with this head.
func (n Node) Is(head string) bool { return string(n.head()) == head && head != "" }

// Lists returns the lists in n with this head ("" for all of them).
func (n Node) Lists(head string) iter.Seq[Node] {
	return func(yield func(Node) bool) {
		for e := range n.Elements() {
			if e.IsList() && (head == "" || e.Is(head)) && !yield(e) {
				return
			}
		}
	}
}

// List returns the first list in n with this head, or the zero Node.
func (n Node) List(head string) Node {
	for e := range n.Lists(head) {
		return e
	}
	return Node{}
}

// Element returns the k-th element of a list, the head being the 0th, or the
// zero Node.
func (n Node) Element(k int) Node {
	for e := range n.Elements() {
		if k == 0 {
			return e
		}
		k--
	}
	return Node{}
}

// Atom returns the text of the k-th element, the head being the 0th. It is
// false where there is none, or where it is a list.
func (n Node) Atom(k int) (string, bool) {
	e := n.Element(k)
	if !e.Valid() || e.IsList() {
		return "", false
	}
	return e.Text(), true
}

// Value returns the first atom behind the head of the first list in n with this
// head: of (at 1 2) in n, Value("at") is "1". It is "" where there is none.
func (n Node) Value(head string) string {
	s, _ := n.List(head).Atom(1)
	return s
}

// Float returns the k-th element as a number. It is false where that is not a
// finite decimal number.
func (n Node) Float(k int) (float64, bool) {
	s, ok := n.Atom(k)
	if !ok || strings.ContainsAny(s, "xXpP_iInN") {
		return 0, false
	}
	v, err := strconv.ParseFloat(s, 64)
	return v, err == nil
}

// Has reports whether an atom behind the head of n is this word, as in
// (pin_names hide), or n has a list (word yes), as KiCad 8 and 9 write it.
func (n Node) Has(flag string) bool {
	first := true
	for e := range n.Elements() {
		if first {
			first = false
			continue
		}
		if !e.IsList() && e.Text() == flag {
			return true
		}
		if e.Is(flag) {
			v, ok := e.Atom(1)
			return !ok || v == "yes" || v == "true"
		}
	}
	return false
}

// Text returns an atom's text, with escapes resolved; of a list it is "".
func (n Node) Text() string {
	if n.d == nil {
		return ""
	}
	nd := n.d.nodes[n.i]
	switch nd.kind {
	case list:
		return ""
	case escaped:
		return unescape(n.d.src[nd.start:nd.end])
	}
	return string(n.d.src[nd.start:nd.end])
}

// Source returns the text of n as it was read, without quotes.
func (n Node) Source() []byte {
	if n.d == nil {
		return nil
	}
	return n.d.src[n.d.nodes[n.i].start:n.d.nodes[n.i].end]
}

// Line returns the line that n begins in, from 1. It takes time in proportion
// to the text: it is for messages.
func (n Node) Line() int {
	if n.d == nil {
		return 0
	}
	return 1 + bytes.Count(n.d.src[:n.d.nodes[n.i].start], []byte{'\n'})
}

// unescape resolves what KiCad's reader does: \n \r \t \a \b \f \v \\ \" and
// octal and hexadecimal bytes. Any other escaped byte stands for itself.
func unescape(b []byte) string {
	out := make([]byte, 0, len(b))
	for i := 0; i < len(b); i++ {
		if b[i] != '\\' || i+1 == len(b) {
			out = append(out, b[i])
			continue
		}
		i++
		c := b[i]
		if k := strings.IndexByte("nrtabfv", c); k >= 0 {
			out = append(out, "\n\r\t\a\b\f\v"[k])
			continue
		}
		digits, base := 0, 8
		if c == 'x' {
			digits, base, i = 2, 16, i+1
		} else if c >= '0' && c <= '7' {
			digits = 3
		}
		n := 0
		for n < digits && i+n < len(b) && isDigit(b[i+n], base) {
			n++
		}
		if n == 0 {
			if c == 'x' {
				i--
			}
			out = append(out, c)
			continue
		}
		v, _ := strconv.ParseUint(string(b[i:i+n]), base, 16)
		out = append(out, byte(v))
		i += n - 1
	}
	return string(out)
}

func isDigit(c byte, base int) bool {
	if base == 8 {
		return c >= '0' && c <= '7'
	}
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}
