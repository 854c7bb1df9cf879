package checkpoint

import (
	"encoding/binary"
	"math"
)

// float16 widens an IEEE half-precision number exactly.
func float16(h uint16) float32 {
	sign := uint32(h&0x8000) << 16
	exponent, mantissa := uint32(h>>10&0x1f), uint32(h&0x3ff)
	switch exponent {
	case 0: // zero or subnormal: mantissa · 2^-24, exact in float32
		return math.Float32frombits(sign | math.Float32bits(float32(mantissa)*0x1p-24))
	case 0x1f:
		return math.Float32frombits(sign | 0x7f800000 | mantissa<<13)
	}
	return math.Float32frombits(sign | (exponent+127-15)<<23 | mantissa<<13)
}

// float8E4M3 widens an 8-bit float with 4 bits of exponent (bias 7), 3 of
// mantissa, no infinities, and one NaN per sign.
//
// Source: Micikevicius et al. 2022, "FP8 formats for deep learning", table 1,
// https://arxiv.org/abs/2209.05433.
func float8E4M3(v byte) float32 {
	sign := uint32(v&0x80) << 24
	exponent, mantissa := uint32(v>>3&0xf), uint32(v&7)
	switch {
	case v&0x7f == 0x7f:
		return math.Float32frombits(sign | 0x7fc00000)
	case exponent == 0:
		return math.Float32frombits(sign | math.Float32bits(float32(mantissa)*0x1p-9))
	}
	return math.Float32frombits(sign | (exponent+127-7)<<23 | mantissa<<20)
}

// dequantizeQ8_0 writes the values of whole blocks b to x.
//
// Source of these three: ggml-quants.c and gguf-py's quants.py,
// https://github.com/ggml-org/llama.cpp. The conversions to float32 around
// products keep compilers from fusing them with the sum: the same bits on every
// processor.
func dequantizeQ8_0(x []float32, b []byte) {
	for ; len(b) >= 34; b, x = b[34:], x[32:] {
		d := float16(binary.LittleEndian.Uint16(b))
		for j, q := range b[2:34] {
			x[j] = d * float32(int8(q))
		}
	}
}

func dequantizeQ4_0(x []float32, b []byte) {
	for ; len(b) >= 18; b, x = b[18:], x[32:] {
		d := float16(binary.LittleEndian.Uint16(b))
		for j, q := range b[2:18] {
			x[j] = d * float32(int(q&15)-8)
			x[j+16] = d * float32(int(q>>4)-8)
		}
	}
}

func dequantizeQ4_1(x []float32, b []byte) {
	for ; len(b) >= 20; b, x = b[20:], x[32:] {
		d, m := float16(binary.LittleEndian.Uint16(b)), float16(binary.LittleEndian.Uint16(b[2:]))
		for j, q := range b[4:20] {
			x[j] = float32(d*float32(q&15)) + m
			x[j+16] = float32(d*float32(q>>4)) + m
		}
	}
}
