package published

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"sort"
	"strconv"
	"strings"
)

// Net is a name and the pins on it, "R1.2".
type Net struct {
	Name string
	Pins []string
}

// Connections is what the published parser makes of a schematic.
type Connections struct {
	Components []Component
	Nets       []Net
	Labels     []string
	Warnings   int // places that it says it does not understand
}

// Record is c as it is published.
func (c Connections) Record() Record {
	components, nets := []Record{}, []Record{}
	for _, k := range c.Components {
		components = append(components, Record{{"ref", k.Ref}, {"value", k.Value}, {"footprint", k.Footprint}, {"uuid", k.UUID}})
	}
	for _, n := range c.Nets {
		nets = append(nets, Record{{"name", n.Name}, {"pins", append([]string{}, n.Pins...)}})
	}
	return Record{
		{"components", components},
		{"nets", nets},
		{"labels", append([]string{}, c.Labels...)},
		{"n_warnings", c.Warnings},
	}
}

// errNumber is what Python's float or round raise.
var errNumber = errors.New("a coordinate is no number, or too large")

// place is a position in millimetres.
type place struct{ x, y float64 }

// attributes is (at x y angle).
type attributes struct {
	span
	x, y, angle string // "" where there is no angle
}

// readPlaces returns all (at …) of a text.
func readPlaces(s string) []attributes {
	var all []attributes
	occurrences(s, "(at", func(at int) int {
		i := at + len("(at")
		a := attributes{span: span{start: at}}
		for n, field := range []*string{&a.x, &a.y, &a.angle} {
			text, end := number(s, i)
			if end < 0 {
				if n < 2 {
					return at + len("(at")
				}
				break
			}
			*field, i = text, end
		}
		end := skipSpace(s, i)
		if end == len(s) || s[end] != ')' {
			return at + len("(at")
		}
		a.end = end + 1
		all = append(all, a)
		return a.end
	})
	return all
}

// number reads WS+ and an optional -, then digits and points.
func number(s string, i int) (text string, end int) {
	start := skipSpace(s, i)
	if start == i {
		return "", -1
	}
	digits := start
	if strings.HasPrefix(s[digits:], "-") {
		digits++
	}
	end = skip(s, digits, func(r rune) bool { return r == '.' || isDecimal(r) })
	if end == digits {
		return "", -1
	}
	return s[start:end], end
}

// float is Python's float of such a text.
func float(text string) (float64, error) {
	x, err := strconv.ParseFloat(asciiDigits(text), 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return 0, errNumber
	}
	return x, nil // infinite where it is too large
}

func floats(a attributes) (x, y, angle float64, err error) {
	var errs [3]error
	x, errs[0] = float(a.x)
	y, errs[1] = float(a.y)
	if a.angle != "" {
		angle, errs[2] = float(a.angle)
	}
	return x, y, angle, errors.Join(errs[:]...)
}

// libraryPin is a pin of a symbol in the library.
type libraryPin struct {
	number string
	x, y   float64
}

// libraryPins returns the pins of the symbols in the library, by name. Of two
// symbols with one name the last counts, of two pins with one number the first.
func libraryPins(s string) (map[string][]libraryPin, error) {
	library, found := librarySpan(s)
	if !found {
		return nil, nil
	}
	text := s[library.start:library.end]
	all := map[string][]libraryPin{}
	for _, b := range blocks(text, "symbol") {
		block := text[b.start:b.end]
		name, end := quotedAfter(block, len("(symbol"), 1)
		if end < 0 {
			continue
		}
		pins, err := pinsIn(block)
		if err != nil {
			return nil, err
		}
		if len(pins) > 0 {
			all[name] = pins
		}
	}
	return all, nil
}

