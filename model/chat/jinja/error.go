package jinja

import "fmt"

// Error says why a template could not be parsed or rendered.
type Error struct {
	Line  int    // line of the template, from 1
	Class string // one of the classes below, or the name of Python's exception
	Text  string
}

// Classes of errors that callers tell apart.
const (
	SyntaxError   = "TemplateSyntaxError" // the source is no template that we render
	RaisedError   = "TemplateError"       // the template called raise_exception
	LimitError    = "LimitError"          // steps, memory, output or depth: see limits.go
	SecurityError = "SecurityError"       // what jinja2's sandbox forbids
)

func (e *Error) Error() string {
	return fmt.Sprintf("template line %d: %s: %s", e.Line, e.Class, e.Text)
}

// fail ends the evaluation; the line is filled in by whoever recovers.
func fail(class, format string, args ...any) {
	panic(&Error{Class: class, Text: fmt.Sprintf(format, args...)})
}

func typeError(format string, args ...any) { fail("TypeError", format, args...) }

func valueError(format string, args ...any) { fail("ValueError", format, args...) }

// caught turns a panic with *Error into err; line is where the evaluation was.
func caught(err *error, line *int) {
	switch r := recover().(type) {
	case nil:
	case *Error:
		if r.Line == 0 {
			r.Line = *line
		}
		*err = r
	default:
		panic(r)
	}
}
