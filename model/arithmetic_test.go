package model

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/ailiance/lorabench/model/architecture"
	"github.com/ailiance/lorabench/model/checkpoint"
)

// portableWeights makes tensors from sums and products only, equal wherever Go
// runs. Matrices are Q8_0 or Q4_1.
func portableWeights(cfg *architecture.Config, d checkpoint.DType) memorySource {
	r := rand.New(rand.NewPCG(17, 4))
	src := memorySource{}
	for _, spec := range cfg.Tensors() {
		t := checkpoint.Tensor{Name: spec.Name, DType: checkpoint.F32, Shape: spec.Shape}
		n := values(spec.Shape)
		if len(spec.Shape) != 2 {
			for range n {
				t.Data = binary.LittleEndian.AppendUint32(t.Data, math.Float32bits(float32((2*r.Float64()-1)*0.2+1)))
			}
			src[spec.Name] = t
			continue
		}
		t.DType = d
		for range n / 32 {
			codes := 32
			if d == checkpoint.Q8_0 {
				t.Data = binary.LittleEndian.AppendUint16(t.Data, uint16(0x1400+r.IntN(1024))) // 2⁻¹⁰ to 2⁻⁹
			} else {
				t.Data = binary.LittleEndian.AppendUint16(t.Data, uint16(0x2400+r.IntN(1024))) // 2⁻⁶ to 2⁻⁵
				t.Data = binary.LittleEndian.AppendUint16(t.Data, uint16(0xb000+r.IntN(1024))) // −2⁻³ to −2⁻²
				codes = 16
			}
			for range codes {
				t.Data = append(t.Data, byte(r.IntN(256)))
			}
		}
		src[spec.Name] = t
	}
	return src
}

// logitsHash is the hash of the logits of 70 tokens of r, and the logits.
func logitsHash(t *testing.T, e *Engine, r *rand.Rand) (string, [][]float32) {
	t.Helper()
	tokens := make([]int32, 70)
	for i := range tokens {
		tokens[i] = int32(r.IntN(e.config.VocabSize))
	}
	rows, err := e.Logits(t.Context(), "", tokens)
	if err != nil {
		t.Fatal(err)
	}
	h := sha256.New()
	for _, row := range rows {
		for _, x := range row {
			if x-x != 0 {
				t.Fatal("a logit is not finite")
			}
			h.Write(binary.LittleEndian.AppendUint32(nil, math.Float32bits(x)))
		}
	}
	return hex.EncodeToString(h.Sum(nil)[:8]), rows
}

// TestArithmeticSameBitsOnEveryMachine is TestSameBitsOnEveryMachine for int8.
func TestArithmeticSameBitsOnEveryMachine(t *testing.T) {
	for _, tt := range []struct {
		name  string
		dtype checkpoint.DType
		want  string
	}{
		{"llama", checkpoint.Q8_0, "649fb8903517936d"},
		{"gemma3", checkpoint.Q4_1, "d975748a93aa6eae"},
		{"qwen3", checkpoint.Q4_1, "2fc92ce1c89b3bfa"},
	} {
		cfg := parseTiny(tinyArchitecture(tt.name))
		e := openSource(t, cfg, portableWeights(cfg, tt.dtype), Options{Threads: 2, Arithmetic: Int8})
		if got, _ := logitsHash(t, e, rand.New(rand.NewPCG(18, 4))); got != tt.want {
			t.Errorf("%s: logits %s, want %s", tt.name, got, tt.want)
		}
	}
}

// TestInt8NearFloat32: int8 gives other numbers, and not far off.
func TestInt8NearFloat32(t *testing.T) {
	cfg := parseTiny(tinyArchitecture("llama"))
	src := portableWeights(cfg, checkpoint.Q8_0)
	exact := openSource(t, cfg, src, Options{})
	quick := openSource(t, cfg, src, Options{Arithmetic: Int8})
	if exact.Arithmetic() != "f32" || quick.Arithmetic() != "int8" {
		t.Fatalf("arithmetic %s and %s", exact.Arithmetic(), quick.Arithmetic())
	}
	_, want := logitsHash(t, exact, rand.New(rand.NewPCG(18, 4)))
	_, got := logitsHash(t, quick, rand.New(rand.NewPCG(18, 4)))
	most, size := 0.0, 0.0
	for i := range want {
		for j := range want[i] {
			most = max(most, math.Abs(float64(got[i][j]-want[i][j])))
			size = max(size, math.Abs(float64(want[i][j])))
		}
	}
	if most == 0 || most > 0.1*size {
		t.Errorf("logits of up to %v differ by up to %v", size, most)
	}
}

// TestArithmeticIsStated: what keeps float32 is noted, and where all does the
// arithmetic is refused.
func TestArithmeticIsStated(t *testing.T) {
	cfg := parseTiny(tinyArchitecture("llama"))
	src := portableWeights(cfg, checkpoint.Q8_0)
	if e := openSource(t, cfg, src, Options{Arithmetic: Int8}); len(e.notes) != 0 {
		t.Errorf("notes %q", e.notes)
	}
	plain := randomWeights(cfg, checkpoint.BF16, 1)
	name := architecture.EmbedTokens + ".weight"
	src[name] = plain[name]
	e := openSource(t, cfg, src, Options{Arithmetic: Int8})
	if len(e.notes) != 1 || !strings.Contains(e.notes[0], "1 of 16 matrices keep float32, being stored as BF16") {
		t.Errorf("notes %q", e.notes)
	}
	for _, tt := range []struct {
		with Arithmetic
		want string
	}{
		{Int8, "no matrix is stored in a form that it serves, but F32: use f32"},
		{"int4", `arithmetic "int4": want f32, int8, bf16`},
	} {
		_, err := OpenFS(t.Context(), tinyDirectory(tinyArchitecture("llama"), 1), ".", Options{TokensOnly: true, Arithmetic: tt.with})
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("arithmetic %s of an F32 checkpoint: %v, want %s", tt.with, err, tt.want)
		}
	}
}
