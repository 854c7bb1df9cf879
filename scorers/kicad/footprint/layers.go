package footprint

import (
	"fmt"
	"strings"
)

// Layers is a set of layers. The thirty inner copper layers are told apart, the
// user's own (User.1 to User.45) are not.
type Layers uint64

// Layers that footprints use.
const (
	FrontCopper Layers = 1 << iota
	BackCopper
	FrontPaste
	BackPaste
	FrontMask
	BackMask
	FrontSilk
	BackSilk
	FrontFab
	BackFab
	FrontCourtyard
	BackCourtyard
	FrontAdhesive
	BackAdhesive
	Drawings
	Comments
	Eco1
	Eco2
	EdgeCuts
	Margin
	User
	Unknown // a name that KiCad does not know: it puts what is there on "Rescue"

	firstInner
)

const (
	inner  Layers = (1<<30 - 1) * firstInner
	Copper        = FrontCopper | BackCopper | inner
)

// layerNames are the layers as files name them, in the order of the constants.
var layerNames = []string{
	"F.Cu", "B.Cu", "F.Paste", "B.Paste", "F.Mask", "B.Mask", "F.SilkS", "B.SilkS", "F.Fab", "B.Fab", "F.CrtYd", "B.CrtYd",
	"F.Adhes", "B.Adhes", "Dwgs.User", "Cmts.User", "Eco1.User", "Eco2.User", "Edge.Cuts", "Margin", "User.1", "Rescue",
}

// layerSets are the names by which files mean one or more layers.
var layerSets = func() map[string]Layers {
	m := map[string]Layers{
		"*.Cu": Copper, "*In.Cu": inner, "F&B.Cu": FrontCopper | BackCopper,
		"*.Paste": FrontPaste | BackPaste, "*.Mask": FrontMask | BackMask, "*.SilkS": FrontSilk | BackSilk,
		"*.Fab": FrontFab | BackFab, "*.CrtYd": FrontCourtyard | BackCourtyard, "*.Adhes": FrontAdhesive | BackAdhesive,
	}
	for i, name := range layerNames {
		m[name] = 1 << i
	}
	for i := range 30 {
		m[fmt.Sprintf("In%d.Cu", i+1)] = firstInner << i
	}
	for i := range 14 { // of the first S-expression format, counted from the other side
		m[fmt.Sprintf("Inner%d.Cu", i+1)] = firstInner << (13 - i)
	}
	for i := range 45 {
		m[fmt.Sprintf("User.%d", i+1)] = User
	}
	return m
}()

// LayersOf returns the layers that names of a file mean: "F.Cu", "*.Mask".
func LayersOf(names ...string) Layers {
	var set Layers
	for _, name := range names {
		if l, known := layerSets[name]; known {
			set |= l
		} else {
			set |= Unknown
		}
	}
	return set
}

// Has reports whether all of sub is in l.
func (l Layers) Has(sub Layers) bool { return l&sub == sub }

// Names returns the layers one by one, inner copper last.
func (l Layers) Names() []string {
	var names []string
	for i, name := range layerNames {
		if l&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	for i := range 30 {
		if l&(firstInner<<i) != 0 {
			names = append(names, fmt.Sprintf("In%d.Cu", i+1))
		}
	}
	return names
}

// String writes the set as a file does: all copper layers are "*.Cu".
func (l Layers) String() string {
	var names []string
	for _, all := range []string{"*.Cu", "*.Mask", "*.Paste"} {
		if set := layerSets[all]; l.Has(set) {
			names = append(names, all)
			l &^= set
		}
	}
	return strings.Join(append(names, l.Names()...), " ")
}
