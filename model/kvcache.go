package model

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/ailiance/lorabench/model/architecture"
	"github.com/ailiance/lorabench/model/kernel"
)

// blockLen is the number of positions of one block of keys and values. Blocks
// start at multiples of blockLen, so that a position always falls on the same
// lane of the same block, whatever shares its prefix (law 3).
const blockLen = kernel.BlockLen

// block holds the keys and values of up to blockLen consecutive positions, of
// all layers. Blocks form a tree for each variant: a block's path from the root
// spells the tokens of a prefix. A block that is full is shared; of one that is
// not, a newcomer copies the positions it has in common.
type block struct {
	parent   *block
	children []*block
	tokens   [blockLen]int32
	planned  int    // tokens that its owner writes here
	valid    int    // of these, positions computed so far: immutable
	refs     int    // sequences that read it
	used     uint64 // clock of the last use, for eviction
	data     []float32
}

// kvCache is a pool of blocks under a memory limit, with a tree of prefixes
// for each variant. It is used by one goroutine.
type kvCache struct {
	layout    kvLayout
	capacity  int // blocks
	allocated int // blocks that exist
	reserved  int // blocks promised to admitted sequences and not yet taken
	free      [][]float32
	roots     map[string]*block
	clock     uint64
}

// kvLayout says where in a block the keys and values of each layer lie.
type kvLayout struct {
	layers []kvPlace // layers that attend to the same keys and values have the same place
	floats int       // of a block
}

// kvPlace is the place of a layer: keys of all heads, then values.
type kvPlace struct{ start, heads, headDim int }

// offsets says where the keys, [headDim][blockLen], and the values,
// [blockLen][headDim], of one head begin.
func (p kvPlace) offsets(head int) (keys, values int) {
	n := p.headDim * blockLen
	return p.start + head*n, p.start + (p.heads+head)*n
}

func newKVLayout(layers []architecture.Layer) kvLayout {
	var l kvLayout
	for i, g := range layers {
		if g.KeyValueLayer != i {
			l.layers = append(l.layers, l.layers[g.KeyValueLayer])
			continue
		}
		l.layers = append(l.layers, kvPlace{start: l.floats, heads: g.NumKeyValueHeads, headDim: g.HeadDim})
		l.floats += 2 * g.NumKeyValueHeads * g.HeadDim * blockLen
	}
	return l
}

// bytes is the size of a block.
func (l kvLayout) bytes() int64 { return 4 * int64(l.floats) }

// errCacheFull says that a sequence must wait until others end.
var errCacheFull = errors.New("no room for the keys and values of another sequence")

func newKVCache(layout kvLayout, bytes int64) *kvCache {
	return &kvCache{layout: layout, capacity: int(bytes / layout.bytes()), roots: map[string]*block{}}
}

func (c *kvCache) blockBytes() int64 { return c.layout.bytes() }

// resize sets the memory limit, forgetting prefixes where it became smaller.
func (c *kvCache) resize(bytes int64) error {
	capacity := int(bytes / c.blockBytes())
	for c.allocated-len(c.free)+c.reserved > capacity {
		if !c.evict() {
			return errCacheFull
		}
	}
	c.capacity = capacity
	if extra := c.allocated - capacity; extra > 0 {
		left := len(c.free) - extra
		clear(c.free[left:])
		c.free = c.free[:left]
		c.allocated = capacity
	}
	return nil
}

// match finds the longest prefix of tokens (at most limit) that variant has
// computed: full blocks to share, and a block of which the first partial
// positions can be copied.
func (c *kvCache) match(variant string, tokens []int32, limit int) (shared []*block, from *block, partial int) {
	node := c.roots[variant]
	for node != nil {
		rest := tokens[len(shared)*blockLen : limit]
		if len(rest) == 0 {
			return shared, nil, 0
		}
		var next *block
		from, partial = nil, 0
		for _, child := range node.children {
			n := commonPrefix(child.tokens[:child.valid], rest)
			if n == blockLen {
				next = child
				break
			}
			if n > partial {
				from, partial = child, n
			}
		}
		if next == nil {
			return shared, from, partial
		}
		shared = append(shared, next)
		node = next
	}
	return shared, nil, 0
}

