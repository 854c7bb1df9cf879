package published

import (
	"cmp"
	"math"
	"slices"
)

const (
	gridStep   = 0.01 // mm: places that round to the same step are one point
	labelReach = 1.5  // mm between a label and the point that it names
)

// grid holds points and which of them wires join.
type grid struct {
	ids    map[[2]float64]int // by steps
	places []place            // by id
	parent []int
}

func newGrid() *grid { return &grid{ids: map[[2]float64]int{}} }

// point returns the id of the point at p, which is new where none is near.
func (g *grid) point(p place) (int, error) {
	key := [2]float64{math.RoundToEven(p.x / gridStep), math.RoundToEven(p.y / gridStep)}
	for i, k := range key {
		if math.IsInf(k, 0) || math.IsNaN(k) {
			return 0, errNumber
		}
		key[i] = k + 0 // no negative zero
	}
	id, seen := g.ids[key]
	if !seen {
		id = len(g.places)
		g.ids[key] = id
		g.places = append(g.places, p)
		g.parent = append(g.parent, id)
	}
	return id, nil
}

func (g *grid) root(id int) int {
	for g.parent[id] != id {
		g.parent[id] = g.parent[g.parent[id]]
		id = g.parent[id]
	}
	return id
}

func (g *grid) join(a, b place) error {
	i, err := g.point(a)
	if err != nil {
		return err
	}
	j, err := g.point(b)
	if err != nil {
		return err
	}
	g.parent[g.root(i)] = g.root(j)
	return nil
}

// clusters returns the roots in the order of their first points.
func (g *grid) clusters() []int {
	var roots []int
	seen := make([]bool, len(g.places))
	for id := range g.places {
		if root := g.root(id); !seen[root] {
			seen[root] = true
			roots = append(roots, root)
		}
	}
	return roots
}

// ranked returns the points in the order in which the nearest is looked for:
// cluster by cluster.
func (g *grid) ranked() []int {
	order := make([]int, len(g.places)) // of a root
	for i, root := range g.clusters() {
		order[root] = i
	}
	ids := make([]int, len(g.places))
	for i := range ids {
		ids[i] = i
	}
	slices.SortStableFunc(ids, func(a, b int) int { return cmp.Compare(order[g.root(a)], order[g.root(b)]) })
	return ids
}

// name gives each label's name to the cluster of the nearest point in reach; the
// first label of a cluster wins. warnings counts those that name nothing.
func (g *grid) name(labels []labelPlace) (names map[int]string, warnings int, err error) {
	names = map[int]string{}
	if len(g.places) == 0 {
		return names, 0, nil
	}
	near, outermost := g.cells(), g.outermost()
	for _, l := range labels {
		if overflows(l.place, outermost) {
			return nil, 0, errNumber
		}
		id := near.nearest(g, l.place)
		if id < 0 {
			warnings++
			continue
		}
		root := g.root(id)
		if name, taken := names[root]; taken && name != l.name {
			warnings++
			continue
		}
		names[root] = l.name
	}
	return names, warnings, nil
}

// overflows reports whether Python raises an error when it squares the distance
// between p and one of the outermost points.
func overflows(p place, outermost []place) bool {
	for _, q := range outermost {
		for _, d := range []float64{q.x - p.x, q.y - p.y} {
			if !math.IsInf(d, 0) && math.IsInf(float64(d*d), 0) {
				return true
			}
		}
	}
	return false
}

// outermost are the least and the most of each coordinate.
func (g *grid) outermost() []place {
	lo, hi := g.places[0], g.places[0]
	for _, p := range g.places {
		lo = place{min(lo.x, p.x), min(lo.y, p.y)}
		hi = place{max(hi.x, p.x), max(hi.y, p.y)}
	}
	return []place{lo, hi}
}

// cells finds points by squares as wide as a label reaches.
type cells struct {
	byCell map[[2]float64][]int // ids
	rank   []int                // by id
}

func cellOf(p place) [2]float64 {
	return [2]float64{math.Floor(p.x/labelReach) + 0, math.Floor(p.y/labelReach) + 0}
}

func (g *grid) cells() cells {
	c := cells{map[[2]float64][]int{}, make([]int, len(g.places))}
	for rank, id := range g.ranked() {
		cell := cellOf(g.places[id])
		c.byCell[cell] = append(c.byCell[cell], id)
		c.rank[id] = rank
	}
	return c
}

// nearest returns the nearest point in reach, of equals the first in rank; -1
// where there is none.
func (c cells) nearest(g *grid, p place) int {
	best, least := -1, math.Inf(1)
	center := cellOf(p)
	for dx := -1.0; dx <= 1; dx++ {
		for dy := -1.0; dy <= 1; dy++ {
			for _, id := range c.byCell[[2]float64{center[0] + dx, center[1] + dy}] {
				x, y := g.places[id].x-p.x, g.places[id].y-p.y
				d := float64(x*x) + float64(y*y)
				if d < least || d == least && best >= 0 && c.rank[id] < c.rank[best] {
					best, least = id, d
				}
			}
		}
	}
	if best < 0 || math.Sqrt(least) > labelReach {
		return -1
	}
	return best
}
