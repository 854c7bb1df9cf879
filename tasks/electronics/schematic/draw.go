package schematic

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/ailiance/lorabench/tasks/generated"
)

// Draw draws a design. The drawing's nets are the design's, whichever way ends
// on wires are read.
func (d *Design) Draw(style Style, r *generated.Rand) *Drawing {
	want := Partition(d.Netlist().Nets)
	for attempt := range 20 {
		if attempt > 10 {
			style.Wires /= 2
		}
		drawing := d.draw(style, r)
		if drawing != nil && Partition(drawing.Read(true)) == want && Partition(drawing.Read(false)) == want {
			return drawing
		}
	}
	panic("schematic: " + d.Family + ": no drawing says what the design connects")
}

// unfed returns the nets that take power and get none, by sheet, each where it
// is nearest to the root. With symbols a power symbol takes power too, as KiCad's
// rules have it.
func (d *Design) unfed(symbols bool) map[*Sheet]map[int]bool {
	list := d.Netlist()
	where := map[string][2]int{} // of a pin: instance and net
	types := map[string]string{}
	for i, in := range d.Instances {
		for k, n := range in.Sheet.Nets {
			for _, p := range n.Pins {
				name := in.Refs[p.Part] + "." + p.Number
				where[name] = [2]int{i, k}
				pin, _ := in.Sheet.Parts[p.Part].Symbol.pin(p.Number)
				types[name] = pin.Type
			}
		}
	}
	unfed := map[*Sheet]map[int]bool{}
	for _, n := range list.Nets {
		first, takes, fed := [2]int{len(d.Instances), 0}, false, false
		for _, p := range n.Pins {
			takes = takes || types[p] == "power_in"
			if w, ok := where[p]; ok && symbols && d.Instances[w[0]].Sheet.Nets[w[1]].Kind == Power {
				takes = true
			}
			fed = fed || types[p] == "power_out"
			if w, ok := where[p]; ok && w[0] < first[0] {
				first = w
			}
		}
		if !takes || fed || first[0] == len(d.Instances) {
			continue
		}
		s := d.Instances[first[0]].Sheet
		if unfed[s] == nil {
			unfed[s] = map[int]bool{}
		}
		unfed[s][first[1]] = true
	}
	return unfed
}

func (d *Design) draw(style Style, r *generated.Rand) *Drawing {
	drawing := &Drawing{Style: style}
	drawn := map[*Sheet]*Sheeted{}
	rootUUID := uuid(r)
	var unfed map[*Sheet]map[int]bool
	if style.Flags {
		unfed = d.unfed(style.Fed)
	}
	marks := 0 // power symbols so far
	paths := map[*Instance]string{}
	for _, in := range d.Instances { // the parent first
		if in.parent == nil {
			paths[in] = "/" + rootUUID
		} else {
			box := drawn[in.parent.Sheet].Boxes[in.Subs[len(in.Subs)-1]]
			paths[in] = paths[in.parent] + "/" + box.UUID
		}
		if s := drawn[in.Sheet]; s != nil {
			s.Paths = append(s.Paths, paths[in])
			continue
		}
		p := pen{sheet: in.Sheet, style: style, r: r, unfed: unfed[in.Sheet]}
		s := p.draw()
		s.UUID = rootUUID
		if in.parent != nil {
			s.UUID = uuid(r)
		}
		s.Paths = []string{paths[in]}
		drawn[in.Sheet] = s
		drawing.Sheets = append(drawing.Sheets, s)
	}
	for _, in := range d.Instances {
		for i := range drawn[in.Sheet].Symbols {
			p := &drawn[in.Sheet].Symbols[i]
			if p.Part >= 0 {
				p.Refs = append(p.Refs, in.Refs[p.Part])
				continue
			}
			marks++
			p.Refs = append(p.Refs, fmt.Sprintf("%s%03d", p.Symbol.Prefix, marks))
		}
	}
	return drawing
}

