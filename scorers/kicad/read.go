package kicad

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// Files opens a sheet's file by its path, with slashes, relative to the root's
// folder. It is never asked for a path that leaves this folder.
type Files func(name string) ([]byte, error)

const maxWarnings = 100

// ReadNetlist extracts the netlist of a schematic. root is its name, for
// messages and for ${FILENAME}. open reads the files of its sheets, and, where
// there is one, the project file beside the root, for text variables; with nil,
// a schematic with sheets is an error.
//
// What KiCad leaves out of its netlists is left out: power symbols, other
// symbols whose reference begins with "#", symbols that are excluded from the
// board, and symbols without a library symbol.
func ReadNetlist(ctx context.Context, root string, text []byte, open Files, l Limits) (*Netlist, error) {
	l.fill()
	r := &reader{ctx: ctx, limits: l, open: open, screens: map[string]*screen{}, variables: map[string]string{}, aliases: map[string][]string{}}
	if err := r.load(root, text); err != nil {
		return nil, err
	}
	w := newNetwork(r)
	if err := w.connect(); err != nil {
		return nil, err
	}
	n := w.netlist()
	n.Warnings = slices.Clip(r.warnings[:min(len(r.warnings), maxWarnings)])
	n.sort()
	return n, nil
}

// reader reads a schematic's files and unfolds its hierarchy.
type reader struct {
	ctx       context.Context
	limits    Limits
	open      Files
	name      string // of the root, without extension
	screens   map[string]*screen
	order     []*screen
	bytes     int
	places    []place
	items     int
	variables map[string]string
	aliases   map[string][]string
	warnings  []string
}

// place is a sheet in the hierarchy: a screen at the end of a path.
type place struct {
	screen  *screen
	parent  int32  // -1: the root
	sheet   *sheet // that stands for it on the parent's screen
	number  int    // of the sheet there
	file    string
	path    string // of uuids: /ROOT/SHEET/…
	human   string // of names: /, /power/ …
	depth   int
	onBoard bool
	page    string
}

// load reads the root and all that it needs.
func (r *reader) load(root string, text []byte) error {
	file := path.Base(filepath.ToSlash(root))
	r.name = strings.TrimSuffix(file, path.Ext(file))
	s, err := r.screen(root, file, text)
	if err != nil {
		return err
	}
	r.readProject()
	r.places = append(r.places, place{screen: s, parent: -1, file: file, path: "/" + s.uuid, human: "/", onBoard: true})
	for i := 0; i < len(r.places); i++ {
		if err := r.unfold(int32(i)); err != nil {
			return err
		}
	}
	for _, s := range r.order {
		maps.Copy(r.aliases, s.aliases)
		r.warnings = append(r.warnings, s.warnings...)
	}
	return nil
}

// screen reads a file and finds what touches in it.
func (r *reader) screen(name, file string, text []byte) (*screen, error) {
	if err := context.Cause(r.ctx); err != nil {
		return nil, err
	}
	if r.bytes += len(text); r.bytes > r.limits.Bytes {
		return nil, fmt.Errorf("%s: %w: more than %d bytes in all files", name, ErrLimit, r.limits.Bytes)
	}
	s, err := readScreen(name, text, r.limits.Text)
	if err != nil {
		return nil, err
	}
	if err := s.lay(r.ctx); err != nil {
		return nil, err
	}
	r.screens[file] = s
	r.order = append(r.order, s)
	return s, nil
}

