// Package generated has what the generators of tasks share: seeded random
// choices that are the same on every machine and with every version of Go, and
// two splits that no seed can mix.
//
// A generator makes questions out of numbers: a new held-out set costs nothing,
// and nothing is copied from anybody's library. It writes no file and runs no
// program.
package generated

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
)

// The splits. A question's key says which of them it may be in, whatever the
// seed, so that no seed of one ever makes a question of the other.
const (
	Test  = "test"  // held out: never train on it
	Train = "train" // for adapters
)

// Options say which questions are wanted.
type Options struct {
	Split string // Test or Train
	Seed  uint64
	N     int // questions
}

// Row is one question, as a line of the dataset has it.
type Row struct {
	ID        string          `json:"id"`        // "divider-0007"
	Family    string          `json:"family"`    // the kind of question
	Prompt    string          `json:"prompt"`    // all that the model is told
	Reference string          `json:"reference"` // an answer that is right
	Target    json.RawMessage `json:"target"`    // what the scorer compares with

	// Mutants are wrong answers, made of the reference. They are for tests, and
	// not part of the dataset.
	Mutants []Mutant `json:"-"`

	// Finish, if it is not nil, makes what is dear to make of a question that is
	// taken: three of four draws are of the other split.
	Finish func(*Row) `json:"-"`
}

// Mutant is an answer with one thing wrong.
type Mutant struct {
	Name string // what is wrong: "two pins swapped"
	Text string
}

// Source makes the questions of one family: question number i out of r. Equal
// draws give equal rows. Key identifies the question: its family and the
// numbers that are asked for. It decides the split, so that rows of equal key
// are the same question.
type Source func(r *Rand, i int) (row Row, key string)

// Make returns o.N rows of the families in turn, all of o.Split and no key
// twice. Name and version of the task are part of the seed. It fails where a
// family has too few questions.
func Make(task, version string, families []Source, o Options) ([]Row, error) {
	if o.Split != Test && o.Split != Train {
		return nil, fmt.Errorf("split %q: want %s or %s", o.Split, Test, Train)
	}
	if o.N < 0 {
		return nil, fmt.Errorf("%d questions: want 0 or more", o.N)
	}
	rows := make([]Row, 0, o.N)
	seen := map[string]bool{}
	for i := range o.N {
		family := i % len(families)
		row, err := draw(task, version, families[family], family, i, o, seen)
		if err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	return rows, nil
}

const attempts = 1000

func draw(task, version string, source Source, family, i int, o Options, seen map[string]bool) (Row, error) {
	for attempt := range attempts {
		r := NewRand(fmt.Sprintf("%s/%s/%d/%d/%d/%d", task, version, o.Seed, family, i, attempt))
		row, key := source(r, i)
		if SplitOf(key) == o.Split && !seen[key] {
			seen[key] = true
			if row.Finish != nil {
				row.Finish(&row)
			}
			return row, nil
		}
	}
	return Row{}, fmt.Errorf("%s: family %d has no further question of the split %s after %d draws: ask for fewer than %d", task, family, o.Split, attempts, o.N)
}

// SplitOf says which split a question belongs to: a quarter is held out.
func SplitOf(key string) string {
	if sum := sha256.Sum256([]byte("lorabench split\n" + key)); sum[0]%4 == 0 {
		return Test
	}
	return Train
}

// JSONL writes rows as a dataset, a line each.
func JSONL(rows []Row) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	for _, r := range rows {
		if err := e.Encode(r); err != nil {
			return nil, fmt.Errorf("row %s: %w", r.ID, err)
		}
	}
	return b.Bytes(), nil
}

// Rand makes random choices out of SHA-256 in counter mode: the numbers depend
// on the seed alone, not on a library's version.
type Rand struct {
	seed    [32]byte
	counter uint64
	block   [32]byte
	left    int // bytes of block not used yet
}

// NewRand returns the choices of a seed.
func NewRand(seed string) *Rand { return &Rand{seed: sha256.Sum256([]byte(seed))} }

// Uint64 returns 64 random bits.
func (r *Rand) Uint64() uint64 {
	if r.left == 0 {
		var in [40]byte
		copy(in[:], r.seed[:])
		binary.LittleEndian.PutUint64(in[32:], r.counter)
		r.counter++
		r.block = sha256.Sum256(in[:])
		r.left = 32
	}
	v := binary.LittleEndian.Uint64(r.block[32-r.left:])
	r.left -= 8
	return v
}

// IntN returns a whole number in [0, n), n > 0, each equally often.
func (r *Rand) IntN(n int) int {
	limit := math.MaxUint64 - math.MaxUint64%uint64(n)
	for {
		if v := r.Uint64(); v < limit {
			return int(v % uint64(n))
		}
	}
}

// Between returns a whole number in [lo, hi].
func (r *Rand) Between(lo, hi int) int { return lo + r.IntN(hi-lo+1) }

// Bool returns true in half of all cases.
func (r *Rand) Bool() bool { return r.Uint64()&1 == 1 }

// Float returns a number in [0, 1).
func (r *Rand) Float() float64 { return float64(r.Uint64()>>11) / (1 << 53) }

// Pick returns one of the values.
func Pick[T any](r *Rand, values ...T) T { return values[r.IntN(len(values))] }

// Shuffle puts values in a random order, in place.
func Shuffle[T any](r *Rand, values []T) {
	for i := len(values) - 1; i > 0; i-- {
		j := r.IntN(i + 1)
		values[i], values[j] = values[j], values[i]
	}
}
