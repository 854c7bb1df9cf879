package electronics

import (
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ailiance/lorabench"
	"github.com/ailiance/lorabench/scorers"
	"github.com/ailiance/lorabench/scorers/answer"
	"github.com/ailiance/lorabench/scorers/kicad"
	"github.com/ailiance/lorabench/scorers/kicad/circuit"
	"github.com/ailiance/lorabench/tasks"
	"github.com/ailiance/lorabench/tasks/electronics/schematic"
	"github.com/ailiance/lorabench/tasks/generated"
)

func TestKicadSchGen(t *testing.T) {
	checkTask(t, "kicad_sch_gen", scorers.Tools{}, 100, 5)
}

func TestSchExtract(t *testing.T) {
	checkTask(t, "sch_extract", scorers.Tools{}, 100, 4)
}

// TestDrawingsAreReadBack holds that the extractor reads out of each schematic
// of sch_extract the netlist that it was drawn of.
func TestDrawingsAreReadBack(t *testing.T) {
	for i, row := range rowsOf(t, "sch_extract") {
		if i%3 != 0 && !*full {
			continue
		}
		target, err := circuit.ParseTarget(row.Target)
		if err != nil {
			t.Fatal(err)
		}
		text, reason := answer.Block(row.Prompt, circuit.Languages...)
		if reason != "" {
			t.Fatal(reason)
		}
		s, err := circuit.Load(t.Context(), text)
		if err != nil {
			t.Errorf("%s: %v", row.ID, err)
			continue
		}
		if c := target.Compare(s); !c.Equal || c.Pairs.EqualNets != c.Pairs.WantNets || c.Pairs.EqualNets != c.Pairs.GotNets {
			t.Errorf("%s: %q, %+v\n%s", row.ID, c.Note, c.Pairs, text)
		}
	}
}

