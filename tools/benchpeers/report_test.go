package main

import (
	"slices"
	"strings"
	"testing"
)

func TestRatios(t *testing.T) {
	for _, tt := range []struct {
		name         string
		unit         string
		ours, theirs []float64
		want         *spread
	}{
		{"tokens a second", "tokens/s", []float64{20, 30, 40}, []float64{10, 10, 10}, &spread{Median: 3, Min: 2, Max: 4, Pairs: 3}},
		{"seconds", seconds, []float64{1, 2}, []float64{4, 4}, &spread{Median: 3, Min: 2, Max: 4, Pairs: 2}},
		{"by pairs, not of medians", "tokens/s", []float64{1, 100}, []float64{1, 100}, &spread{Median: 1, Min: 1, Max: 1, Pairs: 2}},
		{"one is missing", "tokens/s", []float64{1, 2}, []float64{1}, &spread{Median: 1, Min: 1, Max: 1, Pairs: 1}},
		{"nothing", "tokens/s", nil, nil, nil},
		{"no rate", "tokens/s", []float64{1}, []float64{0}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := (&row{Unit: tt.unit, Ours: tt.ours, Theirs: tt.theirs}).ratio()
			if (got == nil) != (tt.want == nil) || got != nil && *got != *tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestTable(t *testing.T) {
	d := document{CPU: "a processor", Threads: 2, Load: []float64{0.5, 9}}
	r := d.row(row{Work: prefill, Model: "m", Arithmetic: "f32", Peer: "llama.cpp", Unit: "tokens/s", Aim: 1.5})
	r.Ours, r.Theirs = []float64{140}, []float64{100}
	if again := d.row(row{Work: prefill, Model: "m", Arithmetic: "f32", Peer: "llama.cpp"}); again != r {
		t.Error("one comparison has two rows")
	}
	d.row(row{Work: decode1, Model: "m", Arithmetic: "f32", Peer: "llama.cpp"})
	d.skip("OpenVINO", "not given")
	d.skip("OpenVINO", "not given")
	d.finish()
	got := d.markdown()
	for _, want := range []string{"| prefill 512 | m | f32 | llama.cpp | 140 tokens/s | 100 tokens/s | **1.40** (1.40…1.40 of 1) | 1.5 **missed** |", "**busy**", "- OpenVINO: not given\n"} {
		if strings.Count(got, want) != 1 {
			t.Errorf("%q is not there once in:\n%s", want, got)
		}
	}
	if strings.Contains(got, decode1) || len(d.Rows) != 1 {
		t.Errorf("a row without a measurement:\n%s", got)
	}
	page, err := between("top\n"+beginMark+"\nold\n"+endMark+"\nend\n", got)
	if err != nil || strings.Contains(page, "old") || !strings.HasPrefix(page, "top\n"+beginMark+"\na processor") || !strings.HasSuffix(page, "\n"+endMark+"\nend\n") {
		t.Errorf("%v:\n%s", err, page)
	}
	for _, bad := range []string{"", beginMark, endMark + beginMark} {
		if _, err := between(bad, got); err == nil {
			t.Errorf("%q has the marks", bad)
		}
	}
}

// TestAims: what issue 5 wants of each comparison.
func TestAims(t *testing.T) {
	b := &bench{options: options{llamaBench: "l", llamaBatched: "b", ikBench: "i", openVINO: "o"}}
	want := map[string][]string{ // arithmetic, peer and aim of prefill
		"m-f16.gguf":  {"f32 llama.cpp 1.5", "f32 ik_llama.cpp 1.5", "f32 OpenVINO f32 1.1", "bf16 OpenVINO bf16 1.1"},
		"m-bf16.gguf": {"f32 llama.cpp 1.5", "f32 ik_llama.cpp 1.5", "bf16 llama.cpp 1.5"},
		"m-Q8_0.gguf": {
			"f32 llama.cpp 1.1", "f32 ik_llama.cpp –", "f32 OpenVINO f32, no int8 activations –", "int8 llama.cpp 2", "int8 OpenVINO, int8 activations (its default) 1.3",
		},
	}
	for file, rows := range want {
		var got []string
		for _, p := range b.peers(file) {
			aim, prefills := p.aims[prefill]
			switch {
			case !prefills:
				if p.aims[decode8] != 1.3 || p.aims[decode32] != 1.5 {
					t.Errorf("%s against %s: %v", file, p.name, p.aims)
				}
				continue
			case p.aims[decode1] != 1:
				t.Errorf("%s against %s: %v", file, p.name, p.aims)
			}
			text := p.arithmetic + " " + p.name + " –"
			if aim > 0 {
				text = strings.TrimSuffix(text, "–") + number([]float64{aim}, "")
				text = strings.TrimRight(strings.TrimRight(strings.TrimSpace(text), "0"), ".")
			}
			got = append(got, text)
		}
		slices.Sort(got)
		slices.Sort(rows)
		if !slices.Equal(got, rows) {
			t.Errorf("%s:\ngot  %q\nwant %q", file, got, rows)
		}
	}
	if len((&bench{}).peers("m-f16.gguf")) != 0 {
		t.Error("without programs there is something to compare")
	}
}