// unfold adds the sheets on a place's screen behind the others.
func (r *reader) unfold(i int32) error {
	at := r.places[i]
	if r.items += at.screen.items(); r.items > r.limits.Items {
		return fmt.Errorf("%s: %w: more than %d wires, labels and pins", at.screen.name, ErrLimit, r.limits.Items)
	}
	for k := range at.screen.sheets {
		t := &at.screen.sheets[k]
		file, err := r.sheetFile(at, t)
		if err != nil {
			return err
		}
		for up := i; up >= 0; up = r.places[up].parent {
			if r.places[up].file == file {
				return fmt.Errorf("%s: sheet %q: its file %s contains itself", at.screen.name, t.name, file)
			}
		}
		s := r.screens[file]
		if s == nil {
			if r.open == nil {
				return fmt.Errorf("%s: sheet %q: its file %s is not at hand", at.screen.name, t.name, file)
			}
			if len(r.screens) >= r.limits.Files {
				return fmt.Errorf("%s: %w: more than %d files", at.screen.name, ErrLimit, r.limits.Files)
			}
			text, err := r.open(file)
			if err != nil {
				return fmt.Errorf("%s: sheet %q: %w", at.screen.name, t.name, err)
			}
			if s, err = r.screen(file, file, text); err != nil {
				return err
			}
		}
		if len(r.places) >= r.limits.Sheets {
			return fmt.Errorf("%s: %w: more than %d sheets", at.screen.name, ErrLimit, r.limits.Sheets)
		}
		r.places = append(r.places, place{
			screen: s, parent: i, sheet: t, number: k, file: file, path: at.path + "/" + t.uuid, depth: at.depth + 1,
			human: at.human + t.name + "/", onBoard: at.onBoard && t.onBoard, page: t.pages[at.path],
		})
	}
	return nil
}

// sheetFile returns the path of a sheet's file from the root's folder. KiCad
// takes it from the folder of the file that the sheet is in.
func (r *reader) sheetFile(at place, t *sheet) (string, error) {
	file := strings.ReplaceAll(t.file, `\`, "/")
	if rest, ok := strings.CutPrefix(file, "${KIPRJMOD}/"); ok {
		file = path.Clean(rest)
	} else if path.IsAbs(file) || len(file) > 1 && file[1] == ':' {
		return "", fmt.Errorf("%s: sheet %q: its file %q is not in the schematic's folder", at.screen.name, t.name, t.file)
	} else {
		file = path.Join(path.Dir(at.file), file)
	}
	if !filepath.IsLocal(file) || strings.ContainsRune(file, 0) {
		return "", fmt.Errorf("%s: sheet %q: its file %q is not in the schematic's folder", at.screen.name, t.name, t.file)
	}
	return file, nil
}

// readProject takes text variables and bus aliases from the project file. A
// schematic is complete without one.
func (r *reader) readProject() {
	if r.open == nil {
		return
	}
	text, err := r.open(r.name + ".kicad_pro")
	if err != nil {
		return
	}
	var project struct {
		Variables map[string]string `json:"text_variables"`
		Schematic struct {
			Aliases json.RawMessage `json:"bus_aliases"`
		} `json:"schematic"`
	}
	if len(text) > 16<<20 || json.Unmarshal(text, &project) != nil {
		r.warnings = append(r.warnings, r.name+".kicad_pro: not read: it is not JSON of a KiCad project")
		return
	}
	maps.Copy(r.variables, project.Variables)
	aliases := map[string][]string{}
	if len(project.Schematic.Aliases) > 0 && json.Unmarshal(project.Schematic.Aliases, &aliases) == nil {
		maps.Copy(r.aliases, aliases)
	}
}

// variable returns a text variable's value as a text on a sheet sees it: of the
// sheet, of the sheets it is in, of the project.
func (r *reader) variable(at int32, name string) (string, bool) {
	p := &r.places[at]
	switch name {
	case "#":
		return p.page, p.page != ""
	case "##":
		return fmt.Sprint(len(r.places)), true
	case "SHEETPATH":
		return p.human, true
	case "FILENAME":
		return path.Base(p.file), true
	case "PROJECTNAME":
		if v, ok := r.variables[name]; ok {
			return v, true
		}
		return r.name, true
	}
	for up := at; up >= 0; up = r.places[up].parent {
		if t := r.places[up].sheet; t != nil {
			if v, ok := t.fields[name]; ok {
				return v, true
			}
		}
		if v, ok := r.places[up].screen.titles[name]; ok {
			return v, true
		}
	}
	v, ok := r.variables[name]
	return v, ok
}

// resolve replaces the text variables of a text on a sheet.
func (r *reader) resolve(at int32, text string) string {
	if !strings.Contains(text, "${") {
		return text
	}
	return substitute(text, func(name string) (string, bool) { return r.variable(at, name) })
}
