package kicad

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// netlist names the nets and lists what is in them.
func (w *network) netlist() *Netlist {
	return &Netlist{Components: w.components(), Nets: w.nets()}
}

// listed reports whether KiCad's netlists have a part.
func (w *network) listed(t *part) bool {
	return !strings.HasPrefix(t.ref, "#") && t.symbol.onBoard && w.places[t.place].onBoard
}

// components joins the units of parts. What the lowest unit has counts.
func (w *network) components() []Component {
	type found struct {
		at        int
		value     int // unit that gave it
		footprint int
	}
	known := map[string]found{}
	var list []Component
	for i := range w.parts {
		t := &w.parts[i]
		if !w.listed(t) {
			continue
		}
		value, footprint := unescape(t.value), unescape(t.symbol.footprint)
		if value == "~" {
			value = ""
		}
		k, ok := known[t.ref]
		if !ok {
			known[t.ref] = found{len(list), t.unit, t.unit}
			list = append(list, Component{t.ref, value, footprint, unescape(t.symbol.libID)})
			continue
		}
		c := &list[k.at]
		if value != "" && (c.Value == "" || t.unit < k.value) {
			c.Value, k.value = value, t.unit
		}
		if footprint != "" && (c.Footprint == "" || t.unit < k.footprint) {
			c.Footprint, k.footprint = footprint, t.unit
		}
		known[t.ref] = k
	}
	return list
}

// class is a set of connected nodes.
type class struct {
	best    int32 // of the drivers, -1: none
	pins    []int32
	drivers int  // pins that could name the net
	open    bool // a no-connect flag is on it
}

// weakNet is a net that nobody has named.
type weakNet struct {
	Net
	first Pin
}

// nets makes nets of the sets of connected nodes.
func (w *network) nets() []Net {
	numbers := map[int32]int{}
	var classes []class
	for i := range w.pins {
		root := w.root(w.pins[i].node)
		k, ok := numbers[root]
		if !ok {
			k = len(classes)
			numbers[root] = k
			classes = append(classes, class{best: -1})
		}
		classes[k].pins = append(classes[k].pins, int32(i))
		if t := &w.parts[w.pins[i].part]; !strings.HasSuffix(t.ref, "?") || w.pins[i].kind == "power_in" && t.lib.power != noPower {
			classes[k].drivers++
		}
	}
	for _, node := range w.open {
		if k, ok := numbers[w.root(node)]; ok {
			classes[k].open = true
		}
	}
	for i := range w.drivers {
		if k, ok := numbers[w.root(w.drivers[i].node)]; ok {
			if c := &classes[k]; c.best < 0 || w.before(&w.drivers[i], &w.drivers[c.best]) {
				c.best = int32(i)
			}
		}
	}

	var nets []Net
	strong := map[string]int{}
	used := map[string]bool{}
	add := func(name string, c *class) int {
		net := Net{Name: name}
		for _, i := range c.pins {
			p := &w.pins[i]
			if t := &w.parts[p.part]; w.listed(t) {
				for _, number := range w.numbers(p) {
					net.Pins = append(net.Pins, Pin{t.ref, number})
				}
			}
		}
		if len(net.Pins) == 0 {
			return -1
		}
		nets = append(nets, net)
		return len(nets) - 1
	}
	weak := func(c *class) bool { return c.best < 0 || w.drivers[c.best].rank == sheetPinRank }
	for i := range classes {
		c := &classes[i]
		if weak(c) {
			continue
		}
		name := w.fullName(&w.drivers[c.best])
		used[name] = true
		k := add(name, c)
		if k < 0 {
			continue
		}
		// To KiCad, nets of one name are one net: sheets may have equal names.
		if first, ok := strong[name]; ok {
			nets[first].Pins = append(nets[first].Pins, nets[k].Pins...)
			nets = nets[:k]
		} else {
			strong[name] = k
		}
	}
	// Equal names that nobody chose are numbered, in the order of their pins.
	names := newPinNames(w)
	var others []weakNet
	for i := range classes {
		c := &classes[i]
		if !weak(c) {
			continue
		}
		k := add(names.of(c), c)
		if k < 0 {
			continue
		}
		net := nets[k]
		nets = nets[:k]
		if c.best >= 0 {
			net.Name = w.fullName(&w.drivers[c.best])
		}
		others = append(others, weakNet{net, slices.MinFunc(net.Pins, comparePins)})
	}
	slices.SortFunc(others, func(a, b weakNet) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), comparePins(a.first, b.first))
	})
	suffixes := map[string]int{}
	for _, o := range others {
		name := o.Name
		for used[name] {
			suffixes[o.Name]++
			name = o.Name + "_" + strconv.Itoa(suffixes[o.Name])
		}
		used[name] = true
		o.Net.Name = name
		nets = append(nets, o.Net)
	}
	return nets
}