// uuid returns a random one, of version 4.
func uuid(r *generated.Rand) string {
	a, b := r.Uint64(), r.Uint64()
	a = a&^0xf000 | 0x4000
	b = b&^(3<<62) | 2<<62
	return fmt.Sprintf("%08x-%04x-%04x-%04x-%012x", a>>32, a>>16&0xffff, a&0xffff, b>>48, b&(1<<48-1))
}

// terminal is a place that a net has to reach, in cells.
type terminal struct {
	x, y int
	side Side
	done bool // a bus's stub has reached it
}

// group is a part of a net whose terminals are joined by wires. Several groups
// of a net are joined by its name.
type group struct {
	id        int32
	net       int
	terminals []terminal
	edges     edges
	end       int  // cell for the label of a group of one terminal
	side      Side // where its text goes
}

// pen draws one sheet.
type pen struct {
	sheet *Sheet
	style Style
	r     *generated.Rand
	unfed map[int]bool

	out       *Sheeted
	board     *board
	terminals [][]terminal // by net
	groups    []*group
	attached  map[int]int // symbols and labels by cell: pins of power symbols
	loose     []int       // cells of pins on no net
	netOf     map[PinOf]int
	busOf     map[int]bool // nets that are drawn as members of a bus
}

// item is what is placed: a unit of a part, or a sheet.
type item struct {
	part, unit int
	sub        int // -1 for parts
	turn       int
	mirror     string
	x1, y1     int // room around its origin, in cells
	x2, y2     int
}

func (p *pen) draw() *Sheeted {
	p.out = &Sheeted{File: p.sheet.File, Title: p.sheet.Title}
	p.terminals = make([][]terminal, len(p.sheet.Nets))
	p.attached = map[int]int{}
	p.netOf, p.busOf = map[PinOf]int{}, map[int]bool{}
	for k, n := range p.sheet.Nets {
		for _, pin := range n.Pins {
			p.netOf[pin] = k
		}
	}
	for _, b := range p.sheet.Buses {
		if p.style.Buses || b.Port || len(b.SubPins) > 0 {
			for _, k := range b.Nets {
				p.busOf[k] = true
			}
		}
	}
	items := p.items()
	p.place(items)
	p.buses()
	p.group()
	p.stubs()
	p.wire()
	p.names()
	p.collect()
	return p.out
}

// items lists what is to be placed, each with the room that it needs.
func (p *pen) items() []item {
	var items []item
	for i, part := range p.sheet.Parts {
		for u := range part.Symbol.Units() {
			it := item{part: i, unit: u + 1, sub: -1}
			onBus := false
			for _, pin := range part.Symbol.Pins {
				if pin.Unit == it.unit {
					if k, ok := p.netOf[PinOf{i, pin.Number}]; ok && p.busOf[k] {
						onBus = true
					}
				}
			}
			if p.style.Turn {
				it.turn = generated.Pick(p.r, 0, 90, 180, 270)
				if onBus {
					it.turn = generated.Pick(p.r, 0, 180)
				}
			}
			if p.style.Mirror {
				it.mirror = generated.Pick(p.r, "", "x", "y")
			}
			b := part.Symbol.bodies[u]
			reach := func(x, y int) {
				x, y = turned(x, y, it.turn, it.mirror)
				it.x1, it.x2 = min(it.x1, x), max(it.x2, x)
				it.y1, it.y2 = min(it.y1, y), max(it.y2, y)
			}
			reach(b.x1, b.y1)
			reach(b.x2, b.y2)
			for _, pin := range part.Symbol.Pins {
				if pin.Unit == it.unit {
					reach(pin.X, pin.Y)
				}
			}
			if onBus {
				it.x1, it.x2, it.y1, it.y2 = it.x1-8, it.x2+8, it.y1-6, it.y2+6
			}
			items = append(items, it)
		}
	}
	if len(items) > 4 && p.r.Bool() {
		generated.Shuffle(p.r, items)
	}
	for i, sub := range p.sheet.Subs {
		left, right, w := p.ports(sub.Sheet)
		it := item{sub: i, x2: w, y2: 2 * (max(len(left), len(right)) + 1)}
		it.x1, it.x2 = it.x1-10, it.x2+10
		items = append(items, it)
	}
	return items
}

