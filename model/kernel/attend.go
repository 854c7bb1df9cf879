package kernel

import "fmt"

// BlockLen is the number of positions of a block of keys and values. Blocks
// start at multiples of it.
const BlockLen = 16

// KV names the keys and values of one key/value head in a table of blocks:
// Blocks[b] holds positions 16b to 16b+15, its keys at offset K, laid out
// [HeadDim][16], its values at offset V, [16][HeadDim]. Blocks that lie wholly
// before the first visible key may be nil. What stands at positions that no
// query sees is never used.
type KV struct {
	Blocks  [][]float32
	K, V    int
	HeadDim int
}

// PutKey stores the key of one head at a position of its block: keys is the
// block's [len(key)][16], slot is the position modulo 16.
func PutKey(keys []float32, slot int, key []float32) {
	for d, v := range key {
		keys[d*BlockLen+slot] = v
	}
}

// Attend computes softmax(scale·q·Kᵀ)·V of one query of one head over the keys
// [first, nkeys). q and out have kv.HeadDim values and do not overlap.
//
// Block by block from that of first, with m = −Inf, l = 0, acc = 0:
//
//	s_j = scale · (Σ_d fma, d ascending)     16 lanes j
//	m'  = max(m, max of visible s_j);  c = exp(m − m')
//	p_j = exp(s_j − m')                      exactly 0 where not visible
//	l_j = fma(l_j, c, p_j);  acc = acc·c
//	acc = fma(p_j, v_j, acc)                 visible j ascending
//
// and at the end out = acc · (1 / Σ l_j) with the tree of the package comment.
// Without a visible key out is zero.
func Attend(out, q []float32, kv KV, nkeys, first int, scale float32, s *Scratch) {
	AttendGroup(out, kv.HeadDim, q, kv.HeadDim, 1, 1, kv, []int32{int32(nkeys)}, []int32{int32(first)}, scale, s)
}

// AttendGroup is Attend for R query rows of one sequence and the G query heads
// that share a key/value head; it gives the same bits and reads each block
// once for many queries. Query g of row r is at q[r·ldq + g·HeadDim], its result
// at out[r·ldo + g·HeadDim]. Row r sees the keys [first[r], nkeys[r]); a nil
// first means zero.
func AttendGroup(out []float32, ldo int, q []float32, ldq, R, G int, kv KV, nkeys, first []int32, scale float32, s *Scratch) {
	hd := kv.HeadDim
	if R == 0 || G == 0 {
		return
	}
	if R < 0 || G < 0 || hd <= 0 || ldo < G*hd || ldq < G*hd || len(q) < (R-1)*ldq+G*hd || len(out) < (R-1)*ldo+G*hd ||
		len(nkeys) != R || first != nil && len(first) != R {
		panic(fmt.Sprintf("kernel: attention of %d rows of %d heads of %d: q has %d values, %d a row; out has %d, %d a row; %d key counts, %d starts",
			R, G, hd, len(q), ldq, len(out), ldo, len(nkeys), len(first)))
	}
	lo, hi := int32(1<<31-1), int32(0)
	for r := range R {
		from := int32(0)
		if first != nil {
			from = first[r]
		}
		if from < 0 || int(nkeys[r]) > len(kv.Blocks)*BlockLen {
			panic(fmt.Sprintf("kernel: attention over keys %d to %d of %d blocks", from, nkeys[r], len(kv.Blocks)))
		}
		if from < nkeys[r] {
			lo, hi = min(lo, from), max(hi, nkeys[r])
		}
	}
	for b := int(lo) / BlockLen; b*BlockLen < int(hi); b++ {
		if n := len(kv.Blocks[b]); kv.K < 0 || kv.V < 0 || n < kv.K+hd*BlockLen || n < kv.V+hd*BlockLen {
			panic(fmt.Sprintf("kernel: attention: block %d has %d values, keys at %d, values at %d, heads of %d", b, n, kv.K, kv.V, hd))
		}
	}
	native{}.attend(out, ldo, q, ldq, R, G, kv, nkeys, first, int(lo)/BlockLen, (int(hi)+BlockLen-1)/BlockLen, scale, s)
}
