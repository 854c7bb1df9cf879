package model

import (
	"fmt"

	"github.com/ailiance/lorabench/model/checkpoint"
	"github.com/ailiance/lorabench/model/kernel"
)

// pack packs a matrix for the kernels. No value changes and nothing is widened:
// block types and codes stay as narrow as they are. Row i of the result is row
// permutation(i) of t, or row i where permutation is nil. Products are made with
// float32 where t has no other form for the arithmetic.
func pack(t checkpoint.Tensor, permutation func(int) int, with Arithmetic) (*kernel.Matrix, error) {
	if len(t.Shape) != 2 {
		return nil, fmt.Errorf("tensor %s: shape %v, want a matrix", t.Name, t.Shape)
	}
	rows, cols := t.Shape[0], t.Shape[1]
	if err := t.CheckFinite(); err != nil {
		return nil, err
	}
	narrow := hasArithmetic(t, with)
	groups, ok := t.Groups()
	if !ok {
		format, ok := kernelFormat(t.DType)
		if !ok {
			return nil, unsupportedStorage(t)
		}
		form := kernel.Pack
		if narrow && with == Int8 {
			form = kernel.PackInt8
		} else if narrow {
			form = kernel.PackBF16
		}
		m, err := form(format, rows, cols, t.Data, permutation)
		if err != nil {
			return nil, fmt.Errorf("tensor %s: %w", t.Name, err)
		}
		return m, nil
	}
	read, err := t.GroupRows()
	if err != nil {
		return nil, err
	}
	form := kernel.PackGroups
	if narrow {
		form = kernel.PackGroupsInt8
	}
	m, err := form(kernel.Groups(groups), rows, cols, func(i int, to *kernel.GroupRow) {
		if permutation != nil {
			i = permutation(i)
		}
		read(i, (*checkpoint.GroupRow)(to))
	})
	if err != nil {
		return nil, fmt.Errorf("tensor %s: %w", t.Name, err)
	}
	return m, nil
}

// hasArithmetic reports whether products with t are made with something else than
// float32.
func hasArithmetic(t checkpoint.Tensor, with Arithmetic) bool {
	if with == Float32 || len(t.Shape) != 2 {
		return false
	}
	if groups, ok := t.Groups(); ok {
		return with == Int8 && kernel.Groups(groups).HasInt8(t.Shape[1])
	}
	format, ok := kernelFormat(t.DType)
	if with == BF16 {
		return ok && format.HasBF16()
	}
	return ok && format.HasInt8(t.Shape[1])
}

// packedSize is the memory that pack will take for a matrix, at most. A storage
// type that has no kernel is an *UnsupportedError.
func packedSize(t checkpoint.Tensor, with Arithmetic) (n int64, err error) {
	if len(t.Shape) != 2 {
		return 0, fmt.Errorf("tensor %s: shape %v, want a matrix", t.Name, t.Shape)
	}
	narrow := hasArithmetic(t, with)
	if groups, ok := t.Groups(); ok {
		size := kernel.Groups(groups).PackedBytes
		if narrow {
			size = kernel.Groups(groups).PackedBytesInt8
		}
		n, err = size(t.Shape[0], t.Shape[1])
	} else {
		format, ok := kernelFormat(t.DType)
		if !ok {
			return 0, unsupportedStorage(t)
		}
		size := kernel.PackedBytes
		if narrow && with == Int8 {
			size = kernel.PackedBytesInt8
		} else if narrow {
			size = kernel.PackedBytesBF16
		}
		n, err = size(format, t.Shape[0], t.Shape[1])
	}
	if err != nil {
		return 0, fmt.Errorf("tensor %s: %w", t.Name, err)
	}
	return n, nil
}

func unsupportedStorage(t checkpoint.Tensor) error {
	return &checkpoint.UnsupportedError{What: fmt.Sprintf("storage type %s of %s", t.DType, t.Name)}
}

// kernelFormat is the kernel's form of what is packed as it is stored.
func kernelFormat(d checkpoint.DType) (kernel.Format, bool) {
	switch d {
	case checkpoint.F32:
		return kernel.F32, true
	case checkpoint.F16:
		return kernel.F16, true
	case checkpoint.BF16:
		return kernel.BF16, true
	case checkpoint.Q8_0:
		return kernel.Q8_0, true
	case checkpoint.Q4_0:
		return kernel.Q4_0, true
	case checkpoint.Q4_1:
		return kernel.Q4_1, true
	}
	return 0, false
}
