package electronics

import (
	"errors"
	"os"
	"testing"

	"github.com/ailiance/lorabench/scorers"
	"github.com/ailiance/lorabench/scorers/kicad/circuit"
	"github.com/ailiance/lorabench/scorers/kicad/erc"
	"github.com/ailiance/lorabench/scorers/sandbox"
	"github.com/ailiance/lorabench/tasks/electronics/schematic"
)

// kicadTools skips the test where kicad-cli cannot be run.
func kicadTools(t *testing.T) scorers.Tools {
	t.Helper()
	c, err := erc.NewChecker(t.Context(), os.Getenv("LORABENCH_KICAD_CLI"))
	if errors.Is(err, erc.ErrNoKiCad) || errors.Is(err, sandbox.ErrUnavailable) {
		t.Skipf("schematics are not checked: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return scorers.Tools{Checker: c}
}

// What the generator takes for an error is one for KiCad, and a drawing that it
// takes for clean is clean.
func TestRulesAgainstKiCad(t *testing.T) {
	tools := kicadTools(t)
	part, circuits := 13, 1
	if *full {
		part, circuits = 1, 2
	}
	for i := range circuits {
		all := schematic.CheckedDrawings(i)
		each(len(all), func(k int) {
			if k%part != 0 {
				return
			}
			c := all[k]
			files := circuit.Split(c.Text)
			s := erc.Schematic{Root: []byte(files[0].Text), Sheets: map[string][]byte{}, ErrorsOnly: true}
			for _, f := range files[1:] {
				s.Sheets[f.Name] = []byte(f.Text)
			}
			r, err := tools.Checker.Check(t.Context(), s)
			if err != nil || r.Reason != "" {
				t.Errorf("%s: %s %v", c.Name, r.Reason, err)
				return
			}
			found := r.Errors()
			for kind := range c.Errors {
				if found[kind] == 0 {
					t.Errorf("%s: the rules say %v, KiCad finds %v\n%s", c.Name, c.Errors, found, c.Text)
				}
			}
			if len(c.Errors) == 0 && len(found) > 0 {
				t.Errorf("%s: KiCad finds %v\n%s", c.Name, found, c.Text)
			}
		})
	}
}

func TestERC(t *testing.T) {
	checkTask(t, "erc", kicadTools(t), 100, 5)
}

func TestERCDelta(t *testing.T) {
	checkTask(t, "erc_delta", kicadTools(t), 100, 5)
}
