package checkpoint

import (
	"fmt"
	"slices"
)

// Affine joins codes [out, in] of 4 or 8 bits with the scale and the bias of
// each of their groups, [out, groups], as the files of MLX have them: one tensor,
// for a Source that is made in memory. Name, shape and data are those of the
// codes.
func Affine(codes, scale, bias Tensor) (Tensor, error) {
	if codes.DType != Affine4 && codes.DType != Affine8 || len(codes.Shape) != 2 {
		return Tensor{}, fmt.Errorf("tensor %s: %s %v, want a matrix of %s or %s", codes.Name, codes.DType, codes.Shape, Affine4, Affine8)
	}
	for _, part := range []Tensor{codes, scale, bias} {
		if err := part.check(); err != nil {
			return Tensor{}, err
		}
	}
	rows, cols := codes.Shape[0], codes.Shape[1]
	if !slices.Contains([]DType{F16, BF16, F32}, scale.DType) || bias.DType != scale.DType ||
		len(scale.Shape) != 2 || scale.Shape[0] != rows || !slices.Equal(scale.Shape, bias.Shape) {
		return Tensor{}, fmt.Errorf("tensor %s: scales %s %v and biases %s %v do not belong to %v", codes.Name, scale.DType, scale.Shape, bias.DType, bias.Shape, codes.Shape)
	}
	groups := scale.Shape[1]
	if groups == 0 || cols%groups != 0 || !slices.Contains([]int{32, 64, 128}, cols/groups) {
		return Tensor{}, fmt.Errorf("tensor %s: %d columns in %d groups, want groups of 32, 64 or 128", codes.Name, cols, groups)
	}
	codes.scales = &scales{scale: scale, bias: bias}
	return codes, nil
}
