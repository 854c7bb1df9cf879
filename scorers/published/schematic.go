package published

import (
	"strings"
)

// Component is an instance of a symbol.
type Component struct{ Ref, Value, Footprint, UUID string }

// Schematic is what the published score sees of a schematic.
type Schematic struct {
	Balanced   bool
	Starts     bool // with (kicad_sch
	Version    bool
	UUID       bool
	LibSymbols bool
	Components []Component
	Labels     []string
}

// ReadSchematic summarises a text. Texts of models are taken out of their fence
// first (Unfence); references are not.
func ReadSchematic(s string) Schematic {
	_, library := librarySpan(s)
	return Schematic{
		Balanced:   balanced(s),
		Starts:     strings.HasPrefix(s[skipSpace(s, 0):], "(kicad_sch"),
		Version:    hasVersion(s),
		UUID:       strings.Contains(s, "(uuid "),
		LibSymbols: library,
		Components: components(s),
		Labels:     labels(s),
	}
}

// Unfence takes a schematic out of its fence.
func Unfence(s string) string {
	return fence(s, "lisp", "scheme", "kicad", "sexp", "sch", "kicad_sch")
}

func hasVersion(s string) bool {
	return hasSpaced(s, "(version", func(rest string) bool {
		if rest == "" {
			return false
		}
		r, _ := decodeAt(rest, 0)
		return isDecimal(r)
	})
}

// librarySpan returns the first lib_symbols block.
func librarySpan(s string) (span, bool) {
	all := firstBlock(s, "lib_symbols")
	return all, all.end > 0
}

// firstBlock returns the first block of a head; its end is 0 where there is none.
func firstBlock(s, name string) span {
	open := "(" + name
	for at := 0; ; at++ {
		n := strings.Index(s[at:], open)
		if n < 0 {
			return span{}
		}
		at += n
		if headAt(s, at+len(open)) {
			return span{at, max(0, blockEnd(s, at))}
		}
	}
}

// instances returns the symbol blocks outside of the library.
func instances(s string) []span {
	library, _ := librarySpan(s)
	var all []span
	for _, b := range blocks(s, "symbol") {
		if library.end == 0 || b.start < library.start || b.start >= library.end {
			all = append(all, b)
		}
	}
	return all
}

// properties returns the properties of a block; of two with one name the last.
func properties(block string) map[string]string {
	all := map[string]string{}
	occurrences(block, "(property", func(at int) int {
		at += len("(property")
		name, end := quotedAfter(block, at, 1)
		if end < 0 {
			return at
		}
		value, last := quotedAfter(block, end, 0)
		if last < 0 {
			return at
		}
		all[name] = value
		return last
	})
	return all
}

// firstQuoted returns the text of the first (head WS+ "text".
func firstQuoted(block, open string) (text string, end int) {
	end = -1
	occurrences(block, open, func(at int) int {
		at += len(open)
		text, end = quotedAfter(block, at, 1)
		if end >= 0 {
			return len(block) + 1 // enough
		}
		return at
	})
	return text, end
}

// component reads an instance; ok is false where it has no reference with a
// number.
func component(block string) (Component, bool) {
	p := properties(block)
	ref := p["Reference"]
	if !strings.ContainsFunc(ref, isDigit) {
		return Component{}, false
	}
	uuid, _ := firstQuoted(block, "(uuid")
	return Component{ref, p["Value"], p["Footprint"], uuid}, true
}

// components returns the instances, each reference once.
func components(s string) []Component {
	var all []Component
	seen := map[string]bool{}
	for _, b := range instances(s) {
		block := s[b.start:b.end]
		if !strings.Contains(head(block, 200), "(lib_id") && !strings.Contains(head(block, 300), "(at ") {
			continue
		}
		if c, ok := component(block); ok && !seen[c.Ref] {
			seen[c.Ref] = true
			all = append(all, c)
		}
	}
	return all
}

// labelKinds are the heads of labels, in the order in which places are read.
var labelKinds = []string{"label", "global_label", "hierarchical_label"}

// labels returns the names of labels, each once.
func labels(s string) []string {
	var all []string
	seen := map[string]bool{}
	for at := 0; at < len(s); {
		n := strings.IndexByte(s[at:], '(')
		if n < 0 {
			break
		}
		at += n + 1
		for _, kind := range labelKinds {
			if !strings.HasPrefix(s[at:], kind) {
				continue
			}
			name, end := quotedAfter(s, at+len(kind), 1)
			if end < 0 {
				break
			}
			if !seen[name] {
				seen[name] = true
				all = append(all, name)
			}
			at = end
			break
		}
	}
	return all
}

// SchematicText scores a schematic (kicad-sch-gen) against the reference, by
// counts alone.
func SchematicText(generated, expected string) Record {
	g, e := ReadSchematic(Unfence(generated)), ReadSchematic(expected)
	proxy := (oneIf(g.Starts) + oneIf(g.Version) + oneIf(g.LibSymbols) + oneIf(g.UUID)) / 4
	components := ratio(len(g.Components), len(e.Components))
	labels := ratio(len(g.Labels), len(e.Labels))
	structure := (components + labels) / 2
	composite := oneIf(g.Balanced)*0.40 + float64(proxy*0.40) + float64(structure*0.20)
	return Record{
		{"parse_ok", g.Balanced},
		{"starts_with_kicad_sch", g.Starts},
		{"has_version", g.Version},
		{"has_lib_symbols", g.LibSymbols},
		{"has_uuid", g.UUID},
		{"expected_n_components", len(e.Components)},
		{"generated_n_components", len(g.Components)},
		{"comp_count_match", round(components, 4)},
		{"expected_n_labels", len(e.Labels)},
		{"generated_n_labels", len(g.Labels)},
		{"label_count_match", round(labels, 4)},
		{"cli_proxy_score", round(proxy, 4)},
		{"structure_score", round(structure, 4)},
		{"composite", round(composite, 4)},
	}
}