// pending reports how many of the first limit tokens of variant are being
// computed right now by an admitted sequence but are not there yet: a newcomer
// that waits for them saves computing them again.
func (c *kvCache) pending(variant string, tokens []int32, limit int) int {
	node, at, computed, planned := c.roots[variant], 0, 0, 0
	for node != nil && at < limit {
		var next *block
		best := 0
		for _, child := range node.children {
			n := commonPrefix(child.tokens[:child.planned], tokens[at:limit])
			if n > best {
				best, next = n, child
			}
		}
		if next == nil {
			break
		}
		planned += best
		computed += min(best, next.valid)
		if best < blockLen {
			break
		}
		at += blockLen
		node = next
	}
	return planned - computed
}

// reserve promises n blocks, evicting what nobody uses when it must.
func (c *kvCache) reserve(n int) error {
	for c.allocated-len(c.free)+c.reserved+n > c.capacity {
		if !c.evict() {
			return errCacheFull
		}
	}
	c.reserved += n
	return nil
}

// take turns one reserved block into a child of parent that will hold tokens.
func (c *kvCache) take(parent *block, tokens []int32) *block {
	if c.reserved == 0 {
		panic("kvcache: take without reserve")
	}
	c.reserved--
	b := &block{parent: parent, planned: len(tokens), refs: 1, used: c.tick()}
	copy(b.tokens[:], tokens)
	if n := len(c.free); n > 0 {
		b.data, c.free = c.free[n-1], c.free[:n-1]
	} else {
		b.data = make([]float32, c.blockBytes()/4)
		c.allocated++
	}
	parent.children = append(parent.children, b)
	return b
}

// extend writes one more token into a block that its owner still fills.
func (b *block) extend(token int32) {
	if b.planned == blockLen {
		panic("kvcache: append past capacity")
	}
	b.tokens[b.planned] = token
	b.planned++
}

// root returns the empty prefix of variant.
func (c *kvCache) root(variant string) *block {
	r := c.roots[variant]
	if r == nil {
		r = &block{refs: 1} // never evicted
		c.roots[variant] = r
	}
	return r
}

// drop forgets all that was computed for variant.
func (c *kvCache) drop(variant string) error {
	r := c.roots[variant]
	if r == nil {
		return nil
	}
	for unused := appendUnusedLeaves(nil, r); len(unused) > 0; unused = appendUnusedLeaves(unused[:0], r) {
		for _, b := range unused {
			c.release(b)
		}
	}
	if len(r.children) > 0 {
		return fmt.Errorf("variant %s: sequences are still running", variant)
	}
	delete(c.roots, variant)
	return nil
}

func (c *kvCache) tick() uint64 { c.clock++; return c.clock }

// evict frees the older half of the leaves that nobody uses, of all variants,
// and reports whether there were any.
func (c *kvCache) evict() bool {
	var unused []*block
	for _, r := range c.roots {
		unused = appendUnusedLeaves(unused, r)
	}
	// Clocks are unique, so the order of the walk does not matter.
	slices.SortFunc(unused, func(a, b *block) int { return cmp.Compare(a.used, b.used) })
	for _, b := range unused[:(len(unused)+1)/2] {
		c.release(b)
	}
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

func (c *kvCache) release(b *block) {
	siblings := b.parent.children
	for i, s := range siblings {
		if s == b {
			b.parent.children = append(siblings[:i:i], siblings[i+1:]...)
			break
		}
	}
	c.free = append(c.free, b.data)
	b.data, b.parent = nil, nil
}

func commonPrefix(a, b []int32) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}
