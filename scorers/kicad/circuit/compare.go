package circuit

import (
	"context"
	"errors"
	"strings"

	"github.com/ailiance/lorabench/scorers/kicad"
)

// Languages of a code block that may hold a schematic.
var Languages = []string{"kicad_sch", "kicad", "lisp", "scheme", "sexp", "sexpr", "s-expression", "s-expr"}

// Reasons why a schematic is not the circuit that was asked for.
const (
	PartMissing  = "a part is missing"
	PartTooMany  = "a part too many"
	ValueWrong   = "a value is wrong"
	PinsWrong    = "a part does not have the pins that were asked for"
	TypeWrong    = "a pin has another electrical type"
	Shorted      = "pins are connected that should not be"
	Open         = "pins are not connected that should be"
	ShortAndOpen = "pins are connected to other nets"
	NameWrong    = "a net has another name"
	SheetsWrong  = "sheets are not placed as asked"
)

// Comparison says how near a circuit comes to what was asked for.
type Comparison struct {
	Equal      bool   // it is what was asked for, nothing more and nothing less
	Note       string // the first reason why not: one of the reasons above
	Pairs      kicad.PairScore
	Components float64 // F1 of parts by reference and value
	Graded     float64 // as Graded gives it; 1 only where Equal
}

// Compare compares a schematic with what was asked for.
func (t *Target) Compare(s *Schematic) Comparison {
	c := Comparison{Pairs: kicad.ComparePins(s.Netlist, t.netlist())}
	found := map[string]string{}
	for _, part := range s.Netlist.Components {
		found[part.Ref] = part.Value
	}
	c.Components = t.components(found)
	c.Graded = t.Graded(c.Pairs, c.Components)
	c.Note = t.differs(s, found, c.Pairs)
	c.Equal = c.Note == ""
	if !c.Equal {
		c.Graded = min(c.Graded, 0.95)
	}
	return c
}

// differs returns the first reason why a schematic is another circuit, or "".
func (t *Target) differs(s *Schematic, found map[string]string, pairs kicad.PairScore) string {
	for _, part := range t.Components {
		if _, ok := found[part.Ref]; !ok {
			return PartMissing
		}
	}
	if len(found) > len(t.Components) || len(s.Netlist.Components) > len(found) {
		return PartTooMany
	}
	for _, part := range t.Components {
		if !SameValue(part.Value, found[part.Ref]) {
			return ValueWrong
		}
	}
	for _, part := range t.Components {
		if part.Pins == nil {
			continue
		}
		pins := s.Pins[part.Ref]
		if len(pins) != len(part.Pins) {
			return PinsWrong
		}
		for number := range part.Pins {
			if _, ok := pins[number]; !ok {
				return PinsWrong
			}
		}
	}
	extra, lacking := pairs.GotPairs > pairs.CommonPairs, pairs.WantPairs > pairs.CommonPairs
	switch {
	case extra && lacking:
		return ShortAndOpen
	case extra:
		return Shorted
	case lacking:
		return Open
	}
	for _, part := range t.Components {
		for number, kind := range part.Pins {
			if s.Pins[part.Ref][number] != kind {
				return TypeWrong
			}
		}
	}
	if !t.named(s.Netlist) {
		return NameWrong
	}
	for _, sheet := range t.Sheets {
		if s.Times[sheet.File] != sheet.Times {
			return SheetsWrong
		}
	}
	for _, part := range t.Components {
		if len(t.Sheets) > 0 && s.Files[part.Ref] != part.Sheet {
			return SheetsWrong
		}
	}
	return ""
}

// named reports whether each net with a name has it. The path of the sheet in
// front of a name does not count.
func (t *Target) named(n *kicad.Netlist) bool {
	names := map[kicad.Pin]string{}
	for _, net := range n.Nets {
		for _, p := range net.Pins {
			names[p] = net.Name
		}
	}
	for _, net := range t.Nets {
		if net.Name == "" {
			continue
		}
		pin, _ := ParsePin(net.Pins[0])
		name := names[pin]
		if name != net.Name && !strings.HasSuffix(name, "/"+net.Name) {
			return false
		}
	}
	return true
}

// components is the F1 of parts: one is right where its reference is asked for
// and its value means the same.
func (t *Target) components(found map[string]string) float64 {
	right := 0
	for _, part := range t.Components {
		if v, ok := found[part.Ref]; ok && SameValue(part.Value, v) {
			right++
		}
	}
	if right == 0 {
		return 0
	}
	return 2 * float64(right) / float64(len(t.Components)+len(found))
}

// Graded is the F1 of pairs of connected pins, less what one net of all pins
// would get, and halved where no part is right:
//
//	max(0, (F1 - F1 of one net) / (1 - F1 of one net)) · (1 + components) / 2
func (t *Target) Graded(pairs kicad.PairScore, components float64) float64 {
	n := 0 // pins that are connected to something
	for _, net := range t.Nets {
		if len(net.Pins) > 1 {
			n += len(net.Pins)
		}
	}
	all := float64(n) * float64(n-1) / 2
	one := 0.0 // F1 of one net
	if w := float64(pairs.WantPairs); w > 0 && w < all {
		one = 2 * w / (w + all)
	}
	return max(0, (pairs.F1-one)/(1-one)) * (1 + components) / 2
}

// Result is what is found in an answer.
type Result struct {
	Comparison
	Loads bool // it is a schematic; where it is not the comparison is empty, but for the note
}

// Judge loads a text and compares it. The error is that of ctx.
func (t *Target) Judge(ctx context.Context, text string) (Result, error) {
	s, err := Load(ctx, text)
	var bad *LoadError
	switch {
	case errors.As(err, &bad):
		return Result{Comparison: Comparison{Note: bad.Reason}}, nil
	case err != nil:
		return Result{}, err
	}
	return Result{t.Compare(s), true}, nil
}
