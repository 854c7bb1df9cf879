//go:build !linux

package kernel

import (
	"testing"
	"time"
)

// threadTime starts a clock, and returns what reads it.
func threadTime(*testing.B) (elapsed func() time.Duration) {
	start := time.Now()
	return func() time.Duration { return time.Since(start) }
}
