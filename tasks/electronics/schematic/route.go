package schematic

// board is a sheet as the router sees it: cells 1.27 mm apart.
type board struct {
	w, h    int
	offsets [4]int  // to the next cell, by side
	blocked []bool  // a body, the room of a bus, the sheet's edge
	own     []int32 // whose end, corner, pin or label is in the cell; 0: nobody's
	across  []int32 // whose wire passes or ends here from left to right
	down    []int32 // whose wire passes or ends here from top to bottom

	cost  []int32 // of the search: by cell and direction
	from  []int32
	stamp []int32
	round int32
	queue [][]int32
}

// nobody owns pins that are on no net.
const nobody = int32(-1)

func newBoard(w, h int) *board {
	n := w * h
	b := &board{
		w: w, h: h, offsets: [4]int{Right: 1, Up: -w, Left: -1, Down: w}, blocked: make([]bool, n), own: make([]int32, n), across: make([]int32, n), down: make([]int32, n),
		cost: make([]int32, 4*n), from: make([]int32, 4*n), stamp: make([]int32, 4*n),
	}
	for x := range w {
		b.blocked[x], b.blocked[n-1-x] = true, true
	}
	for y := range h {
		b.blocked[y*w], b.blocked[y*w+w-1] = true, true
	}
	return b
}

// cell returns the number of a place.
func (b *board) cell(x, y int) int { return y*b.w + x }

// next returns the next cell in a direction. c is not at the sheet's edge.
func (b *board) next(c int, s Side) int { return c + b.offsets[s] }

// free reports whether a wire of a group may end, begin or turn in a cell.
func (b *board) free(c int, group int32) bool {
	is := func(v int32) bool { return v == 0 || v == group }
	return !b.blocked[c] && is(b.own[c]) && is(b.across[c]) && is(b.down[c])
}

// crossable reports whether a wire of a group may pass straight through a cell
// in a direction: at most a wire of another group is there, which it crosses.
func (b *board) crossable(c int, s Side, group int32) bool {
	along, other := b.across[c], b.down[c]
	if s == Up || s == Down {
		along, other = other, along
	}
	return !b.blocked[c] && b.own[c] == 0 && along == 0 && other != group
}

// edges are the wires of a group: by cell, a bit for each side they leave it on.
type edges map[int]uint8

// lay marks a wire's path, from cell to cell, as a group's.
func (b *board) lay(path []int, group int32, e edges) {
	for i, c := range path {
		var sides [2]Side
		n := 0
		for _, j := range []int{i - 1, i + 1} {
			if j < 0 || j >= len(path) {
				continue
			}
			s := b.towards(c, path[j])
			e[c] |= 1 << s
			if s == Left || s == Right {
				b.across[c] = group
			} else {
				b.down[c] = group
			}
			sides[n] = s
			n++
		}
		if n < 2 || sides[0]^2 != sides[1] {
			b.own[c] = group
		}
	}
}

// towards returns the direction from a cell to its neighbour.
func (b *board) towards(a, c int) Side {
	switch c - a {
	case 1:
		return Right
	case -1:
		return Left
	case b.w:
		return Down
	}
	return Up
}

// Costs of a path.
const (
	stepCost  = 2
	bendCost  = 8
	crossCost = 6
	nearCost  = 5 // beside a foreign pin
	maxCost   = 6000
)

// route finds a way for a wire from a cell to any cell that is a target. It
// returns the cells from start to target, or nil.
func (b *board) route(start int, group int32, target func(int) bool) []int {
	b.round++
	for i := range b.queue {
		b.queue[i] = b.queue[i][:0]
	}
	push := func(state, cost, from int32) {
		if cost > maxCost || b.stamp[state] == b.round && b.cost[state] <= cost {
			return
		}
		b.stamp[state], b.cost[state], b.from[state] = b.round, cost, from
		for int(cost) >= len(b.queue) {
			b.queue = append(b.queue, nil)
		}
		b.queue[cost] = append(b.queue[cost], state)
	}
	move := func(state int32, c int, s Side, cost int32) {
		next := b.next(c, s)
		if b.blocked[next] {
			return
		}
		cost += stepCost
		switch {
		case b.free(next, group):
			if b.own[next] == 0 && b.nearPin(next, group) {
				cost += nearCost
			}
		case b.crossable(next, s, group):
			cost += crossCost
		default:
			return
		}
		push(int32(next*4)+int32(s), cost, state)
	}
	for s := Right; s <= Down; s++ {
		move(-1, start, s, 0)
	}
	for cost := int32(0); int(cost) < len(b.queue); cost++ {
		for k := 0; k < len(b.queue[cost]); k++ {
			state := b.queue[cost][k]
			if b.cost[state] != cost {
				continue
			}
			c, s := int(state/4), Side(state%4)
			free := b.free(c, group)
			if free && target(c) {
				return b.path(start, state)
			}
			for t := Right; t <= Down; t++ {
				switch {
				case t == s:
					move(state, c, t, cost)
				case t != s^2 && free:
					move(state, c, t, cost+bendCost)
				}
			}
		}
	}
	return nil
}

// path returns the cells of a search's way back, the other way round.
func (b *board) path(start int, state int32) []int {
	var cells []int
	for state >= 0 {
		cells = append(cells, int(state/4))
		state = b.from[state]
	}
	cells = append(cells, start)
	for i, j := 0, len(cells)-1; i < j; i, j = i+1, j-1 {
		cells[i], cells[j] = cells[j], cells[i]
	}
	return cells
}

// nearPin reports whether a cell is beside something of another group's.
func (b *board) nearPin(c int, group int32) bool {
	for _, offset := range b.offsets {
		if n := b.own[c+offset]; n != 0 && n != group {
			return true
		}
	}
	return false
}
