package tasks

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/ailiance/lorabench/tasks/pyjson"
)

// Bounds on foreign files, in bytes.
const (
	maxLine = 16 << 20 // one row
	maxFile = 1 << 30  // one file, decompressed
)

// Split is a file of rows below the data directory: DATASET/NAME.jsonl or
// .jsonl.gz. Where that is not there a file NAME_COUNT of it (a sub-sample:
// "validation_1000") is read, and named in Dataset.Split.
type Split struct {
	Dataset string // folder: "arc/ARC-Easy"
	Name    string // "test"

	also   []string // further places, without the extension
	pages  []string // places of one text that is cut into rows by cutPages, without .gz
	labels bool     // the column label may lie beside the rows, in ….lst
}

// Path is where the split is looked for first, without its extension.
func (s Split) Path() string { return path.Join(s.Dataset, s.Name) }

// MissingFileError says that a split is in none of the places where it may lie.
// It is fs.ErrNotExist.
type MissingFileError struct {
	Split  Split
	Looked []string // paths below the data directory
}

func (e *MissingFileError) Error() string {
	return fmt.Sprintf("no file %s: looked for %s", e.Split.Path(), strings.Join(e.Looked, ", "))
}

func (e *MissingFileError) Unwrap() error { return fs.ErrNotExist }

// table is a split as read.
type table struct {
	path  string // the file
	split string // its name, with what is particular about it
	rows  []row
}

// row is one line of a dataset.
type row struct {
	path string
	line int
	doc  pyjson.Object
}

// readTable reads a split and adds the bytes that it read, decompressed, to sum.
func readTable(ctx context.Context, data fs.FS, s Split, sum hash.Hash) (table, error) {
	t, isText, err := locate(data, s)
	if err != nil {
		return table{}, err
	}
	in, err := open(data, t.path)
	if err != nil {
		return table{}, fmt.Errorf("read %s: %w", t.path, err)
	}
	defer in.Close()
	read := readRows
	if isText {
		read = readPages
	}
	if t.rows, err = read(ctx, io.TeeReader(in, sum), t.path); err != nil {
		return table{}, fmt.Errorf("read %s: %w", t.path, err)
	}
	if s.labels {
		if err := addLabels(data, &t, sum); err != nil {
			return table{}, err
		}
	}
	return t, nil
}

// locate finds the file of a split: its rows, or else the text that they are
// cut out of.
func locate(data fs.FS, s Split) (t table, isText bool, err error) {
	missing := &MissingFileError{Split: s}
	for _, stem := range append([]string{s.Path()}, s.also...) {
		name, err := oneOf(data, stem+".jsonl", stem+".jsonl.gz")
		if err != nil {
			return table{}, false, err
		}
		if name != "" {
			return table{path: name, split: s.Name}, false, nil
		}
		missing.Looked = append(missing.Looked, stem+".jsonl[.gz]")
	}
	for _, stem := range s.pages {
		name, err := oneOf(data, stem, stem+".gz")
		if err != nil {
			return table{}, false, err
		}
		if name != "" {
			return table{path: name, split: s.Name + ", pages cut from " + path.Base(name)}, true, nil
		}
		missing.Looked = append(missing.Looked, stem+"[.gz]")
	}
	name, err := subSample(data, s)
	if err != nil {
		return table{}, false, err
	}
	if name == "" {
		missing.Looked = append(missing.Looked, s.Path()+"_<rows>.jsonl[.gz]")
		return table{}, false, missing
	}
	stem, _, _ := strings.Cut(path.Base(name), ".")
	return table{path: name, split: stem + ", a part of " + s.Name}, false, nil
}

// oneOf returns which of two files exists, or "". Both are too many: they may
// differ.
func oneOf(data fs.FS, plain, compressed string) (string, error) {
	var found string
	for _, name := range []string{plain, compressed} {
		info, err := fs.Stat(data, name)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			return "", err
		case info.IsDir():
			return "", fmt.Errorf("read %s: is a directory", name)
		case found != "":
			return "", fmt.Errorf("both %s and %s are there: want one", plain, compressed)
		}
		found = name
	}
	return found, nil
}

// subSample finds the only file NAME_COUNT of a split, or "".
func subSample(data fs.FS, s Split) (string, error) {
	entries, err := fs.ReadDir(data, path.Clean(s.Dataset))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	pattern := regexp.MustCompile(`^` + regexp.QuoteMeta(s.Name) + `_[0-9]+\.jsonl(\.gz)?$`)
	var found []string
	for _, e := range entries {
		if pattern.MatchString(e.Name()) {
			found = append(found, path.Join(s.Dataset, e.Name()))
		}
	}
	if len(found) > 1 {
		return "", fmt.Errorf("several parts of %s: %s: want one", s.Path(), strings.Join(found, ", "))
	}
	return strings.Join(found, ""), nil
}

// open opens a file for reading, decompressed where its name ends with .gz, and
// bounded to maxFile bytes.
func open(data fs.FS, name string) (io.ReadCloser, error) {
	info, err := fs.Stat(data, name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() { // to open a pipe waits for its writer
		return nil, fmt.Errorf("%s: not a regular file", name)
	}
	f, err := data.Open(name)
	if err != nil {
		return nil, err
	}
	var r io.Reader = f
	if strings.HasSuffix(name, ".gz") {
		if r, err = gzip.NewReader(f); err != nil {
			f.Close()
			return nil, err
		}
	}
	return struct {
		io.Reader
		io.Closer
	}{&bounded{r, maxFile}, f}, nil
}

// bounded reads at most left bytes, and fails beyond them instead of ending:
// a truncated dataset looks like a whole one.
type bounded struct {
	r    io.Reader
	left int64
}

func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, fmt.Errorf("longer than %d bytes", int64(maxFile))
	}
	return n, err
}

