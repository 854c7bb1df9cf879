package model

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/ailiance/lorabench/model/architecture"
	"github.com/ailiance/lorabench/model/kernel"
)

// Arithmetic is what the products of rows and weights are made with. All else
// (attention, norms, adapters) is float32 always. It is part of a measurement's
// identity: docs/arithmetic.md says what each computes.
type Arithmetic string

const (
	Float32 Arithmetic = "f32"  // rows and weights in float32
	Int8    Arithmetic = "int8" // rows in 8 bits, where weights are in 8 or fewer
	BF16    Arithmetic = "bf16" // rows and weights in bfloat16, where weights are floats
)

// Arithmetics are the names that Options take, the default first.
func Arithmetics() []string { return []string{string(Float32), string(Int8), string(BF16)} }

// resolve is a with its default, or an error where this machine lacks it.
func (a Arithmetic) resolve() (Arithmetic, error) {
	switch {
	case a == "":
		return Float32, nil
	case !slices.Contains(Arithmetics(), string(a)):
		return a, fmt.Errorf("arithmetic %q: want %s", string(a), strings.Join(Arithmetics(), ", "))
	case a == BF16 && !kernel.HasBF16():
		return a, errors.New("--arithmetic bf16: this processor has no AVX512_BF16, or lorabench was built without C: use f32")
	}
	return a, nil
}

// checkArithmetic says which matrices keep float32, or refuses where all do. Only
// headers are read.
func (w weights) checkArithmetic() (note string, err error) {
	if w.arithmetic == Float32 {
		return "", nil
	}
	all, kept := 0, 0
	var types []string
	for _, spec := range w.config.Tensors() {
		if len(spec.Shape) != 2 || spec.Name == architecture.EmbedTokensPerLayer+".weight" {
			continue
		}
		t, err := w.tensor(spec.Name)
		if err != nil {
			return "", err
		}
		all++
		if !hasArithmetic(t, w.arithmetic) {
			kept++
			types = append(types, t.DType.String())
		}
	}
	slices.Sort(types)
	list := strings.Join(slices.Compact(types), ", ")
	switch {
	case kept == 0:
		return "", nil
	case kept == all:
		return "", fmt.Errorf("arithmetic %s: no matrix is stored in a form that it serves, but %s: use f32", w.arithmetic, list)
	}
	return fmt.Sprintf("arithmetic %s: %d of %d matrices keep float32, being stored as %s", w.arithmetic, kept, all, list), nil
}
