package checkpoint

import (
	"encoding/binary"
	"math"
)

// ggufBlock is how a block of a GGUF type is taken apart: head fills in scales
// and biases of block number at of a row, codes the codes. A bias that the
// format subtracts is negated, which is exact.
type ggufBlock struct {
	groups Groups
	head   func(b []byte, at int, to *GroupRow)
	codes  func(b []byte, to []uint8)
}

// ggufGroups returns the form of a block type. Values equal those of gguf-py bit
// for bit: the products of scales are exact in float32, and so are those of
// scale and code, so that only the sum with a bias rounds.
//
// Source: dequantize_row_… of ggml-quants.c and gguf-py's quants.py,
// https://github.com/ggml-org/llama.cpp.
func ggufGroups(d DType) (ggufBlock, bool) {
	integers := codeTable(func(code int) float64 { return float64(code) })
	switch d {
	case Q5_0:
		return ggufBlock{Groups{Bits: 6, Columns: 32, Zero: 16}, headD(0), codesQ5(2)}, true
	case Q5_1:
		return ggufBlock{Groups{Bits: 6, Columns: 32, Bias: true}, headDM, codesQ5(4)}, true
	case Q2_K:
		return ggufBlock{Groups{Bits: 2, Columns: 16, Bias: true, Nested: true}, headQ2_K, codesQ2_K}, true
	case Q3_K:
		table := codeTable(func(code int) float64 { return float64(code&7 - 4) })
		return ggufBlock{Groups{Bits: 4, Columns: 16, Nested: true, Values: table}, headQ3_K, codesQ3_K}, true
	case Q4_K:
		return ggufBlock{Groups{Bits: 4, Columns: 32, Bias: true, Nested: true, Values: integers}, headQ4_K, codesQ4_K}, true
	case Q5_K:
		return ggufBlock{Groups{Bits: 6, Columns: 32, Bias: true, Nested: true}, headQ4_K, codesQ5_K}, true
	case Q6_K:
		return ggufBlock{Groups{Bits: 6, Columns: 16, Zero: 32, Nested: true}, headQ6_K, codesQ6_K}, true
	case IQ4_NL:
		return ggufBlock{Groups{Bits: 4, Columns: 32, Values: codeTable(iq4nl)}, headD(0), func(b []byte, to []uint8) { nibbles(to[:32], b[2:18]) }}, true
	case IQ4_XS:
		return ggufBlock{Groups{Bits: 4, Columns: 32, Nested: true, Values: codeTable(iq4nl)}, headIQ4_XS, codesIQ4_XS}, true
	case MXFP4:
		return ggufBlock{Groups{Bits: 4, Columns: 32, Values: codeTable(twiceE2M1)}, headMXFP4, func(b []byte, to []uint8) { nibbles(to[:32], b[1:17]) }}, true
	case NVFP4:
		return ggufBlock{Groups{Bits: 4, Columns: 16, Values: codeTable(twiceE2M1)}, headNVFP4, codesNVFP4}, true
	}
	return ggufBlock{}, false
}

// iq4nl is the table of the types IQ4.
func iq4nl(code int) float64 {
	return []float64{-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113}[code]
}

// twiceE2M1 is twice e2m1, as an integer: ggml halves the scales of these types,
// and has no −0.
func twiceE2M1(code int) float64 {
	if v := e2m1(code); v != 0 {
		return 2 * v
	}
	return 0
}

// headD reads a type whose only scale is the f16 at offset.
func headD(offset int) func(b []byte, at int, to *GroupRow) {
	return func(b []byte, at int, to *GroupRow) { to.Scales[at] = scaleAt(b[offset:]) }
}

func headDM(b []byte, at int, to *GroupRow) {
	to.Scales[at], to.Biases[at] = scaleAt(b), scaleAt(b[2:])
}

// nibbles writes the low halves of all bytes, then the high halves.
func nibbles(to []uint8, b []byte) {
	high := to[len(b):]
	for j, q := range b {
		to[j], high[j] = q&15, q>>4
	}
}

// codesQ5 reads 32 codes: at offset 4 bytes of fifth bits, then nibbles.
func codesQ5(offset int) func(b []byte, to []uint8) {
	return func(b []byte, to []uint8) {
		fifth := binary.LittleEndian.Uint32(b[offset:])
		nibbles(to[:32], b[offset+4:offset+20])
		for j := range 32 {
			to[j] |= uint8(fifth>>j&1) << 4
		}
	}
}

// Q2_K: 16 bytes of scale and minimum, 4 bits each; 64 bytes of codes; f16 d, dmin.
func headQ2_K(b []byte, at int, to *GroupRow) {
	to.Scales[at], to.Biases[at] = scaleAt(b[80:]), -scaleAt(b[82:])
	for j, s := range b[:16] {
		to.SubScales[16*at+j], to.SubBiases[16*at+j] = int8(s&15), int8(s>>4)
	}
}

