package circuit

import (
	"encoding/json"
	"strings"

	"github.com/ailiance/lorabench/scorers/kicad"
)

// Reasons why an answer holds no netlist.
const (
	NoJSON      = "no JSON object"
	BadJSON     = "the JSON cannot be read"
	NotANetlist = "the JSON is not a netlist: want components and nets"
	TooLong     = "the text is too long"

	// ComponentsWrong is the reason where the nets are right.
	ComponentsWrong = "parts or values are wrong"
)

// Reading is a netlist as a model read it.
type Reading struct {
	Netlist *kicad.Netlist
	Values  map[string]string // of components, by reference
}

// ReadAnswer reads a netlist in JSON:
//
//	{"components": [{"ref": "R1", "value": "10k"}], "nets": [{"name": "VIN", "pins": ["R1.1", "C1.2"]}]}
//
// The object begins at the first brace of the text; what follows it is not
// looked at. A value may be a number. Other keys are not looked at. Nets that
// have a pin in common are one net, and a pin that stands twice is one pin.
// References that begin with # are power symbols, and are left out. A part that
// stands there with two values has none.
func ReadAnswer(text string) (r *Reading, reason string) {
	if len(text) > maxText {
		return nil, TooLong
	}
	i := strings.IndexByte(text, '{')
	if i < 0 {
		return nil, NoJSON
	}
	var object struct {
		Components []struct {
			Ref   string
			Value value
		}
		Nets []struct {
			Pins []string
		}
	}
	d := json.NewDecoder(strings.NewReader(text[i:]))
	var raw json.RawMessage
	if err := d.Decode(&raw); err != nil {
		return nil, BadJSON
	}
	if err := json.Unmarshal(raw, &object); err != nil || object.Components == nil && object.Nets == nil {
		return nil, NotANetlist
	}
	r = &Reading{&kicad.Netlist{}, map[string]string{}}
	for _, c := range object.Components {
		ref := strings.TrimSpace(c.Ref)
		if ref == "" || ref[0] == '#' {
			continue
		}
		v := string(c.Value)
		if first, twice := r.Values[ref]; twice && !SameValue(first, v) {
			v = "\x00two values"
		}
		r.Values[ref] = v
	}
	for _, n := range object.Nets {
		var net kicad.Net
		for _, p := range n.Pins {
			pin, ok := ParsePin(p)
			if !ok { // a pin of nothing, which is wrong
				pin = kicad.Pin{Ref: "\x00", Number: p}
			}
			if pin.Ref[0] != '#' {
				net.Pins = append(net.Pins, pin)
			}
		}
		if len(net.Pins) > 0 {
			r.Netlist.Nets = append(r.Netlist.Nets, net)
		}
	}
	return r, ""
}

// value is a text, or a number as it stands in the text.
type value string

func (v *value) UnmarshalJSON(b []byte) error {
	var s string
	if json.Unmarshal(b, &s) == nil {
		*v = value(s)
		return nil
	}
	var n json.Number
	if err := json.Unmarshal(b, &n); err != nil {
		return err
	}
	*v = value(n)
	return nil
}

// Read compares a netlist with the target's: pairs of connected pins, and parts
// by reference and value.
func (t *Target) Read(r *Reading) (pairs kicad.PairScore, components float64) {
	return kicad.ComparePins(r.Netlist, t.netlist()), t.components(r.Values)
}

// ReadingNote is the first reason why a netlist that was read is not the
// schematic's, or "".
func ReadingNote(pairs kicad.PairScore, components float64) string {
	switch {
	case pairs.GotPairs > pairs.CommonPairs && pairs.WantPairs > pairs.CommonPairs:
		return ShortAndOpen
	case pairs.GotPairs > pairs.CommonPairs:
		return Shorted
	case pairs.WantPairs > pairs.CommonPairs:
		return Open
	case components < 1:
		return ComponentsWrong
	}
	return ""
}
