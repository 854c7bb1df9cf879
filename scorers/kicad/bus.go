package kicad

import (
	"fmt"
	"strconv"
	"strings"
)

// member is one net of a bus.
type member struct {
	key  string // by which it is found in a connected bus: its place, or its name without the group's
	name string // of the net on the bus's sheet
}

// A bus is what a label like D[0..7] or USB{DP DM} stands for.
type bus struct {
	vector  bool // members are connected by their place, else by name
	prefix  string
	members []member
}

// isBus reports whether a text names a bus.
func isBus(text string) bool {
	if strings.IndexByte(text, '[') < 0 && strings.IndexByte(text, '{') < 0 {
		return false
	}
	text = unescape(text)
	if _, ok := parseVector(text); ok {
		return true
	}
	_, _, ok := parseGroup(text)
	return ok
}

// vector is prefix[first..last]suffix.
type vector struct {
	prefix, suffix string
	first, last    int64
}

func markup(text string, i int) bool {
	return i > 0 && (text[i-1] == '_' || text[i-1] == '^' || text[i-1] == '~')
}

// parseVector reads NAME[m..n], with + - P N behind it, and markup like ~{…}
// around it, which is no part of the names.
func parseVector(text string) (v vector, ok bool) {
	open := 0 // braces of markup
	prefix := make([]byte, 0, len(text))
	i := 0
	for ; i < len(text) && text[i] != '['; i++ {
		switch text[i] {
		case ' ', ']':
			return v, false
		case '{':
			if !markup(text, i) {
				return v, false
			}
			open++
			if len(prefix) > 0 {
				prefix = prefix[:len(prefix)-1]
			}
			continue
		case '}':
			open--
		}
		prefix = append(prefix, text[i])
	}
	if i == len(text) {
		return v, false
	}
	number := func(from int) (int64, int) {
		end := digits(text, from)
		n, err := strconv.ParseInt("0"+text[from:end], 10, 64)
		if err != nil {
			return 0, -1
		}
		return n, end
	}
	first, i := number(i + 1)
	if i < 0 || !strings.HasPrefix(text[i:], "..") {
		return v, false
	}
	last, i := number(i + 2)
	if i < 0 || i == len(text) || text[i] != ']' {
		return v, false
	}
	var suffix []byte
	for _, c := range []byte(text[i+1:]) {
		switch c {
		case '}':
			open--
		case '+', '-', 'P', 'N':
			suffix = append(suffix, c)
		default:
			return v, false
		}
	}
	if open != 0 || first == last {
		return v, false
	}
	return vector{string(prefix), string(suffix), min(first, last), max(first, last)}, true
}

// parseGroup reads NAME{A B C[0..3]}; the name may be missing.
func parseGroup(text string) (prefix string, members []string, ok bool) {
	open := 0
	name := make([]byte, 0, len(text))
	i := 0
	for ; i < len(text); i++ {
		switch text[i] {
		case ' ', '[', ']':
			return "", nil, false
		case '{':
			if markup(text, i) {
				open++
				name = name[:len(name)-1]
				continue
			}
		case '}':
			open--
		}
		if text[i] == '{' {
			break
		}
		name = append(name, text[i])
	}
	if open != 0 || i >= len(text) {
		return "", nil, false
	}
	var one []byte
	end := func() {
		if len(one) > 0 {
			members = append(members, escape(string(one)))
		}
		one = one[:0]
	}
	for i++; i < len(text); i++ {
		switch text[i] {
		case '{':
			if !markup(text, i) {
				return "", nil, false
			}
			open++
			if len(one) > 0 {
				one = one[:len(one)-1]
			}
		case '}':
			if open == 0 {
				end()
				return string(name), members, true
			}
			open--
		case ' ', ',':
			end()
		default:
			one = append(one, text[i])
		}
	}
	return "", nil, false
}

// buses expands the texts of bus labels, each once.
type buses struct {
	aliases map[string][]string
	known   map[string]*bus // nil: the text is no bus
	left    int             // members that may still be made
}

// read expands a text, or gives nil where it names no bus.
func (b *buses) read(text string) (*bus, error) {
	if strings.IndexByte(text, '[') < 0 && strings.IndexByte(text, '{') < 0 {
		return nil, nil
	}
	if known, ok := b.known[text]; ok {
		return known, nil
	}
	var read *bus
	if v, ok := parseVector(unescape(text)); ok {
		read = &bus{vector: true, prefix: v.prefix}
		if err := b.expand(read, "", v); err != nil {
			return nil, err
		}
	} else if prefix, members, ok := parseGroup(unescape(text)); ok {
		read = &bus{prefix: prefix}
		if prefix != "" {
			prefix += "."
		}
		if err := b.group(read, prefix, members, 0); err != nil {
			return nil, err
		}
	}
	b.known[text] = read
	return read, nil
}

