package footprint

import (
	"errors"

	"github.com/ailiance/lorabench/scorers/sexpr"
)

// Languages are the names of code blocks that hold a footprint.
var Languages = []string{"kicad", "kicad_mod", "kicad_pcb", "footprint", "lisp", "scheme", "sexp", "sexpr", "s-expression", "text"}

// Why a text is not compared at all.
const (
	NotWhole     = "not S-expressions, or not all of them"
	TooLarge     = "the text is beyond the limits"
	NotFootprint = "not one footprint"
	Refused      = "KiCad refuses it: " // and the list that is wrong
)

// Judgement is what a text is worth.
type Judgement struct {
	Pass   bool
	Graded float64
	Note   string // the gravest that is wrong: one of a few texts, to be counted
	Detail string // all that is known of it
}

// Judge reads a text and compares it with t.
func (t *Target) Judge(text string) Judgement {
	f, err := Read(text)
	if err != nil {
		return Judgement{Note: noteOf(err), Detail: err.Error()}
	}
	r := t.Compare(f)
	j := Judgement{Pass: len(r.Wrong) == 0, Graded: r.Graded}
	for i, wrong := range r.Wrong {
		if i == 0 {
			j.Note, j.Detail = wrong, wrong
		} else {
			j.Detail += "; " + wrong
		}
	}
	return j
}

func noteOf(err error) string {
	var syntax *sexpr.Error
	var refused *Error
	switch {
	case errors.Is(err, sexpr.ErrLimit):
		return TooLarge
	case errors.Is(err, ErrNoFootprint):
		return NotFootprint
	case errors.As(err, &syntax):
		return NotWhole
	case errors.As(err, &refused):
		return Refused + refused.Where
	}
	return err.Error()
}
