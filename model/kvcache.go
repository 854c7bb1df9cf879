package model

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/ailiance/lorabench/model/architecture"
)

// kvCache is a pool of blocks under a memory limit, with a tree of prefixes for
// each lineage of each stratum. It is used by one goroutine.
type kvCache struct {
	layout   kvLayout
	capacity int64 // bytes
	used     int64 // bytes of the blocks in the trees
	spare    int64 // bytes of the memory in free
	reserved int64 // bytes promised to admitted sequences and not yet taken
	free     [][][]float32
	roots    []map[*adapter]*block // of each stratum
	clock    uint64
}

// kvLayout says where in the blocks the keys and values of each layer lie.
type kvLayout struct {
	layers []kvPlace // layers that attend to the same keys and values have the same place
	strata []stratum
}

// kvPlace is the place of a layer: keys of all heads, then values.
type kvPlace struct{ stratum, start, heads, headDim int }

// offsets says where the keys, [headDim][blockLen], and the values,
// [blockLen][headDim], of one head begin.
func (p kvPlace) offsets(head int) (keys, values int) {
	n := p.headDim * blockLen
	return p.start + head*n, p.start + (p.heads+head)*n
}

// newKVLayout divides the layers at bounds, which are ascending and lie between
// them.
func newKVLayout(layers []architecture.Layer, bounds ...int) kvLayout {
	var l kvLayout
	from := 0
	for _, to := range append(slices.Clone(bounds), len(layers)) {
		s := stratum{from: from, to: to}
		for i := from; i < to; i++ {
			g := layers[i]
			if g.KeyValueLayer != i {
				l.layers = append(l.layers, l.layers[g.KeyValueLayer])
				continue
			}
			l.layers = append(l.layers, kvPlace{stratum: len(l.strata), start: s.floats, heads: g.NumKeyValueHeads, headDim: g.HeadDim})
			s.floats += 2 * g.NumKeyValueHeads * g.HeadDim * blockLen
		}
		l.strata = append(l.strata, s)
		from = to
	}
	return l
}

// bounds are the layers between which the strata are divided.
func (l kvLayout) bounds() []int {
	var list []int
	for _, s := range l.strata[1:] {
		list = append(list, s.from)
	}
	return list
}

// bytes is the size of the keys and values of blockLen positions of all layers.
func (l kvLayout) bytes() int64 {
	n := int64(0)
	for _, s := range l.strata {
		n += s.bytes()
	}
	return n
}

// errCacheFull says that a sequence must wait until others end.
var errCacheFull = errors.New("no room for the keys and values of another sequence")

func newKVCache(layout kvLayout, bytes int64) *kvCache {
	c := &kvCache{layout: layout, capacity: bytes, free: make([][][]float32, len(layout.strata))}
	for range layout.strata {
		c.roots = append(c.roots, map[*adapter]*block{})
	}
	return c
}

func (c *kvCache) blockBytes() int64 { return c.layout.bytes() }

// resize sets the memory limit, forgetting prefixes where it became smaller.
func (c *kvCache) resize(bytes int64) error {
	for c.used+c.reserved > bytes {
		if !c.evict() {
			return errCacheFull
		}
	}
	c.capacity = bytes
	c.dropSpare(0)
	return nil
}

// dropSpare gives memory that no block uses back to Go, until another bytes fit.
func (c *kvCache) dropSpare(bytes int64) {
	for s := range c.free {
		for n := len(c.free[s]); n > 0 && c.used+c.spare+bytes > c.capacity; n-- {
			c.free[s][n-1] = nil
			c.free[s] = c.free[s][:n-1]
			c.spare -= c.layout.strata[s].bytes()
		}
	}
}

// reserve promises bytes, evicting what nobody uses when it must.
func (c *kvCache) reserve(bytes int64) error {
	for c.used+c.reserved+bytes > c.capacity {
		if !c.evict() {
			return errCacheFull
		}
	}
	c.reserved += bytes
	return nil
}

