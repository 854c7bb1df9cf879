package published

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// Extraction is a ground truth: components and nets of a schematic.
type Extraction struct {
	components, nets any
}

// ParseExtraction reads {"components": […], "nets": […]}.
func ParseExtraction(text json.RawMessage) (Extraction, error) {
	v, err := parseJSON(string(text))
	if err != nil {
		return Extraction{}, errors.New(`want {"components": […], "nets": […]}`)
	}
	o, ok := v.(object)
	if !ok {
		return Extraction{}, errors.New(`want an object with "components" and "nets"`)
	}
	e := Extraction{components: o["components"], nets: o["nets"]}
	for name, list := range map[string]any{"components": e.components, "nets": e.nets} {
		if _, isList := list.([]any); list != nil && !isList {
			return Extraction{}, fmt.Errorf("%s: want a list", name)
		}
	}
	if _, err := e.refs(); err != nil {
		return Extraction{}, fmt.Errorf("components: %w", err)
	}
	if _, err := e.names(); err != nil {
		return Extraction{}, fmt.Errorf("nets: %w", err)
	}
	if _, err := pinPairs(e.nets); err != nil {
		return Extraction{}, fmt.Errorf("nets: %w", err)
	}
	return e, nil
}

func (e Extraction) refs() (set, error)  { return named(e.components, "ref", false) }
func (e Extraction) names() (set, error) { return named(e.nets, "name", false) }

// Enrich gives the nets of e that have no pins those that the geometric parser
// finds for their names in the schematic of the prompt. Where it finds none, or
// raises an error, e stays as it is.
func (e Extraction) Enrich(prompt string) Extraction {
	list, _ := e.nets.([]any)
	without := func(n any) bool {
		net, ok := n.(object)
		return ok && !truthy(net["pins"])
	}
	needed := false
	for _, n := range list {
		needed = needed || without(n)
	}
	at := strings.Index(prompt, "(kicad_sch")
	if !needed || at < 0 {
		return e
	}
	end := blockEnd(prompt, at)
	if end < 0 {
		return e
	}
	found, err := Connect(prompt[at:end])
	if err != nil {
		return e
	}
	pins := map[string][]string{}
	for _, n := range found.Nets {
		pins[n.Name] = n.Pins
	}
	nets := make([]any, len(list))
	for i, n := range list {
		nets[i] = n
		name, isText := "", false
		if net, ok := n.(object); ok {
			name, isText = net["name"].(string)
		}
		if !isText || !without(n) || len(pins[name]) == 0 {
			continue
		}
		enriched := object{}
		for k, v := range n.(object) {
			enriched[k] = v
		}
		var all []any
		for _, p := range pins[name] {
			all = append(all, p)
		}
		enriched["pins"] = all
		nets[i] = enriched
	}
	return Extraction{components: e.components, nets: nets}
}

// set holds what Python's sets hold, by key.
type set map[string]bool

var errUnhashable = errors.New("a name is a list or an object")

// named returns the values of one member of a list's objects. Of what a model
// wrote only values that are true count.
func named(list any, member string, onlyTrue bool) (set, error) {
	found := set{}
	items, err := iterate(list)
	if err != nil {
		return nil, err
	}
	for _, item := range items {
		o, ok := item.(object)
		if !ok {
			continue
		}
		v, has := o[member]
		if onlyTrue && !truthy(v) || !has {
			continue
		}
		k, ok := key(v)
		if !ok {
			return nil, errUnhashable
		}
		found[k] = true
	}
	return found, nil
}

var errNotIterable = errors.New("not a list")

// iterate is a Python loop over a value. The members of texts and objects are
// texts, which are never objects.
func iterate(v any) ([]any, error) {
	switch v := v.(type) {
	case []any:
		return v, nil
	case string, object:
		return nil, nil
	}
	return nil, errNotIterable
}

// pinPairs returns the pairs of net and pin.
func pinPairs(nets any) (set, error) {
	found := set{}
	if !truthy(nets) {
		return found, nil
	}
	items, err := iterate(nets)
	if err != nil {
		return nil, err
	}
	for _, item := range items {
		o, ok := item.(object)
		if !ok || !truthy(o["name"]) {
			continue
		}
		texts, err := textsIn(o["pins"])
		if err != nil {
			return nil, err
		}
		name, ok := key(o["name"])
		if !ok {
			return nil, errUnhashable
		}
		for _, pin := range texts {
			found[name+"\x00"+pin] = true
		}
	}
	return found, nil
}

