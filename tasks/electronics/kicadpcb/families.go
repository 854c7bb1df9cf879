package kicadpcb

import (
	"fmt"

	"github.com/ailiance/lorabench/tasks/generated"
)

// family is one kind of part.
type family struct {
	name string
	make func(*generated.Rand) *part
}

// families are the kinds of parts, in the order in which they take turns.
func families() []family {
	return []family{
		{"chip", chip},
		{"sot", smallOutline},
		{"dual", dualRow},
		{"dfn", dualNoLead},
		{"qfp", quadFlat},
		{"qfn", quadNoLead},
		{"bga", ballGrid},
		{"dip", dualInLine},
		{"header", singleHeader},
		{"header2", doubleHeader},
		{"radial", radial},
		{"axial", axial},
		{"terminal", screwTerminal},
		{"receptacle", receptacle},
		{"flatcable", flatCable},
		{"powertab", powerTab},
		{"testpoint", testPoint},
		{"mountinghole", mountingHole},
		{"crystal", crystal},
		{"switch", tactSwitch},
		{"edge", cardEdge},
		{"staggered", staggered},
		{"inline", powerInLine},
		{"circular", circular},
		{"module", edgeModule},
	}
}

// Families are the sources of questions.
func Families() []generated.Source {
	var sources []generated.Source
	for _, f := range families() {
		sources = append(sources, func(r *generated.Rand, i int) (generated.Row, string) {
			p := f.make(r)
			dress(r, p)
			return generated.Row{
				ID: fmt.Sprintf("%s-%04d", f.name, i), Family: f.name,
				Prompt: prompt(r, p), Reference: reference(p), Target: target(p), Mutants: mutants(r, p),
			}, f.name + " " + p.key
		})
	}
	return sources
}
