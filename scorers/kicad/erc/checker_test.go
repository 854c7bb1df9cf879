package erc

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ailiance/lorabench/scorers/sandbox"
)

func TestMain(m *testing.M) {
	sandbox.Main()
	os.Exit(m.Run())
}

// checker skips the test where kicad-cli cannot be run here.
func checker(t testing.TB) *Checker {
	t.Helper()
	c, err := NewChecker(t.Context(), os.Getenv("LORABENCH_KICAD_CLI"))
	if errors.Is(err, ErrNoKiCad) || errors.Is(err, sandbox.ErrUnavailable) {
		t.Skipf("schematics are not checked: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return c
}

const (
	rootID = "00000000-0000-4000-8000-000000000001"
	font   = `(effects (font (size 1.27 1.27)))`
)

// sheet makes a schematic of its lists.
func sheet(id string, lists ...string) []byte {
	return []byte(`(kicad_sch (version 20250114) (generator "test") (generator_version "9.0") (uuid "` + id + `") (paper "A4")` + "\n" + strings.Join(lists, "\n") + "\n)\n")
}

// library has a part U with the pins of the types given, one below the other to
// the left.
func library(types ...string) string {
	var pins strings.Builder
	for i, t := range types {
		fmt.Fprintf(&pins, `(pin %s line (at 0 %g 0) (length 2.54) (name "P%d" %s) (number "%d" %s))`, t, -2.54*float64(i), i+1, font, i+1, font)
	}
	return `(lib_symbols (symbol "T:U" (pin_names (offset 0)) (exclude_from_sim no) (in_bom yes) (on_board yes)
		(property "Reference" "U" (at 0 0 0) ` + font + `) (property "Value" "U" (at 0 0 0) ` + font + `)
		(symbol "U_1_1" ` + pins.String() + `)))`
}

// part places U so that its first pin is at x, y.
func part(ref string, n int, x, y float64) string {
	return fmt.Sprintf(`(symbol (lib_id "T:U") (at %g %g 0) (unit 1) (exclude_from_sim no) (in_bom yes) (on_board yes) (dnp no) (uuid "00000000-0000-4000-8000-0000000001%02d")
		(property "Reference" "%s" (at 0 0 0) %s) (property "Value" "V" (at 0 0 0) %s)
		(instances (project "p" (path "/%s" (reference "%s") (unit 1)))))`, x, y, n, ref, font, font, rootID, ref)
}

func wire(x1, y1, x2, y2 float64) string {
	return fmt.Sprintf(`(wire (pts (xy %g %g) (xy %g %g)) (stroke (width 0) (type default)))`, x1, y1, x2, y2)
}

func label(name string, x, y float64) string {
	return fmt.Sprintf(`(label "%s" (at %g %g 0) %s)`, name, x, y, font)
}

func noConnect(x, y float64) string { return fmt.Sprintf(`(no_connect (at %g %g))`, x, y) }

// Parts one below the other at 50.8, their pins 2.54 apart.
const left = 50.8

func TestCheck(t *testing.T) {
	c := checker(t)
	t.Logf("%s, %+v", c.Identity(), c.Protections())
	for _, tt := range []struct {
		name  string
		lists []string
		want  string
	}{
		{"nothing", nil, ""},
		{"two pins wired", []string{library("passive"), part("U1", 1, left, 25.4), part("U2", 2, left, 50.8), wire(left, 25.4, left, 50.8)}, ""},
		{"two pins in the air", []string{library("passive"), part("U1", 1, left, 25.4), part("U2", 2, left, 50.8)}, "pin_not_connected 2"},
		{"marked as not connected", []string{library("passive"), part("U1", 1, left, 25.4), noConnect(left, 25.4)}, ""},
		{"two outputs", []string{library("output"), part("U1", 1, left, 25.4), part("U2", 2, left, 50.8), wire(left, 25.4, left, 50.8)}, "pin_to_pin 1"},
		{"an input without a driver", []string{library("input"), part("U1", 1, left, 25.4), part("U2", 2, left, 50.8), wire(left, 25.4, left, 50.8)}, "pin_not_driven 1"},
		{"a supply without a source", []string{library("power_in"), part("U1", 1, left, 25.4), part("U2", 2, left, 50.8), wire(left, 25.4, left, 50.8)}, "power_pin_not_driven 1"},
		{"two supplies", []string{library("power_out"), part("U1", 1, left, 25.4), part("U2", 2, left, 50.8), wire(left, 25.4, left, 50.8)}, "pin_to_pin 1"},
		{"a label alone", []string{label("a", left, 25.4)}, "label_dangling 1"},
		{"a label at one pin", []string{library("passive"), part("U1", 1, left, 25.4), label("a", left, 25.4)}, "label_dangling 1"},
		{"labels at two pins", []string{library("passive"), part("U1", 1, left, 25.4), label("a", left, 25.4), part("U2", 2, left, 50.8), label("a", left, 50.8)}, ""},
		{"a sheet that is not there", []string{subsheet("missing.kicad_sch")}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := Schematic{Root: sheet(rootID, tt.lists...), ErrorsOnly: true}
			r, err := c.Check(t.Context(), s)
			if err != nil {
				t.Fatal(err)
			}
			if got := Text(r.Errors()); r.Reason != "" || got != tt.want {
				t.Errorf("errors %q %s, want %q\nall: %v\n%s", got, r.Reason, tt.want, r.Count, s.Root)
			}
			if len(r.Violations) != count(r) {
				t.Errorf("%d findings of %d are kept", len(r.Violations), count(r))
			}
		})
	}
}

func count(r Report) int {
	n := 0
	for _, k := range r.Count {
		n += k
	}
	return n
}

func subsheet(file string) string {
	return fmt.Sprintf(`(sheet (at 100 50) (size 20 20) (stroke (width 0) (type solid)) (fill (color 0 0 0 0)) (uuid "00000000-0000-4000-8000-000000000200")
		(property "Sheetname" "sub" (at 0 0 0) %s) (property "Sheetfile" "%s" (at 0 0 0) %s)
		(instances (project "p" (path "/%s" (page "2")))))`, font, file, font, rootID)
}

// kicad-cli works in each confinement that is here: its self-test finds both
// errors.
func TestModes(t *testing.T) {
	program := checker(t).program.Path
	for _, mode := range []string{"namespaces", "landlock", sandbox.ModeUnsafe} {
		box, err := sandbox.NewMode(t.Context(), mode)
		if err != nil {
			t.Logf("%s: %v", mode, err)
			continue
		}
		c, err := NewCheckerIn(t.Context(), box, program)
		if err != nil {
			t.Errorf("%s: %v", mode, err)
		} else if c.Protections().Mode != mode {
			t.Errorf("%s: protections %+v", mode, c.Protections())
		}
	}
}

// What cannot be loaded says so, and is no report without errors.
func TestCheckReasons(t *testing.T) {
	c := checker(t)
	for name, tt := range map[string]struct {
		s    Schematic
		want string
	}{
		"empty":           {Schematic{}, "cannot load"},
		"prose":           {Schematic{Root: []byte("Here is your schematic: it has a resistor.")}, "cannot load"},
		"another file":    {Schematic{Root: []byte("(kicad_pcb (version 20240108))")}, "cannot load"},
		"no version":      {Schematic{Root: []byte("(kicad_sch)")}, "cannot load"},
		"a library":       {Schematic{Root: []byte("(kicad_symbol_lib (version 20241209))")}, "cannot load"},
		"cut off":         {Schematic{Root: []byte(selfTest)[:900]}, "cannot load"},
		"folders":         {Schematic{Root: []byte(selfTest), Sheets: map[string][]byte{"../a.kicad_sch": nil}}, "plain file name"},
		"the root's name": {Schematic{Root: []byte(selfTest), Sheets: map[string][]byte{rootFile: nil}}, "plain file name"},
		"too large":       {Schematic{Root: make([]byte, maxBytes+1)}, "bytes, at most"},
	} {
		r, err := c.Check(t.Context(), tt.s)
		if err != nil || !strings.Contains(r.Reason, tt.want) || len(r.Count) > 0 {
			t.Errorf("%s: %q, %v, %v; want a reason with %q", name, r.Reason, r.Count, err, tt.want)
		}
	}
}

// A hierarchy of several files is checked as one.
func TestSheets(t *testing.T) {
	c := checker(t)
	sub := sheet("00000000-0000-4000-8000-000000000300", library("passive"),
		strings.ReplaceAll(part("U7", 1, left, 25.4), "/"+rootID, "/"+rootID+"/00000000-0000-4000-8000-000000000200"))
	s := Schematic{Root: sheet(rootID, subsheet("sub.kicad_sch")), Sheets: map[string][]byte{"sub.kicad_sch": sub}}
	r, err := c.Check(t.Context(), s)
	if err != nil || Text(r.Errors()) != "pin_not_connected 1" || r.Violations[0].Sheet != "/sub/" {
		t.Errorf("%+v, %v", r, err)
	}
	n, reason, err := c.Netlist(t.Context(), s)
	want := Netlist{[]Component{{"U7", "V"}}, []Net{{"unconnected-(U7-P1-Pad1)", []Pin{{"U7", "1"}}}}}
	if err != nil || reason != "" || !reflect.DeepEqual(n, want) {
		t.Errorf("netlist %+v %s, %v; want %+v", n, reason, err, want)
	}
}

// A schematic names files of the host: KiCad, which opens them where it is not
// confined, gets none of them.
func TestNothingIsRead(t *testing.T) {
	confined := checker(t)
	dir, err := os.MkdirTemp("", "lorabench-test-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	secret := filepath.Join(dir, "secret.kicad_sch")
	if err := errors.Join(os.Chmod(dir, 0o755), os.WriteFile(secret, sheet("00000000-0000-4000-8000-000000000300", label("SECRETWORD", left, 25.4)), 0o644)); err != nil {
		t.Fatal(err)
	}
	box, err := sandbox.NewMode(t.Context(), sandbox.ModeUnsafe)
	if err != nil {
		t.Fatal(err)
	}
	free, err := NewCheckerIn(t.Context(), box, confined.program.Path)
	if err != nil {
		t.Fatal(err)
	}
	names := []string{secret, "../../../../../../../../.." + secret, "/etc/passwd", "/proc/self/environ", "../schematic.kicad_sch", "/dev/zero", "${HOME}/x.kicad_sch"}
	for _, name := range names {
		s := Schematic{Root: sheet(rootID, subsheet(name))}
		r, err := confined.Check(t.Context(), s)
		if err != nil || strings.Contains(fmt.Sprint(r), "SECRETWORD") || strings.Contains(fmt.Sprint(r), "root:") {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
		if name != secret {
			continue
		}
		if r, err := free.Check(t.Context(), s); err != nil || !strings.Contains(fmt.Sprint(r), "SECRETWORD") {
			t.Errorf("unconfined KiCad did not read %s, so this test says nothing: %+v, %v", name, r, err)
		}
	}
}

// Schematics that want all of a resource end within the limits, with a reason
// or a report.
func TestHazards(t *testing.T) {
	c := *checker(t)
	c.limits.CPU = 5 * time.Second
	tower := map[string][]byte{}
	for i := range 30 { // 2^30 sheets
		id := fmt.Sprintf("00000000-0000-4000-8000-0000000004%02d", i)
		two := subsheet(fmt.Sprintf("s%d.kicad_sch", i+1))
		tower[fmt.Sprintf("s%d.kicad_sch", i)] = sheet(id, two, strings.ReplaceAll(two, "000000000200", "000000000201"))
	}
	many := []string{library("passive")}
	for i := range 3000 {
		many = append(many, strings.ReplaceAll(part(fmt.Sprintf("U%d", i), 0, left, 2.54*float64(i+1)), "0000000100", fmt.Sprintf("0001%06d", i)))
	}
	long := strings.Repeat("x", 1<<20)
	for name, s := range map[string]Schematic{
		"a sheet in itself":       {Root: sheet(rootID, subsheet(rootFile))},
		"a tower of sheets":       {Root: sheet(rootID, subsheet("s0.kicad_sch")), Sheets: tower},
		"deep lists":              {Root: sheet(rootID, strings.Repeat("(", 1<<20))},
		"deep text":               {Root: sheet(rootID, strings.Repeat("(text ", 1<<16)+strings.Repeat(")", 1<<16))},
		"a name of a megabyte":    {Root: sheet(rootID, label(long, left, 25.4))},
		"thousands of violations": {Root: sheet(rootID, many...)},
		"an endless string":       {Root: append(sheet(rootID)[:80], `(text "`+long...)},
		"a font that is a path":   {Root: sheet(rootID, `(text "a" (at 0 0 0) (effects (font (face "/etc/passwd") (size 1 1))))`)},
		"an image of no size":     {Root: sheet(rootID, `(image (at 0 0) (scale 1e30) (data "iVBORw0KGgoAAAANSUhEUgAA//8AAP//CAYAAAA="))`)},
		"numbers without end":     {Root: sheet(rootID, label("a", 1e300, -1e300), wire(1e15, 1e15, -1e15, 1e18))},
		"zero bytes":              {Root: slices.Concat(sheet(rootID), make([]byte, 1<<16))},
	} {
		t.Run(name, func(t *testing.T) {
			began := time.Now()
			r, err := c.Check(t.Context(), s)
			if err != nil {
				t.Fatal(err)
			}
			if len(r.Violations) > maxViolations {
				t.Errorf("%d violations are kept, want at most %d", len(r.Violations), maxViolations)
			}
			for _, v := range r.Violations {
				if len(v.Description) > maxText+3 || len(v.Items) > maxItems {
					t.Errorf("a description of %d bytes, %d items", len(v.Description), len(v.Items))
				}
			}
			t.Logf("%v: %s %s", time.Since(began).Round(time.Millisecond), r.Reason, Text(r.Errors()))
		})
	}
}

// Runs beside each other give what they give alone.
func TestParallel(t *testing.T) {
	c := *checker(t)
	c.reports = nil
	s := Schematic{Root: []byte(selfTest)}
	want, err := c.Check(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if got, err := c.Check(t.Context(), s); err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("got %+v, %v; want %+v", got, err, want)
			}
		})
	}
	all.Wait()
	ctx, cancel := context.WithCancelCause(t.Context())
	mine := errors.New("budget ended")
	cancel(mine)
	if _, err := c.Check(ctx, s); !errors.Is(err, mine) {
		t.Errorf("cancelled: %v, want the context's cause", err)
	}
}

