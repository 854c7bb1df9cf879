package checkpoint

import (
	"fmt"
	"math"
)

// DType is how the values of a tensor are stored: plain numbers, or blocks of
// numbers that share a scale. The zero value is no type.
type DType uint8

// The plain types of safetensors and GGUF, the block types of GGUF, and the
// types of modules of which a safetensors file has scales beside the weight.
const (
	F64 DType = iota + 1
	F32
	F16
	BF16
	F8E4M3 // no infinities, NaN is 0x7f and 0xff ("E4M3FN")
	F8E5M2
	I64
	I32
	I16
	I8
	U64
	U32
	U16
	U8
	Bool

	Q8_0 // 32 values: f16 d, int8 q[32]; x = d·q
	Q4_0 // 32 values: f16 d, 4-bit q[32]; x = d·(q-8)
	Q4_1 // 32 values: f16 d, f16 m, 4-bit q[32]; x = d·q + m

	Q5_0 // see ggufGroups for these
	Q5_1
	Q2_K
	Q3_K
	Q4_K
	Q5_K
	Q6_K
	IQ4_NL
	IQ4_XS
	MXFP4
	NVFP4

	Q8_K // known by name and size only: listed, but not read as numbers
	IQ1_S
	IQ1_M
	IQ2_XXS
	IQ2_XS
	IQ2_S
	IQ3_XXS
	IQ3_S
	TQ1_0
	TQ2_0

	Affine2 // MLX, codes of 2 bits: x = scale·q + bias
	Affine3
	Affine4
	Affine5
	Affine6
	Affine8
	MLXMXFP4 // MLX: E2M1 codes, 32 share an E8M0 scale
	MLXNVFP4 // MLX: E2M1 codes, 16 share an E4M3 scale
	MLXMXFP8 // MLX: E4M3 codes, 32 share an E8M0 scale
	F8Scaled // E4M3, with scales of the whole tensor or of blocks of it
)

// layout returns the name of a type, the number of values in a block of it and
// the block's size in bytes. Plain numbers are blocks of one value.
//
// Sources: safetensors' README, https://github.com/huggingface/safetensors;
// GGML_QUANT_SIZES in gguf-py's constants.py, https://github.com/ggml-org/llama.cpp.
func (d DType) layout() (name string, values, bytes int) {
	switch d {
	case F64:
		return "F64", 1, 8
	case F32:
		return "F32", 1, 4
	case F16:
		return "F16", 1, 2
	case BF16:
		return "BF16", 1, 2
	case F8E4M3:
		return "F8_E4M3", 1, 1
	case F8E5M2:
		return "F8_E5M2", 1, 1
	case I64:
		return "I64", 1, 8
	case I32:
		return "I32", 1, 4
	case I16:
		return "I16", 1, 2
	case I8:
		return "I8", 1, 1
	case U64:
		return "U64", 1, 8
	case U32:
		return "U32", 1, 4
	case U16:
		return "U16", 1, 2
	case U8:
		return "U8", 1, 1
	case Bool:
		return "BOOL", 1, 1
	case Q8_0:
		return "Q8_0", 32, 34
	case Q4_0:
		return "Q4_0", 32, 18
	case Q4_1:
		return "Q4_1", 32, 20
	case Q5_0:
		return "Q5_0", 32, 22
	case Q5_1:
		return "Q5_1", 32, 24
	case Q2_K:
		return "Q2_K", 256, 84
	case Q3_K:
		return "Q3_K", 256, 110
	case Q4_K:
		return "Q4_K", 256, 144
	case Q5_K:
		return "Q5_K", 256, 176
	case Q6_K:
		return "Q6_K", 256, 210
	case Q8_K:
		return "Q8_K", 256, 292
	case IQ1_S:
		return "IQ1_S", 256, 50
	case IQ1_M:
		return "IQ1_M", 256, 56
	case IQ2_XXS:
		return "IQ2_XXS", 256, 66
	case IQ2_XS:
		return "IQ2_XS", 256, 74
	case IQ2_S:
		return "IQ2_S", 256, 82
	case IQ3_XXS:
		return "IQ3_XXS", 256, 98
	case IQ3_S:
		return "IQ3_S", 256, 110
	case IQ4_NL:
		return "IQ4_NL", 32, 18
	case IQ4_XS:
		return "IQ4_XS", 256, 136
	case TQ1_0:
		return "TQ1_0", 256, 54
	case TQ2_0:
		return "TQ2_0", 256, 66
	case MXFP4:
		return "MXFP4", 32, 17
	case NVFP4:
		return "NVFP4", 64, 36
	case Affine2:
		return "MLX affine 2 bit", 32, 8
	case Affine3:
		return "MLX affine 3 bit", 32, 12
	case Affine4:
		return "MLX affine 4 bit", 32, 16
	case Affine5:
		return "MLX affine 5 bit", 32, 20
	case Affine6:
		return "MLX affine 6 bit", 32, 24
	case Affine8:
		return "MLX affine 8 bit", 32, 32
	case MLXMXFP4:
		return "MLX mxfp4", 32, 16
	case MLXNVFP4:
		return "MLX nvfp4", 16, 8
	case MLXMXFP8:
		return "MLX mxfp8", 32, 32
	case F8Scaled:
		return "F8_E4M3 with scales", 1, 1
	}
	return fmt.Sprintf("DType(%d)", uint8(d)), 0, 0
}