// readRows reads JSON lines; blank ones are skipped.
func readRows(ctx context.Context, in io.Reader, name string) ([]row, error) {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, maxLine)
	var rows []row
	n := 0
	for lines.Scan() {
		if err := checkEvery(ctx, n); err != nil {
			return nil, err
		}
		n++
		if len(bytes.TrimSpace(lines.Bytes())) == 0 {
			continue
		}
		v, err := pyjson.Parse(lines.Bytes())
		if lines.Err() != nil { // the line ends where reading failed
			break
		}
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		doc, ok := v.(pyjson.Object)
		if !ok {
			return nil, fmt.Errorf("line %d: %s, want an object", n, kind(v))
		}
		rows = append(rows, row{name, n, doc})
	}
	if errors.Is(lines.Err(), bufio.ErrTooLong) {
		return nil, fmt.Errorf("line %d: longer than %d bytes", n+1, maxLine)
	}
	if lines.Err() != nil {
		return nil, fmt.Errorf("line %d: %w", max(n, 1), lines.Err())
	}
	return rows, nil
}

// addLabels puts the column label into rows that lack it, from STEM-labels.lst:
// one whole number a line.
func addLabels(data fs.FS, t *table, sum hash.Hash) error {
	if len(t.rows) == 0 {
		return nil
	}
	if _, has := t.rows[0].doc.Get("label"); has {
		return nil
	}
	stem := strings.TrimSuffix(strings.TrimSuffix(t.path, ".gz"), ".jsonl")
	name, err := oneOf(data, stem+"-labels.lst", stem+"-labels.lst.gz")
	if err != nil {
		return err
	}
	if name == "" {
		return fmt.Errorf("read %s: no column \"label\", and no file %s-labels.lst beside it", t.path, stem)
	}
	in, err := open(data, name)
	if err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	defer in.Close()
	text, err := io.ReadAll(io.TeeReader(in, sum))
	if err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	labels := strings.Fields(string(text))
	if len(labels) != len(t.rows) {
		return fmt.Errorf("read %s: %d labels, want %d: one for each row of %s", name, len(labels), len(t.rows), t.path)
	}
	for i, label := range labels {
		v, err := pyjson.Parse([]byte(label))
		if _, whole := v.(pyjson.Int); err != nil || !whole {
			return fmt.Errorf("read %s: line %d: %q, want a whole number", name, i+1, label)
		}
		t.rows[i].doc = t.rows[i].doc.With("label", v)
	}
	return nil
}

// checkEvery looks whether ctx ended, now and then.
func checkEvery(ctx context.Context, i int) error {
	if i%256 == 0 && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}

// columns reads a row's columns and keeps the first error, so that a parser
// asks for all that it needs and looks once.
type columns struct {
	row
	err error
}

func (c *columns) fail(name, format string, args ...any) {
	if c.err == nil {
		c.err = fmt.Errorf("read %s: line %d: column %q: %s", c.path, c.line, name, fmt.Sprintf(format, args...))
	}
}

func (c *columns) get(name string) any {
	v, ok := c.doc.Get(name)
	if !ok && c.err == nil {
		c.err = fmt.Errorf("read %s: line %d: no column %q, has %s", c.path, c.line, name, strings.Join(c.doc.Names(), ", "))
	}
	return v
}

// text returns a string.
func (c *columns) text(name string) string {
	v := c.get(name)
	s, ok := v.(string)
	if !ok {
		c.fail(name, "%s, want a string", kind(v))
	}
	return s
}

// texts returns a list of at least one string.
func (c *columns) texts(name string) []string {
	v := c.get(name)
	list, ok := v.([]any)
	if !ok || len(list) == 0 {
		c.fail(name, "%s, want a list of strings", kind(v))
		return nil
	}
	texts := make([]string, len(list))
	for i, item := range list {
		if texts[i], ok = item.(string); !ok {
			c.fail(name, "item %d is %s, want a string", i, kind(item))
		}
	}
	return texts
}

// index returns a whole number in [0, n), also where it is written as a string.
func (c *columns) index(name string, n int) int {
	v := c.get(name)
	digits, ok := v.(string)
	if whole, isInt := v.(pyjson.Int); isInt {
		digits, ok = string(whole), true
	}
	if !ok {
		c.fail(name, "%s, want a whole number", kind(v))
		return 0
	}
	for i := range n {
		if digits == fmt.Sprint(i) {
			return i
		}
	}
	c.fail(name, "%q, want a whole number from 0 to %d", digits, n-1)
	return 0
}

// oneOfTexts returns the place in want of a string column.
func (c *columns) oneOfTexts(name string, want ...string) int {
	s := c.text(name)
	i := slices.Index(want, s)
	if i < 0 {
		c.fail(name, "%q, want one of %q", s, want)
		return 0
	}
	return i
}

// object returns the columns of a nested object.
func (c *columns) object(name string) *columns {
	v := c.get(name)
	o, ok := v.(pyjson.Object)
	if !ok {
		c.fail(name, "%s, want an object", kind(v))
	}
	return &columns{row{c.path, c.line, o}, c.err}
}

// kind names a JSON value's kind.
func kind(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case bool:
		return "true or false"
	case string:
		return "a string"
	case pyjson.Int, float64:
		return "a number"
	case []any:
		if len(v) == 0 {
			return "an empty list"
		}
		return "a list"
	default:
		return "an object"
	}
}