// pinsIn finds the pins of a symbol, also those inside of others. Where a pin
// begins says what is its first place, number and length; all three end inside
// of it, since a parenthesis closes each.
func pinsIn(block string) ([]libraryPin, error) {
	places := readPlaces(block)
	placeSpans := make([]span, len(places))
	for i, p := range places {
		placeSpans[i] = p.span
	}
	numbers, numberSpans := quotedNumbers(block)
	lengths, lengthSpans := pinLengths(block)
	seen := map[string]bool{}
	var pins []libraryPin
	for _, b := range nestedBlocks(block, "pin") {
		within := func(spans []span) (int, bool) {
			i, ok := firstFrom(spans, b.start)
			return i, ok && spans[i].end <= b.end
		}
		p, placed := within(placeSpans)
		n, numbered := within(numberSpans)
		if !placed || !numbered {
			continue
		}
		x, y, _, err := floats(places[p])
		if err != nil {
			continue
		}
		if l, has := within(lengthSpans); has {
			if _, err := float(lengths[l]); err != nil {
				return nil, err
			}
		}
		if !seen[numbers[n]] {
			seen[numbers[n]] = true
			pins = append(pins, libraryPin{numbers[n], x, y})
		}
	}
	return pins, nil
}

// quotedNumbers returns all (number "…" of a text.
func quotedNumbers(s string) (texts []string, spans []span) {
	occurrences(s, "(number", func(at int) int {
		text, end := quotedAfter(s, at+len("(number"), 1)
		if end >= 0 {
			texts, spans = append(texts, text), append(spans, span{at, end})
		}
		return at + len("(number")
	})
	return texts, spans
}

// pinLengths returns all (length …) of a text.
func pinLengths(s string) (texts []string, spans []span) {
	occurrences(s, "(length", func(at int) int {
		at += len("(length")
		text, end := number(s, at)
		if end >= 0 && !strings.HasPrefix(text, "-") && strings.HasPrefix(s[end:], ")") {
			texts, spans = append(texts, text), append(spans, span{at - len("(length"), end + 1})
		}
		return at
	})
	return texts, spans
}

// pinPlace is where a pin of an instance is.
type pinPlace struct {
	place
	name string // "R1.2"
}

// instancePins places the pins of all instances.
func instancePins(s string, library map[string][]libraryPin) (pins []pinPlace, warnings int, err error) {
	seen := map[string]bool{}
	for _, b := range instances(s) {
		block := s[b.start:b.end]
		if !strings.Contains(head(block, 300), "(lib_id") {
			continue
		}
		name, end := firstQuoted(block, "(lib_id")
		if end < 0 {
			continue
		}
		places := readPlaces(block[end:])
		if len(places) == 0 {
			continue
		}
		x, y, angle, err := floats(places[0])
		if err != nil {
			return nil, 0, err
		}
		mirror := mirrored(block[:end] + head(block[end:], 200))
		if mirror != "" {
			warnings++
		}
		c, ok := component(block)
		if !ok || seen[c.Ref] {
			continue
		}
		seen[c.Ref] = true
		for _, p := range library[name] {
			dx, dy, exotic, err := rotate(p.x, p.y, angle)
			if err != nil {
				return nil, 0, err
			}
			if exotic {
				warnings++
			}
			at := pinPlace{place{x + dx, y + dy}, c.Ref + "." + p.number}
			switch mirror {
			case "x":
				at.x = x - dx
			case "y":
				at.y = y - dy
			}
			pins = append(pins, at)
		}
	}
	return pins, warnings, nil
}

// mirrored returns the x or y of the first (mirror …), "" where there is none.
func mirrored(s string) string {
	found := ""
	occurrences(s, "(mirror", func(at int) int {
		at += len("(mirror")
		start := skipSpace(s, at)
		end := start + len(s[start:]) - len(strings.TrimLeft(s[start:], "xy"))
		if closing := skipSpace(s, end); start > at && end > start && strings.HasPrefix(s[closing:], ")") {
			found = s[start:end]
			return len(s) + 1
		}
		return at
	})
	return found
}

// rotate turns a pin around its symbol; exotic is an angle that is no multiple
// of 90°.
func rotate(x, y, angle float64) (dx, dy float64, exotic bool, err error) {
	if math.IsInf(angle, 0) {
		return 0, 0, false, errNumber
	}
	switch math.Mod(math.RoundToEven(angle), 360) {
	case 0:
		return x, y, false, nil
	case 90, -270:
		return -y, x, false, nil
	case 180, -180:
		return -x, -y, false, nil
	case 270, -90:
		return y, -x, false, nil
	}
	sin, cos := math.Sincos(angle * (math.Pi / 180))
	return float64(x*cos) - float64(y*sin), float64(x*sin) + float64(y*cos), true, nil
}

