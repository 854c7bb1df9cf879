// Package jinja renders Jinja2 templates as Python's jinja2 3.1 does in the
// sandbox that Hugging Face transformers 5 renders chat templates in:
// ImmutableSandboxedEnvironment with trim_blocks, lstrip_blocks, loop controls,
// {% generation %}, a tojson that escapes no HTML, raise_exception and
// strftime_now.
//
// A template goes through these steps:
//
//	source → tokens (lex.go) → tree (parse.go) → names and nesting checked (check.go) → text (exec.go, expr.go)
//
// Values print, compare, sort and fail as Python's do: True, None, 1.0, dicts in
// the order of insertion, whole numbers without bound on their size (up to a
// limit), generators that can be read once, undefined values that print as
// nothing and fail when computed with.
//
// A template is somebody else's program. It reads no file, changes no value that
// it is given, reaches no attribute that begins with two underscores, and is stopped at limits of steps, memory, output
// and depth (limits.go), which are the same on every machine: no clock is read.
//
// Left out, and refused by name: include, import, extends and required blocks
// (there is no second template), autoescape, the filters random, pprint, urlize
// and wordwrap, the function lipsum, bytes, sets and complex numbers.
//
// Inside the package an error is a panic with *Error, as in text/template: nearly
// every step of an evaluation can fail. Parse and Render turn it into an error;
// any other panic is a bug of ours and passes through.
package jinja
