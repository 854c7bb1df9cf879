package spice

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// maxWhole bounds a whole deck, in bytes.
const maxWhole = 1 << 20

// Sanitised is a whole deck without what is not a circuit.
type Sanitised struct {
	Deck     string    `json:"-"`
	Dropped  []Removal `json:"dropped"`  // in the order of the lines
	Untitled bool      `json:"untitled"` // the first line is an element, which would have been eaten as the title
}

// Removal is what was taken out: lines that follow one another.
type Removal struct {
	Line   int    `json:"line"` // the first, from 1
	Lines  int    `json:"lines"`
	Text   string `json:"text"` // the first one's beginning, printable
	Reason string `json:"reason"`
}

// Reasons of removals and refusals.
const (
	whyControl  = "a command of ngspice's shell"
	whyScript   = "a comment that ngspice runs"
	whyAfterEnd = "after .end"
	whyFile     = "reads a file"
	whyProcess  = "starts a program"
	whyQuote    = "a back-quote: ngspice runs what stands between two"
	whyControlC = "a control character"
)

// Sanitise takes a whole deck, with its title, sources and analyses, and leaves
// the circuit and its analyses. Commands (".control" to ".endc", lines with
// "*#", "*ng_script") and what follows ".end" are dropped. Lines that would
// read a file or start a program are refused, since the circuit is another one
// without them: the error is a *[LineError]. The result begins with a title of
// ours, so that nothing of the deck is ngspice's first line.
//
// It is a second wall, in front of the sandbox: a deck that it does not see
// through still reads nothing and runs nothing. The time is linear in the
// deck's length.
//
// Source: ngspice manual, "Circuit description" and "Interactive interpreter";
// what of it is run from a plain netlist was measured (docs/sandbox.md).
func Sanitise(deck string) (Sanitised, error) {
	out := Sanitised{Dropped: []Removal{}}
	if len(deck) > maxWhole {
		return out, &LineError{1, printable(deck, 60), fmt.Sprintf("%d bytes, want at most %d", len(deck), maxWhole)}
	}
	var b strings.Builder
	b.WriteString(title + "\n")
	lines := strings.Split(strings.TrimPrefix(deck, "\ufeff"), "\n")
	control, ended := false, false
	spaced, tight := "", "" // the line with its continuations so far, to look at
	for i, raw := range lines {
		raw = strings.TrimRight(raw, "\r")
		bare := strings.ToLower(strings.TrimLeftFunc(raw, blank))
		drop := func(reason string) {
			if n := len(out.Dropped); n > 0 && out.Dropped[n-1].Reason == reason && out.Dropped[n-1].Line+out.Dropped[n-1].Lines == i+1 {
				out.Dropped[n-1].Lines++
				return
			}
			out.Dropped = append(out.Dropped, Removal{i + 1, 1, printable(raw, 80), reason})
		}
		refuse := func(reason string) (Sanitised, error) {
			return Sanitised{}, &LineError{i + 1, printable(raw, 80), reason}
		}
		switch {
		case bare == "":
			continue
		case ended:
			drop(whyAfterEnd)
			continue
		case control:
			drop(whyControl)
			control = !strings.HasPrefix(bare, ".endc")
			continue
		case strings.HasPrefix(bare, ".control"):
			drop(whyControl)
			control = true
			continue
		case strings.HasPrefix(bare, "*#"), strings.HasPrefix(bare, "*ng_script"):
			drop(whyScript)
			continue
		case bare == ".end" || strings.HasPrefix(bare, ".end") && blank(rune(bare[4])):
			ended = true
			continue
		case strings.ContainsFunc(raw, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }):
			return refuse(whyControlC)
		}
		if i == 0 {
			switch {
			case bare[0] == '*' || bare[0] == '.' || bare[0] == '+':
			case looksLikeElement(bare, lines):
				out.Untitled = true
			default:
				b.WriteString("* " + strings.ReplaceAll(raw, "`", "'") + "\n")
				continue
			}
		}
		if bare[0] == '*' {
			b.WriteString(raw + "\n")
			continue
		}
		if bare[0] == '+' {
			spaced, tight = end(spaced)+" "+bare[1:], end(tight)+strings.TrimLeftFunc(bare[1:], blank)
		} else {
			spaced, tight = bare, bare
		}
		for _, line := range []string{spaced, tight} {
			if reason := forbidden(line); reason != "" {
				return refuse(reason)
			}
		}
		b.WriteString(raw + "\n")
	}
	b.WriteString(".end\n")
	out.Deck = b.String()
	return out, nil
}

