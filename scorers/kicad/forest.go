package kicad

// forest holds disjoint sets of numbers.
type forest struct{ parent []int32 }

// grow adds n sets of one number each and returns the first.
func (f *forest) grow(n int) int32 {
	first := int32(len(f.parent))
	for i := range n {
		f.parent = append(f.parent, first+int32(i))
	}
	return first
}

// root is the same number for all of a set.
func (f *forest) root(i int32) int32 {
	for f.parent[i] != i {
		f.parent[i] = f.parent[f.parent[i]]
		i = f.parent[i]
	}
	return i
}

// join makes one set of two. The smaller root stays, so that results do not
// depend on the order of joins.
func (f *forest) join(i, j int32) {
	i, j = f.root(i), f.root(j)
	if i > j {
		i, j = j, i
	}
	f.parent[j] = i
}