// textsIn returns the texts that a Python loop over pins meets: characters of a
// text, names of an object.
func textsIn(v any) ([]string, error) {
	var texts []string
	switch v := v.(type) {
	case string:
		for _, r := range v {
			texts = append(texts, string(r))
		}
	case object:
		for name := range v {
			texts = append(texts, name)
		}
	case []any:
		for _, item := range v {
			if s, ok := item.(string); ok {
				texts = append(texts, s)
			}
		}
	default:
		if truthy(v) {
			return nil, errNotIterable
		}
	}
	return texts, nil
}

// answerJSON finds the object in a text: of its first fence, from the first
// brace to where that closes.
func answerJSON(text string) (object, bool) {
	src := strip(fence(text, "json"))
	start := strings.IndexByte(src, '{')
	if start < 0 {
		return nil, false
	}
	src = src[start:]
	src = src[:bracesEnd(src)]
	v, err := parseJSON(src)
	o, ok := v.(object)
	return o, err == nil && ok
}

// bracesEnd returns where the first brace closes, the end of s where it does not.
func bracesEnd(s string) int {
	depth, inString, escaped := 0, false, false
	for i := range len(s) {
		switch c := s[i]; {
		case escaped:
			escaped = false
		case c == '\\':
			escaped = true
		case c == '"':
			inString = !inString
		case inString:
		case c == '{':
			depth++
		case c == '}':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return len(s)
}

// f1 compares two sets.
func f1(want, got set) Record {
	both := 0
	for k := range got {
		if want[k] {
			both++
		}
	}
	precision, recall, f := 0.0, 0.0, 0.0
	if len(got) > 0 {
		precision = float64(both) / float64(len(got))
	}
	if len(want) > 0 {
		recall = float64(both) / float64(len(want))
	}
	if precision+recall > 0 {
		f = 2 * precision * recall / (precision + recall)
	}
	return Record{
		{"tp", both},
		{"fp", len(got) - both},
		{"fn", len(want) - both},
		{"precision", round(precision, 4)},
		{"recall", round(recall, 4)},
		{"f1", round(f, 4)},
	}
}

// orEmpty is what a set becomes where Python raises an error.
func orEmpty(s set, err error) set {
	if err != nil {
		return set{}
	}
	return s
}

// Extract scores what a model took out of a schematic (kicad-sch-extract)
// against the ground truth. Values and footprints are not looked at.
func Extract(generated string, truth Extraction) Record {
	var refs, names, pins set
	answer, parsed := answerJSON(generated)
	_, hasComponents := answer["components"]
	_, hasNets := answer["nets"]
	parsed = parsed && hasComponents && hasNets
	if parsed {
		refs = orEmpty(named(answer["components"], "ref", true))
		names = orEmpty(named(answer["nets"], "name", true))
		pins = orEmpty(pinPairs(answer["nets"]))
	}
	wantRefs, wantNames, wantPins := orEmpty(truth.refs()), orEmpty(truth.names()), orEmpty(pinPairs(truth.nets))
	byRef, byName := f1(wantRefs, refs), f1(wantNames, names)
	var byPin Record
	if len(wantPins) > 0 {
		byPin = f1(wantPins, pins)
	} else {
		byPin = append(append(byPin, byName...), Field{"note", "fallback_to_name_f1"})
	}
	part := func(r Record) float64 {
		x, _ := r.Number("f1")
		return x
	}
	composite := oneIf(parsed)*0.15 + float64(part(byRef)*0.35) + float64(part(byName)*0.20) + float64(part(byPin)*0.30)
	return Record{
		{"json_ok", parsed},
		{"expected_n_components", len(wantRefs)},
		{"predicted_n_components", len(refs)},
		{"components", byRef},
		{"expected_n_nets", len(wantNames)},
		{"predicted_n_nets", len(names)},
		{"nets", byName},
		{"net_pins", byPin},
		{"gt_has_pins", len(wantPins) > 0},
		{"pred_has_pins", len(pins) > 0},
		{"composite", round(composite, 4)},
	}
}
