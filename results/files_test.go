//go:build cgo

package results

import (
	"bytes"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/ailiance/lorabench"
)

// makeDatabase writes a database with SQL, past this package.
func makeDatabase(t *testing.T, path, text string) {
	t.Helper()
	db, err := sql.Open("sqlite3", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(text); err != nil {
		t.Fatal(err)
	}
}

// Released migrations never change. A new one is added here once it is released.
func TestMigrationsNeverEdited(t *testing.T) {
	released := map[string]string{
		"migrations/0001_initial.sql": "749d66ce4dedb2a3fbd20b1aec919b9181d1755b3c0bc3fd6e0e33a6377866fc",
	}
	names, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	for i, name := range names {
		if prefix := fmt.Sprintf("migrations/%04d_", i+1); !strings.HasPrefix(name, prefix) {
			t.Errorf("migration %s, want a name that starts with %s", name, prefix)
		}
	}
	for name, want := range released {
		text, err := migrations.ReadFile(name)
		if err != nil {
			t.Error(err)
		}
		sum := sha256.Sum256(text)
		if got := hex.EncodeToString(sum[:]); got != want {
			t.Errorf("%s has sha256 %s, want %s: add a migration, do not edit one", name, got, want)
		}
	}
}

// A database of each released schema is brought up to date, and all of it is there.
func TestMigrateSaved(t *testing.T) {
	names, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	for version := range len(names) {
		version++
		t.Run(fmt.Sprint("version ", version), func(t *testing.T) {
			text, err := os.ReadFile(fmt.Sprintf("testdata/schema%d.sql", version))
			if err != nil {
				t.Fatal(err)
			}
			path := newPath(t)
			makeDatabase(t, path, string(text))
			s := open(t, path, Options{})
			have, err := readSchema(t.Context(), s.read)
			if err != nil || have.version != len(names) {
				t.Errorf("version %d (%v), want %d", have.version, err, len(names))
			}
			if err := s.Check(t.Context()); err != nil {
				t.Error(err)
			}
			run, err := s.FindRun(t.Context(), "saved")
			if err != nil || run.Command[5] != "\xff path" {
				t.Errorf("run %+v, %v", run, err)
			}
			list, err := s.Measurements(t.Context(), "saved")
			if err != nil || len(list) != 2 {
				t.Fatalf("measurements %+v, %v", list, err)
			}
			for i, variant := range []string{lorabench.Base, "math"} {
				want := testMeasurement("saved", variant)
				if variant == "math" {
					want.Status = lorabench.Done
				}
				if !reflect.DeepEqual(list[i].Measurement, want) || !math.Signbit(list[i].Task.Metrics[1].Margin) {
					t.Errorf("measurement:\n got %#v\nwant %#v", list[i].Measurement, want)
				}
			}
			var want []lorabench.SampleResult
			for i := range 3 {
				want = append(want, testResult(i))
			}
			sameBits(t, collect(t, s, list[1].ID), want)
		})
	}
}

// Migrations are applied once each, in order; one that goes wrong leaves nothing.
func TestMigrate(t *testing.T) {
	path := newPath(t)
	files := fstest.MapFS{
		"migrations/0001_a.sql": {Data: []byte("CREATE TABLE a (x); INSERT INTO a VALUES (1);")},
		"migrations/0002_b.sql": {Data: []byte("ALTER TABLE a ADD COLUMN y; UPDATE a SET y = 2; CREATE TABLE b (z);")},
	}
	db, err := openPool((&Store{path: path}).dsn("rwc", time.Second))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	first := fstest.MapFS{"migrations/0001_a.sql": files["migrations/0001_a.sql"]}
	for _, step := range []struct {
		files fs.FS
		want  int
	}{{first, 1}, {first, 1}, {files, 2}, {files, 2}} {
		if err := migrate(t.Context(), db, path, step.files); err != nil {
			t.Fatal(err)
		}
		if have, err := readSchema(t.Context(), db); err != nil || have.version != step.want || have.application != applicationID {
			t.Errorf("got %+v, %v, want version %d", have, err, step.want)
		}
	}
	var x, y int
	if err := db.QueryRow("SELECT x, y FROM a").Scan(&x, &y); err != nil || x != 1 || y != 2 {
		t.Errorf("got %d, %d, %v, want 1, 2", x, y, err)
	}

	files["migrations/0003_c.sql"] = &fstest.MapFile{Data: []byte("CREATE TABLE c (x); INSERT INTO nowhere VALUES (1);")}
	if err := migrate(t.Context(), db, path, files); err == nil || !strings.Contains(err.Error(), "0003_c.sql") {
		t.Errorf("got %v, want an error with 0003_c.sql", err)
	}
	if have, err := readSchema(t.Context(), db); err != nil || have.version != 2 || have.objects != 2 {
		t.Errorf("after a failure: %+v, %v, want version 2 with 2 tables", have, err)
	}
	var newer *NewerSchemaError
	if err := migrate(t.Context(), db, path, first); !errors.As(err, &newer) || newer.Have != 2 || newer.Know != 1 {
		t.Errorf("got %v, want a NewerSchemaError 2, 1", err)
	}
}

// What is not ours is refused and left as it is.
func TestRefusedFiles(t *testing.T) {
	refuse := func(want any) func(*testing.T, error) {
		return func(t *testing.T, err error) {
			t.Helper()
			if !errors.As(err, want) {
				t.Errorf("got %v, want %T", err, want)
			}
		}
	}
	for _, tt := range []struct {
		name  string
		make  func(t *testing.T, path string)
		check func(*testing.T, error)
	}{
		{"text", func(t *testing.T, path string) {
			if err := os.WriteFile(path, []byte(strings.Repeat("# notes\n", 200)), 0o666); err != nil {
				t.Fatal(err)
			}
		}, refuse(new(*ForeignDatabaseError))},
		{"short text", func(t *testing.T, path string) {
			if err := os.WriteFile(path, []byte("notes"), 0o666); err != nil {
				t.Fatal(err)
			}
		}, refuse(new(*ForeignDatabaseError))},
		{"database of others", func(t *testing.T, path string) {
			makeDatabase(t, path, "CREATE TABLE people (name TEXT); INSERT INTO people VALUES ('Ada')")
		}, refuse(new(*ForeignDatabaseError))},
		{"database of others in WAL mode", func(t *testing.T, path string) {
			makeDatabase(t, path, "PRAGMA journal_mode = WAL; PRAGMA application_id = 7; PRAGMA user_version = 1; CREATE TABLE people (name TEXT)")
		}, refuse(new(*ForeignDatabaseError))},
		{"newer schema", func(t *testing.T, path string) {
			makeDatabase(t, path, fmt.Sprintf("PRAGMA application_id = %d; PRAGMA user_version = 99; CREATE TABLE run (x)", applicationID))
		}, func(t *testing.T, err error) {
			var newer *NewerSchemaError
			if !errors.As(err, &newer) || newer.Have != 99 || newer.Know != 1 {
				t.Errorf("got %v, want a NewerSchemaError 99, 1", err)
			}
		}},
		{"no version", func(t *testing.T, path string) {
			makeDatabase(t, path, fmt.Sprintf("PRAGMA application_id = %d", applicationID))
		}, refuse(new(*CorruptError))},
		{"folder", func(t *testing.T, path string) {
			if err := os.Mkdir(path, 0o777); err != nil {
				t.Fatal(err)
			}
		}, func(t *testing.T, err error) {
			if err == nil || !strings.Contains(err.Error(), "is a folder") {
				t.Errorf("got %v, want: is a folder", err)
			}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := newPath(t)
			tt.make(t, path)
			before, _ := os.ReadFile(path)
			s, err := Open(t.Context(), path, Options{})
			if err == nil {
				s.Close()
			}
			tt.check(t, err)
			s, err = OpenReadOnly(t.Context(), path, Options{})
			if err == nil {
				s.Close()
			}
			tt.check(t, err)
			if after, _ := os.ReadFile(path); !bytes.Equal(before, after) {
				t.Error("the file has changed")
			}
			if err != nil && !strings.Contains(err.Error(), path) {
				t.Errorf("%v: want the path in it", err)
			}
		})
	}
}

func TestMissingFiles(t *testing.T) {
	path := newPath(t)
	if _, err := OpenReadOnly(t.Context(), path, Options{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("read-only: got %v, want fs.ErrNotExist", err)
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("stat: got %v, want fs.ErrNotExist: a reader makes no file", err)
	}
	if _, err := Open(t.Context(), filepath.Join(path, "x.db"), Options{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no folder: got %v, want fs.ErrNotExist", err)
	}
	if _, err := Open(t.Context(), "", Options{}); err == nil {
		t.Error("no path: got nil, want an error")
	}
}

// Names that mean something in an address are names of files all the same.
func TestOddNames(t *testing.T) {
	for _, name := range []string{"a b.db", "a?mode=ro.db", "a#b.db", "100%25.db", "ä☃.db", "file:x.db", ":memory:"} {
		path := filepath.Join(t.TempDir(), name)
		s := open(t, path, Options{})
		begin(t, s, "r")
		if _, err := os.Stat(path); err != nil {
			t.Errorf("%q: %v", name, err)
		}
		reader, err := OpenReadOnly(t.Context(), path, Options{})
		if err != nil {
			t.Errorf("%q: %v", name, err)
			continue
		}
		if _, err := reader.FindRun(t.Context(), "r"); err != nil {
			t.Errorf("%q: %v", name, err)
		}
		reader.Close()
	}
}

// Two names of one file share its locks.
func TestSymbolicLink(t *testing.T) {
	path := newPath(t)
	link := filepath.Join(t.TempDir(), "link.db")
	if err := os.Symlink(path, link); err != nil {
		t.Skip(err)
	}
	a := open(t, path, Options{})
	begin(t, a, "r")
	b := open(t, link, Options{})
	var locked *RunLockedError
	if err := b.LockRun(t.Context(), "r"); !errors.As(err, &locked) {
		t.Errorf("got %v, want a RunLockedError", err)
	}
}

// filled returns the path of a closed database with n samples in it.
func filled(t *testing.T, n int) string {
	t.Helper()
	path := newPath(t)
	s := open(t, path, Options{})
	id := begin(t, s, "r")
	for i := range n {
		if err := s.Append(t.Context(), id, testResult(i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// read reads all there is and returns the first error.
func readAll(t *testing.T, path string) error {
	t.Helper()
	s, err := OpenReadOnly(t.Context(), path, Options{})
	if err != nil {
		return err
	}
	defer s.Close()
	if err := s.Check(t.Context()); err != nil {
		return err
	}
	runs, err := s.Runs(t.Context())
	if err != nil {
		return err
	}
	for _, r := range runs {
		list, err := s.Measurements(t.Context(), r.ID)
		if err != nil {
			return err
		}
		for _, m := range list {
			for _, err := range s.SampleResults(t.Context(), m.ID) {
				if err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func TestDamagedFile(t *testing.T) {
	path := filled(t, 300)
	if err := readAll(t, path); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name   string
		damage func([]byte) []byte
	}{
		{"cut off", func(b []byte) []byte { return b[:len(b)/2] }},
		{"schema page overwritten", func(b []byte) []byte { copy(b[100:4096], bytes.Repeat([]byte{0xa5}, 4096)); return b }},
		{"pages overwritten", func(b []byte) []byte {
			for at := 4096 * 10; at < len(b); at += 4096 * 3 {
				copy(b[at:], bytes.Repeat([]byte{0xa5}, 4096))
			}
			return b
		}},
		{"pages swapped", func(b []byte) []byte {
			for at := 4096 * 8; at+8192 <= len(b); at += 8192 {
				page := bytes.Clone(b[at : at+4096])
				copy(b[at:at+4096], b[at+4096:at+8192])
				copy(b[at+4096:], page)
			}
			return b
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := newPath(t)
			if err := os.WriteFile(path, tt.damage(bytes.Clone(whole)), 0o666); err != nil {
				t.Fatal(err)
			}
			var corrupt *CorruptError
			if err := readAll(t, path); !errors.As(err, &corrupt) || !strings.Contains(err.Error(), path) {
				t.Errorf("got %v, want a CorruptError with the path", err)
			}
			// Opening for writing may not see it, but must not crash or mend it by half.
			s, err := Open(t.Context(), path, Options{})
			if err != nil {
				if !errors.As(err, &corrupt) {
					t.Errorf("open: got %v, want a CorruptError", err)
				}
				return
			}
			defer s.Close()
			if err := s.Check(t.Context()); !errors.As(err, &corrupt) {
				t.Errorf("check: got %v, want a CorruptError", err)
			}
		})
	}
}

// Several processes may make the same database at once.
func TestOpenAtOnce(t *testing.T) {
	path := newPath(t)
	var group sync.WaitGroup
	for i := range 6 {
		group.Go(func() {
			s, err := Open(t.Context(), path, Options{})
			if err != nil {
				t.Error(err)
				return
			}
			defer s.Close()
			if err := s.CreateRun(t.Context(), testRun(fmt.Sprint("run", i))); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	s := open(t, path, Options{})
	if runs, err := s.Runs(t.Context()); err != nil || len(runs) != 6 {
		t.Errorf("got %d runs, %v, want 6", len(runs), err)
	}
	if err := s.Check(t.Context()); err != nil {
		t.Error(err)
	}
}
