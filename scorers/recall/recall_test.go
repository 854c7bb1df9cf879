package recall

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
)

// A text is looked at once, however many ask at a time, and again when it was
// forgotten.
func TestGet(t *testing.T) {
	c := New(100, func(string) int { return 10 })
	var made atomic.Int32
	get := func(content string) {
		s, err := c.Get(t.Context(), []byte(content), func() (string, error) {
			made.Add(1)
			return "of " + content, nil
		})
		if err != nil || s != "of "+content {
			t.Errorf("%q: got %q, %v", content, s, err)
		}
	}
	var all sync.WaitGroup
	for i := range 64 {
		all.Go(func() { get(fmt.Sprint(i % 4)) })
	}
	all.Wait()
	if n := made.Load(); n != 4 {
		t.Errorf("4 texts were looked at %d times", n)
	}
	for i := range 100 {
		get(fmt.Sprint(i))
	}
	if c.total != 100 || len(c.known) != 10 || len(c.order) != 10 {
		t.Errorf("remembers %d results, %d in order, of %d bytes; want 10, 10, 100", len(c.known), len(c.order), c.total)
	}
	before := made.Load()
	get("0")
	get("99")
	if n := made.Load() - before; n != 1 {
		t.Errorf("the oldest and the newest text were looked at %d times, want once", n)
	}
}

// An error is nobody else's: who waited for it looks himself.
func TestGetErrors(t *testing.T) {
	c := New(100, func(string) int { return 10 })
	mine, cancel := context.WithCancel(t.Context())
	begun := make(chan struct{})
	var both sync.WaitGroup
	both.Go(func() {
		_, err := c.Get(mine, []byte("text"), func() (string, error) {
			close(begun)
			<-mine.Done()
			return "", context.Cause(mine)
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled: %v", err)
		}
	})
	<-begun
	both.Go(func() {
		s, err := c.Get(t.Context(), []byte("text"), func() (string, error) { return "mine", nil })
		if err != nil || s != "mine" {
			t.Errorf("who waited got %q, %v", s, err)
		}
	})
	cancel()
	both.Wait()
	if len(c.known) != 1 {
		t.Errorf("remembers %d results, want 1", len(c.known))
	}
	large := New(100, func(string) int { return 26 })
	if s, err := large.Get(t.Context(), nil, func() (string, error) { return "large", nil }); err != nil || s != "large" || len(large.known) != 0 {
		t.Errorf("a large result: %q, %v, %d remembered", s, err, len(large.known))
	}
	if s, err := (*Cache[string])(nil).Get(t.Context(), nil, func() (string, error) { return "none", nil }); err != nil || s != "none" {
		t.Errorf("no cache: %q, %v", s, err)
	}
}
