package results

import (
	"errors"
	"fmt"
	"strings"
)

// Errors that callers tell apart with errors.Is. Each comes wrapped in what was
// attempted and the database's path.
var (
	ErrDiskFull  = errors.New("disk full: all that was stored before is kept")
	ErrReadOnly  = errors.New("read-only")
	ErrNoCgo     = errors.New("this lorabench was built without cgo, which SQLite needs: build it with CGO_ENABLED=1 and a C compiler")
	ErrRunExists = errors.New("run exists already")

	// ErrMeasurementExists means: resume it with [Store.ResumeMeasurement].
	ErrMeasurementExists = errors.New("measurement exists already")
	// ErrFinished is returned for samples of a measurement that is not running.
	ErrFinished = errors.New("measurement is finished")
	// ErrRunNotLocked is returned for writes to a run that this Store does not
	// hold, see [Store.LockRun].
	ErrRunNotLocked = errors.New("run is not locked by this process")
)

// NewerSchemaError refuses a database that a later lorabench wrote.
type NewerSchemaError struct {
	Path       string
	Have, Know int // schema versions: of the file, of this program
}

func (e *NewerSchemaError) Error() string {
	return fmt.Sprintf("database %s has schema version %d, this lorabench knows versions up to %d: use a newer lorabench", e.Path, e.Have, e.Know)
}

// ForeignDatabaseError refuses a file that lorabench did not make.
type ForeignDatabaseError struct {
	Path   string
	Reason string
}

func (e *ForeignDatabaseError) Error() string {
	return fmt.Sprintf("%s is not a lorabench database: %s", e.Path, e.Reason)
}

// CorruptError says that the file is damaged.
type CorruptError struct {
	Path   string
	Detail string
}

func (e *CorruptError) Error() string {
	return fmt.Sprintf("database %s is damaged: %s", e.Path, e.Detail)
}

// LockedError says that another process kept the database locked for longer
// than the busy timeout.
type LockedError struct {
	Path   string
	Owners []Owner // who measures into it, as far as recorded
}

func (e *LockedError) Error() string {
	if len(e.Owners) == 0 {
		return fmt.Sprintf("database %s is locked by another process", e.Path)
	}
	who := make([]string, len(e.Owners))
	for i, o := range e.Owners {
		who[i] = o.String()
	}
	return fmt.Sprintf("database %s is locked: %s", e.Path, strings.Join(who, ", "))
}

// Owner is the process that measures a run.
type Owner struct {
	Run string
	PID int // 0 where it is not recorded
}

func (o Owner) String() string {
	if o.PID == 0 {
		return fmt.Sprintf("another process measures run %s", o.Run)
	}
	return fmt.Sprintf("process %d measures run %s", o.PID, o.Run)
}

// RunLockedError says that another process measures the run.
type RunLockedError struct {
	Path  string
	Owner Owner
}

func (e *RunLockedError) Error() string {
	return fmt.Sprintf("database %s: %s", e.Path, e.Owner)
}

// RunNotFoundError says that no run has this id, nor an id that starts so.
type RunNotFoundError struct {
	Path string
	Run  string // "" where the database has no run at all
}

func (e *RunNotFoundError) Error() string {
	if e.Run == "" {
		return fmt.Sprintf("database %s has no runs", e.Path)
	}
	return fmt.Sprintf("database %s has no run %s", e.Path, e.Run)
}

// AmbiguousRunError says that several runs start with a prefix.
type AmbiguousRunError struct {
	Prefix string
	Runs   []string // all of them, newest first
}

func (e *AmbiguousRunError) Error() string {
	return fmt.Sprintf("%d runs start with %s: %s", len(e.Runs), e.Prefix, strings.Join(e.Runs, ", "))
}

// MeasurementNotFoundError says that a run has no such measurement.
type MeasurementNotFoundError struct {
	Run, Task, Variant string
	ID                 MeasurementID // where it was asked for by number
}

func (e *MeasurementNotFoundError) Error() string {
	if e.Run == "" {
		return fmt.Sprintf("no measurement has number %d", e.ID)
	}
	return fmt.Sprintf("run %s has no measurement of variant %s on task %s", e.Run, e.Variant, e.Task)
}

// DuplicateSampleError says that a sample is measured already: nothing is
// measured twice.
type DuplicateSampleError struct {
	Measurement MeasurementID
	Sample      string
	Position    int

	// What is stored: the same sample, or another one at the same position.
	StoredSample   string
	StoredPosition int
}

func (e *DuplicateSampleError) Error() string {
	if e.Sample == e.StoredSample {
		return fmt.Sprintf("sample %q of measurement %d is measured already", e.Sample, e.Measurement)
	}
	return fmt.Sprintf("sample %q of measurement %d: position %d is that of sample %q, which is measured already",
		e.Sample, e.Measurement, e.Position, e.StoredSample)
}

// Difference is a field of a measurement's identity that is not as it was stored.
type Difference struct {
	Field       string // named as in results.json: "tokenizer"
	Stored, Now string
}

// IdentityError refuses to go on with a measurement: what would be measured now
// is not what was measured before.
type IdentityError struct {
	Run, Task, Variant string
	Differences        []Difference // all of them
}

func (e *IdentityError) Error() string {
	fields := make([]string, len(e.Differences))
	for i, d := range e.Differences {
		fields[i] = fmt.Sprintf("%s: stored %s, now %s", d.Field, d.Stored, d.Now)
	}
	return fmt.Sprintf("variant %s on task %s of run %s cannot be resumed: %s", e.Variant, e.Task, e.Run, strings.Join(fields, "; "))
}
