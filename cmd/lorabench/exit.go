package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/ailiance/lorabench/model"
	"github.com/ailiance/lorabench/tasks"
)

// Exit codes, as `lorabench help exit-codes` lists them.
const (
	exitDone        = 0
	exitFault       = 1
	exitUsage       = 2
	exitInvalid     = 5
	exitInterrupted = 130
)

const exitCodesHelp = `Exit codes
  0    done; a gate passed
  1    fault: a file, the disk, the machine
  2    usage: the command line is wrong
  3    gate: an adapter breached its margin
  4    gate: inconclusive, too few samples
  5    invalid evidence: an adapter without effect, different prompts, missing samples
  130  interrupted; what was measured is kept
`

// usageError is a fault of the command line.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// explain prints err with a hint where there is one and picks the exit code.
func explain(w io.Writer, err error) int {
	if err == nil {
		return exitDone
	}
	if errors.Is(err, context.Canceled) {
		fmt.Fprintln(w, "lorabench: interrupted")
		return exitInterrupted
	}
	fmt.Fprintf(w, "lorabench: %v\n", err)
	code, hint := exitFault, ""
	var refused *model.AdapterError
	var unknown *tasks.UnknownTaskError
	var usage usageError
	switch {
	case errors.As(err, &refused):
		code, hint = exitInvalid, "an adapter that is not proven applied is not measured; see which tensors and keys are meant above"
	case errors.As(err, &unknown):
		code, hint = exitUsage, "lorabench tasks lists them all"
		if len(unknown.Nearest) > 0 {
			hint = "did you mean " + strings.Join(unknown.Nearest, ", ") + "?"
		}
	case errors.As(err, &usage):
		code, hint = exitUsage, "lorabench --help"
	case errors.Is(err, fs.ErrNotExist):
		hint = "check the path; nothing is downloaded"
	}
	if hint != "" {
		fmt.Fprintf(w, "hint: %s\n", hint)
	}
	return code
}