// rowsOf are the published rows of a task.
func rowsOf(t testing.TB, task string) []generated.Row {
	t.Helper()
	d, err := tasks.Lookup(task)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := d.Rows(generated.Options{Split: generated.Test, Seed: tasks.PublishedSeed})
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// TestSchematicsInKiCad holds that KiCad's own program reads the same netlists
// out of the schematics: those of sch_extract, and the references and mutants of
// kicad_sch_gen, of which it also says the same which are wrong. Without -full a
// few of them.
func TestSchematicsInKiCad(t *testing.T) {
	program := os.Getenv("KICAD_CLI")
	if program == "" {
		program, _ = exec.LookPath("kicad-cli")
	}
	if program == "" {
		t.Skip("no kicad-cli: install KiCad 9, or set KICAD_CLI")
	}
	type question struct {
		name, text string
		target     *circuit.Target
		right      bool
	}
	var texts []question
	add := func(row generated.Row, name, answered string, right bool) {
		target, err := circuit.ParseTarget(row.Target)
		if err != nil {
			t.Fatal(err)
		}
		block, _ := answer.Block(answered, circuit.Languages...)
		texts = append(texts, question{row.ID + " " + name, block, target, right})
	}
	for i, row := range rowsOf(t, "sch_extract") {
		if i%40 == 0 || *full {
			add(row, "question", row.Prompt, true)
		}
	}
	for i, row := range rowsOf(t, "kicad_sch_gen") {
		if i%50 != 0 && !*full {
			continue
		}
		add(row, "reference", row.Reference, true)
		for k, m := range row.Mutants {
			if k == i%len(row.Mutants) || *full && (i+k)%4 == 0 {
				add(row, m.Name, m.Text, false)
			}
		}
	}
	each(len(texts), func(i int) {
		x := texts[i]
		s, err := circuit.Load(t.Context(), x.text)
		exported := export(t, program, x.text)
		if exported == nil || err != nil {
			if x.right || exported == nil && err == nil {
				t.Errorf("%s: error %v, exported %v", x.name, err, exported != nil)
			}
			return
		}
		// Of mutants only what is wrong is compared: kicad-cli 9.0.8 loses the rest
		// of a wire with a junction inside, which KiCad itself cuts in two.
		if p := kicad.ComparePins(s.Netlist, exported); x.right && (p.GotPairs != p.CommonPairs || p.WantPairs != p.CommonPairs) {
			t.Errorf("%s: not what KiCad reads: %+v\n%s", x.name, p, x.text)
		}
		if c := x.target.Compare(&circuit.Schematic{Netlist: exported, Pins: s.Pins, Times: s.Times, Files: s.Files}); c.Equal != x.right {
			t.Errorf("%s: by KiCad's netlist: equal %v (%s), want %v", x.name, c.Equal, c.Note, x.right)
		}
	})
	t.Logf("%d schematics", len(texts))
}

// export returns the netlist that KiCad's program writes, or nil where it does
// not load the schematic.
func export(t *testing.T, program, text string) *kicad.Netlist {
	dir := t.TempDir()
	root := ""
	for _, f := range circuit.Split(text) {
		path := filepath.Join(dir, filepath.Base(f.Name))
		if root == "" {
			root = path
		}
		if err := os.WriteFile(path, []byte(f.Text), 0o600); err != nil {
			t.Error(err)
			return nil
		}
	}
	out := filepath.Join(dir, "out.net")
	exec.Command(program, "sch", "export", "netlist", "-o", out, root).Run()
	exported, err := os.ReadFile(out)
	if err != nil {
		return nil
	}
	n, err := kicad.ReadExportedNetlist(exported)
	if err != nil {
		t.Error(err)
		return nil
	}
	return n
}

// TestDemosAreQuestions holds that a netlist of a real schematic, as sch_extract
// asks for it, is right.
func TestDemosAreQuestions(t *testing.T) {
	const demos = "/usr/share/kicad/demos"
	if _, err := os.Stat(demos); err != nil {
		t.Skip("no demos of KiCad: install kicad-demos")
	}
	scorer, err := scorers.ByName("sch_extract", scorers.Deps{Metrics: []lorabench.Metric{{Name: "score"}, {Name: "f1"}, {Name: "components"}}})
	if err != nil {
		t.Fatal(err)
	}
	read := 0
	for _, project := range []string{
		"ecc83/ecc83-pp", "electric/electric", "interf_u/interf_u", "complex_hierarchy/complex_hierarchy", "flat_hierarchy/flat_hierarchy",
		"pic_programmer/pic_programmer", "simulation/rectifier/rectifier", "simulation/sallen_key/sallen_key", "stickhub/StickHub", "video/video",
	} {
		path := filepath.Join(demos, project+".kicad_sch")
		file, err := os.ReadFile(path)
		if err != nil {
			t.Logf("%s: not there", project)
			continue
		}
		dir := os.DirFS(filepath.Dir(path))
		n, err := kicad.ReadNetlist(t.Context(), filepath.Base(path), file, func(name string) ([]byte, error) { return fs.ReadFile(dir, name) }, kicad.Limits{})
		if err != nil {
			t.Errorf("%s: %v", project, err)
			continue
		}
		read++
		target, err := json.Marshal(circuit.TargetOf(n))
		if err != nil {
			t.Fatal(err)
		}
		var list schematic.Netlist
		for _, c := range n.Components {
			list.Components = append(list.Components, schematic.Component{Ref: c.Ref, Value: c.Value})
		}
		for _, net := range n.Nets {
			k := schematic.NamedNet{Name: net.Name}
			for _, p := range net.Pins {
				k.Pins = append(k.Pins, p.String())
			}
			list.Nets = append(list.Nets, k)
		}
		s := &lorabench.Sample{ID: project, Target: lorabench.Target{Bench: target}}
		for _, score := range scorer.Score(t.Context(), s, text(schematic.NetlistAnswer(list))) {
			if score.Value != 1 {
				t.Errorf("%s: %s is %g (%s%s)", project, score.Metric, score.Value, score.Unscored, score.Note)
			}
		}
		if len(list.Nets) > 3 { // and a net less is not
			list.Nets[2].Pins, list.Nets[3].Pins = append(list.Nets[2].Pins, list.Nets[3].Pins...), nil
			if score := scorer.Score(t.Context(), s, text(schematic.NetlistAnswer(list)))[0]; score.Value >= 1 || score.Value <= 0 && !strings.HasPrefix(project, "simulation") {
				t.Errorf("%s: two nets in one get %g", project, score.Value)
			}
		}
	}
	t.Logf("%d projects", read)
}

// TestOtherDrawingsAreRight holds that an answer is right however it is drawn
// and written: in wires or labels, turned and mirrored, as KiCad 8 and 9 write.
func TestOtherDrawingsAreRight(t *testing.T) {
	styles := []schematic.Style{
		{Version: 20250114},
		{Version: 20250114, Wires: 100, NoConnects: true, Flags: true, Pretty: true, UUIDs: true},
		{Version: 20231120, Wires: 60, Stubs: true, Turn: true, Mirror: true, Numbers: true, Buses: true, UUIDs: true},
		{Version: 20231120, Wires: 90, Turn: true, Through: true, Pretty: true},
	}
	for _, f := range schematic.Families() {
		r := generated.NewRand("other drawings of " + f.Name)
		d := f.Make(r)
		target, err := circuit.ParseTarget(d.Target())
		if err != nil {
			t.Fatal(err)
		}
		for _, style := range styles {
			text, _ := answer.Block(schematic.Answer(d.Draw(style, r).Files(r)), circuit.Languages...)
			if got, err := target.Judge(t.Context(), text); err != nil || !got.Equal {
				t.Errorf("%s drawn as %+v: %q, %v\n%s", f.Name, style, got.Note, err, text)
			}
		}
	}
}