// ports returns the pins of a placed sheet by side, and its width in cells.
func (p *pen) ports(s *Sheet) (left, right []string, width int) {
	var names []string
	for _, n := range s.Nets {
		if n.Port != "" {
			names = append(names, n.Port)
		}
	}
	for _, b := range s.Buses {
		if b.Port {
			names = append(names, b.Label())
		}
	}
	half := (len(names) + 1) / 2
	longest := 0
	for _, n := range names {
		longest = max(longest, len(n))
	}
	width = 2*longest + 6
	return names[:half], names[half:], width + width&1
}

// papers are the sizes that KiCad knows, in cells.
var papers = []struct {
	name string
	w, h int
}{{"A4", 233, 165}, {"A3", 330, 233}, {"A2", 467, 330}, {"A1", 662, 467}, {"A0", 936, 662}}

// place puts items in columns and rows.
func (p *pen) place(items []item) {
	columns := 1
	for columns*columns*2 < len(items)*3 {
		columns++
	}
	gap := func() int {
		if p.style.Numbers {
			return 8 + 2*p.r.IntN(5)
		}
		return 10
	}
	widths := make([][2]int, columns) // left and right of a column's middle
	var heights [][2]int
	for i, it := range items {
		c := i % columns
		if c == 0 {
			heights = append(heights, [2]int{})
		}
		h := &heights[len(heights)-1]
		widths[c] = [2]int{max(widths[c][0], -it.x1), max(widths[c][1], it.x2)}
		*h = [2]int{max(h[0], -it.y1), max(h[1], it.y2)}
	}
	even := func(n int) int { return n + n&1 }
	xs, ys := make([]int, columns), make([]int, len(heights))
	x, y := 16, 16
	for c, w := range widths {
		xs[c] = even(x + w[0])
		x = xs[c] + w[1] + gap()
	}
	for i, h := range heights {
		ys[i] = even(y + h[0])
		y = ys[i] + h[1] + gap()
	}
	p.out.Paper = ""
	for _, size := range papers {
		if x+8 < size.w && y+16 < size.h {
			p.out.Paper = size.name
			break
		}
	}
	if p.out.Paper == "" {
		p.out.Paper = fmt.Sprintf("User %d %d", (x+16)*grid/100+1, (y+24)*grid/100+1)
	}
	p.board = newBoard(x+10, y+10)
	for i, it := range items {
		cx, cy := xs[i%columns], ys[i/columns]
		if it.sub >= 0 {
			p.box(it, cx, cy)
			continue
		}
		p.symbol(it, cx, cy)
	}
}

// symbol puts a unit of a part down.
func (p *pen) symbol(it item, cx, cy int) {
	part := p.sheet.Parts[it.part]
	placed := Placed{
		Symbol: part.Symbol, Unit: it.unit, At: Point{cx * grid, cy * grid}, Turn: it.turn, Mirror: it.mirror, Value: part.Value, Part: it.part,
	}
	p.out.Symbols = append(p.out.Symbols, placed)
	b := part.Symbol.bodies[it.unit-1]
	x1, y1 := turned(b.x1, b.y1, it.turn, it.mirror)
	x2, y2 := turned(b.x2, b.y2, it.turn, it.mirror)
	p.block(cx+min(x1, x2), cy+min(y1, y2), cx+max(x1, x2), cy+max(y1, y2))
	for _, pin := range placed.pins() {
		at := placed.pinAt(pin)
		x, y := at.X/grid, at.Y/grid
		side := turnedSide(pin.Side, it.turn, it.mirror)
		dx, dy := side.step()
		for k := 1; k <= pin.Length; k++ {
			p.board.blocked[p.board.cell(x-k*dx, y-k*dy)] = true
		}
		p.board.blocked[p.board.cell(x, y)] = false
		p.terminal(PinOf{it.part, pin.Number}, terminal{x: x, y: y, side: side})
	}
}

