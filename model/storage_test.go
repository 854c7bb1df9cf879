package model

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/ailiance/lorabench/model/checkpoint"
	"github.com/ailiance/lorabench/model/kernel"
)

// wideJSON has matrices whose rows are whole blocks of 256 values.
const wideJSON = `{"model_type":"llama","hidden_size":256,"intermediate_size":512,"num_hidden_layers":1,"num_attention_heads":4,
"num_key_value_heads":2,"head_dim":64,"vocab_size":85,"max_position_embeddings":64,"bos_token_id":null,"eos_token_id":3}`

// sumTolerance is how far the logits of codes and of the weights that they stand
// for may be apart, of the largest: their sums are made in another order. Of
// random layers with wild scales they were 4e-5 apart.
const sumTolerance = 1e-4

// apart is the largest difference of logits, of the largest of them.
func apart(got, want [][]float32) float64 {
	most, largest := 0.0, 0.0
	for i := range want {
		for j, w := range want[i] {
			d := math.Abs(float64(got[i][j]) - float64(w))
			if d != d {
				return math.Inf(1)
			}
			most, largest = max(most, d), max(largest, math.Abs(float64(w)))
		}
	}
	return most / largest
}

// closeLogits fails unless two engines have the same weights, bit for bit, and
// give the same logits but for the order of their sums.
func closeLogits(t *testing.T, got, want *Engine) {
	t.Helper()
	same := func(what string, g, w *kernel.Matrix) {
		if w == nil {
			return
		}
		a, b := make([]float32, w.Cols()), make([]float32, w.Cols())
		for r := range w.Rows() {
			g.Row(r, a)
			w.Row(r, b)
			if !slices.Equal(a, b) {
				t.Fatalf("row %d of %s is %v …, want %v …", r, what, a[:4], b[:4])
			}
		}
	}
	same("the embedding", got.decoder.embed, want.decoder.embed)
	same("the output layer", got.decoder.head, want.decoder.head)
	for n := range want.decoder.layers {
		for i, w := range want.decoder.layers[n].linear {
			same(fmt.Sprintf("linear layer %d of block %d", i, n), got.decoder.layers[n].linear[i], w)
		}
	}
	tokens := []int32{5, 80, 7, 20, 9, 10, 33, 12, 13, 5, 5, 6, 7, 8, 9, 44, 45, 46}
	g, err := got.Logits(t.Context(), "", tokens)
	if err != nil {
		t.Fatal(err)
	}
	w, err := want.Logits(t.Context(), "", tokens)
	if err != nil {
		t.Fatal(err)
	}
	if d := apart(g, w); !(d <= sumTolerance) {
		t.Errorf("logits are %.2g apart, of the largest", d)
	}
}

// TestBlockTypesEqualWidened: matrices in the block types of GGUF that are packed
// as codes compute what their values stored in 32 bits do, in about the memory
// that the file takes.
func TestBlockTypesEqualWidened(t *testing.T) {
	scales := map[checkpoint.DType][]int{ // where blocks have float16 scales
		checkpoint.Q5_0: {0}, checkpoint.Q5_1: {0, 2}, checkpoint.Q2_K: {80, 82}, checkpoint.Q3_K: {108}, checkpoint.Q4_K: {0, 2},
		checkpoint.Q5_K: {0, 2}, checkpoint.Q6_K: {208}, checkpoint.IQ4_NL: {0}, checkpoint.IQ4_XS: {0}, checkpoint.MXFP4: nil, checkpoint.NVFP4: nil,
	}
	cfg := parseTiny(wideJSON)
	for dtype, at := range scales {
		t.Run(dtype.String(), func(t *testing.T) {
			r := rand.New(rand.NewPCG(31, uint64(dtype)))
			stored, widened := randomWeights(cfg, checkpoint.F32, 21), memorySource{}
			for name, x := range stored {
				if len(x.Shape) == 2 {
					x.DType, x.Data = dtype, randomCodes(r, dtype, x.Values(), at)
				}
				stored[name] = x
				values, err := x.Float32s()
				if err != nil {
					t.Fatal(err)
				}
				widened[name] = checkpoint.Tensor{Name: name, DType: checkpoint.F32, Shape: x.Shape, Data: floatBytes(values)}
				if len(x.Shape) != 2 {
					continue
				}
				m, err := pack(x, nil, Float32)
				if err != nil {
					t.Fatal(err)
				}
				if n, err := packedSize(x, Float32); err != nil || n != m.Bytes() {
					t.Errorf("%s %v: packedSize is %d, %v, want %d", name, x.Shape, n, err, m.Bytes())
				}
				rows := int64(x.Shape[0]+15) / 16 * 16
				if file := rows * int64(len(x.Data)/x.Shape[0]); m.Bytes() > file*3/2 {
					t.Errorf("%s %v takes %d bytes, of %d in the file", name, x.Shape, m.Bytes(), file)
				}
			}
			closeLogits(t, openSource(t, cfg, stored, Options{}), openSource(t, cfg, widened, Options{}))
		})
	}
}

