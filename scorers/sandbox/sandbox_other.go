//go:build !linux

package sandbox

import (
	"context"
	"fmt"
	"os"
	"runtime"
)

// Sandbox runs programs. On this system there is none.
type Sandbox struct{}

// New returns an error that wraps [ErrUnavailable]: only Linux has what the
// sandbox is built from.
func New(context.Context) (*Sandbox, error) {
	return nil, fmt.Errorf("%w: not built for %s, only for linux", ErrUnavailable, runtime.GOOS)
}

// NewUnsafe returns the error of New.
func NewUnsafe(ctx context.Context) (*Sandbox, error) { return New(ctx) }

// NewMode returns the error of New.
func NewMode(ctx context.Context, _ string) (*Sandbox, error) { return New(ctx) }

// Protections returns the zero value.
func (s *Sandbox) Protections() Protections { return probe() }

// Run refuses.
func (s *Sandbox) Run(context.Context, Command) (Result, error) {
	return Result{}, &SetupError{Stage: "start", Err: ErrUnavailable}
}

// ChildMain ends the process: there is no launcher on this system.
func ChildMain() { os.Exit(125) }

func probe() Protections {
	return Protections{Refused: "no sandbox: not built for " + runtime.GOOS + ", only for linux"}
}