// terminal notes where a pin of a part is.
func (p *pen) terminal(pin PinOf, t terminal) {
	k, ok := p.netOf[pin]
	if !ok {
		p.loose = append(p.loose, p.board.cell(t.x, t.y))
		p.board.own[p.board.cell(t.x, t.y)] = nobody
		return
	}
	p.reach(k, t)
}

// reach adds a terminal to a net, once for each place.
func (p *pen) reach(net int, t terminal) {
	for _, u := range p.terminals[net] {
		if u.x == t.x && u.y == t.y {
			return
		}
	}
	p.terminals[net] = append(p.terminals[net], t)
	p.board.own[p.board.cell(t.x, t.y)] = nobody // until it belongs to a group
}

// block takes the room of a body.
func (p *pen) block(x1, y1, x2, y2 int) {
	for y := y1; y <= y2; y++ {
		for x := x1; x <= x2; x++ {
			p.board.blocked[p.board.cell(x, y)] = true
		}
	}
}

// box puts a sheet down.
func (p *pen) box(it item, cx, cy int) {
	sub := p.sheet.Subs[it.sub]
	left, right, w := p.ports(sub.Sheet)
	h := it.y2
	b := SheetBox{
		Name: sub.Name, File: sub.Sheet.File, Sub: it.sub, UUID: uuid(p.r),
		At: Point{cx * grid, cy * grid}, Size: Point{w * grid, h * grid},
	}
	p.block(cx, cy, cx+w, cy+h)
	for side, names := range [][]string{right, nil, left} {
		for i, name := range names {
			x, y := cx, cy+2*(i+1)
			if Side(side) == Right {
				x += w
			}
			b.Pins = append(b.Pins, SheetPin{Name: name, Shape: "bidirectional", At: Point{x * grid, y * grid}, Side: Side(side)})
			p.board.blocked[p.board.cell(x, y)] = false
			t := terminal{x: x, y: y, side: Side(side)}
			for k, n := range p.sheet.Nets {
				if slices.Contains(n.SubPins, SubPin{it.sub, name}) {
					p.reach(k, t)
				}
			}
			for _, bus := range p.sheet.Buses {
				if slices.Contains(bus.SubPins, SubPin{it.sub, name}) {
					p.busAtSheet(bus, t)
				}
			}
		}
	}
	p.out.Boxes = append(p.out.Boxes, b)
}

// busAtSheet draws the bus at a sheet's pin, with its name at the end.
func (p *pen) busAtSheet(b Bus, t terminal) {
	dx, _ := t.side.step()
	end := t.x + 6*dx
	p.out.Buses = append(p.out.Buses, Segment{Point{t.x * grid, t.y * grid}, Point{end * grid, t.y * grid}})
	p.out.Labels = append(p.out.Labels, Label{Kind: LocalLabel, Text: b.Label(), At: Point{end * grid, t.y * grid}, Side: t.side})
	p.block(min(t.x, end), t.y, max(t.x, end), t.y)
}

// buses draws a bus beside each part that has two of its members or more on one
// side: a wire with the member's name from each pin to the bus.
func (p *pen) buses() {
	for _, b := range p.sheet.Buses {
		if !p.style.Buses && !b.Port && len(b.SubPins) == 0 {
			continue
		}
		ported := !b.Port
		for i := range p.out.Symbols {
			for _, side := range []Side{Left, Right} {
				var at []int // pairs: net, terminal
				for k, n := range b.Nets {
					for j, t := range p.terminals[n] {
						if t.side == side && p.isPinOf(i, n, t) {
							at = append(at, k, j)
						}
					}
				}
				if len(at) >= 4 {
					p.busBeside(b, at, side, !ported)
					ported = true
				}
			}
		}
		if !ported { // nothing on this sheet is on it: it stands for itself
			panic("schematic: no part is on the bus " + b.Label())
		}
	}
}