// take turns reserved memory into a child of parent that will hold tokens.
func (c *kvCache) take(parent *block, tokens []int32, owner *sequence) *block {
	s := parent.stratum
	size := c.layout.strata[s].bytes()
	if c.reserved < size {
		panic("kvcache: take without reserve")
	}
	c.reserved -= size
	b := &block{stratum: s, planned: len(tokens), owner: owner, refs: 1, used: c.tick()}
	copy(b.tokens[:], tokens)
	if n := len(c.free[s]); n > 0 {
		b.data, c.free[s] = c.free[s][n-1], c.free[s][:n-1]
		c.spare -= size
	} else {
		c.dropSpare(size)
		b.data = make([]float32, c.layout.strata[s].floats)
	}
	c.used += size
	parent.adopt(b)
	return b
}

// root returns the empty prefix of a lineage in a stratum.
func (c *kvCache) root(stratum int, lineage *adapter) *block {
	r := c.roots[stratum][lineage]
	if r == nil {
		r = &block{stratum: stratum, refs: 1} // never evicted
		c.roots[stratum][lineage] = r
	}
	return r
}

// pending reports how many of tokens are being computed right now in a lineage
// of a stratum but are not there yet: a newcomer that waits for them saves
// computing them again. It waits for the block that is returned.
func (c *kvCache) pending(stratum int, lineage *adapter, tokens []int32) (n int, last *block) {
	node := c.roots[stratum][lineage]
	for node != nil && len(tokens) > 0 {
		if next := node.withPrefix(tokens[:min(blockLen, len(tokens))], 0); next != nil && len(tokens) > blockLen {
			if next.valid < blockLen {
				n, last = n+blockLen-next.valid, next
			}
			node, tokens = next, tokens[blockLen:]
			continue
		}
		planned, computed := 0, 0
		var of *block
		node.longest(tokens, func(c *block, common int) {
			if common > planned {
				planned, of = common, c
			}
			computed = max(computed, min(common, c.valid))
		})
		if planned > computed {
			n, last = n+planned-computed, of
		}
		break
	}
	return n, last
}

// drop forgets all that was computed in a lineage.
func (c *kvCache) drop(lineage *adapter) error {
	for s := range c.roots {
		r := c.roots[s][lineage]
		if r == nil {
			continue
		}
		for unused := appendUnusedLeaves(nil, r); len(unused) > 0; unused = appendUnusedLeaves(unused[:0], r) {
			c.release(unused)
		}
		if len(r.children) > 0 {
			name := "base"
			if lineage != nil {
				name = lineage.name
			}
			return fmt.Errorf("variant %s: sequences are still running", name)
		}
		delete(c.roots[s], lineage)
	}
	return nil
}

func (c *kvCache) tick() uint64 { c.clock++; return c.clock }

// evict frees the older half of the leaves that nobody uses, of all lineages,
// and reports whether there were any.
func (c *kvCache) evict() bool {
	var unused []*block
	for _, roots := range c.roots {
		for _, r := range roots {
			unused = appendUnusedLeaves(unused, r)
		}
	}
	// Clocks are unique, so the order of the walk does not matter.
	slices.SortFunc(unused, func(a, b *block) int { return cmp.Compare(a.used, b.used) })
	c.release(unused[:(len(unused)+1)/2])
	return len(unused) > 0
}

// appendUnusedLeaves appends the leaves below r that no sequence reads.
func appendUnusedLeaves(to []*block, r *block) []*block {
	stack := []*block{r}
	for len(stack) > 0 {
		b := stack[len(stack)-1]
		stack = append(stack[:len(stack)-1], b.children...)
		if b.parent != nil && len(b.children) == 0 && b.refs == 0 {
			to = append(to, b)
		}
	}
	return to
}

// release frees leaves.
func (c *kvCache) release(leaves []*block) {
	for _, b := range leaves {
		size := c.layout.strata[b.stratum].bytes()
		c.used -= size
		c.spare += size
		c.free[b.stratum] = append(c.free[b.stratum], b.data)
		b.data = nil
	}
	for _, b := range leaves {
		parent := b.parent
		if parent == nil {
			continue // went with a sibling
		}
		parent.children = slices.DeleteFunc(parent.children, func(b *block) bool {
			if b.data != nil {
				return false
			}
			b.parent = nil
			return true
		})
	}
}
