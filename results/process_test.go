//go:build cgo

package results

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/ailiance/lorabench"
)

// A process that measures is killed at any moment: what it called committed is
// there once, byte for byte, and the next one goes on.
func TestKilled(t *testing.T) {
	path := newPath(t)
	random := rand.New(rand.NewPCG(1, 2))
	kills := 20
	stored := 0
	for kill := range kills {
		cmd := childCommand(t, "measure", path)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		// At once, while it opens or resumes, or after some commits; then up to a few
		// milliseconds later, which is anywhere in the next one.
		after := random.IntN(12) - 2
		pause := time.Duration(random.IntN(4000)) * time.Microsecond
		if after < 0 {
			pause = time.Duration(random.IntN(30)) * time.Millisecond
			time.Sleep(pause)
			cmd.Process.Kill()
		}
		committed := stored
		lines := bufio.NewScanner(out)
		for n := 0; lines.Scan(); n++ {
			var id, a, b int
			if _, err := fmt.Sscanf(lines.Text(), "committed %d %d", &a, &b); err == nil {
				if a != committed || b != committed+1 {
					t.Fatalf("kill %d: child measured %d and %d, want to go on at %d", kill, a, b, committed)
				}
				committed += 2
			} else if _, err := fmt.Sscanf(lines.Text(), "ready %d", &id); err != nil {
				t.Fatalf("kill %d: child said %q", kill, lines.Text())
			}
			if n == after {
				time.Sleep(pause)
				cmd.Process.Kill()
			}
		}
		if err := cmd.Wait(); err == nil {
			t.Fatal("child ended by itself")
		}
		stored = checkKilled(t, kill, path, committed)
	}
	if stored < 2*kills {
		t.Errorf("%d samples stored in %d sessions: they did next to nothing", stored, kills)
	}
	t.Logf("%d samples after %d kills", stored, kills)
}

// checkKilled opens what a killed process left and returns how many samples are
// there: those that it called committed, and perhaps one step more.
func checkKilled(t *testing.T, kill int, path string, committed int) int {
	t.Helper()
	s, err := Open(t.Context(), path, Options{})
	if err != nil {
		t.Fatalf("kill %d: %v", kill, err)
	}
	defer s.Close()
	if err := s.Check(t.Context()); err != nil {
		t.Fatalf("kill %d: %v", kill, err)
	}
	m, err := s.FindMeasurement(t.Context(), "killed", "arc_easy", lorabench.Base)
	var noRun *RunNotFoundError
	var noMeasurement *MeasurementNotFoundError
	if errors.As(err, &noRun) || errors.As(err, &noMeasurement) {
		if committed > 0 {
			t.Fatalf("kill %d: %v, want %d samples", kill, err, committed)
		}
		return 0
	}
	if err != nil {
		t.Fatal(err)
	}
	got := collect(t, s, m.ID)
	if len(got) != committed && len(got) != committed+2 {
		t.Fatalf("kill %d: %d samples, want %d or %d", kill, len(got), committed, committed+2)
	}
	want := make([]lorabench.SampleResult, len(got))
	for i := range want {
		want[i] = killedSample(i)
	}
	sameBits(t, got, want)
	runs, err := s.Runs(t.Context())
	if err != nil || len(runs) != 1 || runs[0].Active || runs[0].Owner != 0 {
		t.Errorf("kill %d: runs %+v, %v, want one without owner", kill, runs, err)
	}
	return len(got)
}

func TestRunLock(t *testing.T) {
	path := newPath(t)
	s := open(t, path, Options{})
	for _, id := range []string{"held", "free"} {
		if err := s.CreateRun(t.Context(), testRun(id)); err != nil {
			t.Fatal(err)
		}
	}
	id, err := s.CreateMeasurement(t.Context(), testMeasurement("held", lorabench.Base))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.LockRun(t.Context(), "held"); err != nil {
		t.Errorf("locked by itself: %v", err)
	}
	if err := s.UnlockRun("held"); err != nil {
		t.Fatal(err)
	}
	if err := s.UnlockRun("held"); !errors.Is(err, ErrRunNotLocked) {
		t.Errorf("unlock again: got %v, want ErrRunNotLocked", err)
	}
	pid, release := startHolding(t, path)

	err = s.LockRun(t.Context(), "held")
	var locked *RunLockedError
	if !errors.As(err, &locked) || locked.Owner != (Owner{"held", pid}) {
		t.Errorf("got %v, want a RunLockedError of process %d", err, pid)
	}
	for name, err := range map[string]error{
		"Append":      s.Append(t.Context(), id, testResult(0)),
		"AddElapsed":  s.AddElapsed(t.Context(), id, 1),
		"Finish":      s.Finish(t.Context(), id, lorabench.Failed, 1),
		"Resume":      second(s.ResumeMeasurement(t.Context(), testMeasurement("held", lorabench.Base))),
		"Measurement": second(s.CreateMeasurement(t.Context(), testMeasurement("held", "math"))),
	} {
		if !errors.Is(err, ErrRunNotLocked) {
			t.Errorf("%s: got %v, want ErrRunNotLocked", name, err)
		}
	}
	// Another run of the same database is free to be measured meanwhile.
	other, err := s.CreateMeasurement(t.Context(), testMeasurement("free", lorabench.Base))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Append(t.Context(), other, testResult(0)); err != nil {
		t.Error(err)
	}
	runs, err := s.Runs(t.Context())
	if err != nil || len(runs) != 2 {
		t.Fatalf("runs %+v, %v", runs, err)
	}
	for _, r := range runs {
		want := os.Getpid()
		if r.ID == "held" {
			want = pid
		}
		if !r.Active || r.Owner != want {
			t.Errorf("run %s: active %v by %d, want %d", r.ID, r.Active, r.Owner, want)
		}
	}
	// Who may wait, waits until it is cancelled, or until the other one ends.
	waiting := open(t, path, Options{WaitForRun: true})
	why := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(why)
	if err := waiting.LockRun(ctx, "held"); !errors.Is(err, why) {
		t.Errorf("got %v, want %v", err, why)
	}
	got := make(chan error)
	go func() { got <- waiting.LockRun(context.Background(), "held") }()
	release()
	if err := <-got; err != nil {
		t.Errorf("after the other ended: %v", err)
	}
	if err := waiting.Append(t.Context(), id, testResult(0)); err != nil {
		t.Error(err)
	}
	var missing *RunNotFoundError
	if err := s.LockRun(t.Context(), "hel"); !errors.As(err, &missing) {
		t.Errorf("got %v, want a RunNotFoundError", err)
	}
}

