package kernel

import "unsafe"

// Blocks is the list of the blocks of a sequence: block b holds its positions 16b
// to 16b+15. The zero value is empty.
//
// C gets the addresses of blocks and of the list of addresses as numbers. These
// stay good: what Append is given and what it makes escapes to the heap, where Go
// moves nothing, and lives as long as the list.
type Blocks struct {
	data      [][]float32
	addresses []uintptr
	least     int // values of the shortest block
}

// Append adds the block of the next 16 positions.
//
//go:noinline
func (b *Blocks) Append(block []float32) {
	if len(b.data) == 0 || len(block) < b.least {
		b.least = len(block)
	}
	b.data = append(b.data, block)
	b.addresses = append(b.addresses, uintptr(unsafe.Pointer(unsafe.SliceData(block))))
}

// Truncate leaves the first n blocks.
func (b *Blocks) Truncate(n int) { b.data, b.addresses = b.data[:n], b.addresses[:n] }

// Len is the number of blocks.
func (b *Blocks) Len() int { return len(b.data) }

// Shares reports whether two lists have the same block at i. Lists of a tree of
// blocks then have all blocks before it in common.
func (b *Blocks) Shares(other *Blocks, i int) bool {
	return i < len(b.data) && i < len(other.data) && b.addresses[i] == other.addresses[i]
}
