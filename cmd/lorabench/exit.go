package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/ailiance/lorabench/model"
	"github.com/ailiance/lorabench/model/hub"
	"github.com/ailiance/lorabench/reports"
	"github.com/ailiance/lorabench/results"
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

// interruptedError is the end of a run by Ctrl-C.
type interruptedError struct {
	run   string
	cause error
}

func (e *interruptedError) Error() string { return "run " + e.run + ": " + e.cause.Error() }
func (e *interruptedError) Unwrap() error { return e.cause }

// explain prints err with a hint where there is one and picks the exit code.
func explain(w io.Writer, err error) int {
	if err == nil {
		return exitDone
	}
	if errors.Is(err, context.Canceled) {
		var stopped *interruptedError
		if errors.As(err, &stopped) {
			fmt.Fprintf(w, "lorabench: interrupted: what was measured of run %s is kept\nhint: the same command with --resume goes on\n", stopped.run)
		} else {
			fmt.Fprintln(w, "lorabench: interrupted")
		}
		if errors.Is(err, errNotWritten) {
			fmt.Fprintf(w, "lorabench: %s\n", block(err.Error()))
		}
		return exitInterrupted
	}
	var verdict verdictError
	if errors.As(err, &verdict) {
		return verdict.outcome.ExitCode() // gate has said why
	}
	fmt.Fprintf(w, "lorabench: %s\n", block(err.Error()))
	code, hint := exitFault, ""
	var refused *model.AdapterError
	var allRefused *refusedError
	var other *otherMeasurementError
	var evidence evidenceError
	var imported importedError
	var identity *results.IdentityError
	var unknown *tasks.UnknownTaskError
	var missing *tasks.MissingFileError
	var notCached *hub.MissingError
	var memory *model.MemoryError
	var unsupported *model.UnsupportedError
	var config *configError
	var usage usageError
	switch {
	case errors.As(err, &allRefused):
		code, hint = exitInvalid, "nothing was measured: mend these adapters, or leave them out; lorabench adapter check MODEL ADAPTER tells more"
	case errors.As(err, &other):
		code, hint = exitInvalid, "give the files that were measured: --model, --adapter, --data say where they are now"
	case errors.As(err, &identity):
		code, hint = exitInvalid, "give the files that were measured; or leave out --resume: what is there now is another run"
	case errors.As(err, &evidence):
		code, hint = exitInvalid, "the folder is not as it was written: take it anew, or rerun RUN/TASK/VARIANT from the database"
	case errors.As(err, &imported):
		code, hint = exitInvalid, "lorabench run measures; report and compare show what is imported"
	case errors.Is(err, errNoRunToResume):
		code, hint = exitUsage, "give the same --model, --adapter, --tasks, --data, --limit, --seed as the run that was stopped; lorabench runs lists them"
	case errors.Is(err, errNoTemplate):
		hint = "base models have none: leave --chat-template out, or put the instruct model's chat_template.jinja beside the checkpoint"
	case errors.Is(err, errBitsDiffer):
		hint = "env.json of the folder and of a new run say what is another: engine, kernels, tools"
	case errors.As(err, &missing):
		hint = "--data DIR holds <dataset>/<split>.jsonl(.gz); lorabench tasks show TASK names the files"
	case errors.As(err, &refused):
		code, hint = exitInvalid, "an adapter that is not proven applied is not measured; see which tensors and keys are meant above"
	case errors.As(err, &notCached):
		hint = fmt.Sprintf("--download fetches it; or: hf download %s --revision %s", notCached.Ref.Repo, notCached.Ref.Revision)
	case errors.As(err, &memory):
		hint = "without --memory what the machine has free is allowed; weights of Q8_0 or Q4_0 need less"
	case errors.As(err, &unsupported):
		hint = "the README says what is supported; what is not is refused, since a model that is misread is worse"
	case errors.As(err, &config):
		code, hint = exitUsage, "the keys are the flags of lorabench run, and gate"
	case errors.As(err, &unknown):
		code, hint = exitUsage, "lorabench tasks lists them all"
		if len(unknown.Nearest) > 0 {
			hint = "did you mean " + strings.Join(unknown.Nearest, ", ") + "?"
		}
	case errors.As(err, &usage):
		code, hint = exitUsage, "lorabench --help"
	case strings.HasPrefix(err.Error(), "unknown command "): // cobra's, which has no type
		code, hint = exitUsage, "lorabench --help"
	case storedHint(err) != "":
		code, hint = storedCode(err), storedHint(err)
	case errors.Is(err, errNotWritten):
		hint = "mend that, or choose another folder with --out: the same command with --resume writes them, and measures nothing twice"
	case errors.Is(err, fs.ErrNotExist):
		hint = "check the path; nothing is downloaded"
	}
	if hint != "" {
		fmt.Fprintf(w, "hint: %s\n", hint)
	}
	return code
}

// storedHint says what to do about an error of a database or a policy.
func storedHint(err error) string {
	var newer *results.NewerSchemaError
	var foreign *results.ForeignDatabaseError
	var corrupt *results.CorruptError
	var locked *results.LockedError
	var runLocked *results.RunLockedError
	var noRun *results.RunNotFoundError
	var ambiguous *results.AmbiguousRunError
	var policy *reports.PolicyError
	var noDatabase noDatabaseError
	switch {
	case errors.As(err, &noDatabase):
		return "lorabench run makes a database; --db FILE says where one is"
	case errors.As(err, &newer):
		return "the database was written by a later lorabench: use that one"
	case errors.As(err, &foreign):
		return "give lorabench a database of its own: --db FILE; it is made where there is none"
	case errors.As(err, &corrupt):
		return "keep a copy of the file; what .recover of the sqlite3 shell saves can be read"
	case errors.As(err, &locked), errors.As(err, &runLocked):
		return "wait until the other process ends, or measure into another database: --db FILE"
	case errors.As(err, &noRun):
		return "lorabench runs lists the runs of a database; lorabench run makes one"
	case errors.As(err, &ambiguous):
		return "give more of the id: lorabench runs lists them"
	case errors.Is(err, results.ErrDiskFull):
		return "make room, then go on with --resume: what was measured is kept"
	case errors.Is(err, results.ErrReadOnly):
		return "choose a database that may be written: --db FILE"
	case errors.Is(err, results.ErrNoCgo):
		return "lorabench doctor says what this build has"
	case errors.As(err, &policy):
		return "a policy has alpha, tasks (metric, margin, tier, min_samples) and claims (adapter, task, metric)"
	}
	return ""
}

// storedCode is usage for what the command line or a policy says, else fault.
func storedCode(err error) int {
	var noRun *results.RunNotFoundError
	var ambiguous *results.AmbiguousRunError
	var policy *reports.PolicyError
	if errors.As(err, &noRun) && noRun.Run != "" || errors.As(err, &ambiguous) || errors.As(err, &policy) {
		return exitUsage
	}
	return exitFault
}
