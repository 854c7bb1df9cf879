package electronics

import (
	"errors"
	"flag"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ailiance/lorabench"
	"github.com/ailiance/lorabench/scorers"
	"github.com/ailiance/lorabench/scorers/answer"
	"github.com/ailiance/lorabench/scorers/circuit"
	"github.com/ailiance/lorabench/scorers/sandbox"
	"github.com/ailiance/lorabench/scorers/spice"
	"github.com/ailiance/lorabench/tasks/electronics/spicesim"
	"github.com/ailiance/lorabench/tasks/generated"
)

var (
	families = flag.String("families", "", "regular expression: look at these families of spice_sim closely")
	perFam   = flag.Int("each", 12, "with -families: questions of each family")
)

// simulator skips the test where ngspice cannot be run here.
func simulator(t *testing.T) *spice.Simulator {
	t.Helper()
	s, err := spice.NewSimulator(t.Context())
	if errors.Is(err, spice.ErrNoSimulator) || errors.Is(err, sandbox.ErrUnavailable) {
		t.Skipf("simulations are not tested: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSpiceSim(t *testing.T) {
	checkTask(t, "spice_sim", scorers.Tools{Simulator: simulator(t)}, 240, 11)
}

// eachFamily calls look for each family of spice_sim that -families names, with
// the scorer.
func eachFamily(t *testing.T, look func(t *testing.T, source generated.Source, scorer scorers.Scorer)) {
	t.Helper()
	if *families == "" {
		t.Skip("no -families")
	}
	wanted, err := regexp.Compile("^(" + *families + ")$")
	if err != nil {
		t.Fatal(err)
	}
	scorer, err := scorers.ByName("spice_sim", scorers.Deps{
		Metrics: []lorabench.Metric{{Name: "score"}, {Name: "graded"}}, Tools: scorers.Tools{Simulator: simulator(t)},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, source := range spicesim.Families() {
		first, _ := source(generated.NewRand("name"), 0)
		if !wanted.MatchString(first.Family) {
			continue
		}
		t.Run(first.Family, func(t *testing.T) {
			look(t, source, scorer)
		})
	}
}

// TestSpiceFamilies holds the promises for many questions of single families:
//
//	go test ./tools/electronics -run SpiceFamilies -families 'rc_.*|twin_t' -each 50
func TestSpiceFamilies(t *testing.T) {
	eachFamily(t, func(t *testing.T, source generated.Source, scorer scorers.Scorer) {
		begin := time.Now()
		mutants := 0
		each(*perFam, func(i int) {
			row, _ := source(generated.NewRand(fmt.Sprint("look", i)), i)
			s := &lorabench.Sample{ID: row.ID, Target: lorabench.Target{Bench: row.Target}}
			for _, score := range scorer.Score(t.Context(), s, text(row.Reference)) {
				if !score.Valued() || score.Value < referenceAtLeast {
					t.Errorf("%s: the reference has %s %g (%s%s)\n%s\n%s", row.ID, score.Metric, score.Value, score.Unscored, score.Note, row.Prompt, row.Reference)
					break
				}
			}
			for _, m := range row.Mutants {
				score := scorer.Score(t.Context(), s, text(m.Text))[0]
				if !score.Valued() || score.Value > 0 {
					t.Errorf("%s: the mutant %q has %s %g (%s%s)\n%s\n%s\nreference\n%s", row.ID, m.Name, score.Metric, score.Value, score.Unscored, score.Note, row.Prompt, m.Text, row.Reference)
				}
			}
			mutants = len(row.Mutants)
			if len(row.Mutants) < 3 {
				t.Errorf("%s: %d mutants", row.ID, len(row.Mutants))
			}
		})
		n := *perFam * (mutants + 1)
		t.Logf("%v for %d answers, %v each", time.Since(begin).Round(time.Millisecond), n, (time.Since(begin) / time.Duration(n)).Round(100*time.Microsecond))
	})
}

// TestSpiceConstants looks for an answer that is right for many questions of its
// family: each reference is given to all others.
//
//	go test ./tools/electronics -run SpiceConstants -families '.*' -each 12 -v
func TestSpiceConstants(t *testing.T) {
	eachFamily(t, func(t *testing.T, source generated.Source, scorer scorers.Scorer) {
		n := *perFam
		rows := make([]generated.Row, n)
		for i := range rows {
			rows[i], _ = source(generated.NewRand(fmt.Sprint("constant", i)), i)
		}
		passed := make([]int, n*n)
		graded := make([]float64, n*n)
		each(n*n, func(k int) {
			i, j := k/n, k%n // answer, question
			if i == j {
				return
			}
			s := &lorabench.Sample{ID: rows[j].ID, Target: lorabench.Target{Bench: rows[j].Target}}
			scores := scorer.Score(t.Context(), s, text(rows[i].Reference))
			passed[k], graded[k] = int(scores[0].Value), scores[1].Value
		})
		best, all, bestGraded := 0, 0, 0.0
		for i := range n {
			sum, g := 0, 0.0
			for j := range n {
				sum += passed[i*n+j]
				g += graded[i*n+j]
			}
			best, all, bestGraded = max(best, sum), all+sum, max(bestGraded, g/float64(n-1))
		}
		t.Logf("an answer is right for %.3f of its family's other questions on average, the best for %d of %d; graded of the best %.3f", float64(all)/float64(n*(n-1)), best, n-1, bestGraded)
		if best*2 > n {
			t.Errorf("one answer is right for %d of %d other questions", best, n-1)
		}
	})
}

// TestSpiceOtherwise holds that a right answer stays right however it is written:
// with a title, other names, other order, upper case, analyses of its own,
// resistors in two pieces, and as a subcircuit.
func TestSpiceOtherwise(t *testing.T) {
	scorer, err := scorers.ByName("spice_sim", scorers.Deps{
		Metrics: []lorabench.Metric{{Name: "score"}, {Name: "graded"}}, Tools: scorers.Tools{Simulator: simulator(t)},
	})
	if err != nil {
		t.Fatal(err)
	}
	sources := spicesim.Families()
	part := 8
	if *full {
		part = 1
	}
	each(len(sources), func(i int) {
		if i%part != 0 {
			return
		}
		row, _ := sources[i](generated.NewRand(fmt.Sprint("otherwise", i)), i)
		target, err := circuit.ParseTarget(row.Target)
		if err != nil {
			t.Fatal(err)
		}
		s := &lorabench.Sample{ID: row.ID, Target: lorabench.Target{Bench: row.Target}}
		for _, wrapped := range []bool{false, true} {
			other := otherwise(row.Reference, target, wrapped)
			if score := scorer.Score(t.Context(), s, text(other))[0]; score.Value != 1 {
				t.Errorf("%s: %+v\n%s\nreference\n%s", row.ID, score, other, row.Reference)
			}
		}
	})
}

// otherwise writes a reference in another way.
func otherwise(reference string, target *circuit.Target, wrapped bool) string {
	deck, _ := answer.Block(reference, "spice")
	port := map[string]bool{"0": true}
	ports := slices.Concat(target.Ports, target.Optional)
	for _, p := range ports {
		port[p] = true
	}
	node := func(n string) string {
		if port[strings.ToLower(n)] {
			return n
		}
		return "NET_" + n + ".1"
	}
	count := map[byte]int{'R': 2, 'C': 2, 'L': 2, 'D': 2, 'Q': 3, 'M': 4, 'J': 3, 'V': 2, 'I': 2, 'E': 4}
	var lines, models []string
	for _, line := range strings.Split(deck, "\n") {
		f := strings.Fields(line)
		if len(f) == 0 || f[0][0] == '*' || f[0] == ".end" {
			continue
		}
		letter := strings.ToUpper(f[0])[0]
		if letter == '.' {
			models = append(models, line)
			continue
		}
		n := count[letter]
		if letter == 'X' {
			for n = 0; n+2 < len(f) && !strings.Contains(f[n+2], "="); n++ {
			}
		}
		for k := range n {
			f[1+k] = node(f[1+k])
		}
		if _, limited := target.Limit["R"]; letter == 'R' && len(f) == 4 && !limited {
			lines = append(lines,
				fmt.Sprintf("%s_lower mid_%s %s r = {%s/4*3}  ; three quarters", f[0], f[0], f[2], f[3]),
				fmt.Sprintf("%s_upper %s mid_%s\n+ '%s * 0.25'", f[0], f[1], f[0], f[3]))
			continue
		}
		lines = append(lines, strings.Join(f, "   "))
	}
	slices.Reverse(lines)
	body := strings.ToUpper(strings.Join(lines, "\n")) + "\n"
	head := "My circuit for " + strings.Join(ports, " and ") + "\n* as asked\n.options reltol=1e-5\n"
	tail := strings.Join(models, "\n") + "\n.op\n.ac dec 10 1 1meg\n.tran 1u 1m\n.control\nrun\nplot v(out)\n.endc\n.end\n"
	if wrapped {
		body = ".subckt whole " + strings.Join(ports, " ") + "\n" + body + ".ends whole\nXall " + strings.Join(ports, " ") + " whole\n"
	}
	return "Here is the deck.\n\n```spice\n" + head + body + tail + "```\nIt does what is asked.\n"
}
