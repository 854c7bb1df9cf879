// Package pyrand is CPython's random.Random, as far as few-shot examples are
// drawn with it: integer seeds, 32 random bits, random(), sample() without
// counts and choices() without weights. Equal seeds give CPython's numbers.
//
// It deliberately has no other distribution, no seeding from text or time, and
// no ranges beyond 32 bits: nothing here draws from them. It is not for
// statistics and not for secrets.
package pyrand

import (
	"fmt"
	"math"
	"math/bits"
)

// The parameters of MT19937, and its state's length in words.
const (
	stateLength = 624
	middle      = 397
	upperBit    = 0x80000000
	lowerBits   = 0x7fffffff
	twist       = 0x9908b0df
)

// Rand is one generator. It is not for concurrent use.
//
// Source: Matsumoto and Nishimura 1998, "Mersenne Twister"; CPython 3.11
// Modules/_randommodule.c and Lib/random.py for what is drawn from it.
type Rand struct {
	state [stateLength]uint32
	next  int // word of state that the next draw tempers
}

// New returns random.Random(seed). The sign of seed is ignored, as CPython does.
func New(seed int64) *Rand {
	magnitude := uint64(seed)
	if seed < 0 {
		magnitude = -magnitude
	}
	key := []uint32{uint32(magnitude)}
	if high := uint32(magnitude >> 32); high != 0 {
		key = append(key, high)
	}
	r := new(Rand)
	r.seed(key)
	return r
}

// seed is init_by_array of the reference implementation.
func (r *Rand) seed(key []uint32) {
	r.state[0] = 19650218
	for i := 1; i < stateLength; i++ {
		r.state[i] = 1812433253*(r.state[i-1]^(r.state[i-1]>>30)) + uint32(i)
	}
	i, j := 1, 0
	for range max(stateLength, len(key)) {
		r.state[i] = (r.state[i] ^ ((r.state[i-1] ^ (r.state[i-1] >> 30)) * 1664525)) + key[j] + uint32(j)
		i = r.wrap(i + 1)
		j = (j + 1) % len(key)
	}
	for range stateLength - 1 {
		r.state[i] = (r.state[i] ^ ((r.state[i-1] ^ (r.state[i-1] >> 30)) * 1566083941)) - uint32(i)
		i = r.wrap(i + 1)
	}
	r.state[0] = upperBit
	r.next = stateLength
}

// wrap goes on at word 1 after the last; word 0 then holds the last's value.
func (r *Rand) wrap(i int) int {
	if i < stateLength {
		return i
	}
	r.state[0] = r.state[stateLength-1]
	return 1
}

// Uint32 is getrandbits(32).
func (r *Rand) Uint32() uint32 {
	if r.next == stateLength {
		r.refill()
	}
	y := r.state[r.next]
	r.next++
	y ^= y >> 11
	y ^= (y << 7) & 0x9d2c5680
	y ^= (y << 15) & 0xefc60000
	return y ^ y>>18
}

func (r *Rand) refill() {
	for k := range r.state {
		y := r.state[k]&upperBit | r.state[(k+1)%stateLength]&lowerBits
		v := r.state[(k+middle)%stateLength] ^ y>>1
		if y&1 != 0 {
			v ^= twist
		}
		r.state[k] = v
	}
	r.next = 0
}

// Float64 is random(): uniform in [0, 1) with 53 bits, from two draws.
func (r *Rand) Float64() float64 {
	a, b := r.Uint32()>>5, r.Uint32()>>6
	return (float64(a)*(1<<26) + float64(b)) / (1 << 53)
}

// Below is _randbelow(n): uniform in [0, n). It panics unless 0 < n < 1<<32.
func (r *Rand) Below(n int) int {
	if n <= 0 || uint64(n) >= 1<<32 {
		panic(fmt.Sprintf("pyrand: below %d", n))
	}
	shift := 32 - bits.Len32(uint32(n))
	for {
		if v := int(r.Uint32() >> shift); v < n {
			return v
		}
	}
}

// Sample is sample(range(n), k): k different numbers below n, in the order in
// which they were drawn. It panics unless 0 <= k <= n.
func (r *Rand) Sample(n, k int) []int {
	if k < 0 || k > n {
		panic(fmt.Sprintf("pyrand: sample %d of %d", k, n))
	}
	if n <= poolLimit(k) {
		return r.sampleFromPool(n, k)
	}
	drawn := make([]int, k)
	taken := make(map[int]bool, k)
	for i := range drawn {
		j := r.Below(n)
		for taken[j] {
			j = r.Below(n)
		}
		taken[j] = true
		drawn[i] = j
	}
	return drawn
}

// poolLimit is the population up to which CPython draws from a list instead of
// redrawing what it has already: what a set of k elements takes there.
func poolLimit(k int) int {
	limit := 21
	if k > 5 {
		limit += int(math.Pow(4, math.Ceil(math.Log(float64(3*k))/math.Log(4))))
	}
	return limit
}

func (r *Rand) sampleFromPool(n, k int) []int {
	pool := make([]int, n)
	for i := range pool {
		pool[i] = i
	}
	drawn := make([]int, k)
	for i := range drawn {
		j := r.Below(n - i)
		drawn[i] = pool[j]
		pool[j] = pool[n-i-1]
	}
	return drawn
}

// Choices is choices(range(n), k=k): k numbers below n, with repeats.
func (r *Rand) Choices(n, k int) []int {
	drawn := make([]int, k)
	for i := range drawn {
		drawn[i] = int(math.Floor(r.Float64() * float64(n)))
	}
	return drawn
}
