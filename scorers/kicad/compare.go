package kicad

// PairScore says how well two netlists agree on what is connected.
//
// What is counted are pairs: two different pins of the same net. Each pair is
// counted once. A net of one pin has no pair, and the names of nets do not
// matter. Pins are the same where reference and number are. A pin that stands
// in several nets of one netlist connects them: it is one piece of metal (pins
// that the units of a part share stand in the nets of all units).
type PairScore struct {
	Precision float64 // of the pairs in got, the part that is in want
	Recall    float64 // of the pairs in want, the part that is in got
	F1        float64 // 2·Precision·Recall/(Precision+Recall)

	GotPairs, WantPairs, CommonPairs int64
	GotPins, WantPins, CommonPins    int
	// EqualNets is the number of sets of connected pins, also of one, that are
	// exactly alike in both; GotNets and WantNets are how many there are.
	GotNets, WantNets, EqualNets int
}

// ComparePins compares the pairs of got with those of want. Where neither has a
// pair, all three figures are 1: nothing had to be connected, and nothing is.
// Where only one of them has pairs, all three are 0.
func ComparePins(got, want *Netlist) PairScore {
	g, w := partition(got), partition(want)
	s := PairScore{
		GotPins: len(g.of), WantPins: len(w.of), GotNets: len(g.sizes), WantNets: len(w.sizes),
		GotPairs: g.pairs(), WantPairs: w.pairs(),
	}
	common := map[[2]int32]int64{}
	for pin, i := range g.of {
		if j, ok := w.of[pin]; ok {
			s.CommonPins++
			common[[2]int32{i, j}]++
		}
	}
	for ij, n := range common {
		s.CommonPairs += n * (n - 1) / 2
		if g.sizes[ij[0]] == n && w.sizes[ij[1]] == n {
			s.EqualNets++
		}
	}
	switch {
	case s.GotPairs == 0 && s.WantPairs == 0:
		s.Precision, s.Recall, s.F1 = 1, 1, 1
	case s.CommonPairs > 0:
		s.Precision = float64(s.CommonPairs) / float64(s.GotPairs)
		s.Recall = float64(s.CommonPairs) / float64(s.WantPairs)
		s.F1 = 2 * float64(s.CommonPairs) / float64(s.GotPairs+s.WantPairs)
	}
	return s
}

// sets are pins in disjoint sets.
type sets struct {
	of    map[Pin]int32
	sizes []int64
}

func (s sets) pairs() int64 {
	var n int64
	for _, size := range s.sizes {
		n += size * (size - 1) / 2
	}
	return n
}

// partition joins the nets that have a pin in common.
func partition(n *Netlist) sets {
	var joined forest
	joined.grow(len(n.Nets))
	first := map[Pin]int32{}
	for i, net := range n.Nets {
		for _, pin := range net.Pins {
			if j, ok := first[pin]; ok {
				joined.join(int32(i), j)
			} else {
				first[pin] = int32(i)
			}
		}
	}
	s := sets{of: make(map[Pin]int32, len(first))}
	number := map[int32]int32{}
	for _, net := range n.Nets {
		for _, pin := range net.Pins {
			if _, seen := s.of[pin]; seen {
				continue
			}
			root := joined.root(first[pin])
			k, ok := number[root]
			if !ok {
				k = int32(len(s.sizes))
				number[root] = k
				s.sizes = append(s.sizes, 0)
			}
			s.of[pin] = k
			s.sizes[k]++
		}
	}
	return s
}