// isPinOf reports whether a terminal of a net is a pin of a placed symbol.
func (p *pen) isPinOf(symbol, net int, t terminal) bool {
	s := p.out.Symbols[symbol]
	for _, pin := range s.pins() {
		if k, ok := p.netOf[PinOf{s.Part, pin.Number}]; ok && k == net && s.pinAt(pin) == (Point{t.x * grid, t.y * grid}) {
			return true
		}
	}
	return false
}

// busBeside draws a bus beside one side of a part.
func (p *pen) busBeside(b Bus, at []int, side Side, port bool) {
	dx, _ := side.step()
	top, bottom, x := 1<<30, 0, 0
	for i := 0; i < len(at); i += 2 {
		t := p.terminals[b.Nets[at[i]]][at[i+1]]
		top, bottom, x = min(top, t.y), max(bottom, t.y), t.x
	}
	up := 1 // entries lead upwards, and other pins below stay free
	for i := 0; i < len(at); i += 2 {
		net := b.Nets[at[i]]
		t := &p.terminals[net][at[i+1]]
		t.done = true
		end := Point{(x + 4*dx) * grid, t.y * grid}
		p.out.Wires = append(p.out.Wires, Segment{Point{x * grid, t.y * grid}, end})
		p.out.Entries = append(p.out.Entries, Entry{end, Point{2 * dx * grid, -2 * up * grid}})
		name := Point{(x + dx*p.r.Between(0, 2)) * grid, t.y * grid}
		p.out.Labels = append(p.out.Labels, Label{Kind: LocalLabel, Text: p.sheet.Nets[net].Name, At: name, Side: Right})
		p.block(min(x, x+4*dx), t.y, max(x, x+4*dx), t.y)
	}
	busX := x + 6*dx
	end := top - 4*up
	p.out.Buses = append(p.out.Buses, Segment{Point{busX * grid, (bottom - 2*up) * grid}, Point{busX * grid, end * grid}})
	l := Label{Kind: LocalLabel, Text: b.Label(), At: Point{busX * grid, end * grid}, Side: Up}
	if port {
		l.Kind, l.Shape = HierarchicalLabel, "bidirectional"
	}
	p.out.Labels = append(p.out.Labels, l)
	p.block(busX, end, busX, bottom-2*up)
}

// group says which terminals of a net are joined by wires.
func (p *pen) group() {
	for k, n := range p.sheet.Nets {
		var open []terminal
		for _, t := range p.terminals[k] {
			if !t.done {
				open = append(open, t)
			}
		}
		share := p.style.Wires
		if n.Kind == Power {
			share /= 2
		}
		if n.inBus && p.busOf[k] {
			share = 0
		}
		switch {
		case len(open) == 0:
		case len(p.terminals[k]) == 1 && n.Kind == Free && n.Port == "" && n.Name == "":
			p.loose = append(p.loose, p.board.cell(open[0].x, open[0].y))
		case p.r.IntN(100) < share && (n.Kind != Power || len(open) <= 6):
			p.newGroup(k, open...)
		case p.r.IntN(100) < share && len(open) > 2:
			cut := p.r.Between(1, len(open)-1)
			p.newGroup(k, open[:cut]...)
			p.newGroup(k, open[cut:]...)
		default:
			for _, t := range open {
				p.newGroup(k, t)
			}
		}
	}
}

func (p *pen) newGroup(net int, terminals ...terminal) *group {
	g := &group{id: int32(len(p.groups) + 1), net: net, terminals: terminals, edges: edges{}}
	for _, t := range terminals {
		p.board.own[p.board.cell(t.x, t.y)] = g.id
	}
	t := terminals[0]
	g.end, g.side = p.board.cell(t.x, t.y), t.side
	p.groups = append(p.groups, g)
	return g
}

