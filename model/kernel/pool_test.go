package kernel

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
)

func TestPoolRunsEachItemOnce(t *testing.T) {
	for threads := 1; threads <= 4; threads++ {
		p := NewPool(threads)
		for n := range 40 {
			for range 20 {
				seen := make([]atomic.Int32, n)
				p.Run(n, func(worker, i int) {
					if worker < 0 || worker >= p.Threads() {
						t.Errorf("worker %d of %d", worker, p.Threads())
					}
					seen[i].Add(1)
				})
				for i := range seen {
					if got := seen[i].Load(); got != 1 {
						t.Fatalf("%d threads, %d items: item %d ran %d times", threads, n, i, got)
					}
				}
			}
		}
		p.Close()
	}
}

func TestPoolPanic(t *testing.T) {
	p := NewPool(3)
	defer p.Close()
	for round := range 50 {
		var begun atomic.Int32
		func() {
			defer func() {
				if n := begun.Load(); n != 8 {
					t.Fatalf("round %d: %d of 8 items were begun: one that waits for another would wait forever", round, n)
				}
				if v := recover(); v == nil || !strings.Contains(fmt.Sprint(v), "no such row") {
					t.Fatalf("round %d: recovered %v, want the worker's panic", round, v)
				}
			}()
			p.Run(8, func(_, i int) {
				begun.Add(1)
				if i == round%8 {
					panic("no such row")
				}
			})
		}()
		var ran atomic.Int32
		p.Run(5, func(_, _ int) { ran.Add(1) })
		if ran.Load() != 5 {
			t.Fatalf("after a panic: %d of 5 items ran", ran.Load())
		}
	}
}
