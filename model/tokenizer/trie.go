package tokenizer

import (
	"slices"
	"strings"
)

// trie finds the tokens that a text begins with. Its nodes are numbered breadth
// first, so the edges of a node lie together, sorted by byte.
type trie struct {
	root   int32
	first  []int32 // by node: its first edge; the edges end where the next node's begin
	labels []byte  // by edge
	ids    []int32 // by node: the token that ends there, or -1
}

// newTrie makes the trie of the tokens that keep is true for.
func newTrie(v *vocabulary, keep func(id int32) bool) *trie {
	type key struct {
		text string
		id   int32
	}
	var keys []key
	for id, token := range v.tokens {
		if v.present[id] && token != "" && keep(int32(id)) {
			keys = append(keys, key{token, int32(id)})
		}
	}
	slices.SortFunc(keys, func(a, b key) int { return strings.Compare(a.text, b.text) })
	type node struct{ low, high, depth int } // keys[low:high] have depth bytes in common
	t := new(trie)
	queue := []node{{0, len(keys), 0}}
	for i := 0; i < len(queue); i++ {
		n := queue[i]
		id := int32(-1)
		if n.low < n.high && len(keys[n.low].text) == n.depth {
			id = keys[n.low].id
			n.low++
		}
		t.ids = append(t.ids, id)
		t.first = append(t.first, int32(len(t.labels)))
		for n.low < n.high {
			b := keys[n.low].text[n.depth]
			end := n.low + 1
			for end < n.high && keys[end].text[n.depth] == b {
				end++
			}
			t.labels = append(t.labels, b)
			queue = append(queue, node{n.low, end, n.depth + 1})
			n.low = end
		}
	}
	t.first = append(t.first, int32(len(t.labels)))
	return t
}

// below returns the trie of what follows prefix.
func (t *trie) below(prefix string) *trie {
	node := t.root
	for i := 0; i < len(prefix) && node >= 0; i++ {
		node = t.next(node, prefix[i])
	}
	if node < 0 {
		return newTrie(&vocabulary{}, nil)
	}
	return &trie{root: node, first: t.first, labels: t.labels, ids: t.ids}
}

// next returns the node that byte b leads to, or -1.
func (t *trie) next(node int32, b byte) int32 {
	low, high := t.first[node], t.first[node+1]
	for low < high {
		middle := (low + high) / 2
		if t.labels[middle] < b {
			low = middle + 1
		} else {
			high = middle
		}
	}
	if low < t.first[node+1] && t.labels[low] == b {
		return low + 1 // edges and the nodes that they lead to are in one order
	}
	return -1
}

// find returns the token that text is, or -1.
func (t *trie) find(text string) int32 {
	node := t.root
	for i := range len(text) {
		if node = t.next(node, text[i]); node < 0 {
			return -1
		}
	}
	return t.ids[node]
}

// longest returns the longest token that text begins with (-1 for none) and its
// bytes.
func (t *trie) longest(text string) (id int32, end int) {
	id = -1
	node := t.root
	for i := range len(text) {
		if node = t.next(node, text[i]); node < 0 {
			break
		}
		if t.ids[node] >= 0 {
			id, end = t.ids[node], i+1
		}
	}
	return id, end
}
