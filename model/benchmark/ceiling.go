package benchmark

import (
	"sync"

	"github.com/ailiance/lorabench/model/kernel"
)

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
	return Ceiling{GFLOPs: sum(kernel.ProbePeak), GBs: sum(kernel.ProbeBandwidth)}
}
