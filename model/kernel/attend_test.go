package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// table draws keys and values of n positions; what lies beyond is NaN, which
// must never be used.
func table(r *rand.Rand, n, headDim int) KV {
	const koff, voff = 3, 5
	kv := KV{K: koff, V: voff + headDim*BlockLen, HeadDim: headDim}
	for b := 0; b*BlockLen < n; b++ {
		block := make([]float32, kv.V+headDim*BlockLen)
		for i := range block {
			block[i] = float32(math.NaN())
		}
		for j := b * BlockLen; j < min(n, (b+1)*BlockLen); j++ {
			PutKey(block[kv.K:], j%BlockLen, plain(r, headDim))
			copy(block[kv.V+j%BlockLen*headDim:], plain(r, headDim))
		}
		kv.Blocks = append(kv.Blocks, block)
	}
	return kv
}

func TestAttendIsSoftmax(t *testing.T) {
	r := source(20)
	for _, headDim := range []int{64, 20, 7} {
		for _, n := range []int{1, 15, 16, 17, 100} {
			for _, first := range []int{0, n / 3, n - 1} {
				kv, q, out := table(r, n, headDim), plain(r, headDim), make([]float32, headDim)
				Attend(out, q, kv, n, first, 0.3, new(Scratch))
				want, sum := make([]float64, headDim), 0.0
				for j := first; j < n; j++ {
					block, dot := kv.Blocks[j/16], 0.0
					for d := range q {
						dot += float64(q[d]) * float64(block[kv.K+d*16+j%16])
					}
					p := math.Exp(0.3 * dot)
					sum += p
					for d := range want {
						want[d] += p * float64(block[kv.V+j%16*headDim+d])
					}
				}
				for d := range out {
					if math.Abs(float64(out[d])-want[d]/sum) > 2e-6 {
						t.Fatalf("hd=%d keys %d to %d: out[%d] = %v, want %v", headDim, first, n, d, out[d], want[d]/sum)
					}
				}
			}
		}
	}
}

func TestAttendNoKeys(t *testing.T) {
	out := []float32{1, 2}
	Attend(out, out[:2:2], KV{HeadDim: 2}, 0, 0, 1, new(Scratch))
	equalBits(t, "no keys", out, []float32{0, 0})
}

// TestAttendEqualReference: C against Go, over head sizes with every tail,
// groups, chunks, windows, large and infinite scores.
func TestAttendEqualReference(t *testing.T) {
	for _, c := range forms(t) {
		r := source(21)
		for trial := range 150 {
			headDim := 1 + trial%40
			if trial >= 120 {
				headDim = []int{64, 80, 96, 128}[trial%4]
			}
			n, R, G := 1+r.IntN(90), 1+r.IntN(20), 1+r.IntN(5)
			kv := table(r, n, headDim)
			ld := G*headDim + r.IntN(4)
			q := plain(r, R*ld)
			if trial%7 == 0 {
				q = wild(r, R*ld, trial%2 == 0)
			}
			nkeys, first := make([]int32, R), make([]int32, R)
			lo, hi := int32(n), int32(0)
			for i := range nkeys {
				nkeys[i] = int32(r.IntN(n + 1))
				first[i] = int32(r.IntN(n + 1))
				if trial%2 == 0 { // causal
					nkeys[i] = int32(max(0, n-R+i+1))
					first[i] = max(0, nkeys[i]-int32(1+trial))
				}
				if first[i] < nkeys[i] {
					lo, hi = min(lo, first[i]), max(hi, nkeys[i])
				}
			}
			got, want := make([]float32, R*ld), make([]float32, R*ld)
			c.attend(got, ld, q, ld, R, G, kv, nkeys, first, int(lo)/16, (int(hi)+15)/16, 0.2, new(Scratch))
			reference{}.attend(want, ld, q, ld, R, G, kv, nkeys, first, int(lo)/16, (int(hi)+15)/16, 0.2, new(Scratch))
			equalBits(t, fmt.Sprintf("%s trial %d: hd=%d keys=%d R=%d G=%d", c.name, trial, headDim, n, R, G), got, want)
		}
	}
}

// TestAttendGroupEqualsSingle: rows and heads alone, in chunks or together, and
// blocks out of the window that are gone, give the same bits.
func TestAttendGroupEqualsSingle(t *testing.T) {
	r := source(22)
	for _, headDim := range []int{64, 24, 13} {
		for _, window := range []int{0, 20} {
			const n, R, G = 83, 60, 3
			kv := table(r, n, headDim)
			ld := G * headDim
			q := plain(r, R*ld)
			nkeys, first := make([]int32, R), make([]int32, R)
			for i := range nkeys {
				nkeys[i] = int32(n - R + i + 1)
				if window > 0 {
					first[i] = max(0, nkeys[i]-int32(window))
				}
			}
			var s Scratch
			group, single, chunked := make([]float32, R*ld), make([]float32, R*ld), make([]float32, R*ld)
			AttendGroup(group, ld, q, ld, R, G, kv, nkeys, first, 0.2, &s)
			for i := range R {
				seen := kv
				seen.Blocks = append([][]float32(nil), kv.Blocks[:(nkeys[i]+15)/16]...)
				clear(seen.Blocks[:first[i]/16])
				for g := range G {
					at := i*ld + g*headDim
					Attend(single[at:at+headDim], q[at:at+headDim], seen, int(nkeys[i]), int(first[i]), 0.2, &s)
				}
			}
			for i := 0; i < R; {
				c := min(1+r.IntN(20), R-i)
				AttendGroup(chunked[i*ld:], ld, q[i*ld:], ld, c, G, kv, nkeys[i:i+c], first[i:i+c], 0.2, &s)
				i += c
			}
			what := fmt.Sprintf("hd=%d window=%d", headDim, window)
			equalBits(t, what+" single", single, group)
			equalBits(t, what+" chunked", chunked, group)
			if window == 0 {
				AttendGroup(chunked, ld, q, ld, R, G, kv, nkeys, nil, 0.2, &s)
				equalBits(t, what+" without starts", chunked, group)
			}
		}
	}
}
