package cost

import (
	"math"
	"testing"

	"github.com/ailiance/lorabench/model/architecture"
	shapes "github.com/ailiance/lorabench/model/shape"
)

// shape is a named shape in a storage; the embedding stays in two bytes a weight.
func shape(t *testing.T, name string, bytes float64) (*architecture.Config, Model) {
	t.Helper()
	known, err := shapes.Lookup(name)
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := known.Parse()
	if err != nil {
		t.Fatal(err)
	}
	return cfg, Of(cfg, bytes, 2)
}

// near reports whether got is want within a part of it.
func near(got, want, part float64) bool { return math.Abs(got-want) <= part*math.Abs(want) }

// TestCountsByHand: weights, adapters and keys and values as one counts them by hand.
func TestCountsByHand(t *testing.T) {
	cfg, m := shape(t, "tinyllama-1.1b", 2)
	perBlock := int64(2*2048*2048 + 2*2048*256 + 3*2048*5632)
	if m.Layers[0].Weights != perBlock || m.Streamed() != 22*perBlock+32000*2048 {
		t.Errorf("1.1B: %d weights a block, %d in all, want %d and %d", m.Layers[0].Weights, m.Streamed(), perBlock, 22*perBlock+32000*2048)
	}
	if kv := m.keyValues() * 2; kv != 22528 {
		t.Errorf("1.1B: %d bytes a position in 16 bits, want 22528", kv)
	}
	if got, want := m.attention(512), 22*4*2048*512.0; got != want {
		t.Errorf("attention to 512 positions takes %v operations, want %v", got, want)
	}
	if l := (Layer{Queries: 2048, Window: 100}); l.attention(512) != 4*2048*100 {
		t.Errorf("in a window of 100: %v operations", l.attention(512))
	}
	a := LowRank(cfg, 16, 0, 2, Attention...)
	if want := int64(22 * 16 * (4*2048 + 2048 + 256 + 256 + 2048)); a.total() != want {
		t.Errorf("an adapter has %d numbers, want %d", a.total(), want)
	}
	half := LowRank(cfg, 16, 11, 2, Attention...)
	if 2*half.total() != a.total() || half.first() != 11 || a.first() != 0 {
		t.Errorf("an adapter of the upper half has %d of %d numbers, from block %d on", half.total(), a.total(), half.first())
	}
	_, m = shape(t, "apertus-70b", 2)
	if want := int64(2*8192*8192 + 2*8192*1024 + 2*8192*43008); m.Layers[0].Weights != want || m.keyValues()*2 != 327680 {
		t.Errorf("Apertus-70B: %d weights a block, %d bytes a position, want %d and 327680", m.Layers[0].Weights, m.keyValues()*2, want)
	}
	if !near(m.Bytes()/2, 70.60e9, 1e-3) {
		t.Errorf("Apertus-70B has %.4g weights, want 70.60e9", m.Bytes()/2)
	}
}

// TestBoundsOfTokens are the most tokens a second that a machine allows with ten
// adapters of rank 16, each row another, at a context of 512. The expected numbers
// leave out the operations of attention, 4.5 % of the others here.
func TestBoundsOfTokens(t *testing.T) {
	cfg, _ := shape(t, "tinyllama-1.1b", 2)
	cpu := func(flops float64) Hardware {
		return Hardware{Bandwidth: 24.5e9, FLOPs: flops, Memory: 24 << 30, KeyValueBytes: 2, Efficiency: Ideal}
	}
	h100, err := Machine("h100")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name     string
		bytes    float64
		hardware Hardware
		want     [3]float64 // at 1, 8 and 32 rows
	}{
		{"CPU, bf16", 2, cpu(307e9), [3]float64{11.7, 88, 148}},
		{"CPU, int8", 8.5 / 8, cpu(700e9), [3]float64{22, 155, 337}},
		{"CPU, int4", 4.5 / 8, cpu(700e9), [3]float64{41, 263, 337}},
		{"H100, bf16", 2, h100, [3]float64{1436, 10750, 37970}},
		{"H100, int8", 8.5 / 8, h100, [3]float64{2680, 19000, 61600}},
		{"H100, int4", 4.5 / 8, h100, [3]float64{4980, 32200, 92200}},
	} {
		l := Load{Model: Of(cfg, tt.bytes, 2), Hardware: tt.hardware}
		for range 10 {
			l.Adapters = append(l.Adapters, LowRank(cfg, 16, 0, 2, Attention...))
		}
		for i, rows := range []float64{1, 8, 32} {
			_, _, ideal, _, _ := l.Step(rows, 512, 0)
			if got := rows / ideal; !near(got, tt.want[i], 0.05) {
				t.Errorf("%s, %.0f rows: at most %.4g tokens/s, want %.4g", tt.name, rows, got, tt.want[i])
			}
		}
	}
}

