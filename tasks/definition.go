package tasks

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/ailiance/lorabench"
	"github.com/ailiance/lorabench/tasks/generated"
	"github.com/ailiance/lorabench/tasks/pyjson"
)

// Definition says what a task is; Load makes the task of it.
type Definition struct {
	Name      string
	Version   string // lm-eval's version of its task, where the task is lm-eval's
	Title     string
	Source    string
	NumShots  int // examples in front of each question, unless Options say otherwise
	Scorer    string
	Filters   []lorabench.Filter
	Normalize lorabench.Normalization
	Metrics   []lorabench.Metric

	Evaluation Split  // the rows that become samples
	Shots      *Split // where examples are drawn from; nil where no file is needed
	Embedded   bool   // the data are part of the program
	Generated  int    // rows of a task whose questions a generator makes; 0 for others

	published bool   // a task of the published benchmark
	first     int    // rows that it has: the first; 0 for all
	naming    string // of samples that their rows do not name, by their number: "kicad-dsl-%02d"; "" is "%d"

	generate func(generated.Options) ([]generated.Row, error)

	parse       func(row) (example, error) // one row's example
	keep        func(row) bool             // rows of this task; nil keeps all
	description string                     // stands in front of the first shot, without a separator
	sampler     sampler
	examples    []example        // shots that belong to the task itself
	form        func(row) string // what is particular about the dataset, by its first row
	until       []string
	maxTokens   int
	nulls       func([]example) []lorabench.Null // of the examples that are evaluated
}

// example is what a row says: a question as it is asked, and as it is shown with
// its answer in front of another.
type example struct {
	id     string // "" where the row's number is its name
	doc    pyjson.Object
	hash   string // of doc, as lm-eval computes it
	target lorabench.Target

	question      string   // the prompt, and a shot's question
	answer        string   // a shot's answer
	prompts       []string // where each request has its own (winogrande)
	continuations []string // without the space in front; nil for a generation
	rolling       bool     // question is a text to score
	cluster       string
	family        string // of generated questions and circuits
}

// sampler says how shots are chosen.
type sampler int

const (
	drawn      sampler = iota // at random for each sample
	drawnOther                // likewise, and never the sample itself: one more is drawn, and dropped
	firstN                    // the first of the pool for all samples
	noShots                   // always none, whatever is asked for
)

// Datasets are the files that Load reads.
func (d Definition) Datasets() []Split {
	splits := []Split{d.Evaluation}
	if d.Shots != nil {
		splits = append(splits, *d.Shots)
	}
	return splits
}

// Names lists the tasks in alphabetical order.
func Names() []string {
	var names []string
	for _, d := range all() {
		names = append(names, d.Name)
	}
	slices.Sort(names)
	return names
}

// Lookup returns the task called name, or an *UnknownTaskError.
func Lookup(name string) (Definition, error) {
	definitions := all()
	for _, d := range definitions {
		if d.Name == name {
			return d, nil
		}
	}
	return Definition{}, &UnknownTaskError{Name: name, Nearest: nearest(name, Names())}
}

// all returns every task. A new task is a line here.
func all() []Definition {
	return slices.Concat(
		[]Definition{
			arc("arc_easy", "ARC-Easy", "elementary science questions, the easy part"),
			arc("arc_challenge", "ARC-Challenge", "elementary science questions, the hard part"),
			gsm8k(),
			gsm8kCoT(),
			gsm8kCoTZeroShot(),
			hellaSwag(),
			winoGrande(),
			piqa(),
			wikiText(),
			demoArithmetic(),
			demoChoice(),
			demoSPICE(),
			demoText(),
		},
		mmluPro(),
		xcopa(),
		xnli(),
		electronics(),
		publishedTasks(),
	)
}

// UnknownTaskError says that there is no task of a name, and which come nearest.
type UnknownTaskError struct {
	Name    string
	Nearest []string // the best first; may be empty
}

func (e *UnknownTaskError) Error() string {
	if len(e.Nearest) == 0 {
		return fmt.Sprintf("no task %q", e.Name)
	}
	return fmt.Sprintf("no task %q: nearest %s", e.Name, strings.Join(e.Nearest, ", "))
}

// nearest returns up to three of names that take the fewest edits from name,
// and no more than half of its length. A family's beginning ("xcopa") is one
// edit from its members.
func nearest(name string, names []string) []string {
	type candidate struct {
		name  string
		edits int
	}
	var near []candidate
	for _, n := range names {
		edits := editDistance(name, n)
		if name != "" && strings.HasPrefix(n, name) {
			edits = 1
		}
		if edits <= max(2, len(name)/2) {
			near = append(near, candidate{n, edits})
		}
	}
	slices.SortStableFunc(near, func(a, b candidate) int { return cmp.Compare(a.edits, b.edits) })
	var best []string
	for _, c := range near[:min(3, len(near))] {
		best = append(best, c.name)
	}
	return best
}

// editDistance counts the bytes to insert, delete or change to make b of a
// (Levenshtein).
func editDistance(a, b string) int {
	previous := make([]int, len(b)+1)
	for j := range previous {
		previous[j] = j
	}
	for i := range len(a) {
		current := make([]int, len(b)+1)
		current[0] = i + 1
		for j := range len(b) {
			change := previous[j]
			if a[i] != b[j] {
				change++
			}
			current[j+1] = min(change, previous[j+1]+1, current[j]+1)
		}
		previous = current
	}
	return previous[len(b)]
}