// wireEnds returns the segments of all wires, as pairs of places.
func wireEnds(s string) ([][2]place, error) {
	var all [][2]place
	for _, b := range blocks(s, "wire") {
		var points []place
		var failed error
		block := s[b.start:b.end]
		occurrences(block, "(xy", func(at int) int {
			at += len("(xy")
			x, end := number(block, at)
			if end < 0 {
				return at
			}
			y, end := number(block, end)
			if end < 0 || !strings.HasPrefix(block[end:], ")") {
				return at
			}
			px, err := float(x)
			py, err2 := float(y)
			failed = errors.Join(failed, err, err2)
			points = append(points, place{px, py})
			return end + 1
		})
		if failed != nil {
			return nil, failed
		}
		for i := 1; i < len(points); i++ {
			all = append(all, [2]place{points[i-1], points[i]})
		}
	}
	return all, nil
}

// firstPlace returns the first (at …) of a block; ok is false where there is none.
func firstPlace(block string) (p place, ok bool, err error) {
	places := readPlaces(block)
	if len(places) == 0 {
		return place{}, false, nil
	}
	p.x, p.y, _, err = floats(places[0])
	return p, true, err
}

// labelPlace is where a label is.
type labelPlace struct {
	place
	name string
}

func labelPlaces(s string) ([]labelPlace, error) {
	var all []labelPlace
	for _, kind := range labelKinds {
		for _, b := range blocks(s, kind) {
			block := s[b.start:b.end]
			name, end := quotedAfter(block, len("(")+len(kind), 1)
			if end < 0 {
				continue
			}
			p, ok, err := firstPlace(block)
			if err != nil {
				return nil, err
			}
			if ok {
				all = append(all, labelPlace{p, name})
			}
		}
	}
	return all, nil
}

// Connect is the published geometric parser. It is known to be wrong: it does
// not turn the library's y axis, swaps the axes of mirrors, and sees no power
// symbol, bus, sheet, or wire that ends on another.
//
// The error says that the published parser raises one.
func Connect(s string) (Connections, error) {
	c := Connections{Components: components(s), Labels: labels(s)}
	library, err := libraryPins(s)
	if err != nil {
		return c, err
	}
	pins, warnings, err := instancePins(s, library)
	if err != nil {
		return c, err
	}
	c.Warnings = warnings
	wires, err := wireEnds(s)
	if err != nil {
		return c, err
	}
	g := newGrid()
	for _, w := range wires {
		if err := g.join(w[0], w[1]); err != nil {
			return c, err
		}
	}
	for _, p := range pins {
		if _, err := g.point(p.place); err != nil {
			return c, err
		}
	}
	for _, b := range blocks(s, "junction") {
		p, ok, err := firstPlace(s[b.start:b.end])
		if err == nil && ok {
			_, err = g.point(p)
		}
		if err != nil {
			return c, err
		}
	}
	named, err := labelPlaces(s)
	if err != nil {
		return c, err
	}
	names, warnings, err := g.name(named)
	if err != nil {
		return c, err
	}
	c.Warnings += warnings
	c.Nets = nets(g, names, pins)
	if len(c.Nets) == 0 {
		for _, name := range c.Labels {
			c.Nets = append(c.Nets, Net{Name: name})
		}
	}
	return c, nil
}

// nets makes nets of clusters. Unnamed ones with pins are numbered; unnamed
// ones without are none.
func nets(g *grid, names map[int]string, pins []pinPlace) []Net {
	onCluster := map[int][]string{}
	for _, p := range pins {
		id, _ := g.point(p.place)
		root := g.root(id)
		onCluster[root] = append(onCluster[root], p.name)
	}
	byName := map[string]int{}
	var all []Net
	unnamed := 0
	for _, root := range g.clusters() {
		name, named := names[root]
		if !named {
			if len(onCluster[root]) == 0 {
				continue
			}
			name = fmt.Sprintf("auto-net-%d", unnamed)
			unnamed++
		}
		i, seen := byName[name]
		if !seen {
			i = len(all)
			byName[name] = i
			all = append(all, Net{Name: name})
		}
		all[i].Pins = append(all[i].Pins, onCluster[root]...)
	}
	for i := range all {
		sort.Strings(all[i].Pins)
		all[i].Pins = slices.Compact(all[i].Pins)
	}
	return all
}
