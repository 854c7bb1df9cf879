package benchmark

import (
	"sync"
	"time"

	"github.com/ailiance/lorabench/model/kernel"
)

// bursts and reads are how often each ceiling is measured: the best counts, since
// what else runs can only take away.
const bursts, reads = 40, 8

// Probe measures what so many threads do at best at the same time.
func Probe(threads int) Ceiling {
	return Ceiling{
		GFLOPs: together(threads, bursts, kernel.ProbePeak) / 1e9,
		GBs:    together(threads, reads, kernel.ProbeBandwidth) / 1e9,
	}
}

// together has all threads do the work that each prepares, rounds times, and
// gives the most that they did in a second of a round: from its begin until the
// last is done, because two cores may not do twice what each does alone.
func together(threads, rounds int, prepare func() (work func(), amount float64)) float64 {
	works, total := make([]func(), threads), 0.0
	each := func(f func(i int)) {
		var all sync.WaitGroup
		for i := range threads {
			all.Go(func() { f(i) })
		}
		all.Wait()
	}
	amounts := make([]float64, threads)
	each(func(i int) { works[i], amounts[i] = prepare() })
	for _, a := range amounts {
		total += a
	}
	best := 0.0
	for range rounds {
		start := time.Now()
		each(func(i int) { works[i]() })
		best = max(best, total/time.Since(start).Seconds())
	}
	return best
}