func (w *network) fullName(d *driver) string {
	if d.place < 0 {
		return d.name
	}
	return w.places[d.place].human + d.name
}

// before reports whether a names a net rather than b.
func (w *network) before(a, b *driver) bool {
	depth := func(d *driver) int {
		if d.place < 0 {
			return 0
		}
		return w.places[d.place].depth
	}
	if c := cmp.Or(cmp.Compare(b.rank, a.rank), cmp.Compare(depth(a), depth(b)), cmp.Compare(a.order, b.order)); c != 0 {
		return c < 0
	}
	if a.place == b.place {
		return a.name < b.name
	}
	return w.fullName(a) < w.fullName(b)
}

// numbers are those of a pin. KiCad 10 stacks several in one: [1,3-5].
func (w *network) numbers(p *placedPin) []string {
	s := p.number
	if w.places[w.parts[p.part].place].screen.version < stackedNumbers || !strings.HasPrefix(s, "[") || !strings.HasSuffix(s, "]") {
		return []string{s}
	}
	var list []string
	for item := range strings.SplitSeq(s[1:len(s)-1], ",") {
		item = strings.TrimSpace(item)
		from, to, ranged := strings.Cut(item, "-")
		if !ranged {
			list = append(list, item)
			continue
		}
		prefix := strings.TrimRight(from, "0123456789")
		first, err := strconv.Atoi(from[len(prefix):])
		last, err2 := strconv.Atoi(strings.TrimPrefix(to, prefix))
		if err != nil || err2 != nil || last < first || last-first > 1000 {
			return []string{s}
		}
		for n := first; n <= last; n++ {
			list = append(list, prefix+strconv.Itoa(n))
		}
	}
	return list
}

// pinNames names nets after their pins, as KiCad does where nothing else names
// them.
type pinNames struct {
	*network
	// numbers are those of a part's pins that have a name in common: the first,
	// and whether there are others.
	same map[sameName]sameNumbers
	done map[int32]bool // parts that are in it
}

type sameName struct {
	part int32
	name string
	open bool // pins of type no_connect
}

type sameNumbers struct {
	first  string
	others bool
}

func newPinNames(w *network) *pinNames {
	return &pinNames{w, map[sameName]sameNumbers{}, map[int32]bool{}}
}

// of returns the best of the names that a net's pins give it.
func (n *pinNames) of(c *class) string {
	open := c.open || c.drivers == 1
	best, poor := "", true
	for pass := range 2 {
		for _, i := range c.pins {
			p := &n.pins[i]
			t := &n.parts[p.part]
			if pass == 0 && (!n.listed(t) || strings.HasSuffix(t.ref, "?")) {
				continue
			}
			name := n.name(p, t, open || p.kind == "no_connect")
			if low := strings.Contains(name, "-Pad"); best == "" || low != poor && poor || low == poor && name < best {
				best, poor = name, low
			}
		}
		if best != "" {
			break
		}
	}
	return best
}

func shown(text string) string {
	if text == "~" {
		return ""
	}
	return strings.ReplaceAll(text, " ", "_")
}

func (n *pinNames) name(p *placedPin, t *part, open bool) string {
	name, number := shown(p.name), n.numbers(p)[0]
	before := "Net-("
	if open {
		before = "unconnected-("
	}
	if strings.HasSuffix(t.ref, "?") {
		return before + t.symbol.uuid + "-Pad" + number + ")"
	}
	if name == "" || name == number {
		return before + t.ref + "-Pad" + escape(number) + ")"
	}
	before += t.ref
	if t.lib.units > 1 {
		before += unitLetters(t.unit)
	}
	before += "-" + escape(name)
	if open || n.ambiguous(p, name, open) {
		before += "-Pad" + escape(number)
	}
	return before + ")"
}

// ambiguous reports whether another pin of the part has the same name.
func (n *pinNames) ambiguous(p *placedPin, name string, open bool) bool {
	if !n.done[p.part] {
		n.done[p.part] = true
		t := &n.parts[p.part]
		for i := t.first; i < t.end; i++ {
			q := &n.pins[i]
			key := sameName{p.part, shown(q.name), q.kind == "no_connect"}
			s, ok := n.same[key]
			if !ok {
				s.first = q.number
			}
			s.others = s.others || s.first != q.number
			n.same[key] = s
		}
	}
	s, ok := n.same[sameName{p.part, name, open}]
	return ok && (s.others || s.first != p.number)
}

// unitLetters are A for the first unit, Z for the 26th, AA for the 27th.
func unitLetters(unit int) string {
	s := ""
	for ; unit > 0; unit = (unit - 1) / 26 {
		s = string(rune('A'+(unit-1)%26)) + s
	}
	return s
}
