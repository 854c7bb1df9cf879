package model

import (
	"fmt"
	"slices"
	"syscall"
	"testing"
	"time"
)

// adaptersOf are the names of n random adapters of rank 16 on all linear layers
// of the blocks from first on, loaded.
func adaptersOf(b testing.TB, e *Engine, n, first int) (names []string) {
	b.Helper()
	for i := range n {
		name := fmt.Sprintf("from %d, %d", first, i)
		dir := tinyAdapterAbove(e.config.Config, first, 16, uint64(i), "q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
		if _, err := e.LoadAdapter(b.Context(), name, dir); err != nil {
			b.Fatal(err)
		}
		names = append(names, name)
	}
	return names
}

// cpuTime is what the process has computed so far, all threads together.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// questions scores n questions with four choices each for all variants, as a
// runner does: variants side by side, some 192 jobs in flight. Contexts of 28
// tokens and choices of 3.5 are what arc_easy has on average.
func questions(b testing.TB, e *Engine, n int, variants []string) {
	b.Helper()
	e.forget(b)
	id := 0
	for q := range n {
		context := benchTokens(e, 24+q%9, 1000+q)
		for _, v := range variants {
			for c := range 4 {
				choice := benchTokens(e, 1+(q+c)%6, 5000+4*q+c)
				if err := e.Submit(Job{ID: id, Adapter: v, Tokens: slices.Concat(context, choice), Scored: len(choice)}); err != nil {
					b.Fatal(err)
				}
				id++
			}
		}
		for e.Pending() >= 192 {
			if _, err := e.Step(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	}
	drain(b, e)
}

// BenchmarkQuestionsOfVariants is the time that base and ten adapters take for
// questions, against eleven times that of the base alone, alternating: adapters
// of all blocks, of the last half, of the last eight. On one thread, whose time
// by the processor's clock is the work's own, whatever else runs.
func BenchmarkQuestionsOfVariants(b *testing.B) {
	needShared(b, smolModel)
	for _, first := range []int{0, 15, 22} {
		b.Run(fmt.Sprintf("first=%d", first), func(b *testing.B) {
			e := openEngine(b, smolModel, Options{Threads: 1})
			variants := append([]string{""}, adaptersOf(b, e, 10, first)...)
			var wall, cpu []float64
			timed := func(variants []string) (wall, cpu float64) {
				began, used := time.Now(), cpuTime()
				questions(b, e, 16, variants)
				return time.Since(began).Seconds(), (cpuTime() - used).Seconds()
			}
			for b.Loop() {
				w1, c1 := timed(variants[:1])
				w2, c2 := timed(variants)
				wall, cpu = append(wall, w2/w1/11), append(cpu, c2/c1/11)
			}
			slices.Sort(wall)
			slices.Sort(cpu)
			b.ReportMetric(wall[len(wall)/2], "of-11-bases")
			b.ReportMetric(cpu[len(cpu)/2], "of-11-bases-CPU")
		})
	}
}
