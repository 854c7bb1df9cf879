package model

import (
	"slices"
	"testing"

	"github.com/ailiance/lorabench/model/checkpoint"
)

func TestIgnoreEOS(t *testing.T) {
	cfg := tinyConfig()
	e := openSource(t, cfg, randomWeights(cfg, checkpoint.F32, 5), Options{})
	job := Job{Tokens: []int32{1, 2, 3}, MaxNewTokens: 6}
	write := func() Result {
		if err := e.Submit(job); err != nil {
			t.Fatal(err)
		}
		return drain(t, e)[0]
	}
	e.eos = nil
	whole := write()
	e.eos = []int32{whole.New[2]}
	if r := write(); r.Stop != StopEOS || len(r.New) >= 3 {
		t.Fatalf("%d tokens, stopped by %s, want at most 2 and %s", len(r.New), r.Stop, StopEOS)
	}
	job.IgnoreEOS = true
	if r := write(); r.Stop != StopLength || !slices.Equal(r.New, whole.New) {
		t.Errorf("%v, stopped by %s, want %v and %s", r.New, r.Stop, whole.New, StopLength)
	}
}