func second[T any](_ T, err error) error { return err }

// While another process keeps the database for itself, the error says who it is.
func TestLockedDatabase(t *testing.T) {
	path := newPath(t)
	s := open(t, path, Options{BusyTimeout: time.Millisecond})
	id := begin(t, s, "r")
	if err := s.CreateRun(t.Context(), testRun("held")); err != nil {
		t.Fatal(err)
	}
	if err := s.UnlockRun("held"); err != nil {
		t.Fatal(err)
	}
	pid, _ := startHolding(t, path)
	blocker, err := openPool(s.dsn("rw", time.Second))
	if err != nil {
		t.Fatal(err)
	}
	defer blocker.Close()
	tx, err := blocker.Begin() // immediate
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	for name, err := range map[string]error{
		"Append": s.Append(t.Context(), id, testResult(0)),
		"Open":   second(Open(t.Context(), path, Options{BusyTimeout: time.Millisecond})),
	} {
		var locked *LockedError
		if !errors.As(err, &locked) {
			t.Fatalf("%s: got %v, want a LockedError", name, err)
		}
		found := false
		for _, o := range locked.Owners {
			found = found || o == Owner{"held", pid}
		}
		if !found {
			t.Errorf("%s: got %v, want process %d in it", name, err, pid)
		}
	}
	if _, err := s.Done(t.Context(), id); err != nil {
		t.Errorf("readers go on: %v", err)
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	if err := s.Append(t.Context(), id, testResult(0)); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

// Two stores write their runs into one database at once.
func TestTwoWriters(t *testing.T) {
	path := newPath(t)
	const n = 60
	var group sync.WaitGroup
	for w := range 2 {
		group.Go(func() {
			ctx := context.Background()
			s, err := Open(ctx, path, Options{})
			if err != nil {
				t.Error(err)
				return
			}
			defer s.Close()
			run := fmt.Sprint("run", w)
			if err := s.CreateRun(ctx, testRun(run)); err != nil {
				t.Error(err)
				return
			}
			id, err := s.CreateMeasurement(ctx, testMeasurement(run, lorabench.Base))
			if err != nil {
				t.Error(err)
				return
			}
			for i := range n {
				if err := s.Append(ctx, id, testResult(i)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	s := open(t, path, Options{})
	for w := range 2 {
		m, err := s.FindMeasurement(t.Context(), fmt.Sprint("run", w), "arc_easy", lorabench.Base)
		if err != nil || m.Measured != n {
			t.Errorf("writer %d: %d samples (%v), want %d", w, m.Measured, err, n)
		}
	}
	if err := s.Check(t.Context()); err != nil {
		t.Error(err)
	}
}

// When there is no room left the error says so, all that was stored is kept, and
// the same sample goes in when there is room again.
func TestFull(t *testing.T) {
	s := open(t, newPath(t), Options{})
	id := begin(t, s, "r")
	var pages int
	if err := s.write.QueryRow("PRAGMA page_count").Scan(&pages); err != nil {
		t.Fatal(err)
	}
	if _, err := s.write.Exec(fmt.Sprint("PRAGMA max_page_count = ", pages+20)); err != nil {
		t.Fatal(err)
	}
	n, err := appendUntilError(s, id)
	if !errors.Is(err, ErrDiskFull) {
		t.Fatalf("got %v, want ErrDiskFull", err)
	}
	if n == 0 {
		t.Error("not one sample was stored")
	}
	if got := len(collect(t, s, id)); got != n {
		t.Errorf("%d samples stored, want %d", got, n)
	}
	if _, err := s.write.Exec("PRAGMA max_page_count = 1000000"); err != nil {
		t.Fatal(err)
	}
	if err := s.Append(t.Context(), id, testResult(n)); err != nil {
		t.Errorf("with room again: %v", err)
	}
	if err := s.Check(t.Context()); err != nil {
		t.Error(err)
	}
}

// appendUntilError stores samples until that goes wrong, and says how many were.
func appendUntilError(s *Store, id MeasurementID) (int, error) {
	for n := 0; n < 1_000_000; n++ {
		if err := s.Append(context.Background(), id, testResult(n)); err != nil {
			return n, err
		}
	}
	return 0, errors.New("there is no end of room")
}