// TestPackPermuted: the rows of codes are taken from where the permutation says,
// as those of queries and keys in a GGUF file of a Llama.
func TestPackPermuted(t *testing.T) {
	r := rand.New(rand.NewPCG(33, 1))
	x := checkpoint.Tensor{Name: "w", DType: checkpoint.Q6_K, Shape: []int{21, 512}, Data: randomCodes(r, checkpoint.Q6_K, 21*512, []int{208})}
	permutation := func(row int) int { return (row*5 + 3) % 21 }
	m, err := pack(x, permutation, Float32)
	if err != nil {
		t.Fatal(err)
	}
	got, want := make([]float32, 512), make([]float32, 512)
	for i := range 21 {
		m.Row(i, got)
		if err := x.Row(permutation(i), want); err != nil || !slices.Equal(got, want) {
			t.Fatalf("row %d differs from row %d of the file, %v", i, permutation(i), err)
		}
	}
}

// randomCodes draws n values of a block type, with scales of about 2⁻⁸ at the
// given offsets.
func randomCodes(r *rand.Rand, d checkpoint.DType, n int, at []int) []byte {
	var b []byte
	for range n / d.BlockValues() {
		block := make([]byte, d.BlockBytes())
		for i := range block {
			block[i] = byte(r.IntN(256))
		}
		for _, offset := range at {
			binary.LittleEndian.PutUint16(block[offset:], uint16(6+r.IntN(3))<<10|uint16(r.IntN(1024)))
		}
		switch d {
		case checkpoint.MXFP4:
			block[0] = byte(120 + r.IntN(8))
		case checkpoint.NVFP4:
			for i := range 4 {
				block[i] = byte(r.IntN(0x40))
			}
		}
		b = append(b, block...)
	}
	return b
}

