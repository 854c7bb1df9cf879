package electronics

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ailiance/lorabench"
	"github.com/ailiance/lorabench/scorers"
	"github.com/ailiance/lorabench/scorers/kicad/footprint"
	"github.com/ailiance/lorabench/tasks"
	"github.com/ailiance/lorabench/tasks/generated"
)

func TestFootprints(t *testing.T) { checkTask(t, "kicad_pcb", scorers.Tools{}, 200, 4) }

func footprintRows(t *testing.T) []generated.Row {
	t.Helper()
	definition, err := tasks.Lookup("kicad_pcb")
	if err != nil {
		t.Fatal(err)
	}
	rows, err := definition.Rows(generated.Options{Split: generated.Test, Seed: tasks.PublishedSeed})
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func footprintTarget(t *testing.T, raw json.RawMessage) *footprint.Target {
	t.Helper()
	target, err := footprint.ParseTarget(raw)
	if err != nil {
		t.Fatal(err)
	}
	return target
}

// TestFootprintsOtherwise holds that a right answer is right however it is
// written: in the old form, in another order, with pads turned, with other
// shapes that are the same, rounded to what the prompt allows.
func TestFootprintsOtherwise(t *testing.T) {
	for i, row := range footprintRows(t) {
		target := footprintTarget(t, row.Target)
		f, err := footprint.Read(row.Reference)
		if err != nil {
			t.Fatalf("%s: %v", row.ID, err)
		}
		for _, form := range append(slices.Clone(forms), form{name: "rounded to 0.01 mm", rounded: true}) {
			text := writeFootprint(f, form, generated.NewRand(row.ID+form.name))
			if j := target.Judge(text); !j.Pass || j.Graded != 1 {
				t.Errorf("%s, %s: %+v\nprompt: %s\n%s", row.ID, form.name, j, row.Prompt, text)
			}
		}
		if i > 25 && !*full {
			break
		}
	}
}

// TestFootprintsInAnswers holds how an answer is taken out of what is around it.
func TestFootprintsInAnswers(t *testing.T) {
	definition, err := tasks.Lookup("kicad_pcb")
	if err != nil {
		t.Fatal(err)
	}
	task, err := definition.Load(t.Context(), nil, tasks.DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	scorer, err := scorers.ForTask(task, scorers.Tools{})
	if err != nil {
		t.Fatal(err)
	}
	s := &task.Samples[0]
	right := s.Target.Answer
	for _, tt := range []struct {
		name, text, note string
		want             float64
	}{
		{"a block", "Here it is:\n```kicad_mod\n" + right + "```\nIt has two pads.", "", 1},
		{"a block of lisp", "```lisp\n" + right + "```", "", 1},
		{"a block without a language", "```\n" + right + "```", "", 1},
		{"the text alone", right, "", 1},
		{"the last of two", "```kicad\n(footprint X)\n```\n```kicad\n" + right + "```", "", 1},
		{"prose around it", "Here it is:\n" + right, footprint.NotWhole, 0},
		{"cut off", "```kicad_mod\n" + right[:len(right)/2], "no answer: the code block has no end", 0},
		{"another language", "```python\nprint()\n```", "no answer: the code blocks are of other languages", 0},
		{"a board", "(kicad_pcb (version 20240108))", footprint.NotFootprint, 0},
		{"nothing", " ", "no answer: the text is empty", 0},
		{"refused", strings.Replace(right, "(layers", "(layer", 1), footprint.Refused + "pad", 0},
	} {
		scores := scorer.Score(t.Context(), s, text(tt.text))
		if scores[0].Value != tt.want || scores[0].Note != tt.note || !scores[0].Valued() {
			t.Errorf("%s: %+v, want %g, %q", tt.name, scores[0], tt.want, tt.note)
		}
	}
	if scores := scorer.Score(t.Context(), &lorabench.Sample{}, text(right)); scores[0].Valued() {
		t.Errorf("a sample without a target has the score %g", scores[0].Value)
	}
}

// TestFootprintConstants looks for the best constant: pads that many questions
// share are added one by one, as long as they help.
func TestFootprintConstants(t *testing.T) {
	rows := footprintRows(t)
	targets := make([]*footprint.Target, len(rows))
	type counted struct {
		pad footprint.Pad
		n   int
	}
	var pads []counted
	for i, row := range rows {
		targets[i] = footprintTarget(t, row.Target)
		f, err := footprint.Read(row.Reference)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range f.Pads {
			k := slices.IndexFunc(pads, func(c counted) bool {
				return c.pad.Number == p.Number && c.pad.At == p.At && c.pad.Kind == p.Kind && c.pad.Size == p.Size && c.pad.Drill == p.Drill
			})
			if k < 0 {
				pads = append(pads, counted{p, 1})
			} else {
				pads[k].n++
			}
		}
	}
	slices.SortStableFunc(pads, func(a, b counted) int { return b.n - a.n })
	pads = pads[:40]
	if *full {
		pads = pads[:min(150, cap(pads))]
	}
	mean := func(f *footprint.Footprint) float64 {
		sum := 0.0
		for _, target := range targets {
			sum += target.Compare(f).Graded
		}
		return sum / float64(len(targets))
	}
	best := &footprint.Footprint{Attributes: []string{"smd"}}
	score := mean(best)
	for {
		at, most := -1, score
		for i, c := range pads {
			f := *best
			f.Pads = append(slices.Clone(best.Pads), c.pad)
			if v := mean(&f); v > most {
				at, most = i, v
			}
		}
		if at < 0 {
			break
		}
		best.Pads, score = append(best.Pads, pads[at].pad), most
	}
	t.Logf("the best constant found has %d pads and graded %.4f", len(best.Pads), score)
	if score > nullAtMost || score == 0 {
		t.Errorf("graded of the best constant is %g, want above 0 and at most %g", score, nullAtMost)
	}
}

// TestRealFootprints makes targets of KiCad's own library: each footprint is
// right for itself in every form, and for no other.
func TestRealFootprints(t *testing.T) {
	files, _ := filepath.Glob("/usr/share/kicad/footprints/*/*.kicad_mod")
	if len(files) == 0 {
		t.Skip("KiCad's footprints are not here")
	}
	part := 20
	if *full {
		part = 1
	}
	read := func(file string) (string, *footprint.Footprint) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		f, err := footprint.Read(string(text))
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		return string(text), f
	}
	graded := make([]float64, len(files))
	each(len(files), func(i int) {
		if i%part != 0 {
			return
		}
		text, f := read(files[i])
		target, err := footprint.TargetOf(f, 0.01)
		if err != nil {
			t.Errorf("%s: %v", files[i], err)
			return
		}
		if j := target.Judge(text); !j.Pass || j.Graded != 1 {
			t.Errorf("%s is not right for itself: %+v", files[i], j)
		}
		for _, form := range forms {
			written := writeFootprint(f, form, generated.NewRand(files[i]))
			if j := target.Judge(written); !j.Pass || j.Graded != 1 {
				t.Errorf("%s, %s: %+v", files[i], form.name, j)
			}
		}
		_, other := read(files[(i+len(files)/2)%len(files)])
		r := target.Compare(other)
		if len(r.Wrong) == 0 {
			t.Errorf("%s is right for %s", other.Name, f.Name)
		}
		graded[i] = r.Graded
	})
	sum := 0.0
	for _, g := range graded {
		sum += g
	}
	mean := sum / float64((len(files)+part-1)/part)
	t.Logf("%d footprints; another one in place of each: graded %.4f", (len(files)+part-1)/part, mean)
	if mean > nullAtMost {
		t.Errorf("graded of another footprint is %g, want at most %g", mean, nullAtMost)
	}
}

// TestFootprintsThroughKiCad has KiCad 9 read references and write them anew:
// they are right then too. It needs kicad-cli (KICAD_CLI says where it is).
func TestFootprintsThroughKiCad(t *testing.T) {
	kicad := os.Getenv("KICAD_CLI")
	if kicad == "" {
		path, err := exec.LookPath("kicad-cli")
		if err != nil {
			t.Skip("no kicad-cli")
		}
		kicad = path
	}
	rows := footprintRows(t)
	from, to := filepath.Join(t.TempDir(), "a.pretty"), filepath.Join(t.TempDir(), "b.pretty")
	if err := os.Mkdir(from, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		f, err := footprint.Read(row.Reference)
		if err != nil {
			t.Fatal(err)
		}
		for name, text := range map[string]string{"": row.Reference, "-old": writeFootprint(f, forms[len(forms)-1], generated.NewRand(row.ID))} {
			if err := os.WriteFile(filepath.Join(from, row.ID+name+".kicad_mod"), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	if out, err := exec.Command(kicad, "fp", "upgrade", "--force", "-o", to, from).CombinedOutput(); err != nil {
		t.Fatalf("kicad-cli: %v\n%s", err, out)
	}
	for _, row := range rows {
		for _, name := range []string{"", "-old"} {
			text, err := os.ReadFile(filepath.Join(to, row.ID+name+".kicad_mod"))
			if err != nil {
				t.Errorf("KiCad did not read it: %v\n%s", err, row.Reference)
				continue
			}
			// KiCad names a footprint after its file.
			named := footprintTarget(t, row.Target)
			named.Name = row.ID + name
			for i, x := range named.Texts {
				if x.Kind == "value" {
					named.Texts[i].Text = ""
				}
			}
			if j := named.Judge(string(text)); !j.Pass {
				t.Errorf("%s%s: %+v\n%s", row.ID, name, j, text)
			}
		}
	}
}
