package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/ailiance/lorabench/env"
	"github.com/ailiance/lorabench/runners"
)

// progressOptions say what is told while measuring.
type progressOptions struct {
	quiet      bool
	noProgress bool
}

func (o *progressOptions) progressFlags(f *pflag.FlagSet) {
	f.BoolVar(&o.quiet, "quiet", false, "say nothing but results and errors")
	f.BoolVar(&o.noProgress, "no-progress", false, "no progress")
}

// progress tells on standard error how far a run is: a line that changes on a
// terminal, else a line each 30 seconds.
type progress struct {
	stdio env.Stdio
	progressOptions
	task  string
	told  time.Time
	drawn bool // a line that changes stands there
}

const (
	redrawEvery = 200 * time.Millisecond
	lineEvery   = 30 * time.Second
)

func newProgress(stdio env.Stdio, o progressOptions) *progress {
	return &progress{stdio: stdio, progressOptions: o}
}

// say tells one thing on a line of its own.
func (p *progress) say(format string, args ...any) {
	if p.quiet {
		return
	}
	p.end()
	fmt.Fprintln(p.stdio.Err, visible(fmt.Sprintf(format, args...)))
}

// show is called often and mostly does nothing.
func (p *progress) show(at runners.Progress) {
	if p.quiet || p.noProgress {
		return
	}
	now := time.Now()
	if at.Task != p.task {
		p.end()
		p.task, p.told = at.Task, at.Began
	}
	every := lineEvery
	if p.stdio.ErrIsTerminal {
		every = redrawEvery
	}
	if now.Sub(p.told) < every && at.Done < at.Total {
		return
	}
	p.told = now
	line := progressText(at, now)
	if !p.stdio.ErrIsTerminal {
		fmt.Fprintln(p.stdio.Err, line)
		return
	}
	if width := p.stdio.Width - 1; len(line) > width && width > 0 {
		line = line[:width]
	}
	fmt.Fprintf(p.stdio.Err, "\r%s\x1b[K", line)
	p.drawn = true
}

// end leaves the line that changes.
func (p *progress) end() {
	if p.drawn {
		fmt.Fprintln(p.stdio.Err)
		p.drawn = false
	}
}

func progressText(at runners.Progress, now time.Time) string {
	var b strings.Builder
	took := now.Sub(at.Began)
	fmt.Fprintf(&b, "%s %d/%d", at.Task, at.Done, at.Total)
	if seconds := took.Seconds(); at.Session > 0 && seconds > 0 {
		fmt.Fprintf(&b, "  %.1f/s  %.0f tokens/s", float64(at.Session)/seconds, float64(at.Tokens)/seconds)
		if rest := at.Total - at.Done; rest > 0 {
			left := time.Duration(float64(rest) * seconds / float64(at.Session) * float64(time.Second))
			fmt.Fprintf(&b, "  %v left", left.Round(time.Second))
		} else {
			fmt.Fprintf(&b, "  in %v", took.Round(100*time.Millisecond))
		}
	}
	if at.Left > 0 {
		fmt.Fprintf(&b, "  budget ends in %v", at.Left.Round(time.Second))
	}
	return b.String()
}

// visible writes control characters as text: names come from outside.
func visible(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' || r == 0x7f || r >= 0x80 && r < 0xa0 {
			return '\uFFFD'
		}
		return r
	}, text)
}
