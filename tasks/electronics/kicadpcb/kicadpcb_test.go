package kicadpcb

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/ailiance/lorabench/tasks/generated"
)

func questions(t *testing.T, split string, seed uint64, n int) []generated.Row {
	t.Helper()
	rows, err := generated.Make("kicad_pcb", "1", Families(), generated.Options{Split: split, Seed: seed, N: n})
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// TestFamilies holds that there are enough questions of every family, and that
// equal seeds give equal rows.
func TestFamilies(t *testing.T) {
	rows := questions(t, generated.Test, 1, 1000)
	if !reflect.DeepEqual(rows, questions(t, generated.Test, 1, 1000)) {
		t.Error("the same seed gives other rows")
	}
	families := map[string]int{}
	prompts := map[string]bool{}
	for _, r := range rows {
		families[r.Family]++
		if prompts[r.Prompt] {
			t.Errorf("%s is asked twice", r.ID)
		}
		prompts[r.Prompt] = true
		if len(r.Mutants) < 10 {
			t.Errorf("%s has %d mutants", r.ID, len(r.Mutants))
		}
		if strings.Contains(r.Prompt, generated.Test+" split") || strings.Contains(r.Prompt, "%!") {
			t.Errorf("%s: %s", r.ID, r.Prompt)
		}
	}
	if len(families) != 25 {
		t.Errorf("%d families: %v", len(families), families)
	}
}

// TestParts holds that parts could be made: pads lie apart, holes fit into them,
// and the prompt names every size.
func TestParts(t *testing.T) {
	for _, f := range families() {
		for seed := range 300 {
			r := generated.NewRand(fmt.Sprint(f.name, seed))
			p := f.make(r)
			dress(r, p)
			text := prompt(r, p)
			names := []string{p.name, strings.Join(p.attributes, " and ")}
			for i, q := range p.pads {
				names = append(names, in(q.w), in(q.h))
				for k, d := range q.drill {
					names = append(names, in(d))
					if side := []int{q.w, q.h}[k%2]; d > side || d == side && q.kind == "thru_hole" {
						t.Errorf("%s %d: a hole of %s mm in a pad of %s mm", f.name, seed, in(d), in(side))
					}
				}
				for _, o := range p.pads[:i] {
					if q.number == o.number && q.number != "" || q.number+o.number == "" && slices.Equal(q.layers, pasteOnly) ||
						slices.Equal(q.layers, pasteOnly) != slices.Equal(o.layers, pasteOnly) || slices.Equal(q.layers, backNoPaste) != slices.Equal(o.layers, backNoPaste) {
						continue
					}
					if overlap(q, o) {
						t.Errorf("%s %d: pads %q and %q overlap: %v %v\n%s", f.name, seed, q.number, o.number, q, o, text)
					}
				}
			}
			for _, name := range names {
				if !strings.Contains(text, name) {
					t.Errorf("%s %d: the prompt does not say %s:\n%s", f.name, seed, name, text)
				}
			}
		}
	}
}

// overlap takes ovals for rectangles.
func overlap(a, b pad) bool {
	if a.shape != "circle" {
		a, b = b, a
	}
	dx, dy := float64(max(a.x-b.x, b.x-a.x)), float64(max(a.y-b.y, b.y-a.y))
	switch {
	case a.shape != "circle":
		return dx < float64(a.w+b.w)/2 && dy < float64(a.h+b.h)/2
	case b.shape == "circle":
		return math.Hypot(dx, dy) < float64(a.w+b.w)/2
	}
	return math.Hypot(max(0, dx-float64(b.w)/2), max(0, dy-float64(b.h)/2)) < float64(a.w)/2
}

// TestTurnLeft turns a part of two columns into one of two rows.
func TestTurnLeft(t *testing.T) {
	p := &part{}
	twoColumns(p, 2, 1*mm, 4*mm, pad{w: 2 * mm, h: 1 * mm})
	p.turnLeft()
	var got []string
	for _, q := range p.pads {
		got = append(got, q.number+at(q.x, q.y))
	}
	// counter-clockwise from the lower left
	if want := []string{"1(-0.5, 2)", "2(0.5, 2)", "3(0.5, -2)", "4(-0.5, -2)"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if p.pads[0].w != 1*mm || p.pads[0].h != 2*mm {
		t.Errorf("a pad is %d by %d", p.pads[0].w, p.pads[0].h)
	}
}

func TestBall(t *testing.T) {
	if got := ball(8, 0) + " " + ball(13, 9) + " " + ball(16, 2); got != "J1 P10 U3" {
		t.Errorf("%s, want J1 P10 U3", got)
	}
}

func TestMils(t *testing.T) {
	r := generated.NewRand("mils")
	seen := map[string]bool{}
	for range 100 {
		seen[mils(r, 2540*um)] = true
		if got := mils(r, 2000*um); got != "2 mm" {
			t.Fatalf("2 mm are %s", got)
		}
	}
	if len(seen) != 3 || !seen["2.54 mm"] || !seen["100 mil"] || !seen["0.1 inch"] {
		t.Errorf("2.54 mm are %v", seen)
	}
}