func floatBytes(x []float32) []byte {
	b := make([]byte, 0, 4*len(x))
	for _, v := range x {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	return b
}

// scaledModule is how the tests store a matrix with tensors of scales beside it.
type scaledModule struct {
	mode        string // of MLX, or fp8
	bits, group int
	scale       checkpoint.DType // of affine and fp8
	block       []int            // of fp8
}

// store draws a matrix: the tensors of its module, and its values from the
// definition of the format.
func (s scaledModule) store(r *rand.Rand, name string, rows, cols int, to memorySource) []float32 {
	codes := make([]int, rows*cols)
	for i := range codes {
		codes[i] = r.IntN(1 << s.bits)
		if s.bits == 8 && s.mode != "affine" && codes[i]&0x7f == 0x7f {
			codes[i]--
		}
	}
	put := func(suffix string, d checkpoint.DType, shape []int, data []byte) {
		name := strings.TrimSuffix(name, "weight") + suffix
		to[name] = checkpoint.Tensor{Name: name, DType: d, Shape: shape, Data: data}
	}
	if s.mode == "fp8" {
		data := make([]byte, len(codes))
		for i, code := range codes {
			data[i] = byte(code)
		}
		put("weight", checkpoint.F8E4M3, []int{rows, cols}, data)
		return s.storeFP8(r, codes, rows, cols, put)
	}
	packed := make([]byte, rows*cols*s.bits/8) // code i has the bits from i·bits on
	for i, code := range codes {
		for b := range s.bits {
			packed[(i*s.bits+b)/8] |= byte(code>>b&1) << ((i*s.bits + b) % 8)
		}
	}
	put("weight", checkpoint.U32, []int{rows, cols * s.bits / 32}, packed)
	groups := rows * cols / s.group
	shape := []int{rows, cols / s.group}
	values := make([]float32, len(codes))
	if s.mode == "affine" {
		scale, scales := randomScales(r, s.scale, groups, 0.02/float64(int(1)<<s.bits))
		bias, biases := randomScales(r, s.scale, groups, 0.02)
		put("scales", s.scale, shape, scale)
		put("biases", s.scale, shape, bias)
		for i, code := range codes {
			values[i] = float32(scales[i/s.group]*float32(code)) + biases[i/s.group]
		}
		return values
	}
	scale := make([]byte, groups)
	for i := range scale {
		scale[i] = byte(117 + r.IntN(6))
		if s.mode == "nvfp4" {
			scale[i] = byte(r.IntN(0x20))
		}
	}
	put("scales", checkpoint.U8, shape, scale)
	for i, code := range codes {
		of := math.Ldexp(1, int(scale[i/s.group])-127)
		if s.mode == "nvfp4" {
			of = smallFloat(int(scale[i/s.group]), 4, 3)
		}
		exponent := 2
		if s.bits == 8 {
			exponent = 4
		}
		values[i] = float32(of * smallFloat(code, exponent, s.bits-1-exponent))
	}
	return values
}

func (s scaledModule) storeFP8(r *rand.Rand, codes []int, rows, cols int, put func(string, checkpoint.DType, []int, []byte)) []float32 {
	shape, block := []int{}, []int{rows, cols}
	if s.block != nil {
		block = s.block
		shape = []int{(rows + block[0] - 1) / block[0], (cols + block[1] - 1) / block[1]}
	}
	across := (cols + block[1] - 1) / block[1]
	data, scales := randomScales(r, s.scale, (rows+block[0]-1)/block[0]*across, 1e-3)
	put("weight_scale_inv", s.scale, shape, data)
	put("activation_scale", s.scale, []int{}, data[:s.scale.BlockBytes()])
	values := make([]float32, len(codes))
	for i, code := range codes {
		values[i] = scales[i/cols/block[0]*across+i%cols/block[1]] * float32(smallFloat(code, 4, 3))
	}
	return values
}

// randomScales draws n numbers of a plain type, and widens them.
func randomScales(r *rand.Rand, d checkpoint.DType, n int, size float64) ([]byte, []float32) {
	var b []byte
	for range n {
		bits := math.Float32bits(float32(r.NormFloat64() * size))
		switch d {
		case checkpoint.F32:
			b = binary.LittleEndian.AppendUint32(b, bits)
		case checkpoint.BF16:
			b = binary.LittleEndian.AppendUint16(b, uint16(bits>>16))
		case checkpoint.F16:
			b = binary.LittleEndian.AppendUint16(b, uint16(r.IntN(2)<<15|(4+r.IntN(3))<<10|r.IntN(1024)))
		}
	}
	x := checkpoint.Tensor{Name: "scales", DType: d, Shape: []int{n}, Data: b}
	values, err := x.Float32s()
	if err != nil {
		panic(err)
	}
	return b, values
}

// smallFloat is a float of sign, exponent and mantissa by its definition.
func smallFloat(bits, exponentBits, mantissaBits int) float64 {
	mantissa, exponent := bits&(1<<mantissaBits-1), bits>>mantissaBits&(1<<exponentBits-1)
	bias := 1<<(exponentBits-1) - 1
	v := math.Ldexp(1+math.Ldexp(float64(mantissa), -mantissaBits), exponent-bias)
	if exponent == 0 {
		v = math.Ldexp(float64(mantissa), 1-bias-mantissaBits)
	}
	if bits>>(exponentBits+mantissaBits) == 1 {
		v = -v
	}
	return v
}

// TestScaledEqualsWidened: folders of MLX and FP8 compute what their values stored
// in 32 bits do: every module stored in another way, one of them plain.
func TestScaledEqualsWidened(t *testing.T) {
	affine := func(bits, group int, scale checkpoint.DType) scaledModule {
		return scaledModule{mode: "affine", bits: bits, group: group, scale: scale}
	}
	for name, forms := range map[string][]scaledModule{
		"affine": {
			affine(4, 64, checkpoint.BF16), affine(2, 32, checkpoint.F16), affine(3, 64, checkpoint.F32), affine(5, 128, checkpoint.BF16),
			affine(6, 32, checkpoint.F32), affine(8, 64, checkpoint.F32), affine(8, 128, checkpoint.F16), affine(4, 32, checkpoint.F32),
		},
		"mx": {
			{mode: "mxfp4", bits: 4, group: 32}, {mode: "mxfp8", bits: 8, group: 32}, {mode: "nvfp4", bits: 4, group: 16}, affine(4, 64, checkpoint.BF16),
		},
		"fp8 of one scale": {{mode: "fp8", bits: 8, scale: checkpoint.BF16}},
		"fp8 in blocks":    {{mode: "fp8", bits: 8, scale: checkpoint.F32, block: []int{48, 96}}},
	} {
		t.Run(name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(41, uint64(len(forms))))
			plain := randomWeights(parseTiny(wideJSON), checkpoint.F32, 21)
			stored, widened, overrides := memorySource{}, memorySource{}, ""
			for i, name := range plain.Names() {
				x := plain[name]
				widened[name], stored[name] = x, x
				if len(x.Shape) != 2 || strings.HasSuffix(name, "0.self_attn.v_proj.weight") {
					continue
				}
				form := forms[i%len(forms)]
				x.Data = floatBytes(form.store(r, name, x.Shape[0], x.Shape[1], stored))
				widened[name] = x
				overrides += fmt.Sprintf(`,%q:{"group_size":%d,"bits":%d,"mode":%q}`, strings.TrimSuffix(name, ".weight"), form.group, form.bits, form.mode)
			}
			config := fmt.Sprintf(`"quantization":{"group_size":64,"bits":4%s}`, overrides)
			if forms[0].mode == "fp8" {
				block := strings.ReplaceAll(fmt.Sprint(forms[0].block), " ", ",")
				if forms[0].block == nil {
					block = "null"
				}
				config = fmt.Sprintf(`"quantization_config":{"quant_method":"fp8","activation_scheme":"static","dequantize":false,"modules_to_not_convert":["lm_head"],"weight_block_size":%s}`, block)
			}
			open := func(m memorySource, config string) *Engine {
				dir := fstest.MapFS{
					checkpoint.ConfigFile:  {Data: []byte(strings.Replace(wideJSON, "{", "{"+config, 1))},
					checkpoint.WeightsFile: {Data: safetensorsOf(m)},
				}
				e, err := OpenFS(t.Context(), dir, ".", Options{Threads: 1, TokensOnly: true})
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(e.Close)
				return e
			}
			closeLogits(t, open(stored, config+","), open(widened, ""))
		})
	}
}

// BenchmarkPack packs matrices of codes [2048 2048].
func BenchmarkPack(b *testing.B) {
	r := rand.New(rand.NewPCG(51, 1))
	for dtype, at := range map[checkpoint.DType][]int{checkpoint.Q4_1: {0, 2}, checkpoint.Q4_K: {0, 2}, checkpoint.Q6_K: {208}} {
		b.Run("type="+dtype.String(), func(b *testing.B) {
			x := checkpoint.Tensor{Name: "w", DType: dtype, Shape: []int{2048, 2048}, Data: randomCodes(r, dtype, 2048*2048, at)}
			b.SetBytes(int64(len(x.Data)))
			for b.Loop() {
				if _, err := pack(x, nil, Float32); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
