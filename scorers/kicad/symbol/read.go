package symbol

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/ailiance/lorabench/scorers/sexpr"
)

// ErrNoSymbol is wrapped where a text is of neither format.
var ErrNoSymbol = errors.New(`no symbol: want (kicad_symbol_lib …), (symbol …) or DEF … ENDDEF`)

// Read returns the symbols of a text in the order of their names in it. A
// symbol that extends another has its parent's pins and graphics.
func Read(text string) ([]Symbol, error) { return ReadWithin(text, Limits{}) }

// ReadWithin is Read with limits.
func ReadWithin(text string, l Limits) ([]Symbol, error) {
	if l.Bytes <= 0 {
		l.Bytes = 256 << 20
	}
	if l.Nodes <= 0 {
		l.Nodes = 32 << 20
	}
	if l.Depth <= 0 {
		l.Depth = 64
	}
	if len(text) > l.Bytes {
		return nil, fmt.Errorf("%w: %d bytes, at most %d are read", errLarge, len(text), l.Bytes)
	}
	switch FormatOf(text) {
	case Current:
		return readCurrent(text, l)
	case Legacy:
		return readLegacy(text, l)
	}
	return nil, ErrNoSymbol
}

// FormatOf says which format a text begins as, or "" where it is neither.
func FormatOf(text string) Format {
	for line := range strings.Lines(strings.TrimPrefix(text, "\ufeff")) {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "("):
			return Current
		case begins(line, "EESchema-LIBRARY"), begins(line, "DEF"):
			return Legacy
		case line != "" && line[0] != '#':
			return ""
		}
	}
	return ""
}

// An Error says where a text stops being symbols.
type Error struct {
	Line   int // from 1
	Reason string

	cutOff bool
}

func (e *Error) Error() string { return fmt.Sprintf("line %d: %s", e.Line, e.Reason) }

// errCutOff is wrapped where a legacy part does not end.
var errCutOff = errors.New("the text is cut off")

// why is the reason of an error of Read, of the phrases that are counted.
func why(err error) string {
	var syntax *sexpr.Error
	var other *Error
	switch {
	case errors.As(err, &syntax) && syntax.Unfinished, errors.As(err, &other) && other.cutOff:
		return noteCutOff
	case syntax != nil:
		return noteSyntax
	case errors.Is(err, sexpr.ErrLimit), errors.Is(err, errLarge):
		return noteLarge
	}
	return noteRefused
}

// errLarge is wrapped where a text is beyond the limits.
var errLarge = errors.New("too large")

// Limits of coordinates: KiCad's own are near 150 m.
const maxNanometres = 100 * 1_000_000_000

// nanometres are those of v millimetres.
func nanometres(v float64) (int, bool) {
	v = math.Round(v * 1e6)
	if math.Abs(v) > maxNanometres { // not NaN: that is no decimal number
		return 0, false
	}
	return int(v), true
}

// inherit gives symbols that extend another what they have of it.
func inherit(symbols []Symbol) error {
	byName := make(map[string]int, len(symbols))
	for i, s := range symbols {
		byName[s.Name] = i
	}
	const unknown, open, done = 0, 1, 2
	state := make([]uint8, len(symbols))
	var chain []int
	for i := range symbols {
		chain = chain[:0]
		for at := i; state[at] != done; {
			if state[at] == open {
				return fmt.Errorf("symbol %q extends itself", clip(symbols[at].Name))
			}
			state[at] = open
			chain = append(chain, at)
			if symbols[at].Extends == "" {
				break
			}
			parent, known := byName[symbols[at].Extends]
			if !known {
				return fmt.Errorf("symbol %q extends %q, which is not in the text", clip(symbols[at].Name), clip(symbols[at].Extends))
			}
			at = parent
		}
		for k := len(chain) - 1; k >= 0; k-- {
			s := &symbols[chain[k]]
			state[chain[k]] = done
			if s.Extends == "" {
				continue
			}
			p := &symbols[byName[s.Extends]]
			s.Pins, s.Graphics, s.Units, s.Styles = p.Pins, p.Graphics, p.Units, p.Styles
			s.HidesNames, s.HidesNumbers, s.Power = p.HidesNames, p.HidesNumbers, s.Power || p.Power
		}
	}
	return nil
}

// clip shortens a text of a model for a message.
func clip(s string) string {
	if len(s) > 40 {
		return strings.ToValidUTF8(s[:40], "") + "…"
	}
	return s
}

// limits are those of the S-expressions.
func (l Limits) sexpr() sexpr.Limits {
	return sexpr.Limits{Bytes: l.Bytes, Nodes: l.Nodes, Depth: l.Depth, NoRepair: true}
}
