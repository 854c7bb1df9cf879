package checkpoint

import (
	"bytes"
	"encoding/binary"
	"os"
	"testing"
)

// BenchmarkHash measures the identity of weights in memory.
func BenchmarkHash(b *testing.B) {
	data := make([]byte, 64<<20)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		(&file{data: data}).hash(b.Context())
	}
}

func BenchmarkCheckFinite(b *testing.B) {
	for _, dtype := range []DType{F32, BF16, Q8_0, Q4_1} {
		b.Run("storage="+dtype.String(), func(b *testing.B) {
			x := benchTensor(dtype)
			b.SetBytes(int64(len(x.Data)))
			for b.Loop() {
				if err := x.CheckFinite(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkFloat32s(b *testing.B) {
	for _, dtype := range []DType{F32, BF16, F16, Q8_0, Q4_0, Q4_1} {
		b.Run("storage="+dtype.String(), func(b *testing.B) {
			x := benchTensor(dtype)
			for b.Loop() {
				if _, err := x.Float32s(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(x.Values())*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mvalues/s")
		})
	}
}

// benchTensor is 4096 × 1024 values that are all finite.
func benchTensor(dtype DType) Tensor {
	shape := []int{4096, 1024}
	n, err := dtype.bytesOf(shape)
	if err != nil {
		panic(err)
	}
	return Tensor{Name: "w", DType: dtype, Shape: shape, Data: bytes.Repeat(binary.LittleEndian.AppendUint16(nil, 0x3c3c), n/2)}
}

// BenchmarkOpenGGUF opens a real model: 272 tensors, 100 000 strings.
func BenchmarkOpenGGUF(b *testing.B) {
	dir := os.DirFS(sharedDir(b, "data", "models", "smollm2-135m-instruct"))
	for b.Loop() {
		g, err := OpenGGUF(dir, "SmolLM2-135M-Instruct.Q4_1.gguf")
		if err != nil {
			b.Fatal(err)
		}
		if err := g.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
