package env

import (
	"io"
	"os"
	"strconv"

	"golang.org/x/term"
)

// Stdio is how a command talks to whoever started it. Tests make their own.
type Stdio struct {
	In  io.Reader
	Out io.Writer // results
	Err io.Writer // messages and progress

	OutIsTerminal, ErrIsTerminal bool

	Width   int  // columns of the terminal; 80 where there is none
	NoColor bool // colours are not wanted: NO_COLOR is set, or TERM is dumb

	Getenv func(string) string
}

const defaultWidth = 80

// Real returns the process's own.
func Real() Stdio {
	s := Stdio{
		In: os.Stdin, Out: os.Stdout, Err: os.Stderr,
		OutIsTerminal: term.IsTerminal(int(os.Stdout.Fd())),
		ErrIsTerminal: term.IsTerminal(int(os.Stderr.Fd())),
		Getenv:        os.Getenv,
	}
	s.Width = width(s.Getenv, os.Stdout, os.Stderr)
	s.NoColor = noColor(s.Getenv)
	return s
}

// width returns the columns of the first of files that is a terminal, or what
// COLUMNS says.
func width(getenv func(string) string, files ...*os.File) int {
	for _, f := range files {
		if columns, _, err := term.GetSize(int(f.Fd())); err == nil && columns > 0 {
			return columns
		}
	}
	if columns, err := strconv.Atoi(getenv("COLUMNS")); err == nil && columns > 0 {
		return columns
	}
	return defaultWidth
}

// noColor follows https://no-color.org.
func noColor(getenv func(string) string) bool {
	return getenv("NO_COLOR") != "" || getenv("TERM") == "dumb"
}
