package kicaddsl

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/ailiance/lorabench/tasks/generated"
)

func rows(t *testing.T, split string, seed uint64, n int) []generated.Row {
	t.Helper()
	rows, err := generated.Make("kicad_dsl", "1", Families(), generated.Options{Split: split, Seed: seed, N: n})
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// TestSameSeed holds that a seed's questions are always the same.
func TestSameSeed(t *testing.T) {
	if a, b := rows(t, generated.Test, 5, 96), rows(t, generated.Test, 5, 96); !reflect.DeepEqual(a, b) {
		t.Error("the same seed gives other questions")
	}
	first := rows(t, generated.Test, 5, 1)[0]
	const want = `{"format":"`
	if !strings.HasPrefix(string(first.Target), want) {
		t.Errorf("target %s", first.Target)
	}
}

// TestManyQuestions holds that no family runs out of them soon.
func TestManyQuestions(t *testing.T) {
	n := 960
	if testing.Short() {
		n = 240
	}
	test := map[string]bool{}
	for _, r := range rows(t, generated.Test, 11, n) {
		test[pinsOf(t, r)] = true
	}
	if len(test) != n {
		t.Errorf("%d questions differ of %d", len(test), n)
	}
	for _, r := range rows(t, generated.Train, 12, n) {
		if test[pinsOf(t, r)] {
			t.Errorf("%s is in both splits", r.ID)
		}
	}
}

// pinsOf is a question without what only dresses it up.
func pinsOf(t *testing.T, r generated.Row) string {
	t.Helper()
	var target targetSymbol
	if err := json.Unmarshal(r.Target, &target); err != nil {
		t.Fatal(err)
	}
	p := part{}
	for _, n := range target.Pins {
		p.pins = append(p.pins, pin{number: n.Number, name: n.Name, kind: n.Type, unit: n.Unit})
	}
	return keyOf(r.Family, p)
}

// TestPrompts holds that a prompt says all that the target asks for, and shows
// no symbol.
func TestPrompts(t *testing.T) {
	families, formats, layouts, bodies := map[string]int{}, map[string]int{}, map[string]int{}, map[string]int{}
	most := 0
	for _, r := range rows(t, generated.Test, 3, 240) {
		var target targetSymbol
		if err := json.Unmarshal(r.Target, &target); err != nil {
			t.Fatal(err)
		}
		families[r.Family]++
		formats[target.Format]++
		layouts[target.Layout]++
		bodies[target.Body]++
		most = max(most, len(target.Pins))
		said := []string{target.Name, "Reference field is " + target.Reference}
		for _, value := range target.Fields {
			said = append(said, value)
		}
		numbers := map[string]bool{}
		for _, p := range target.Pins {
			said = append(said, p.Number, p.Name)
			if !strings.Contains(strings.ToLower(r.Prompt), p.Side) {
				t.Errorf("%s: the prompt says no side %s", r.ID, p.Side)
			}
			if numbers[p.Number] {
				t.Errorf("%s: two pins %s", r.ID, p.Number)
			}
			numbers[p.Number] = true
			if target.Layout == "placed" && (p.X%mil != 0 || p.Y%mil != 0 || p.Length%(50*mil) != 0) {
				t.Errorf("%s: pin %s at %d, %d", r.ID, p.Number, p.X, p.Y)
			}
		}
		for _, s := range said {
			if !strings.Contains(r.Prompt, s) {
				t.Errorf("%s: the prompt does not say %q\n%s", r.ID, s, r.Prompt)
			}
		}
		for _, s := range []string{"```", "~~~", "(pin ", "DRAW", "test", "train"} {
			if strings.Contains(r.Prompt, s) {
				t.Errorf("%s: %q in the prompt\n%s", r.ID, s, r.Prompt)
			}
		}
		if len(r.Mutants) < 15 {
			t.Errorf("%s: %d mutants", r.ID, len(r.Mutants))
		}
		seen := map[string]bool{}
		for _, m := range r.Mutants {
			if m.Text == r.Reference || seen[m.Name] {
				t.Errorf("%s: the mutant %q is there twice, or the reference", r.ID, m.Name)
			}
			seen[m.Name] = true
		}
	}
	if len(families) < 24 || len(formats) != 3 || len(layouts) != 3 || len(bodies) != 3 {
		t.Errorf("%v, %v, %v, %v", families, formats, layouts, bodies)
	}
	t.Logf("formats %v, layouts %v, bodies %v, up to %d pins", formats, layouts, bodies, most)
}

func TestOldBars(t *testing.T) {
	for name, want := range map[string]string{"~{RST}": "~RST", "A~{B}C": "A~B~C", "R/~{W}": "R/~W", "A": "A", "": "~"} {
		if got := oldBars(name); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
}