// String returns the name that the file formats use: F32, BF16, Q4_0, …
func (d DType) String() string {
	name, _, _ := d.layout()
	return name
}

// BlockValues returns how many consecutive values of a row form a block: 1 for
// plain numbers, 0 for no type.
func (d DType) BlockValues() int {
	_, values, _ := d.layout()
	return values
}

// BlockBytes returns the size of a block in bytes, 0 for no type.
func (d DType) BlockBytes() int {
	_, _, bytes := d.layout()
	return bytes
}

// bytesOf returns the number of bytes of a tensor of that shape, outermost
// dimension first. It refuses a negative dimension, a row that is not whole
// blocks, and a size that does not fit an int.
func (d DType) bytesOf(shape []int) (int, error) {
	name, values, size := d.layout()
	if values == 0 {
		return 0, fmt.Errorf("%s is not a known type", name)
	}
	n, empty := 1, false
	for _, dim := range shape {
		if dim < 0 {
			return 0, fmt.Errorf("shape %v has a negative dimension", shape)
		}
		empty = empty || dim == 0
	}
	if empty {
		return 0, nil
	}
	for _, dim := range shape {
		if n > math.MaxInt/dim {
			return 0, fmt.Errorf("shape %v overflows", shape)
		}
		n *= dim
	}
	if values > 1 && (len(shape) == 0 || shape[len(shape)-1]%values != 0) {
		return 0, fmt.Errorf("shape %v: rows of %s must be a multiple of %d long", shape, name, values)
	}
	n /= values
	if n > math.MaxInt/size {
		return 0, fmt.Errorf("shape %v of %s overflows", shape, name)
	}
	return n * size, nil
}

// safetensorsDType returns the type with that name in a safetensors header.
func safetensorsDType(name string) (DType, bool) {
	for d := F64; d <= Bool; d++ {
		if d.String() == name {
			return d, true
		}
	}
	return 0, false
}

// ggmlDType returns the type with that number in a GGUF file.
//
// Source: enum ggml_type in ggml.h, https://github.com/ggml-org/llama.cpp.
func ggmlDType(id uint32) (DType, bool) {
	switch id {
	case 0:
		return F32, true
	case 1:
		return F16, true
	case 2:
		return Q4_0, true
	case 3:
		return Q4_1, true
	case 6:
		return Q5_0, true
	case 7:
		return Q5_1, true
	case 8:
		return Q8_0, true
	case 10:
		return Q2_K, true
	case 11:
		return Q3_K, true
	case 12:
		return Q4_K, true
	case 13:
		return Q5_K, true
	case 14:
		return Q6_K, true
	case 15:
		return Q8_K, true
	case 16:
		return IQ2_XXS, true
	case 17:
		return IQ2_XS, true
	case 18:
		return IQ3_XXS, true
	case 19:
		return IQ1_S, true
	case 20:
		return IQ4_NL, true
	case 21:
		return IQ3_S, true
	case 22:
		return IQ2_S, true
	case 23:
		return IQ4_XS, true
	case 24:
		return I8, true
	case 25:
		return I16, true
	case 26:
		return I32, true
	case 27:
		return I64, true
	case 28:
		return F64, true
	case 29:
		return IQ1_M, true
	case 30:
		return BF16, true
	case 34:
		return TQ1_0, true
	case 35:
		return TQ2_0, true
	case 39:
		return MXFP4, true
	case 40:
		return NVFP4, true
	}
	return 0, false
}
