package model

import "github.com/ailiance/lorabench/model/kernel"

// place is what a sequence holds of a stratum's keys and values.
type place struct {
	root   *block
	blocks []*block
	data   kernel.Blocks // of blocks

	// owes says that the last block was others' when the sequence came to it, and
	// room is promised for one of its own, should their tokens part in it.
	owes bool
}

func (p *place) hold(b *block) {
	b.refs++
	p.append(b)
}

func (p *place) append(b *block) {
	p.blocks = append(p.blocks, b)
	p.data.Append(b.data)
}

// last is the last block, or the root.
func (p *place) last() *block {
	if n := len(p.blocks); n > 0 {
		return p.blocks[n-1]
	}
	return p.root
}

func (p *place) pop() *block {
	n := len(p.blocks) - 1
	b := p.blocks[n]
	p.blocks = p.blocks[:n]
	p.data.Truncate(n)
	return b
}

// row is the row of the batch that computes a position, or -1.
func (p *place) row(stamp uint64, position int) int32 {
	return p.blocks[position/blockLen].row(stamp, position%blockLen)
}

// valid is the number of positions that are there.
func (p *place) valid() int {
	n := 0
	for _, b := range p.blocks {
		n += b.valid
		if b.valid < blockLen {
			break
		}
	}
	return n
}

// unhold ends the sequence's use of a block. The deeper of two comes first.
func (e *Engine) unhold(s *sequence, b *block) {
	if b.owner == s {
		b.owner = nil
	}
	b.refs--
	b.used = e.cache.tick()
	if b.refs > 0 {
		return
	}
	b.forget() // nobody computes the rest any more
	if b.valid == 0 && len(b.children) == 0 {
		e.cache.release([]*block{b})
	}
}

// take makes a block of promised room, the next of the sequence in a stratum.
func (e *Engine) take(s *sequence, stratum int, tokens []int32) *block {
	p := &s.places[stratum]
	s.promised -= e.cache.layout.strata[stratum].bytes()
	b := e.cache.take(p.last(), tokens, s)
	p.append(b)
	return b
}

// place makes room for the keys and values of a token that the sequence is about
// to append: in a block that others have begun with the same tokens, so that it
// is computed once, in the sequence's last, or in a new one.
func (e *Engine) place(s *sequence, token int32) {
	n := len(s.inputs)
	lane := n % blockLen
	for i := range s.places {
		p := &s.places[i]
		if lane == 0 {
			if p.owes { // the last is full, and the same for all
				e.settle(s, i)
			}
			if b := p.last().withPrefix([]int32{token}, 0); b != nil {
				p.hold(b)
				p.owes = true
			} else {
				e.take(s, i, []int32{token})
			}
			continue
		}
		b := p.last()
		switch {
		case lane < b.planned && b.tokens[lane] == token:
		case lane == b.planned && b.owner == s:
			b.extend(token)
		case lane == b.planned && b.owner == nil:
			b.owner = s
			b.extend(token)
			if p.owes {
				e.settle(s, i)
			}
		default:
			e.part(s, i, lane, token)
		}
	}
}

// settle gives back the room for a block that the sequence does not need.
func (e *Engine) settle(s *sequence, stratum int) {
	size := e.cache.layout.strata[stratum].bytes()
	e.cache.reserved -= size
	s.promised -= size
	s.places[stratum].owes = false
}

// part moves a sequence from a block that goes on with another token to one that
// goes on with its own.
func (e *Engine) part(s *sequence, stratum, lane int, token int32) {
	p := &s.places[stratum]
	if !p.owes {
		panic("kvcache: another wrote into a sequence's block")
	}
	from := p.pop()
	var tokens [blockLen]int32
	copy(tokens[:], from.tokens[:lane])
	tokens[lane] = token
	if b := p.last().withPrefix(tokens[:lane+1], lane); b != nil {
		p.hold(b)
	} else {
		b := e.take(s, stratum, tokens[:lane+1])
		copy(b.data, from.data)
		b.valid = lane
		p.owes = false
	}
	e.unhold(s, from)
}