// TestApertus is the question of issue 5: Apertus-70B on all of GSM8K with eight
// shots, within 1800 s.
func TestApertus(t *testing.T) {
	work := Generation(1319, 1000, 90, 130)
	for _, tt := range []struct {
		name, machine   string
		bytes           float64
		shared          bool
		adapters        int
		fits            bool
		room            int
		prefill, decode float64 // seconds at the ceilings
		tolerance       float64
	}{
		{"H100, 4 bits", "h100", 4.5 / 8, true, 0, true, 512, 21, 30, 0.05},
		{"H100, FP8", "h100", 1, true, 0, true, 118, 21, 38, 0.05},
		{"H100, BF16", "h100", 2, true, 0, false, 0, 0, 0, 0},
		{"H200, BF16", "h200", 2, true, 0, true, 62, 21, 93, 0.05},
		{"H200, FP8", "h200", 1, true, 0, true, 512, 21, 30, 0.05},
		{"H100, 4 bits, nothing shared", "h100", 4.5 / 8, false, 0, true, 98, 250, 45, 0.05},
		{"H100, FP8, nothing shared", "h100", 1, false, 0, true, 22, 250, 207, 0.05},
		{"H200, BF16, nothing shared", "h200", 2, false, 0, true, 12, 250, 484, 0.05},
		{"H100, 4 bits, ten adapters", "h100", 4.5 / 8, true, 10, true, 476, 230, 335, 0.05},
		// Eleven prefixes and the adapters leave room for half as many sequences, so that
		// every step writes half as much: one variant after the other would take 418 s.
		{"H100, FP8, ten adapters", "h100", 1, true, 10, true, 54, 230, 900, 0.05},
	} {
		t.Run(tt.name, func(t *testing.T) {
			hardware, err := Machine(tt.machine)
			if err != nil {
				t.Fatal(err)
			}
			cfg, m := shape(t, "apertus-70b", tt.bytes)
			l := Load{Model: m, Work: work, Hardware: hardware, Shared: tt.shared}
			for range tt.adapters {
				l.Adapters = append(l.Adapters, LowRank(cfg, 16, 0, 2, Attention...))
			}
			e := l.Estimate()
			if e.Fits != tt.fits {
				t.Fatalf("fits: %v, want %v: %+v", e.Fits, tt.fits, e)
			}
			if !tt.fits {
				if e.Time() != 0 {
					t.Errorf("what does not fit takes %v s", e.Time())
				}
				return
			}
			if !near(e.Prefill.Ideal, tt.prefill, tt.tolerance) || !near(e.Decode.Ideal, tt.decode, tt.tolerance) {
				t.Errorf("prefill %.4g s, decode %.4g s, want %.4g and %.4g", e.Prefill.Ideal, e.Decode.Ideal, tt.prefill, tt.decode)
			}
			if tt.room > 0 && !near(float64(e.Batch), float64(tt.room), 0.02) {
				t.Errorf("%d sequences at a time, want %d", e.Batch, tt.room)
			}
		})
	}
}
