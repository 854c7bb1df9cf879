package stats

import "math/bits"

// Generator makes the same numbers on every machine and in every release:
// xoshiro256**, seeded by SplitMix64.
//
// Source: Blackman and Vigna 2021, "Scrambled Linear Pseudorandom Number
// Generators", ACM TOMS 47(4).
type Generator struct{ s [4]uint64 }

// NewGenerator returns the generator of a seed.
func NewGenerator(seed uint64) *Generator {
	g := &Generator{}
	for i := range g.s {
		seed += 0x9e3779b97f4a7c15
		z := seed
		z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
		z = (z ^ z>>27) * 0x94d049bb133111eb
		g.s[i] = z ^ z>>31
	}
	return g
}

// Uint64 returns the next 64 bits.
func (g *Generator) Uint64() uint64 {
	result := bits.RotateLeft64(g.s[1]*5, 7) * 9
	t := g.s[1] << 17
	g.s[2] ^= g.s[0]
	g.s[3] ^= g.s[1]
	g.s[1] ^= g.s[2]
	g.s[0] ^= g.s[3]
	g.s[2] ^= t
	g.s[3] = bits.RotateLeft64(g.s[3], 45)
	return result
}

// IntN returns a number in [0, n), each equally likely. n is positive.
//
// Source: Lemire 2019, "Fast Random Integer Generation in an Interval".
func (g *Generator) IntN(n int) int {
	bound := uint64(n)
	hi, lo := bits.Mul64(g.Uint64(), bound)
	for threshold := -bound % bound; lo < threshold; {
		hi, lo = bits.Mul64(g.Uint64(), bound)
	}
	return int(hi)
}

// Float64 returns a number in [0, 1).
func (g *Generator) Float64() float64 { return float64(g.Uint64()>>11) / (1 << 53) }
