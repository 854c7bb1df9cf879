package benchmark

import (
	"sync"

	"github.com/ailiance/lorabench/model/kernel"
)

// probes is how often each ceiling is measured: the best counts, since what else
// runs can only take away.
const probes = 3

// Probe measures what so many threads do at best at the same time.
func Probe(threads int) Ceiling {
	sum := func(probe func() float64) float64 {
		rates := make([]float64, threads)
		var all sync.WaitGroup
		for i := range rates {
			all.Go(func() { rates[i] = probe() })
		}
		all.Wait()
		total := 0.0
		for _, r := range rates {
			total += r
		}
		return total
	}
	var c Ceiling
	for range probes {
		c.GFLOPs, c.GBs = max(c.GFLOPs, sum(kernel.ProbePeak)), max(c.GBs, sum(kernel.ProbeBandwidth))
	}
	return c
}
