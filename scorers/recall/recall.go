// Package recall remembers what a tool said of a text, so that equal texts are
// looked at once: a base and its adapters often write the same one.
//
// It holds results in memory, within a bound, and writes nothing. What decides
// a result beside the text (the tool, its version, its limits) is the same for
// all that one cache has.
package recall

import (
	"context"
	"crypto/sha256"
	"sync"
)

// Cache remembers results by the content that they were made of. It is safe for
// concurrent use; two who ask for the same at the same time wait for one
// result. The results are shared: nobody may write to them.
type Cache[T any] struct {
	most int
	size func(T) int

	mu    sync.Mutex
	total int                             // bytes; guarded by mu, as all below
	known map[[sha256.Size]byte]*entry[T] // by content
	order [][sha256.Size]byte             // as they were made, the oldest first
}

type entry[T any] struct {
	done   chan struct{} // closed when the rest is there
	result T
	err    error
	size   int
}

// New makes a cache of at most the given bytes; size is about what a result
// takes.
func New[T any](most int, size func(T) int) *Cache[T] {
	return &Cache[T]{most: most, size: size, known: map[[sha256.Size]byte]*entry[T]{}}
}

// Get returns what make gives for content, now or earlier. An error is not
// remembered: it may be the caller's alone. A nil cache remembers nothing.
func (c *Cache[T]) Get(ctx context.Context, content []byte, make func() (T, error)) (T, error) {
	if c == nil {
		return make()
	}
	key := sha256.Sum256(content)
	for {
		e, mine := c.entry(key)
		if mine {
			e.result, e.err = make()
			c.keep(key, e)
			return e.result, e.err
		}
		select {
		case <-e.done:
		case <-ctx.Done():
			return *new(T), context.Cause(ctx)
		}
		if e.err == nil {
			return e.result, nil
		}
		if ctx.Err() != nil {
			return *new(T), context.Cause(ctx)
		}
	}
}

// entry returns the entry of key; mine says that the caller has to fill it.
func (c *Cache[T]) entry(key [sha256.Size]byte) (e *entry[T], mine bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.known[key]; e != nil {
		return e, false
	}
	e = &entry[T]{done: make(chan struct{})}
	c.known[key] = e
	return e, true
}

// keep makes room for e, or forgets it where it failed or is too large.
func (c *Cache[T]) keep(key [sha256.Size]byte, e *entry[T]) {
	c.mu.Lock()
	defer c.mu.Unlock()
	defer close(e.done)
	if e.err == nil {
		e.size = c.size(e.result)
	}
	if e.err != nil || e.size > c.most/4 {
		delete(c.known, key)
		return
	}
	c.total += e.size
	c.order = append(c.order, key)
	for c.total > c.most {
		oldest := c.order[0]
		c.order = c.order[1:]
		c.total -= c.known[oldest].size
		delete(c.known, oldest)
	}
}
