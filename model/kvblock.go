package model

import (
	"slices"

	"github.com/ailiance/lorabench/model/kernel"
)

// blockLen is the number of positions of one block of keys and values. Blocks
// start at multiples of blockLen, so that a position always falls on the same
// lane of the same block, whatever shares its prefix (law 3).
const blockLen = kernel.BlockLen

// block holds the keys and values of up to blockLen consecutive positions, of
// the layers of one stratum. Blocks form a tree for each lineage of a stratum: a
// block's path from the root spells the tokens of a prefix. All sequences of the
// lineage that have these tokens share the block, those that compute it too; one
// whose tokens go another way copies the positions that it has in common.
type block struct {
	parent   *block
	children []*block // ascending by their tokens
	stratum  int
	tokens   [blockLen]int32
	planned  int       // tokens that are written here
	valid    int       // of these, positions computed so far: these never change
	owner    *sequence // who plans further tokens; nil: who comes first
	refs     int       // sequences that read it
	used     uint64    // clock of the last use, for eviction
	data     []float32 // nil: released

	counted uint64          // clock when it was last counted
	stamp   uint64          // of rows
	rows    [blockLen]int32 // of the batch, that compute the positions; -1: none
}

// siblings is how many children of a block a search looks at, beside those that
// it skips by their order: a bound on its time, not on what is found.
const siblings = 16

// lower is the first child whose tokens are not before tokens.
func (b *block) lower(tokens []int32) int {
	i, _ := slices.BinarySearchFunc(b.children, tokens, func(c *block, tokens []int32) int {
		return slices.Compare(c.tokens[:c.planned], tokens)
	})
	return i
}

// withPrefix is the child that begins with tokens and has most of them computed,
// at least so many; nil where there is none.
func (b *block) withPrefix(tokens []int32, least int) *block {
	var best *block
	most := least - 1
	at := b.lower(tokens)
	for _, c := range b.children[at:min(at+siblings, len(b.children))] {
		if commonPrefix(c.tokens[:c.planned], tokens) < len(tokens) {
			break
		}
		if n := min(c.valid, len(tokens)); n > most {
			best, most = c, n
		}
	}
	return best
}

// longest calls visit for the children that begin as tokens do, with the number
// of tokens that they have in common: the longest are among them.
func (b *block) longest(tokens []int32, visit func(c *block, common int)) {
	at := b.lower(tokens)
	for i := at; i < min(at+siblings, len(b.children)); i++ {
		n := commonPrefix(b.children[i].tokens[:b.children[i].planned], tokens)
		if n == 0 {
			break
		}
		visit(b.children[i], n)
	}
	for i := at - 1; i >= max(at-siblings, 0); i-- {
		n := commonPrefix(b.children[i].tokens[:b.children[i].planned], tokens)
		if n == 0 {
			break
		}
		visit(b.children[i], n)
	}
}

// computed finds the child of which the most of tokens can be copied.
func (b *block) computed(tokens []int32) (from *block, n int) {
	b.longest(tokens, func(c *block, common int) {
		if common = min(common, c.valid); common > n {
			from, n = c, common
		}
	})
	return from, n
}

// adopt makes c a child.
func (b *block) adopt(c *block) {
	c.parent = b
	b.children = slices.Insert(b.children, b.lower(c.tokens[:c.planned]), c)
}

// extend writes one more token into the block.
func (b *block) extend(token int32) {
	if b.planned == blockLen {
		panic("kvcache: append past capacity")
	}
	i := b.index()
	b.tokens[b.planned] = token
	b.planned++
	list := b.parent.children
	for ; i+1 < len(list) && slices.Compare(list[i+1].tokens[:list[i+1].planned], b.tokens[:b.planned]) < 0; i++ {
		list[i], list[i+1] = list[i+1], b
	}
}

// forget takes back the tokens that nobody computes any more.
func (b *block) forget() {
	if b.planned == b.valid {
		return
	}
	i := b.index()
	b.planned = b.valid
	list := b.parent.children
	for ; i > 0 && slices.Compare(list[i-1].tokens[:list[i-1].planned], b.tokens[:b.planned]) > 0; i-- {
		list[i], list[i-1] = list[i-1], b
	}
}

// index is the place among the parent's children.
func (b *block) index() int {
	i := b.parent.lower(b.tokens[:b.planned])
	for b.parent.children[i] != b {
		i++
	}
	return i
}

// row is the row of the batch that computes a position of the block, or -1.
func (b *block) row(stamp uint64, lane int) int32 {
	if b.stamp != stamp {
		return -1
	}
	return b.rows[lane]
}

// setRow notes the row of the batch that computes a position.
func (b *block) setRow(stamp uint64, lane, row int) {
	if b.stamp != stamp {
		b.stamp = stamp
		for i := range b.rows {
			b.rows[i] = -1
		}
	}
	b.rows[lane] = int32(row)
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
