package generated

import (
	"fmt"
	"slices"
	"testing"
)

func sums(r *Rand, i int) (Row, string) {
	a, b := r.Between(0, 99), r.Between(0, 99)
	return Row{ID: fmt.Sprintf("sum-%04d", i), Family: "sum", Prompt: fmt.Sprint(a, "+", b)}, fmt.Sprint("sum ", a, " ", b)
}

func TestMake(t *testing.T) {
	a, err := Make("t", "1", []Source{sums}, Options{Split: Test, Seed: 1, N: 200})
	if err != nil {
		t.Fatal(err)
	}
	b, _ := Make("t", "1", []Source{sums}, Options{Split: Test, Seed: 1, N: 200})
	if !slices.EqualFunc(a, b, func(x, y Row) bool { return x.ID == y.ID && x.Prompt == y.Prompt }) {
		t.Error("the same seed gives other questions")
	}
	seen := map[string]bool{}
	for _, r := range a {
		if seen[r.Prompt] {
			t.Errorf("%s is asked twice", r.Prompt)
		}
		seen[r.Prompt] = true
	}
	for seed := range uint64(5) {
		train, err := Make("t", "1", []Source{sums}, Options{Split: Train, Seed: seed, N: 500})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range train {
			if seen[r.Prompt] {
				t.Errorf("seed %d of the training split asks the held-out question %s", seed, r.Prompt)
			}
		}
	}
	if _, err := Make("t", "1", []Source{sums}, Options{Split: Test, Seed: 1, N: 10_000}); err == nil {
		t.Error("10,000 questions of 2,500 that there are: no error")
	}
}

// TestRand holds the numbers: they may never change.
func TestRand(t *testing.T) {
	r := NewRand("a seed")
	got := []int{r.IntN(1000), r.IntN(1000), r.Between(-5, 5), r.IntN(7), r.IntN(2)}
	if want := []int{526, 520, 1, 3, 1}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	values := []int{0, 1, 2, 3, 4, 5, 6, 7}
	Shuffle(r, values)
	if want := []int{3, 7, 1, 0, 6, 2, 5, 4}; !slices.Equal(values, want) {
		t.Errorf("shuffled %v, want %v", values, want)
	}
	if f := r.Float(); f < 0 || f >= 1 {
		t.Errorf("%g", f)
	}
}
