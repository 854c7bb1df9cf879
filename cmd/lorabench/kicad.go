package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/ailiance/lorabench/scorers/kicad"
	"github.com/ailiance/lorabench/scorers/kicad/footprint"
	"github.com/ailiance/lorabench/scorers/kicad/symbol"
	"github.com/ailiance/lorabench/scorers/sexpr"
)

func newKiCad() *cobra.Command {
	return group("kicad", "KiCad's files by hand", newKiCadNets(), newKiCadCheck(), newKiCadQuestions())
}

func newKiCadNets() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{Use: "nets FILE", Short: "which pins are connected", Args: exactly(1),
		Example: "  lorabench kicad nets board.kicad_sch --json",
		Long: `Extracts the netlist of a schematic of KiCad 6 to 9 (.kicad_sch), as KiCad exports it: the
sheets that it uses are read, too, from its folder and the folders in it, and from nowhere
else. Power symbols, and what is excluded from the board, are not components. Nets of one
pin are listed. Of a board (.kicad_pcb) or an exported netlist (.net, .xml), its netlist.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			n, err := readNets(cmd.Context(), args[0])
			if err != nil {
				return fmt.Errorf("kicad nets: %w", err)
			}
			for _, warning := range n.Warnings {
				fmt.Fprintf(cmd.ErrOrStderr(), "lorabench: note: %s\n", line(warning))
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), newNetsReport(n))
			}
			return printNets(cmd.OutOrStdout(), n)
		}}
	cmd.Flags().BoolVar(&asJSON, "json", false, "one JSON document")
	return cmd
}

// netsReport is lorabench/nets/1.
type netsReport struct {
	Schema     string          `json:"schema"`
	Components []componentLine `json:"components"`
	Nets       []netLine       `json:"nets"`
}

type componentLine struct {
	Ref   string `json:"ref"`
	Value string `json:"value"`
}

type netLine struct {
	Name string   `json:"name"`
	Pins []string `json:"pins"`
}

func newNetsReport(n *kicad.Netlist) netsReport {
	r := netsReport{Schema: "lorabench/nets/1", Components: []componentLine{}, Nets: []netLine{}}
	for _, c := range n.Components {
		r.Components = append(r.Components, componentLine{c.Ref, c.Value})
	}
	for _, net := range n.Nets {
		r.Nets = append(r.Nets, netLine{net.Name, pinTexts(net)})
	}
	return r
}

func pinTexts(net kicad.Net) []string {
	texts := make([]string, len(net.Pins))
	for i, p := range net.Pins {
		texts[i] = p.String()
	}
	return texts
}

func printNets(w io.Writer, n *kicad.Netlist) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "component\tvalue\n")
	for _, c := range n.Components {
		fmt.Fprintf(t, "%s\t%s\n", line(c.Ref), line(c.Value))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(w, "\n")
	fmt.Fprintf(t, "net\tpins\n")
	for _, net := range n.Nets {
		fmt.Fprintf(t, "%s\t%s\n", line(net.Name), line(strings.Join(pinTexts(net), " ")))
	}
	return t.Flush()
}

// line is a text of a file on one line of a terminal.
func line(s string) string {
	return strings.Map(func(c rune) rune {
		if c < ' ' || c == 0x7f || c >= 0x80 && c < 0xa0 {
			return ' '
		}
		return c
	}, s)
}

// maxKiCadFile is a text that is read. The largest board of KiCad's demos has
// 70 MB.
const maxKiCadFile = 512 << 20

func readKiCadFile(f *os.File) ([]byte, error) {
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxKiCadFile {
		return nil, fmt.Errorf("%s: %d bytes, want a file of at most %d", f.Name(), info.Size(), maxKiCadFile)
	}
	return io.ReadAll(io.LimitReader(f, maxKiCadFile))
}

// readNets reads the netlist that a file holds.
func readNets(ctx context.Context, path string) (*kicad.Netlist, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	text, err := readKiCadFile(f)
	if err != nil {
		return nil, err
	}
	return netsOf(ctx, path, text)
}

// netsOf extracts the netlist of a text. A schematic's sheets are read from its
// folder.
func netsOf(ctx context.Context, path string, text []byte) (n *kicad.Netlist, err error) {
	switch kindOf(text) {
	case "kicad_pcb":
		n, err = kicad.ReadBoard(text)
	case "export", "xml":
		n, err = kicad.ReadExportedNetlist(text)
	default:
		folder, err := os.OpenRoot(filepath.Dir(path))
		if err != nil {
			return nil, err
		}
		defer folder.Close()
		return kicad.ReadNetlist(ctx, path, text, func(name string) ([]byte, error) {
			f, err := folder.Open(filepath.FromSlash(name))
			if err != nil {
				return nil, err
			}
			return readKiCadFile(f)
		}, kicad.Limits{})
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return n, nil
}

// kindOf is the word that a text begins with, or "xml", "legacy schematic",
// "legacy library", or "".
func kindOf(text []byte) string {
	rest := bytes.TrimLeft(text, "\ufeff \t\r\n")
	for bytes.HasPrefix(rest, []byte("#")) {
		_, after, _ := bytes.Cut(rest, []byte("\n"))
		rest = bytes.TrimLeft(after, " \t\r\n")
	}
	switch {
	case bytes.HasPrefix(rest, []byte("<")):
		return "xml"
	case bytes.HasPrefix(rest, []byte("EESchema Schematic")):
		return "legacy schematic"
	case symbol.FormatOf(string(text[:min(len(text), 1<<16)])) == symbol.Legacy:
		return "legacy library"
	case !bytes.HasPrefix(rest, []byte("(")):
		return ""
	}
	word := bytes.TrimLeft(rest[1:], " \t\r\n")
	if i := bytes.IndexAny(word, " \t\r\n()\""); i >= 0 {
		word = word[:i]
	}
	return string(word[:min(len(word), 40)])
}

func newKiCadCheck() *cobra.Command {
	return &cobra.Command{Use: "check FILE", Short: "what a file of KiCad holds, and what is wrong with it", Args: exactly(1),
		Long: `Reads a symbol library (.kicad_sym, .lib), a footprint (.kicad_mod), a schematic with its
sheets, a board or a netlist. It says what is in it; what cannot be read is named with its
line, and the exit code is 1.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			f, err := os.Open(args[0])
			if err != nil {
				return fmt.Errorf("kicad check: %w", err)
			}
			text, err := readKiCadFile(f)
			if err != nil {
				return fmt.Errorf("kicad check: %w", err)
			}
			t := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			err = checkKiCad(cmd.Context(), func(key, format string, args ...any) {
				fmt.Fprintf(t, "%s\t%s\n", key, line(fmt.Sprintf(format, args...)))
			}, args[0], text)
			if flushed := t.Flush(); flushed != nil {
				return flushed
			}
			if err != nil && !strings.HasPrefix(err.Error(), args[0]+":") {
				err = fmt.Errorf("%s: %w", args[0], err)
			}
			if err != nil {
				return fmt.Errorf("kicad check: %w", err)
			}
			return nil
		}}
}

