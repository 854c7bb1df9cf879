// Command lorabench says, with evidence, what a LoRA adapter does to its base model.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/ailiance/lorabench/env"
	"github.com/ailiance/lorabench/scorers/sandbox"
)

// version is set by the linker (make build).
var version string

func main() {
	if sandbox.IsChild() {
		sandbox.ChildMain()
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C stops at once
	os.Exit(run(ctx, env.Real(), os.Args[1:]))
}