func codesQ2_K(b []byte, to []uint8) { pairsOfBits(to, b[16:80], 0) }

// pairsOfBits ors 256 codes of two bits, shifted left, into to: of each 32 bytes
// the lowest pair of each, then the next, and so on.
func pairsOfBits(to []uint8, b []byte, left uint) {
	for half := range 2 {
		for pair := range 4 {
			out := to[128*half+32*pair:][:32]
			for l, q := range b[32*half:][:32] {
				v := q >> (2 * pair) & 3 << left
				if left == 0 {
					out[l] = v
				} else {
					out[l] |= v
				}
			}
		}
	}
}

// Q3_K: 32 bytes of third bits, 64 bytes of codes, 12 bytes of 6-bit scales, f16 d.
func headQ3_K(b []byte, at int, to *GroupRow) {
	to.Scales[at] = scaleAt(b[108:])
	s := b[96:108]
	for j := range 16 {
		low, high := s[j%8]>>(j/8*4)&15, s[8+j%4]>>(j/4*2)&3
		to.SubScales[16*at+j] = int8(low|high<<4) - 32
	}
}

// The third bit, where it is set, stands for no 4 subtracted; see the table.
func codesQ3_K(b []byte, to []uint8) {
	pairsOfBits(to, b[32:96], 0)
	for i := range 8 {
		out := to[32*i:][:32]
		for l, h := range b[:32] {
			out[l] |= h >> i & 1 << 2
		}
	}
}

// Q4_K and Q5_K: f16 d, dmin, and 12 bytes of eight 6-bit scales and minima.
func headQ4_K(b []byte, at int, to *GroupRow) {
	to.Scales[at], to.Biases[at] = scaleAt(b), -scaleAt(b[2:])
	s := b[4:16]
	for j := range 4 {
		to.SubScales[8*at+j], to.SubBiases[8*at+j] = int8(s[j]&63), int8(s[4+j]&63)
		to.SubScales[8*at+4+j] = int8(s[8+j]&15 | s[j]>>6<<4)
		to.SubBiases[8*at+4+j] = int8(s[8+j]>>4 | s[4+j]>>6<<4)
	}
}

func codesQ4_K(b []byte, to []uint8) {
	for i := range 4 {
		nibbles(to[64*i:][:64], b[16+32*i:][:32])
	}
}

// Q5_K has 32 bytes of fifth bits before its nibbles: bit i of byte l belongs to
// value 32·i + l.
func codesQ5_K(b []byte, to []uint8) {
	codesQ4_K(b[32:], to)
	for i := range 8 {
		out := to[32*i:][:32]
		for l, h := range b[16:48] {
			out[l] |= h >> i & 1 << 4
		}
	}
}

// Q6_K: 128 bytes of low halves, 64 bytes of upper bits, 16 int8 scales, f16 d.
func headQ6_K(b []byte, at int, to *GroupRow) {
	to.Scales[at] = scaleAt(b[208:])
	for j, s := range b[192:208] {
		to.SubScales[16*at+j] = int8(s)
	}
}

func codesQ6_K(b []byte, to []uint8) {
	for half := range 2 {
		nibbles(to[128*half:][:128], b[64*half:][:64])
	}
	pairsOfBits(to, b[128:192], 4)
}

// IQ4_XS: f16 d, upper two bits of eight scales, lower four, nibbles.
func headIQ4_XS(b []byte, at int, to *GroupRow) {
	to.Scales[at] = scaleAt(b)
	high := binary.LittleEndian.Uint16(b[2:])
	for j := range 8 {
		low := b[4+j/2] >> (j % 2 * 4) & 15
		to.SubScales[8*at+j] = int8(low|uint8(high>>(2*j)&3)<<4) - 32
	}
}

func codesIQ4_XS(b []byte, to []uint8) {
	for i := range 8 {
		nibbles(to[32*i:][:32], b[8+16*i:][:16])
	}
}

// MXFP4: an exponent of 8 bits (E8M0), halved, then nibbles.
func headMXFP4(b []byte, at int, to *GroupRow) { to.Scales[at] = powerOf2(int(b[0]) - 128) }

// powerOf2 is 2ⁿ, exactly, for −149 ≤ n ≤ 127.
func powerOf2(n int) float32 { return float32(math.Ldexp(1, n)) }

// NVFP4: four scales, unsigned E4M3, halved, then 8 bytes of nibbles for each.
func headNVFP4(b []byte, at int, to *GroupRow) {
	for j, s := range b[:4] {
		v := float32(0)
		if s != 0x7f { // ggml reads its NaN as 0, and ignores the sign
			v = float8E4M3(s&0x7f) / 2
			if s == 0xff {
				v = 240
			}
		}
		to.Scales[4*at+j] = v
	}
}

func codesNVFP4(b []byte, to []uint8) {
	for j := range 4 {
		nibbles(to[16*j:][:16], b[4+8*j:][:8])
	}
}