// expand adds the members of a vector.
func (b *buses) expand(to *bus, prefix string, v vector) error {
	if n := v.last - v.first + 1; n > int64(b.left) || n < 0 {
		return fmt.Errorf("%w: the bus %s[%d..%d] has too many members", ErrLimit, v.prefix, v.first, v.last)
	}
	b.left -= int(v.last - v.first + 1)
	for i := v.first; i <= v.last; i++ {
		local := v.prefix + strconv.FormatInt(i, 10) + v.suffix
		key := local
		if to.vector {
			key = strconv.FormatInt(i-v.first, 10)
		}
		to.members = append(to.members, member{key, prefix + local})
	}
	return nil
}

// group adds the members of a group: nets, vectors, aliases and, in aliases,
// groups.
func (b *buses) group(to *bus, prefix string, members []string, depth int) error {
	if depth > 8 {
		return fmt.Errorf("%w: bus aliases in bus aliases", ErrLimit)
	}
	for _, m := range members {
		if alias, ok := b.aliases[m]; ok && depth == 0 {
			escaped := make([]string, len(alias))
			for i, a := range alias {
				escaped[i] = escape(a)
			}
			if err := b.group(to, prefix, escaped, depth+1); err != nil {
				return err
			}
			continue
		}
		if v, ok := parseVector(unescape(m)); ok {
			if err := b.expand(to, prefix, v); err != nil {
				return err
			}
			continue
		}
		if inner, inside, ok := parseGroup(unescape(m)); ok {
			if inner != "" {
				inner += "."
			}
			if err := b.group(to, prefix+inner, inside, depth+1); err != nil {
				return err
			}
			continue
		}
		if b.left--; b.left < 0 {
			return fmt.Errorf("%w: too many members of buses", ErrLimit)
		}
		to.members = append(to.members, member{m, prefix + m})
	}
	return nil
}

// connectBuses joins the members of buses: with nets of their names on the same
// sheet, and with the members of all buses that are connected, by place or, in
// groups, by name.
func (w *network) connectBuses() error {
	w.nameSheetPinBuses()
	type key struct {
		root   int32
		vector bool
		member string
	}
	type label struct {
		named
		global bool
	}
	linked := map[key]int32{}
	seen := map[label][]int32{}
	for _, t := range w.busLabels {
		if !t.names {
			continue
		}
		id := label{named{t.place, t.text}, t.rank == globalRank}
		nodes, ok := seen[id]
		if !ok {
			if w.busTexts.left -= len(t.bus.members); w.busTexts.left < 0 {
				return w.on(t.place, fmt.Errorf("%w: too many members of buses", ErrLimit))
			}
			for _, m := range t.bus.members {
				node := w.name(t.place, m.name)
				d := driver{node: node, place: t.place, rank: memberRank + min(t.rank, globalBusRank), order: t.order, name: m.name}
				if id.global {
					w.join(node, w.name(-1, m.name))
					d.place = -1
				}
				w.drivers = append(w.drivers, d)
				nodes = append(nodes, node)
			}
			seen[id] = nodes
		}
		root := w.root(t.node)
		for i, m := range t.bus.members {
			k := key{root, t.bus.vector, m.key}
			if other, ok := linked[k]; ok {
				w.join(nodes[i], other)
			} else {
				linked[k] = nodes[i]
			}
		}
	}
	return nil
}

// nameSheetPinBuses finds the buses that nothing names but a sheet's pin: such a
// pin names the bus's members on the sheet if no other bus there has its name.
func (w *network) nameSheetPinBuses() {
	best := map[int32]int{} // by node, the label that names it
	for i, t := range w.busLabels {
		if t.rank != sheetPinRank || w.places[t.place].screen.layout.labelled[t.node-w.bases[t.place]] {
			continue
		}
		j, ok := best[t.node]
		if b := w.busLabels[j]; !ok || t.order < b.order || t.order == b.order && t.text < b.text {
			best[t.node] = i
		}
	}
	uses := map[named]int{} // of names on sheets
	count := func(t busLabel) {
		uses[named{t.place, t.text}]++
		if t.bus.vector {
			uses[named{t.place, t.bus.prefix + "[]"}]++
		}
	}
	counted := map[named]bool{}
	for i, t := range w.busLabels {
		switch {
		case t.rank == sheetPinRank:
			if j, ok := best[t.node]; ok && i == j {
				count(t)
			}
		case !counted[named{t.place, t.text}]:
			counted[named{t.place, t.text}] = true
			count(t)
		}
	}
	for _, i := range best {
		t := &w.busLabels[i]
		t.names = uses[named{t.place, t.text}] == 1 && uses[named{t.place, t.bus.prefix + "[]"}] <= 1
	}
}