// What is ours to blame is an error, not a report.
func TestCheckErrors(t *testing.T) {
	c := *checker(t)
	c.reports = nil
	c.program.Path = "/nonexistent/kicad-cli"
	if r, err := c.Check(t.Context(), Schematic{Root: []byte(selfTest)}); err == nil {
		t.Errorf("a kicad-cli that is gone: %+v", r)
	}
}

func TestFind(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	if _, err := Find(filepath.Join(t.TempDir(), "kicad-cli")); !errors.Is(err, ErrNoKiCad) {
		t.Errorf("a path where nothing is: %v, want ErrNoKiCad", err)
	}
	if _, err := Find(""); Unpacked() == "" && !errors.Is(err, ErrNoKiCad) {
		t.Errorf("no path, and nothing in PATH: %v, want ErrNoKiCad", err)
	}
	script := filepath.Join(t.TempDir(), "kicad-cli")
	if err := os.WriteFile(script, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := Find(script); err == nil || errors.Is(err, ErrNoKiCad) || !strings.Contains(err.Error(), "_eeschema.kiface") {
		t.Errorf("a script: %v", err)
	}
}

func TestParseReport(t *testing.T) {
	good := `{"$schema":"https://schemas.kicad.org/erc.v1.json","kicad_version":"9.0.8","sheets":[%s]}`
	r, err := ParseReport(fmt.Appendf(nil, good, `{"path":"/","violations":[
		{"type":"pin_not_connected","severity":"error","description":"Pin","items":[{"description":"U1\u001b[31m"}]},
		{"type":"pin_not_connected","severity":"error"},
		{"type":"pin_to_pin","severity":"warning"},{"type":"pin_to_pin","severity":"error"},
		{"type":"lib_symbol_issues","severity":"error"},{"type":"label_dangling","severity":"exclusion"}]}`))
	if err != nil || !maps.Equal(r.Errors(), map[string]int{"pin_not_connected": 2, "pin_to_pin": 1}) || Total(r.Errors()) != 3 {
		t.Errorf("errors %v, %v; want two pins not connected and one conflict", r.Errors(), err)
	}
	if got := r.Violations[0].Items[0]; got != "U1?[31m" {
		t.Errorf("item %q: a terminal would act on it", got)
	}
	var many strings.Builder
	for range 5000 {
		many.WriteString(`{"type":"pin_not_driven","severity":"error","description":"` + strings.Repeat("é", 500) + `"},`)
	}
	r, err = ParseReport(fmt.Appendf(nil, good, `{"path":"/","violations":[`+strings.TrimSuffix(many.String(), ",")+`]}`))
	if err != nil || Total(r.Errors()) != 5000 || len(r.Violations) != maxViolations || len(r.Violations[0].Description) > maxText+3 {
		t.Errorf("%d errors, %d kept, %v", Total(r.Errors()), len(r.Violations), err)
	}
	for _, bad := range []string{
		"", "{", "[]", "null", "{}", `{"$schema":"https://schemas.kicad.org/erc.v1.json","kicad_version":"9.0.8"}`,
		`{"$schema":"https://schemas.kicad.org/drc.v1.json","kicad_version":"9.0.8","sheets":[]}`,
		fmt.Sprintf(good, "") + "x", fmt.Sprintf(good, `{"violations":[{"type":"a","severity":"bad"}]}`), fmt.Sprintf(good, `{"violations":[{"severity":"error"}]}`),
	} {
		if r, err := ParseReport([]byte(bad)); err == nil {
			t.Errorf("%q: %+v, want an error", bad, r)
		}
	}
}

func FuzzParseReport(f *testing.F) {
	f.Add([]byte(`{"$schema":"https://schemas.kicad.org/erc.v1.json","kicad_version":"9.0.8","sheets":[{"path":"/","violations":[{"type":"a","severity":"error","items":[{}]}]}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if r, err := ParseReport(data); err == nil && len(r.Violations) > maxViolations {
			t.Errorf("%d violations", len(r.Violations))
		}
	})
}

func FuzzParseNetlist(f *testing.F) {
	f.Add([]byte(`(export (version "E") (components (comp (ref "R1") (value "1k"))) (nets (net (code "1") (name "a") (node (ref "R1") (pin "1")))))`))
	f.Fuzz(func(t *testing.T, data []byte) { ParseNetlist(data) })
}

func BenchmarkCheck(b *testing.B) {
	c := *checker(b)
	c.reports = nil
	for b.Loop() {
		if r, err := c.Check(b.Context(), Schematic{Root: []byte(selfTest)}); err != nil || r.Reason != "" {
			b.Fatal(r, err)
		}
	}
}