// end returns the last words of a line: with what follows it only they can make
// a new word.
func end(line string) string {
	line = strings.Join(strings.Fields(line), " ")
	return line[max(0, len(line)-maxLine):]
}

// blank reports whether r may stand before the first word of a line: more than
// ngspice takes for space, so that nothing is missed.
func blank(r rune) bool { return r <= ' ' || r >= 0x7f }

// Names of directives that read a file, models whose parameters name one, and
// parameters that do.
var (
	fileLine    = regexp.MustCompile(`^\.\s*(?:inc|lib|hdl|osdi|pre_|load|source|exec|shell|codemodel|write|cd\b)`)
	fileModel   = regexp.MustCompile(`\b(?:filesource|d_source|d_state|table2d|table3d|spice2poly_file|d_cosim)\b`)
	process     = regexp.MustCompile(`\bd_process\b|\bprocess_file\b|\bprocess_params\b`)
	fileSetting = regexp.MustCompile(`\b(?:[a-z0-9]+_)*file\s*=|\bcodemodel\b|\.so\b|\bsimulation\s*=\s*"`)
)

// forbidden says why a line, lower case and with its continuations, is refused.
func forbidden(line string) string {
	switch {
	case strings.ContainsRune(line, '`'):
		return whyQuote
	case process.MatchString(line):
		return whyProcess
	case fileLine.MatchString(line), fileModel.MatchString(line), fileSetting.MatchString(line):
		return whyFile
	}
	return ""
}

var (
	elementName = regexp.MustCompile(`^[a-z][a-z0-9_.:#$-]*$`)
	nodeName    = regexp.MustCompile(`^[a-z0-9_.:#$+\-\[\]!/]+$`)
	valueStart  = regexp.MustCompile(`^(?:[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?[a-zµω]*$|\{|')`)
	definition  = regexp.MustCompile(`^\s*\.(?:model|subckt)\s+(\S+)`)
)

// words that begin a source's value.
var sourceWords = []string{"dc", "ac", "sin", "pulse", "pwl", "exp", "sffm", "am", "trnoise", "trrandom", "external", "distof1", "distof2", "portnum"}

// looksLikeElement reports whether a first line is an element and no title: a
// two-terminal element with a value, or one whose model or subcircuit the deck
// defines.
func looksLikeElement(line string, deck []string) bool {
	f := strings.Fields(line)
	if len(f) < 4 || !elementName.MatchString(f[0]) {
		return false
	}
	for _, n := range f[1:3] {
		if !nodeName.MatchString(n) {
			return false
		}
	}
	word, _, _ := strings.Cut(f[3], "(")
	names := strings.Join(f[:3], "")
	short := len(f[0]) <= 3 && len(f[1]) <= 4 && len(f[2]) <= 4
	switch {
	case !strings.ContainsAny(names, "0123456789") && !strings.Contains(names, "gnd") && !short: // words
		return false
	case strings.ContainsRune("rclvi", rune(line[0])) && (valueStart.MatchString(f[3]) || strings.Contains(f[3], "=") ||
		strings.ContainsRune("vi", rune(line[0])) && slices.Contains(sourceWords, word)):
		return true
	case strings.ContainsRune("eghf", rune(line[0])) && valueStart.MatchString(f[len(f)-1]):
		return true
	case line[0] == 'b' && (strings.HasPrefix(f[3], "v=") || strings.HasPrefix(f[3], "i=") || f[3] == "v" || f[3] == "i"):
		return true
	}
	for _, l := range deck {
		if m := definition.FindStringSubmatch(strings.ToLower(l)); m != nil && slices.Contains(f[3:], m[1]) {
			return true
		}
	}
	return false
}
