package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// table draws keys and values of n positions; what lies beyond is NaN, which
// must never be used.
func table(r *rand.Rand, n, headDim int) (KV, *Blocks) {
	kv, list := place(headDim), new(Blocks)
	addBlocks(r, list, n, kv)
	return kv, list
}

func place(headDim int) KV {
	const koff, voff = 3, 5
	return KV{K: koff, V: voff + headDim*BlockLen, HeadDim: headDim}
}

// addBlocks appends blocks until there are n positions.
func addBlocks(r *rand.Rand, list *Blocks, n int, kv KV) {
	headDim := kv.HeadDim
	for b := list.Len(); b*BlockLen < n; b++ {
		block := make([]float32, kv.V+headDim*BlockLen)
		for i := range block {
			block[i] = float32(math.NaN())
		}
		for j := b * BlockLen; j < min(n, (b+1)*BlockLen); j++ {
			PutKey(block[kv.K:], j%BlockLen, plain(r, headDim))
			copy(block[kv.V+j%BlockLen*headDim:], plain(r, headDim))
		}
		list.Append(block)
	}
}

// rowsOf are rows of one sequence that see the keys [first[i], nkeys[i]).
func rowsOf(list *Blocks, nkeys, first []int32) []Row {
	rows := make([]Row, len(nkeys))
	for i := range rows {
		rows[i] = Row{Blocks: list, First: first[i], Keys: nkeys[i]}
	}
	return rows
}

func TestAttendIsSoftmax(t *testing.T) {
	r := source(20)
	for _, headDim := range []int{64, 20, 7} {
		for _, n := range []int{1, 15, 16, 17, 100} {
			for _, first := range []int{0, n / 3, n - 1} {
				kv, list := table(r, n, headDim)
				q, out := plain(r, headDim), make([]float32, headDim)
				Attend(out, headDim, q, headDim, 1, kv, []Row{{list, int32(first), int32(n)}}, 0.3, new(Scratch))
				want, sum := make([]float64, headDim), 0.0
				for j := first; j < n; j++ {
					block, dot := list.data[j/16], 0.0
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
	Attend(out, 2, []float32{1, 2}, 2, 1, KV{HeadDim: 2}, []Row{{Blocks: new(Blocks)}}, 1, new(Scratch))
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
			n, R, G := 1+r.IntN(200), 1+r.IntN(20), 1+r.IntN(5)
			kv, list := table(r, n, headDim)
			ld := G*headDim + r.IntN(4)
			q := plain(r, R*ld)
			if trial%7 == 0 {
				q = wild(r, R*ld, trial%2 == 0)
			}
			nkeys, first := make([]int32, R), make([]int32, R)
			for i := range nkeys {
				nkeys[i] = int32(r.IntN(n + 1))
				first[i] = int32(r.IntN(n + 1))
				if trial%2 == 0 { // causal
					nkeys[i] = int32(max(0, n-R+i+1))
					first[i] = max(0, nkeys[i]-int32(1+trial))
				}
			}
			got, want := make([]float32, R*ld), make([]float32, R*ld)
			rows := rowsOf(list, nkeys, first)
			c.attend(got, ld, q, ld, G, kv, rows, 0.2, new(Scratch))
			reference{}.attend(want, ld, q, ld, G, kv, rows, 0.2, new(Scratch))
			equalBits(t, fmt.Sprintf("%s trial %d: hd=%d keys=%d R=%d G=%d", c.name, trial, headDim, n, R, G), got, want)
		}
	}
}

// TestAttendTogetherEqualsAlone: rows of one sequence and of several that share
// their first blocks, alone, in any chunks, or together, have the same bits.
func TestAttendTogetherEqualsAlone(t *testing.T) {
	r := source(22)
	for _, headDim := range []int{64, 24, 13} {
		for _, G := range []int{1, 3} {
			for _, window := range []int32{0, 20, 100} {
				kv, prefix := table(r, 48+64*r.IntN(3), headDim)
				var rows []Row
				for range 6 {
					list := &Blocks{}
					for _, block := range prefix.data[:r.IntN(2)+len(prefix.data)-1] {
						list.Append(block)
					}
					n := list.Len()*BlockLen + r.IntN(90)
					addBlocks(r, list, n, kv)
					for range 1 + r.IntN(30) {
						row := Row{Blocks: list, Keys: int32(n)}
						if window > 0 {
							row.First = max(0, row.Keys-window)
						}
						rows = append(rows, row)
						n = max(n-1, 0)
					}
				}
				ld := G * headDim
				q := plain(r, len(rows)*ld)
				var s Scratch
				together, alone, chunked := make([]float32, len(q)), make([]float32, len(q)), make([]float32, len(q))
				Attend(together, ld, q, ld, G, kv, rows, 0.2, &s)
				for i := range rows {
					for at := i * ld; at < (i+1)*ld; at += headDim {
						Attend(alone[at:], headDim, q[at:at+headDim], headDim, 1, kv, rows[i:i+1], 0.2, &s)
					}
				}
				for i := 0; i < len(rows); {
					n := min(1+r.IntN(40), len(rows)-i)
					Attend(chunked[i*ld:], ld, q[i*ld:], ld, G, kv, rows[i:i+n], 0.2, &s)
					i += n
				}
				what := fmt.Sprintf("hd=%d G=%d window=%d", headDim, G, window)
				equalBits(t, what+" alone", alone, together)
				equalBits(t, what+" chunked", chunked, together)
			}
		}
	}
}

func TestExp2Low(t *testing.T) {
	for x := float32(-126); x <= 0; x += 0x1p-11 {
		want := math.Exp2(float64(x))
		if got := float64(exp2Low(x)); math.Abs(got-want) > 1e-7*want {
			t.Fatalf("2^%v = %v, want %v", x, got, want)
		}
	}
	for x, want := range map[float32]float32{0: 1, -1: 0.5, -126: 0x1p-126, -127: 0x1p-126, float32(math.Inf(-1)): 0x1p-126} {
		if got := exp2Low(x); got != want {
			t.Errorf("2^%v = %v, want %v", x, got, want)
		}
	}
	if x := exp2Low(float32(math.NaN())); x == x {
		t.Errorf("2^NaN = %v", x)
	}
}