// stubs draws the wires that lead to one name only.
func (p *pen) stubs() {
	for _, g := range p.groups {
		if len(g.terminals) > 1 || !p.style.Stubs {
			continue
		}
		length := 2
		if p.style.Numbers {
			length = p.r.Between(1, 4)
		}
		p.stub(g, length)
	}
}

// stub draws a wire straight out of a group's end, as long as there is room.
func (p *pen) stub(g *group, length int) {
	path := []int{g.end}
	for len(path) <= length {
		next := p.board.next(path[len(path)-1], g.side)
		if !p.board.free(next, g.id) || p.board.nearPin(next, g.id) && len(path) == length {
			break
		}
		path = append(path, next)
	}
	if len(path) > 1 {
		p.board.lay(path, g.id, g.edges)
		g.end = path[len(path)-1]
	}
}

// wire joins the terminals of each group, the shortest first. A terminal that
// cannot be reached becomes a group of its own.
func (p *pen) wire() {
	todo := slices.Clone(p.groups)
	spread := func(g *group) int {
		x1, y1, x2, y2 := 1<<30, 1<<30, 0, 0
		for _, t := range g.terminals {
			x1, x2 = min(x1, t.x), max(x2, t.x)
			y1, y2 = min(y1, t.y), max(y2, t.y)
		}
		return x2 - x1 + y2 - y1
	}
	slices.SortStableFunc(todo, func(a, b *group) int { return cmp.Compare(spread(a), spread(b)) })
	for _, g := range todo {
		reached := []terminal{g.terminals[0]}
		for _, t := range g.terminals[1:] {
			if g.edges[p.board.cell(t.x, t.y)] != 0 { // a wire to another came by
				reached = append(reached, t)
				continue
			}
			path := p.board.route(p.board.cell(t.x, t.y), g.id, func(c int) bool {
				if g.edges[c] != 0 {
					return true
				}
				return slices.ContainsFunc(reached, func(u terminal) bool { return p.board.cell(u.x, u.y) == c })
			})
			if path == nil {
				p.newGroup(g.net, t)
				continue
			}
			p.board.lay(path, g.id, g.edges)
			p.board.own[path[len(path)-1]] = g.id
			reached = append(reached, t)
		}
		g.terminals = reached
	}
}

// names puts labels and power symbols where groups need them, and marks pins
// that are on no net.
func (p *pen) names() {
	count := make([]int, len(p.sheet.Nets))
	for _, g := range p.groups {
		count[g.net]++
	}
	for k, ts := range p.terminals {
		for _, t := range ts {
			if t.done { // it has a label
				count[k]++
			}
		}
	}
	invented := 0
	names := make([]string, len(p.sheet.Nets))
	for k, n := range p.sheet.Nets {
		names[k] = n.Name
		if n.Name == "" && count[k] > 1 {
			for {
				invented++
				names[k] = fmt.Sprintf("N%d", invented)
				if _, used := p.sheet.net[names[k]]; !used {
					break
				}
			}
		}
	}
	flagged := map[int]bool{}
	for _, g := range p.groups {
		n := p.sheet.Nets[g.net]
		if p.unfed[g.net] && !flagged[g.net] {
			flagged[g.net] = true
			p.mark(g, flag, "PWR_FLAG")
		}
		switch {
		case n.Kind == Power:
			symbol := supply
			if isGround(n.Name) {
				symbol = ground
			}
			p.mark(g, symbol, n.Name)
		case n.Kind == Global:
			p.label(g, Label{Kind: GlobalLabel, Text: n.Name, Shape: "bidirectional"})
		case n.Port != "":
			p.label(g, Label{Kind: HierarchicalLabel, Text: n.Port, Shape: "bidirectional"})
		case names[g.net] != "":
			p.label(g, Label{Kind: LocalLabel, Text: names[g.net]})
		}
	}
	if p.style.NoConnects {
		for _, c := range p.loose {
			at := p.point(c)
			if !slices.Contains(p.out.NoConnects, at) {
				p.out.NoConnects = append(p.out.NoConnects, at)
			}
		}
	}
}

