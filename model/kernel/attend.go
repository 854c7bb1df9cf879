package kernel

import "fmt"

// BlockLen is the number of positions of a block of keys and values. Blocks
// start at multiples of it.
const BlockLen = 16

// groupLen is the number of positions of a group, for which the sums of attention
// are rescaled once. Groups start at multiples of it.
const groupLen = 64

// AttendQueries is how many queries, rows times heads, Attend takes at a time.
// More of them in a call read keys and values again.
const AttendQueries = 48

// KV is where the keys and values of one key/value head lie in a block: its keys
// at offset K, laid out [HeadDim][16], its values at offset V, [16][HeadDim]. What
// stands at positions that no query sees is never used.
type KV struct{ K, V, HeadDim int }

// Row is a row of queries, which sees the keys [First, Keys) of a sequence.
type Row struct {
	Blocks      *Blocks
	First, Keys int32
}

// PutKey stores the key of one head at a position of its block: keys is the
// block's [len(key)][16], slot is the position modulo 16.
func PutKey(keys []float32, slot int, key []float32) {
	for d, v := range key {
		keys[d*BlockLen+slot] = v
	}
}

// Attend computes softmax(scale·q·Kᵀ)·V for rows of queries of the G heads that
// share a key/value head. Query g of row r is at q[r·ldq + g·HeadDim], its result
// at out[r·ldo + g·HeadDim]; q and out do not overlap. A result depends on its
// own query, its sequence and the keys that it sees, and on nothing else in the
// call; rows one after the other whose blocks are the same read them together.
//
// Group by group of 64 keys from that of First, with q = q·(scale·log2(e)), m = −Inf,
// l = 0, acc = 0, for all visible keys j of the group:
//
//	s_j = Σ_d fma(q_d, k_jd)                 d ascending
//	m'  = max(m, max of s_j);  c = 2^(m − m')
//	p_j = 2^(s_j − m')
//	l_i = fma(l_i, c, Σ p_j)                 16 lanes i = j mod 16, j ascending
//	acc = fma(p_j, v_j, acc·c)               j ascending
//
// and at the end out = acc · (1 / Σ l_i) with the tree of the package comment.
// 2^x is exp2Low. Without a visible key out is zero.
func Attend(out []float32, ldo int, q []float32, ldq, G int, kv KV, rows []Row, scale float32, s *Scratch) {
	R, hd := len(rows), kv.HeadDim
	if R == 0 || G == 0 {
		return
	}
	if G < 0 || hd <= 0 || ldo < G*hd || ldq < G*hd || len(q) < (R-1)*ldq+G*hd || len(out) < (R-1)*ldo+G*hd || kv.K < 0 || kv.V < 0 {
		panic(fmt.Sprintf("kernel: attention of %d rows of %d heads of %d: q has %d values, %d a row; out has %d, %d a row; keys at %d, values at %d",
			R, G, hd, len(q), ldq, len(out), ldo, kv.K, kv.V))
	}
	for _, r := range rows {
		if r.First < 0 || int(r.Keys) > len(r.Blocks.data)*BlockLen || r.First < r.Keys && r.Blocks.least < max(kv.K, kv.V)+hd*BlockLen {
			panic(fmt.Sprintf("kernel: attention over keys %d to %d of %d blocks of %d values, keys at %d, values at %d, heads of %d",
				r.First, r.Keys, len(r.Blocks.data), r.Blocks.least, kv.K, kv.V, hd))
		}
	}
	native{}.attend(out, ldo, q, ldq, G, kv, rows, float32(scale*log2e), s)
}
