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
	serial  atomic.Uint64   // of the job that is current, from 1
	jobs    []*job          // to be used again
	wake    []chan struct{} // of the workers that sleep, one each
	asleep  []atomic.Bool
	ended   chan struct{} // wakes the caller of Run; holds one
	wait    sync.WaitGroup
}

// job is one call of Run. A worker that comes late finds nothing left in it. It
// serves another call when no worker can still look at it.
type job struct {
	f       func(worker, i int)
	n       int64
	next    atomic.Int64 // first item not taken
	done    atomic.Int64 // items that ended
	inside  atomic.Int64 // workers that look at it
	waiting atomic.Bool  // the caller sleeps until the last item ends
	failed  atomic.Pointer[workerPanic]
	stop    bool // the pool is closed
}

type workerPanic struct {
	value any
	stack []byte
}

// A goroutine looks for news, spins times looks in a row and then lets others
// run, rounds times, before it sleeps: about as long as waking another one takes.
// Letting others run goes through the scheduler's locks, and news waits meanwhile.
const spins, rounds = 1000, 60

// NewPool starts threads−1 goroutines; the caller of Run is the last thread.
// Fewer than one thread counts as one. Close ends them.
func NewPool(threads int) *Pool {
	threads = max(threads, 1)
	p := &Pool{
		threads: threads,
		scratch: make([]Scratch, threads),
		wake:    make([]chan struct{}, threads),
		asleep:  make([]atomic.Bool, threads),
		ended:   make(chan struct{}, 1),
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
// only what belongs to i. Items are begun in ascending order: one may wait for
// those before it, so that all are begun, also where one of them panics: Run then
// panics with that value when they have ended. f must not call Run of the same pool.
//
// Run allocates nothing, but a closure does: f is best made once.
func (p *Pool) Run(n int, f func(worker, i int)) {
	if p.threads == 1 || n <= 1 {
		for i := range n {
			f(0, i)
		}
		return
	}
	j := p.free()
	j.f, j.n = f, int64(n)
	j.next.Store(0)
	j.done.Store(0)
	p.publish(j)
	p.take(j, 0)
	if !spin(func() bool { return j.done.Load() == j.n }) {
		j.waiting.Store(true)
		if j.done.Load() != j.n || !j.waiting.Swap(false) {
			<-p.ended // sent, or about to be
		}
	}
	if failed := j.failed.Swap(nil); failed != nil {
		panic(fmt.Sprintf("kernel: worker: %v\n%s", failed.value, failed.stack))
	}
}

// free is a job that no worker looks at. It is not the current one, so that none
// begins to.
func (p *Pool) free() *job {
	current := p.current.Load()
	for _, j := range p.jobs {
		if j != current && j.inside.Load() == 0 {
			return j
		}
	}
	j := &job{}
	p.jobs = append(p.jobs, j)
	return j
}

// spin waits for a short time and reports whether there is news.
func spin(news func() bool) bool {
	for range rounds {
		for range spins {
			if news() {
				return true
			}
		}
		runtime.Gosched()
	}
	return news()
}

// publish makes j current and wakes those that sleep.
func (p *Pool) publish(j *job) {
	p.current.Store(j)
	p.serial.Add(1)
	for w := 1; w < p.threads; w++ {
		if p.asleep[w].Load() && p.asleep[w].Swap(false) {
			p.wake[w] <- struct{}{}
		}
	}
}

func (p *Pool) work(worker int) {
	defer p.wait.Done()
	last := uint64(0)
	for {
		if !spin(func() bool { return p.serial.Load() != last }) {
			p.asleep[worker].Store(true)
			if p.serial.Load() == last || !p.asleep[worker].Swap(false) {
				<-p.wake[worker] // sent, or about to be
			}
		}
		last = p.serial.Load()
		j := p.current.Load()
		j.inside.Add(1)
		if p.current.Load() == j { // else it may be in other hands already
			if j.stop {
				return
			}
			p.take(j, worker)
		}
		j.inside.Add(-1)
	}
}

// take works on items of j until none is left.
func (p *Pool) take(j *job, worker int) {
	for {
		i := j.next.Add(1) - 1
		if i >= j.n {
			return
		}
		j.call(worker, int(i))
		if j.done.Add(1) == j.n && j.waiting.Load() && j.waiting.Swap(false) {
			p.ended <- struct{}{}
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

// RowChunk is the number of rows of x that a product takes at a time, so that
// they stay in the cache of a core while the weights pass by.
const RowChunk = 192

// MinWork is the number of multiplications below which a product is not worth
// sharing out.
const MinWork = 1 << 16

// Mul is Matrix.Mul over all columns, shared out by columns, and by rows where
// columns are few; never along the sum.
func (p *Pool) Mul(m *Matrix, y []float32, ldy int, x []float32, ldx, M int) {
	m.check(y, ldy, x, ldx, M, 0, m.rows)
	if p.threads == 1 || M*m.rows*m.cols < MinWork {
		m.Mul(y, ldy, x, ldx, M, 0, m.rows, &p.scratch[0])
		return
	}
	// Four shares a thread even out what else the machine does; columns go in
	// fours of panels, which single rows need to hide latency.
	rowParts, wide := 1, max(1, m.panels()/4)
	if M > RowChunk {
		rowParts = (M + RowChunk - 1) / RowChunk
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