func isGround(name string) bool {
	return len(name) >= 3 && name[len(name)-3:] == "GND" || name == "VSS"
}

func (p *pen) point(cell int) Point {
	return Point{cell % p.board.w * grid, cell / p.board.w * grid}
}

// spot chooses where something is attached to a group, and which way it points.
func (p *pen) spot(g *group) (int, Side) {
	if len(g.terminals) == 1 {
		return g.end, g.side
	}
	var cells []int // of its own: crossings are another's too
	for _, c := range slices.Sorted(maps.Keys(g.edges)) {
		if !p.board.free(c, g.id) || p.attached[c] > 0 {
			continue
		}
		isEnd := p.board.own[c] == g.id
		if isEnd || p.style.Through {
			cells = append(cells, c)
		}
	}
	if len(cells) == 0 {
		return g.end, g.side
	}
	generated.Shuffle(p.r, cells)
	for _, c := range cells[:min(len(cells), 8)] {
		for s := Right; s <= Down; s++ { // a stub to stand on
			next := p.board.next(c, s)
			if g.edges[c]&(1<<s) != 0 || !p.board.free(next, g.id) || g.edges[next] != 0 {
				continue
			}
			far := p.board.next(next, s)
			if !p.board.free(far, g.id) || g.edges[far] != 0 {
				continue
			}
			p.board.lay([]int{c, next, far}, g.id, g.edges)
			p.board.own[c] = g.id
			return far, s
		}
	}
	c := cells[0]
	p.board.own[c] = g.id
	return c, Right
}

// label names a group.
func (p *pen) label(g *group, l Label) {
	c, side := p.spot(g)
	l.At, l.Side = p.point(c), side
	p.out.Labels = append(p.out.Labels, l)
}

// mark puts a power symbol on a group.
func (p *pen) mark(g *group, symbol *Symbol, value string) {
	c, side := p.spot(g)
	p.attached[c]++
	up := Up // where the body is
	if symbol == ground {
		up = Down
	}
	turn := 0
	if p.style.Turn {
		turn = 90 * ((int(side) - int(up) + 4) % 4)
	}
	p.out.Symbols = append(p.out.Symbols, Placed{Symbol: symbol, Unit: 1, At: p.point(c), Turn: turn, Value: value, Part: -1})
}

// collect makes wires and junctions of the groups' edges.
func (p *pen) collect() {
	for _, g := range p.groups {
		pins := map[int]int{}
		for _, t := range g.terminals {
			pins[p.board.cell(t.x, t.y)]++
		}
		cells := slices.Sorted(maps.Keys(g.edges))
		split := func(c int) bool {
			labelled := !p.style.Through && slices.ContainsFunc(p.out.Labels, func(l Label) bool { return l.At == p.point(c) })
			return degree(g.edges[c]) > 2 || pins[c] > 0 || p.attached[c] > 0 || labelled
		}
		for _, along := range []Side{Right, Down} {
			for _, c := range cells {
				if g.edges[c]&(1<<along) == 0 || g.edges[c]&(1<<(along^2)) != 0 && !split(c) {
					continue
				}
				end := c
				for {
					end = p.board.next(end, along)
					if g.edges[end]&(1<<along) == 0 || split(end) {
						break
					}
				}
				p.out.Wires = append(p.out.Wires, Segment{p.point(c), p.point(end)})
			}
		}
		for _, c := range cells {
			if degree(g.edges[c])+pins[c]+p.attached[c] > 2 {
				p.out.Junctions = append(p.out.Junctions, p.point(c))
			}
		}
	}
	if len(p.out.Wires) > 1 && p.style.Numbers {
		generated.Shuffle(p.r, p.out.Wires)
	}
}

// degree counts the sides on which wires leave a cell.
func degree(e uint8) int {
	n := 0
	for ; e != 0; e &= e - 1 {
		n++
	}
	return n
}
