package kernel

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
)

// Pool is a set of goroutines that wait for work, for forking and joining many
// times a token. One goroutine at a time may call its methods.
type Pool struct {
	threads int
	scratch []Scratch
	current atomic.Pointer[job]
	wake    []chan struct{} // of the workers that sleep, one each
	asleep  []atomic.Bool
	wait    sync.WaitGroup
}

// job is one call of Run. A worker that comes late finds nothing left in it.
type job struct {
	f       func(worker, i int)
	n       int64
	next    atomic.Int64 // first item not taken
	done    atomic.Int64 // items finished or given up
	waiting atomic.Bool  // the caller sleeps until finished is closed
	once    sync.Once
	ended   chan struct{}
	failed  atomic.Pointer[workerPanic]
	stop    bool // the pool is closed
}

type workerPanic struct {
	value any
	stack []byte
}

// spins is how often a goroutine looks for news before it sleeps: about as long
// as waking another one takes.
const spins = 2000

// NewPool starts threads−1 goroutines; the caller of Run is the last thread.
// Fewer than one thread counts as one. Close ends them.
func NewPool(threads int) *Pool {
	threads = max(threads, 1)
	p := &Pool{
		threads: threads,
		scratch: make([]Scratch, threads),
		wake:    make([]chan struct{}, threads),
		asleep:  make([]atomic.Bool, threads),
	}
	for w := 1; w < threads; w++ {
		p.wake[w] = make(chan struct{}, 1)
		p.wait.Add(1)
		go p.work(w)
	}
	return p
}

// Threads is the number of goroutines that share work, the caller included.
func (p *Pool) Threads() int { return p.threads }

// Scratch is the working memory of a worker, for use inside Run.
func (p *Pool) Scratch(worker int) *Scratch { return &p.scratch[worker] }

// Close ends the workers and waits for them. The pool must not be used again.
func (p *Pool) Close() {
	p.publish(&job{stop: true})
	p.wait.Wait()
}

// Run calls f(worker, i) for each i in [0, n) and returns when all calls have
// ended. Which worker in [0, Threads) gets which i is chance, so f must write
// only what belongs to i. Where a call panics, the items not yet begun are left
// out and Run panics with that value. f must not call Run of the same pool.
func (p *Pool) Run(n int, f func(worker, i int)) {
	if p.threads == 1 || n <= 1 {
		for i := range n {
			f(0, i)
		}
		return
	}
	j := &job{f: f, n: int64(n), ended: make(chan struct{})}
	p.publish(j)
	j.work(0)
	for range spins {
		if j.done.Load() == j.n {
			break
		}
		runtime.Gosched()
	}
	if j.done.Load() != j.n {
		j.waiting.Store(true)
		if j.done.Load() != j.n {
			<-j.ended
		}
	}
	if failed := j.failed.Load(); failed != nil {
		panic(fmt.Sprintf("kernel: worker: %v\n%s", failed.value, failed.stack))
	}
}

// publish makes j current and wakes those that sleep.
func (p *Pool) publish(j *job) {
	p.current.Store(j)
	for w := 1; w < p.threads; w++ {
		if p.asleep[w].Swap(false) {
			p.wake[w] <- struct{}{}
		}
	}
}

func (p *Pool) work(worker int) {
	defer p.wait.Done()
	var last *job
	for {
		j := p.current.Load()
		for i := 0; j == last && i < spins; i++ {
			runtime.Gosched()
			j = p.current.Load()
		}
		if j == last {
			p.asleep[worker].Store(true)
			j = p.current.Load()
			if j == last || !p.asleep[worker].Swap(false) {
				<-p.wake[worker] // sent, or about to be
				j = p.current.Load()
			}
			if j == last {
				continue
			}
		}
		if j.stop {
			return
		}
		last = j
		j.work(worker)
	}
}

// work takes items until none is left.
func (j *job) work(worker int) {
	for {
		i := j.next.Add(1) - 1
		if i >= j.n {
			return
		}
		if j.failed.Load() == nil {
			j.call(worker, int(i))
		}
		if j.done.Add(1) == j.n && j.waiting.Load() {
			j.once.Do(func() { close(j.ended) })
		}
	}
}

func (j *job) call(worker, i int) {
	defer func() {
		if v := recover(); v != nil {
			j.failed.CompareAndSwap(nil, &workerPanic{v, debug.Stack()})
		}
	}()
	j.f(worker, i)
}

// rowChunk is the number of rows of x that a product takes at a time, so that
// they stay in the cache of a core while the weights pass by.
const rowChunk = 192

// minWork is the number of multiplications below which a product is not worth
// sharing out.
const minWork = 1 << 16

// Mul is Matrix.Mul over all columns, shared out by columns, and by rows where
// columns are few; never along the sum.
func (p *Pool) Mul(m *Matrix, y []float32, ldy int, x []float32, ldx, M int) {
	m.check(y, ldy, x, ldx, M, 0, m.rows)
	if p.threads == 1 || M*m.rows*m.cols < minWork {
		m.Mul(y, ldy, x, ldx, M, 0, m.rows, &p.scratch[0])
		return
	}
	// Four shares a thread even out what else the machine does; columns go in
	// fours of panels, which single rows need to hide latency.
	rowParts, wide := 1, max(1, m.panels()/4)
	if M > rowChunk {
		rowParts = (M + rowChunk - 1) / rowChunk
	}
	colParts := min(wide, max(1, (4*p.threads+rowParts-1)/rowParts))
	if rowParts*colParts < 2*p.threads && M >= 12*p.threads {
		rowParts = min(M/6, 2*p.threads)
	}
	p.Run(rowParts*colParts, func(worker, i int) {
		r, c := i/colParts, i%colParts
		r0, r1 := r*M/rowParts, (r+1)*M/rowParts
		n0 := c * wide / colParts * 4 * panelRows
		n1 := (c + 1) * wide / colParts * 4 * panelRows
		if c == colParts-1 {
			n1 = m.rows
		}
		if r0 < r1 && n0 < n1 {
			m.Mul(y[r0*ldy:], ldy, x[r0*ldx:], ldx, r1-r0, n0, n1, &p.scratch[worker])
		}
	})
}
