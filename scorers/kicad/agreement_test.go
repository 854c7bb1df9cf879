package kicad

import (
	"bytes"
	"compress/gzip"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var (
	demos = flag.String("demos", "/usr/share/kicad/demos", "a folder of KiCad projects, for the tests of agreement")
	cli   = flag.String("cli", "", "a kicad-cli of KiCad 9, for the tests of agreement")
	diff  = flag.Bool("diff", false, "print what differs in the tests of agreement")
)

const shared = "../../../shared/data/kicad"

// project is a schematic and what is known to be its netlist.
type project struct {
	schematic string
	truth     string
	board     bool // truth is a board: footprints that are on one side only do not count
}

// projects lists what is here: exported netlists and boards beside schematics.
func projects(t *testing.T) []project {
	var list []project
	add := func(schematic, truth string, board bool) {
		for _, name := range []string{schematic, truth} {
			if _, err := os.Stat(name); err != nil {
				return
			}
		}
		list = append(list, project{schematic, truth, board})
	}
	in := func(name string) string { return filepath.Join(shared, filepath.FromSlash(name)) }
	for _, n := range []string{"kinparse/kicad6_test", "kinparse/kicad8_test", "kinparse/kicad9_test", "circuit-synth/circuit1", "circuit-synth/circuit2",
		"circuit-synth/resistor_divider", "kicad-sch-api/ps2_hierarchical_power/ps2_hierarchical_power"} {
		add(in(n+".kicad_sch"), in(n+".net"), false)
	}
	for _, n := range []string{"Rev0", "Rev1", "Rev3"} {
		add(in("pico-ice/"+n+".kicad_sch.gz"), in("pico-ice/"+n+".xml.gz"), false)
		add(in("pico-ice/"+n+".kicad_sch.gz"), in("pico-ice/"+n+".kicad_pcb.gz"), true)
	}
	add(in("pico2-ice/Rev2.kicad_sch.gz"), in("pico2-ice/Rev2.kicad_pcb.gz"), true)
	add(in("upduino/UPduino_v3.01.kicad_sch.gz"), in("upduino/UPduino_v3.01.kicad_pcb.gz"), true)
	add(in("sofle/SofleKeyboard.kicad_sch.gz"), in("sofle/SofleKeyboard.kicad_pcb.gz"), true)
	// skidl's board is left out: it is older than the schematic, parts are called
	// otherwise in it.
	for _, root := range roots(*demos) {
		rel, _ := filepath.Rel(*demos, root)
		if *demos == "/usr/share/kicad/demos" {
			add(root, in("nets6/"+strings.ReplaceAll(filepath.ToSlash(rel), "/", "_")+".net"), false)
		}
		add(root, strings.TrimSuffix(root, ".kicad_sch")+".kicad_pcb", true)
	}
	return list
}

// roots are the schematics in a folder that a project file names.
func roots(folder string) []string {
	var list []string
	filepath.WalkDir(folder, func(path string, e fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".kicad_sch") {
			if _, err := os.Stat(strings.TrimSuffix(path, ".kicad_sch") + ".kicad_pro"); err == nil {
				list = append(list, path)
			}
		}
		return nil
	})
	return list
}

func readFile(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(name, ".gz") {
		return data
	}
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if data, err = io.ReadAll(z); err != nil {
		t.Fatal(err)
	}
	return data
}

// beside opens the files in a schematic's folder.
func beside(schematic string) Files {
	folder := filepath.Dir(schematic)
	return func(name string) ([]byte, error) { return os.ReadFile(filepath.Join(folder, filepath.FromSlash(name))) }
}