// kindNames say what begins with a word.
var kindNames = map[string]string{
	"kicad_sch": "schematic", "kicad_pcb": "board", "kicad_symbol_lib": "symbol library", "symbol": "symbol",
	"footprint": "footprint", "module": "footprint of KiCad 5 or older", "export": "netlist", "xml": "netlist, XML",
	"legacy library": "symbol library of KiCad 5 or older", "legacy schematic": "schematic of KiCad 5 or older",
}

func checkKiCad(ctx context.Context, say func(key, format string, args ...any), path string, text []byte) error {
	kind := kindOf(text)
	name, known := kindNames[kind]
	if !known {
		return fmt.Errorf("line 1: begins with %q: no symbol, footprint, schematic, board or netlist of KiCad", string(text[:min(len(text), 40)]))
	}
	say("kind", "%s", name)
	if kind != "xml" && !strings.HasPrefix(kind, "legacy") {
		d, err := sexpr.Parse(text, sexpr.Limits{})
		if err != nil {
			return err
		}
		sayStructure(say, d)
	}
	switch kind {
	case "symbol", "kicad_symbol_lib", "legacy library":
		symbols, err := symbol.Read(string(text))
		if err != nil {
			return err
		}
		pins, derived := 0, 0
		for _, s := range symbols {
			if s.Extends == "" {
				pins += len(s.Pins)
			} else {
				derived++
			}
		}
		say("symbols", "%d with %d pins, %d of them derived from others", len(symbols), pins, derived)
	case "footprint", "module":
		f, err := footprint.ReadFile(text)
		if err != nil {
			return err
		}
		say("footprint", "%s: %d pads, %d graphics, %d texts; %s", f.Name, len(f.Pads), len(f.Graphics), len(f.Texts), strings.Join(f.Attributes, ", "))
	default:
		n, err := netsOf(ctx, path, text)
		if err != nil {
			return err
		}
		pins := 0
		for _, net := range n.Nets {
			pins += len(net.Pins)
		}
		say("netlist", "%d components, %d nets, %d pins", len(n.Components), len(n.Nets), pins)
		for _, warning := range n.Warnings {
			say("note", "%s", warning)
		}
	}
	return nil
}

// sayStructure says what lists a document has.
func sayStructure(say func(key, format string, args ...any), d *sexpr.Document) {
	root := d.Root()
	format := "none given"
	if version := root.Value("version"); version != "" {
		format = version
	}
	if generator := strings.TrimSpace(root.Value("generator") + " " + root.Value("generator_version")); generator != "" {
		format += ", by " + generator
	}
	say("format", "%s", format)
	counts := map[string]int{}
	for e := range root.Lists("") {
		counts[e.Head()]++
	}
	var parts []string
	for _, head := range slices.Sorted(maps.Keys(counts)) {
		if n := counts[head]; n > 1 || counted[head] {
			parts = append(parts, fmt.Sprintf("%d %s", n, head))
		}
	}
	if len(parts) > 0 {
		say("lists", "%s", strings.Join(parts[:min(len(parts), 30)], ", "))
	}
	if n := d.Repairs(); n > 0 {
		say("note", "%d parentheses are missing, as KiCad 9 has left them out", n)
	}
}

// counted are lists that are named even where there is one.
var counted = map[string]bool{"symbol": true, "wire": true, "bus": true, "sheet": true, "label": true, "footprint": true, "pad": true, "net": true, "segment": true, "zone": true}
