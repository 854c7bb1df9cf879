package cost

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// TestTally counts what requests share, and compares with a set of all prefixes.
func TestTally(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var tally Tally
	seen := map[string]bool{}
	var want Work
	common := 1 << 30
	var first []int32
	for range 50 {
		tally.Sample()
		want.Samples++
		context := []int32{7, 7, 300, 7}
		for range r.IntN(4) {
			context = append(context, int32(r.IntN(2)))
		}
		for range 3 {
			scored := 1 + r.IntN(3)
			tokens := slices.Clone(context)
			for range scored {
				tokens = append(tokens, int32(r.IntN(2)))
			}
			tally.Score(tokens, scored)
			inputs := tokens[:len(tokens)-1]
			want.Requests++
			want.Scored += int64(scored)
			for at, id := range inputs {
				want.Separate.Positions++
				want.Separate.Pairs += float64(at + 1)
				key := ""
				for _, k := range inputs[:at+1] {
					key += string(rune('a' + k))
				}
				if logits := at >= len(inputs)-scored; logits || !seen[key] {
					want.Shared.Positions++
					want.Shared.Pairs += float64(at + 1)
					seen[key] = seen[key] || !logits
				}
				_ = id
			}
			if first == nil {
				first = inputs[:len(inputs)-scored]
			}
			n := 0
			for n < min(len(first), len(inputs)-scored) && first[n] == inputs[n] {
				n++
			}
			common = min(common, n)
		}
	}
	want.Prefix = common
	got := tally.Work()
	if got.Samples != want.Samples || got.Requests != want.Requests || got.Prefix != want.Prefix || got.Scored != want.Scored ||
		got.Shared != want.Shared || got.Separate != want.Separate {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if got.Shared.Positions*2 > got.Separate.Positions {
		t.Errorf("%d of %d positions are computed: nothing is shared", got.Shared.Positions, got.Separate.Positions)
	}
}

// TestTallyOfGenerations: what is counted of prompts is what Generation says of
// their numbers.
func TestTallyOfGenerations(t *testing.T) {
	const samples, prefix, own, written = 30, 40, 9, 5
	var tally Tally
	for i := range samples {
		prompt := make([]int32, prefix+own)
		for k := range own {
			prompt[prefix+k] = int32(1 + i)
		}
		tally.Sample()
		tally.Generate(prompt, written)
	}
	got, want := tally.Work(), Generation(samples, prefix, own, written)
	if got.Shared != want.Shared || got.Separate != want.Separate || got.Prefix != want.Prefix || got.Prompt != want.Prompt ||
		got.Scored != want.Scored || !slices.Equal(got.New, want.New) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// TestOccupancy: every token is written once, and no step is fuller than allowed.
func TestOccupancy(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 200 {
		lengths := make([]int, 1+r.IntN(40))
		total := 0
		for i := range lengths {
			lengths[i] = 1 + r.IntN(200)
			total += lengths[i]
		}
		batch := 1 + r.IntN(60)
		written, steps := 0.0, 0.0
		for rows, n := range occupancy(lengths, batch) {
			if rows > float64(batch)+1e-9 || n <= 0 {
				t.Fatalf("%v steps of %v rows, at most %d are allowed", n, rows, batch)
			}
			written += rows * n
			steps += n
		}
		if !near(written, float64(total), 1e-9) || steps < float64(slices.Max(lengths))-1e-9 || steps < written/float64(batch)-1e-9 {
			t.Fatalf("%v tokens in %v steps, want %d tokens, the longest %d, in batches of %d",
				written, steps, total, slices.Max(lengths), batch)
		}
	}
}

// TestSharedBlocks: an adapter of the upper half costs half of the blocks, and
// nothing where blocks are not shared.
func TestSharedBlocks(t *testing.T) {
	cfg, m := shape(t, "smollm2-135m", 2)
	work := Generation(100, 0, 64, 1)
	work.Scored = 0
	hardware := Hardware{Bandwidth: 1e15, FLOPs: 1e11, Memory: 1e12, KeyValueBytes: 4, Sequences: 256, StepRows: 256, Efficiency: Ideal}
	prefill := func(shared bool, adapters int, first int) float64 {
		l := Load{Model: m, Work: work, Hardware: hardware, Shared: shared}
		for range adapters {
			l.Adapters = append(l.Adapters, LowRank(cfg, 16, first, 2, Attention...))
		}
		e := l.Estimate()
		return e.Prefill.Time
	}
	base := prefill(true, 0, 0)
	for _, tt := range []struct {
		name   string
		shared bool
		first  int
		want   float64 // of eleven times the base
	}{
		{"all blocks", true, 0, 1},
		{"upper half", true, 15, (1 + 10*0.5) / 11},
		{"last 8 of 30", true, 22, (1 + 10*8.0/30) / 11},
		{"upper half, nothing shared", false, 15, 1},
	} {
		if got := prefill(tt.shared, 10, tt.first) / (11 * base); !near(got, tt.want, 0.03) {
			t.Errorf("%s: %.3f of eleven times the base, want %.3f", tt.name, got, tt.want)
		}
	}
}

// TestEfficiency is interpolated by the logarithm of rows and constant outside.
func TestEfficiency(t *testing.T) {
	e := Efficiency{Decode: []Reached{{1, 0.8}, {8, 0.5}, {32, 0.3}}}
	for _, tt := range []struct{ rows, want float64 }{{0.5, 0.8}, {1, 0.8}, {8, 0.5}, {16, 0.4}, {32, 0.3}, {256, 0.3}} {
		if got := e.decode(tt.rows); !near(got, tt.want, 1e-9) {
			t.Errorf("%v rows: %v, want %v", tt.rows, got, tt.want)
		}
	}
}