func readSchematic(t testing.TB, name string) *Netlist {
	t.Helper()
	n, err := ReadNetlist(t.Context(), strings.TrimSuffix(name, ".gz"), readFile(t, name), beside(name), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// common keeps the components that are in both.
func common(n, with *Netlist) *Netlist {
	in := map[string]bool{}
	for _, c := range with.Components {
		in[c.Ref] = true
	}
	kept := &Netlist{}
	for _, c := range n.Components {
		if in[c.Ref] {
			kept.Components = append(kept.Components, c)
		}
	}
	for _, net := range n.Nets {
		var pins []Pin
		for _, p := range net.Pins {
			if in[p.Ref] {
				pins = append(pins, p)
			}
		}
		if len(pins) > 0 {
			kept.Nets = append(kept.Nets, Net{net.Name, pins})
		}
	}
	return kept
}

// automatic reports whether KiCad made up a net's name.
func automatic(name string) bool {
	return strings.HasPrefix(name, "Net-(") || strings.HasPrefix(name, "unconnected-(")
}

// namesAgree counts the nets of want that got has with the same pins, and of
// these the ones that have the same name; first of names that a person chose.
func namesAgree(got, want *Netlist) (same, of, sameAll, ofAll int) {
	byPins := map[string]string{}
	for _, n := range got.Nets {
		byPins[fmt.Sprint(n.Pins)] = n.Name
	}
	for _, n := range want.Nets {
		name, ok := byPins[fmt.Sprint(n.Pins)]
		if !ok {
			continue
		}
		ofAll++
		if name == n.Name {
			sameAll++
		}
		if !automatic(n.Name) {
			of++
			if name == n.Name {
				same++
			}
		}
	}
	return
}

// partsAgree counts the components that only one has, and those whose values
// differ.
func partsAgree(got, want *Netlist) (missing, extra, values []string) {
	known := map[string]string{}
	for _, c := range got.Components {
		known[c.Ref] = c.Value
	}
	for _, c := range want.Components {
		value, ok := known[c.Ref]
		if !ok {
			missing = append(missing, c.Ref)
		} else if value != c.Value {
			values = append(values, fmt.Sprintf("%s %q %q", c.Ref, value, c.Value))
		}
		delete(known, c.Ref)
	}
	for _, c := range got.Components {
		if _, ok := known[c.Ref]; ok {
			extra = append(extra, c.Ref)
		}
	}
	return
}

func report(t *testing.T, name string, took time.Duration, got, want *Netlist) PairScore {
	s := ComparePins(got, want)
	same, of, sameAll, ofAll := namesAgree(got, want)
	missing, extra, values := partsAgree(got, want)
	t.Logf("%-52s %5d %6d %7d  %.4f %.4f %.4f  %4d/%-4d %4d/%-4d  -%d +%d ≠%d  %4d ms", name, len(want.Components), s.WantPins, s.WantPairs, s.Precision, s.Recall, s.F1,
		same, of, sameAll, ofAll, len(missing), len(extra), len(values), took.Milliseconds())
	if *diff {
		printDifferences(t, got, want)
		t.Logf("  missing %v extra %v values %v", missing, extra, values)
	}
	return s
}

func printDifferences(t *testing.T, got, want *Netlist) {
	g, w := map[string]string{}, map[string]string{}
	for _, n := range got.Nets {
		g[fmt.Sprint(n.Pins)] = n.Name
	}
	for _, n := range want.Nets {
		w[fmt.Sprint(n.Pins)] = n.Name
	}
	for _, n := range want.Nets {
		if name, ok := g[fmt.Sprint(n.Pins)]; !ok {
			t.Logf("  want %s %v", n.Name, n.Pins)
		} else if name != n.Name {
			t.Logf("  name %q, want %q %v", name, n.Name, n.Pins)
		}
	}
	for _, n := range got.Nets {
		if _, ok := w[fmt.Sprint(n.Pins)]; !ok {
			t.Logf("  got  %s %v", n.Name, n.Pins)
		}
	}
}

// TestAgreement holds what ReadNetlist extracts against exported netlists and
// boards, and prints the table of docs/kicad-nets.md.
func TestAgreement(t *testing.T) {
	list := projects(t)
	if len(list) == 0 {
		t.Skip("neither KiCad's demos nor ../shared are here")
	}
	t.Logf("%-52s parts   pins   pairs  precis. recall F1       names by hand, all", "")
	for _, p := range list {
		start := time.Now()
		got := readSchematic(t, p.schematic)
		took := time.Since(start)
		var want *Netlist
		var err error
		if p.board {
			if want, err = ReadBoard(readFile(t, p.truth)); err == nil {
				got, want = common(got, want), common(want, got)
			}
		} else {
			// What makes bills of materials has no parts that are excluded from them.
			if want, err = ReadExportedNetlist(readFile(t, p.truth)); err == nil && strings.Contains(p.truth, ".xml") {
				got = common(got, want)
			}
		}
		if err != nil {
			t.Errorf("%s: %v", p.truth, err)
			continue
		}
		name := filepath.Base(filepath.Dir(p.truth)) + "/" + filepath.Base(p.truth)
		least := 0.99
		if p.board {
			least = 0.98 // vme-wren's is not quite what its schematic says, to KiCad either
		}
		if s := report(t, name, took, got, want); s.F1 < least {
			t.Errorf("%s: F1 %.4f, want %g or more", name, s.F1, least)
		}
	}
}

// TestAgreementWithKiCad holds ReadNetlist against a kicad-cli, where -cli names
// one, on all schematics of -demos and ../shared.
func TestAgreementWithKiCad(t *testing.T) {
	if *cli == "" {
		t.Skip("no -cli")
	}
	list := roots(*demos)
	for _, pattern := range []string{"kinparse/*.kicad_sch", "circuit-synth/*.kicad_sch", "skidl/example*.kicad_sch", "kicad-sch-api/*/*.kicad_sch"} {
		more, _ := filepath.Glob(filepath.Join(shared, pattern))
		list = append(list, more...)
	}
	for _, schematic := range list {
		dir := t.TempDir()
		folder, name, prefixed := strings.Cut(schematic, "schematics_only/")
		if prefixed { // files of several folders in one, as FOLDER__FILE
			before, _, _ := strings.Cut(name, "__")
			all, _ := filepath.Glob(folder + "schematics_only/" + before + "__*")
			for _, from := range all {
				_, as, _ := strings.Cut(filepath.Base(from), "__")
				if err := os.WriteFile(filepath.Join(dir, as), readFile(t, from), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			_, name, _ = strings.Cut(name, "__")
			schematic = filepath.Join(dir, name)
		}
		out := filepath.Join(dir, "net")
		if text, err := exec.Command(*cli, "sch", "export", "netlist", "-o", out, schematic).CombinedOutput(); err != nil {
			t.Logf("%s: %v %s", schematic, err, text)
			continue
		}
		want, err := ReadExportedNetlist(readFile(t, out))
		if err != nil {
			t.Error(err)
			continue
		}
		start := time.Now()
		got, err := ReadNetlist(t.Context(), schematic, readFile(t, schematic), beside(schematic), Limits{})
		if err != nil {
			t.Error(err)
			continue
		}
		name = filepath.Base(filepath.Dir(schematic)) + "/" + filepath.Base(schematic)
		if s := report(t, name, time.Since(start), got, want); s.F1 < 0.99 {
			t.Errorf("%s: F1 %.4f, want 0.99 or more", name, s.F1)
		}
	}
}
