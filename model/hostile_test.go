package model

import (
	"errors"
	"runtime"
	"testing"

	"github.com/ailiance/lorabench/model/checkpoint"
)

// TestHostileJobs: what is too much for the engine is an error of that job, at
// once or as its result, and takes no memory by its size.
func TestHostileJobs(t *testing.T) {
	cfg := tinyConfig()
	cfg.MaxPositionEmbeddings = 1 << 20
	e := openSource(t, cfg, randomWeights(cfg, checkpoint.F32, 7), Options{CacheBytes: 1 << 20})
	huge := make([]int32, 1<<20)
	for name, tt := range map[string]struct {
		job  Job
		fits bool // the model, if not the memory
	}{
		"a huge context":      {Job{Tokens: huge, Scored: 1}, true},
		"all of it scored":    {Job{Tokens: huge, Scored: len(huge) - 1}, true},
		"a text without end":  {Job{Tokens: huge[:9], MaxNewTokens: 1 << 62}, true},
		"more than positions": {Job{Tokens: append(huge, 1, 1), Scored: 1}, false},
		"empty continuation":  {Job{Tokens: huge[:9]}, false},
		"nothing at all":      {Job{}, false},
	} {
		err := e.Submit(tt.job)
		if (err == nil) != tt.fits {
			t.Errorf("%s: error %v", name, err)
		}
		if err != nil {
			continue
		}
		var tooLarge *MemoryError
		if r := drain(t, e); len(r) != 1 || !errors.As(r[0].Err, &tooLarge) {
			t.Errorf("%s: %d results, %v, want a MemoryError", name, len(r), r[0].Err)
		}
	}
	if e.cache.used != 0 || e.cache.reserved != 0 {
		t.Errorf("%d bytes of keys and values in use, %d promised", e.cache.used, e.cache.reserved)
	}
}

// TestManyJobs: a job that waits takes little memory, one that is done none, and
// all of them can be cancelled.
func TestManyJobs(t *testing.T) {
	cfg := tinyConfig()
	e := openSource(t, cfg, randomWeights(cfg, checkpoint.F32, 7), Options{CacheBytes: 1 << 20})
	heap := func() int64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	const n = 200_000
	tokens := make([]int32, 4*n) // the caller's
	before := heap()
	for i := range n {
		choice := tokens[4*i : 4*i+4]
		choice[0], choice[1], choice[2] = int32(i%100), int32(i/100%100), int32(i/10000%100)
		if err := e.Submit(Job{ID: i, Tokens: choice, Scored: 1}); err != nil {
			t.Fatal(err)
		}
	}
	if each := (heap() - before) / n; each > 1024 {
		t.Errorf("%d bytes for a job that waits", each)
	}
	done := map[int]bool{}
	for range 20 {
		results, err := e.Step(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range results {
			done[r.ID] = true
		}
	}
	for i := range n {
		if !done[i] {
			_, done[i] = e.Cancel(i)
		}
	}
	if len(done) != n || e.Pending() != 0 || len(e.bundles) != 0 || e.cache.reserved != 0 {
		t.Errorf("%d of %d jobs done, %d pending, %d bundles, %d bytes promised", len(done), n, e.Pending(), len(e.bundles), e.cache.reserved)
	}
	done = nil
	runtime.KeepAlive(tokens)
	if left := heap() - before; left > 4<<20 {
		t.Errorf("%d bytes in use when all jobs are gone", left)
	}
}
