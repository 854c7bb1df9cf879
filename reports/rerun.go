package reports

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// rerunScript writes rerun.sh: it measures the folder's measurement again and
// compares. The command that measured it stands there for people only, so a name
// in it may be anything.
func rerunScript(command []string) string {
	var b strings.Builder
	b.WriteString("#!/bin/sh\n" +
		"# Measures again what lies in this folder: exit code 0 where all bits are equal,\n" +
		"# 1 where not. LORABENCH names the program, where it is not in PATH.\n")
	if len(command) > 0 {
		b.WriteString("#\n# It was measured by:\n#   " + commandLine(command) + "\n")
	}
	b.WriteString("exec \"${LORABENCH:-lorabench}\" rerun \"$(dirname \"$0\")\" \"$@\"\n")
	return b.String()
}

// commandLine prints a command on one line, as one would type it.
func commandLine(args []string) string {
	words := make([]string, len(args))
	for i, arg := range args {
		words[i] = shellWord(arg)
	}
	return strings.Join(words, " ")
}

// plainWord matches what a shell takes as it is.
var plainWord = regexp.MustCompile(`^[A-Za-z0-9_@%+=:,./-]+$`)

// shellWord quotes an argument for a POSIX shell, on one line. What cannot be
// seen is written as \n or \xXX, in the form $'…' of the newer shells.
func shellWord(arg string) string {
	if plainWord.MatchString(arg) {
		return arg
	}
	if utf8.ValidString(arg) && !strings.ContainsFunc(arg, unseen) {
		return "'" + strings.ReplaceAll(arg, "'", `'\''`) + "'"
	}
	var b strings.Builder
	b.WriteString("$'")
	for i := 0; i < len(arg); {
		r, size := utf8.DecodeRuneInString(arg[i:])
		switch {
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\'' || r == '\\':
			b.WriteString(`\` + string(r))
		case r == utf8.RuneError && size == 1 || unseen(r):
			for _, c := range []byte(arg[i : i+size]) {
				fmt.Fprintf(&b, `\x%02x`, c)
			}
		default:
			b.WriteRune(r)
		}
		i += size
	}
	b.WriteString("'")
	return b.String()
}

// unseen reports whether a character ends a line, moves a cursor or turns text.
func unseen(r rune) bool {
	return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || turnsText(r)
}
