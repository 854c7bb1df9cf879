package tokenizer

// merger merges the symbols of one piece. Its memory is used again for the next.
//
// Symbols are a linked list, candidates a heap, so a piece of n symbols takes
// O(n log n) steps whatever it says: a megabyte of one letter is one piece.
type merger struct {
	symbols []symbol
	heap    []candidate
}

// scratch is memory that a model uses again and again while one text is encoded.
type scratch struct {
	merger
	cuts []cut
}

type symbol struct {
	id             int32 // -1: merged into the one before
	previous, next int32 // -1 for none
}

// candidate is a pair that may be merged. It is out of date where its symbols
// have other tokens by now.
type candidate struct {
	key  uint64 // rank, then place: of equal ranks the leftmost goes first
	rule int32
}

// add puts a symbol at the end.
func (m *merger) add(id int32) {
	at := int32(len(m.symbols))
	m.symbols = append(m.symbols, symbol{id: id, previous: at - 1, next: at + 1})
}

// run merges until no pair has a rank.
func (m *merger) run(b *bpe) {
	if len(m.symbols) < 2 {
		return
	}
	m.symbols[len(m.symbols)-1].next = -1
	m.heap = m.heap[:0]
	for i := range len(m.symbols) - 1 {
		if c, ok := m.candidate(b, int32(i)); ok {
			m.heap = append(m.heap, c)
		}
	}
	for i := len(m.heap)/2 - 1; i >= 0; i-- {
		m.down(i)
	}
	for len(m.heap) > 0 {
		c := m.pop()
		at := int32(uint32(c.key))
		left := &m.symbols[at]
		rule := &b.rules[c.rule]
		if left.id != rule.left || left.next < 0 || m.symbols[left.next].id != rule.right {
			continue
		}
		right := &m.symbols[left.next]
		left.id, left.next = rule.merged, right.next
		right.id = -1
		if left.next >= 0 {
			m.symbols[left.next].previous = at
			m.offer(b, at)
		}
		if left.previous >= 0 {
			m.offer(b, left.previous)
		}
	}
}

// tokens appends what the symbols came to.
func (m *merger) tokens(ids []int32) []int32 {
	if len(m.symbols) == 1 {
		return append(ids, m.symbols[0].id)
	}
	if len(m.symbols) > 0 {
		for at := int32(0); at >= 0; at = m.symbols[at].next {
			ids = append(ids, m.symbols[at].id)
		}
	}
	return ids
}

// candidate returns the pair that begins at a symbol with one after it.
func (m *merger) candidate(b *bpe, at int32) (c candidate, ok bool) {
	left, right := m.symbols[at].id, m.symbols[m.symbols[at].next].id
	rule, ok := b.byPair[pairOf(left, right)]
	if !ok {
		return candidate{}, false
	}
	return candidate{uint64(b.rules[rule].rank)<<32 | uint64(at), rule}, true
}

func (m *merger) offer(b *bpe, at int32) {
	if c, ok := m.candidate(b, at); ok {
		m.heap = append(m.heap, c)
		m.up(len(m.heap) - 1)
	}
}

func (m *merger) pop() candidate {
	top := m.heap[0]
	last := len(m.heap) - 1
	m.heap[0] = m.heap[last]
	m.heap = m.heap[:last]
	m.down(0)
	return top
}

func (m *merger) up(i int) {
	for i > 0 {
		parent := (i - 1) / 2
		if m.heap[parent].key <= m.heap[i].key {
			return
		}
		m.heap[parent], m.heap[i] = m.heap[i], m.heap[parent]
		i = parent
	}
}

func (m *merger) down(i int) {
	for {
		child := 2*i + 1
		if child >= len(m.heap) {
			return
		}
		if child+1 < len(m.heap) && m.heap[child+1].key < m.heap[child].key {
			child++
		}
		if m.heap[i].key <= m.heap[child].key {
			return
		}
		m.heap[i], m.heap[child] = m.heap[child], m.heap[i]
		i = child
	}
}
