package env

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"time"
)

// ToolQuery is a program and how it is asked for its version.
type ToolQuery struct {
	Name string
	Args []string
	Path string   // "": it is looked for in PATH
	Env  []string // beside our own
}

// Tools returns the programs that scorers use.
func Tools() []ToolQuery {
	return []ToolQuery{
		{Name: "ngspice", Args: []string{"--version"}},
		{Name: "kicad-cli", Args: []string{"version"}},
	}
}

// Tool is a program of somebody else, found or not.
type Tool struct {
	Name    string `json:"name"`
	Path    string `json:"path,omitempty"`
	Version string `json:"version"`         // in its own words: "ngspice-45"; "unknown"
	Error   string `json:"error,omitempty"` // why it is unknown
}

const (
	defaultToolTimeout = 5 * time.Second
	maxToolOutput      = 16 << 10
	maxVersion         = 200
)

// findTools asks each tool for its version, in turn.
func findTools(ctx context.Context, queries []ToolQuery, timeout time.Duration) []Tool {
	if queries == nil {
		queries = Tools()
	}
	tools := make([]Tool, len(queries))
	for i, q := range queries {
		tools[i] = FindTool(ctx, q, timeout)
	}
	return tools
}

var errToolTimeout = errors.New("no answer in time")

// FindTool looks a program up in PATH and asks it for its version, for as long as
// timeout; 0 means 5 seconds.
func FindTool(ctx context.Context, q ToolQuery, timeout time.Duration) Tool {
	t := Tool{Name: q.Name, Version: Unknown}
	path, err := q.Path, error(nil)
	if path == "" {
		path, err = exec.LookPath(q.Name)
	}
	if err != nil {
		t.Error = "not found in PATH"
		if !errors.Is(err, exec.ErrNotFound) {
			t.Error = err.Error()
		}
		return t
	}
	t.Path = path
	ctx, cancel := context.WithTimeoutCause(ctx, cmp.Or(timeout, defaultToolTimeout), errToolTimeout)
	defer cancel()
	var output, messages head
	cmd := exec.CommandContext(ctx, path, q.Args...)
	cmd.Env = append(os.Environ(), q.Env...)
	cmd.Stdout, cmd.Stderr = &output, &messages
	cmd.WaitDelay = time.Second // for what it may have started
	err = cmd.Run()
	version, ok := versionLine(append(append(output.text, '\n'), messages.text...)) // some complain before they answer
	switch {
	case ctx.Err() != nil:
		t.Error = context.Cause(ctx).Error()
	case err != nil:
		t.Error = fmt.Sprintf("%s %s: %v", q.Name, strings.Join(q.Args, " "), err)
	case !ok:
		t.Error = "it does not say its version"
	default:
		t.Version = version
	}
	return t
}

// decoration is what programs draw around their names.
var decoration = regexp.MustCompile(`^[\s*#=-]+|[\s*#=-]+$`)

// versionLine returns the first line that has a digit in it.
func versionLine(output []byte) (string, bool) {
	for line := range strings.Lines(strings.ToValidUTF8(string(output), "\uFFFD")) {
		line = strings.Map(printable, decoration.ReplaceAllString(line, ""))
		if strings.ContainsAny(line, "0123456789") {
			if len(line) > maxVersion {
				line = strings.ToValidUTF8(line[:maxVersion], "") + "…"
			}
			return line, true
		}
	}
	return "", false
}

// printable leaves control characters out: the text is shown on terminals.
func printable(r rune) rune {
	if r < ' ' || r >= 0x7f && r < 0xa0 {
		return -1
	}
	return r
}

// head keeps the beginning of what is written to it.
type head struct{ text []byte }

func (h *head) Write(p []byte) (int, error) {
	h.text = append(h.text, p[:min(len(p), maxToolOutput-len(h.text))]...)
	return len(p), nil
}
