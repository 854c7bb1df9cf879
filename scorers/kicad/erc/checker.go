package erc

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ailiance/lorabench/scorers/recall"
	"github.com/ailiance/lorabench/scorers/sandbox"
)

// ErrNoKiCad says that kicad-cli is not installed.
var ErrNoKiCad = errors.New("kicad-cli is not installed")

// firstWithERC is the first KiCad whose kicad-cli checks schematics.
const firstWithERC = 8

// Schematic is a root sheet, and the sheets that it names.
type Schematic struct {
	Root   []byte
	Sheets map[string][]byte // by file name, without folders: "power.kicad_sch"

	// ErrorsOnly has KiCad look for the errors that count ([Counted]) and nothing
	// else, by a project of ours. kicad-cli 9.0.8 loses about one finding in a
	// hundred of a schematic that has many, most of which are warnings of libraries
	// that are not there.
	ErrorsOnly bool
}

// rootFile is the root's name, and projectFile that of its project. Sheets may
// have neither.
const (
	rootFile    = "schematic.kicad_sch"
	projectFile = "schematic.kicad_pro"
)

// content is everything that a finding depends on.
func (s Schematic) content(what string) []byte {
	h := sha256.New()
	part := func(b []byte) {
		fmt.Fprintf(h, "%d\n", len(b))
		h.Write(b)
	}
	part([]byte(what))
	part(strconv.AppendBool(nil, s.ErrorsOnly))
	part(s.Root)
	for _, name := range slices.Sorted(maps.Keys(s.Sheets)) {
		part([]byte(name))
		part(s.Sheets[name])
	}
	return h.Sum(nil)
}

// Bounds of a schematic.
const (
	maxSheets = 64
	maxBytes  = 32 << 20 // of all files
)

var sheetName = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.+-]{0,99}$`)

func (s Schematic) files() (map[string][]byte, error) {
	if len(s.Sheets) > maxSheets {
		return nil, fmt.Errorf("%d sheets, at most %d are looked at", len(s.Sheets), maxSheets)
	}
	size := len(s.Root)
	files := map[string][]byte{rootFile: s.Root}
	if s.ErrorsOnly {
		files[projectFile] = project()
	}
	for name, data := range s.Sheets {
		if !sheetName.MatchString(name) || name == rootFile || name == resultFile || strings.HasPrefix(filepath.Ext(name), ".kicad_pr") {
			return nil, fmt.Errorf("sheet %.100q: want a plain file name of letters, digits, dots and dashes", name)
		}
		size += len(data)
		files[name] = data
	}
	if size > maxBytes {
		return nil, fmt.Errorf("%d bytes, at most %d are looked at", size, maxBytes)
	}
	return files, nil
}

// Checker runs kicad-cli in a sandbox. It is safe for concurrent use.
type Checker struct {
	box      *sandbox.Sandbox
	program  Program
	version  string
	identity string
	limits   sandbox.Limits
	slots    chan struct{} // one for each run at a time
	reports  *recall.Cache[Report]
}

// maxKnown bounds what a checker remembers, in bytes.
const maxKnown = 16 << 20

// NewChecker makes a sandbox and starts kicad-cli in it; see [NewCheckerIn].
func NewChecker(ctx context.Context, path string) (*Checker, error) {
	program, err := Find(path)
	if err != nil {
		return nil, err
	}
	box, err := sandbox.New(ctx)
	if err != nil {
		return nil, fmt.Errorf("kicad-cli is not run: %w", err)
	}
	return newChecker(ctx, box, program)
}

// NewCheckerIn finds kicad-cli (at path, or where [Find] looks), asks for its
// version in the sandbox and has it check a schematic whose errors are known.
// The error wraps [ErrNoKiCad] or [sandbox.ErrUnavailable] where one of the two
// is missing. The process must call [sandbox.Main] first thing in main.
func NewCheckerIn(ctx context.Context, box *sandbox.Sandbox, path string) (*Checker, error) {
	program, err := Find(path)
	if err != nil {
		return nil, err
	}
	return newChecker(ctx, box, program)
}

func newChecker(ctx context.Context, box *sandbox.Sandbox, program Program) (*Checker, error) {
	c := &Checker{
		box: box, program: program, limits: defaultLimits(),
		slots:   make(chan struct{}, min(runtime.GOMAXPROCS(0), maxParallel)),
		reports: recall.New(maxKnown, func(r Report) int { return 1024 + 256*len(r.Violations) }),
	}
	sum, err := c.program.digest()
	if err != nil {
		return nil, fmt.Errorf("read kicad-cli: %w", err)
	}
	if c.version, err = c.askVersion(ctx); err != nil {
		return nil, err
	}
	c.identity = "kicad-cli-" + c.version + " sha256:" + sum + " erc/" + Version
	if err := c.selfTest(ctx); err != nil {
		return nil, fmt.Errorf("kicad-cli %s: self-test: %w", c.version, err)
	}
	return c, nil
}

// Version returns what kicad-cli calls itself: "9.0.8".
func (c *Checker) Version() string { return c.version }

// Identity names everything that a finding depends on beside the text: version
// and digest of kicad-cli, version of this package.
func (c *Checker) Identity() string { return c.identity }

// Program returns where kicad-cli is.
func (c *Checker) Program() Program { return c.program }

// Protections says what kicad-cli is confined by.
func (c *Checker) Protections() sandbox.Protections { return c.box.Protections() }

// maxParallel bounds how many kicad-cli run at a time: each takes some 200 MB.
const maxParallel = 4

// defaultLimits of one run. A small schematic needs 0.2 s and 200 MB; address
// space is more where there are many processors, for the stacks of threads.
func defaultLimits() sandbox.Limits {
	return sandbox.Limits{
		CPU: 20 * time.Second, Wall: 10 * time.Minute, Memory: 4 << 30, FileSize: 16 << 20,
		Scratch: 16 << 20, Processes: 1024, OpenFiles: 256, Output: 64 << 10,
	}
}

var versionForm = regexp.MustCompile(`(?m)^([0-9]{1,3})\.[0-9]{1,3}\.[0-9][0-9A-Za-z.+~-]{0,30}$`)

func (c *Checker) askVersion(ctx context.Context) (string, error) {
	res, err := c.box.Run(ctx, c.command([]string{"version"}, nil))
	if err != nil {
		return "", fmt.Errorf("ask kicad-cli for its version: %w", err)
	}
	m := versionForm.FindSubmatch(bytes.TrimSpace(res.Stdout))
	if m == nil {
		return "", fmt.Errorf("ask kicad-cli for its version: exit code %d, %.200q", res.ExitCode, string(res.Stdout)+string(res.Stderr))
	}
	if major, _ := strconv.Atoi(string(m[1])); major < firstWithERC {
		return "", fmt.Errorf("kicad-cli %s cannot check schematics: version %d or later is wanted", m[0], firstWithERC)
	}
	return string(m[0]), nil
}

// resultFile is what kicad-cli writes to.
const resultFile = "result"

func (c *Checker) command(args []string, files map[string][]byte) sandbox.Command {
	cmd := sandbox.Command{
		Program: c.program.Path, Args: args, Read: c.program.read, Limits: c.limits, Home: true, Inputs: files,
		Env: append([]string{"LC_ALL=C.UTF-8", "MALLOC_ARENA_MAX=2"}, c.program.Env...),
	}
	if files != nil {
		cmd.Outputs = []string{resultFile}
	}
	return cmd
}

// run has kicad-cli make a file of a schematic. Where it did not, reason says
// why; an error means that it could not be run.
func (c *Checker) run(ctx context.Context, args []string, s Schematic) (made []byte, reason string, err error) {
	files, err := s.files()
	if err != nil {
		return nil, err.Error(), nil
	}
	select {
	case c.slots <- struct{}{}:
		defer func() { <-c.slots }()
	case <-ctx.Done():
		return nil, "", context.Cause(ctx)
	}
	res, err := c.box.Run(ctx, c.command(append(args, "-o", resultFile, rootFile), files))
	if err != nil {
		return nil, "", err
	}
	made = res.Outputs[resultFile]
	switch {
	case res.Limit == "wall":
		return nil, "", fmt.Errorf("kicad-cli used %v of CPU time in %v: the machine is too busy", res.CPU.Round(time.Millisecond), res.Wall.Round(time.Second))
	case res.ExitCode == 127:
		return nil, "", fmt.Errorf("start kicad-cli: %.200q", res.Stderr)
	case res.Limit == "cpu":
		reason = fmt.Sprintf("KiCad ran away: more than %v of CPU time", c.limits.CPU)
	case res.Limit == "scratch" || int64(len(made)) >= c.limits.FileSize:
		reason = fmt.Sprintf("KiCad ran away: more than %d MB of results", c.limits.FileSize>>20)
	case res.Signal != "":
		reason = "KiCad crashed: " + res.Signal
	case len(made) == 0:
		reason = "KiCad cannot load it" // measured: exit code 3
	}
	if reason != "" {
		return nil, reason, nil
	}
	return made, "", nil
}

// Check runs the electrical rules check. The error means that kicad-cli could
// not be run; what the schematic itself does wrong is in the report. What was
// checked before is not checked again: nobody may write to the report.
func (c *Checker) Check(ctx context.Context, s Schematic) (Report, error) {
	return c.reports.Get(ctx, s.content("check"), func() (Report, error) {
		made, reason, err := c.run(ctx, []string{"sch", "erc", "--format", "json", "--units", "mm", "--severity-all"}, s)
		if err != nil || reason != "" {
			return Report{Reason: reason}, err
		}
		r, err := ParseReport(made)
		if err != nil { // kicad-cli was cut off while it wrote, or is another one than we know
			return Report{}, err
		}
		return r, nil
	})
}

// Netlist has KiCad say what is connected. Reason says why it does not.
func (c *Checker) Netlist(ctx context.Context, s Schematic) (n Netlist, reason string, err error) {
	made, reason, err := c.run(ctx, []string{"sch", "export", "netlist", "--format", "kicadsexpr"}, s)
	if err != nil || reason != "" {
		return Netlist{}, reason, err
	}
	n, err = ParseNetlist(made)
	return n, "", err
}

func (c *Checker) selfTest(ctx context.Context) error {
	s := Schematic{Root: []byte(selfTest), ErrorsOnly: true}
	r, err := c.Check(ctx, s)
	if err != nil {
		return err
	}
	want := map[string]int{"label_dangling": 1, "pin_not_connected": 1}
	if got := r.Errors(); r.Reason != "" || !maps.Equal(got, want) {
		return fmt.Errorf("errors %v, want %v %s", got, want, r.Reason)
	}
	n, reason, err := c.Netlist(ctx, s)
	if err != nil {
		return err
	}
	if reason != "" || len(n.Components) != 1 || n.Components[0] != (Component{"R1", "1k"}) || len(n.Nets) != 2 {
		return fmt.Errorf("netlist %+v, want R1 and two nets %s", n, reason)
	}
	return nil
}

// Program is kicad-cli and what it needs.
type Program struct {
	Path string   // with all links followed
	Env  []string // that it needs to find its libraries: "LD_LIBRARY_PATH=…"
	read []string // files
}

// Find looks for kicad-cli: at path, or where that is "" in PATH and then in
// the folder that `tools/setup.sh kicad` unpacks it to. A KiCad that is only
// unpacked finds its libraries beside itself. The error wraps [ErrNoKiCad]
// where there is none.
func Find(path string) (Program, error) {
	var p Program
	if path == "" {
		var err error
		if path, err = exec.LookPath("kicad-cli"); err != nil {
			if path = Unpacked(); path == "" {
				return p, fmt.Errorf("%w: %w", ErrNoKiCad, err)
			}
		}
	}
	var err error
	if p.Path, err = filepath.Abs(path); err == nil {
		p.Path, err = filepath.EvalSymlinks(p.Path)
	}
	if errors.Is(err, os.ErrNotExist) {
		return p, fmt.Errorf("%w: %w", ErrNoKiCad, err)
	}
	if err != nil {
		return p, fmt.Errorf("find kicad-cli: %w", err)
	}
	folder := filepath.Dir(p.Path)
	programs := []string{p.Path}
	// The editors are libraries that it loads; these two are needed here.
	for _, name := range []string{"_eeschema.kiface", "_cvpcb.kiface"} {
		at := filepath.Join(folder, name)
		if _, err := os.Stat(at); err != nil {
			return p, fmt.Errorf("find kicad-cli: %s has not all that belongs to it: %w", folder, err)
		}
		programs = append(programs, at)
	}
	libraries := beside(folder)
	if len(libraries) > 0 {
		p.Env = []string{"LD_LIBRARY_PATH=" + strings.Join(libraries, ":")}
	}
	files, err := sandbox.LibrariesIn(libraries, programs...)
	if err != nil {
		return p, fmt.Errorf("files of kicad-cli: %w", err)
	}
	p.read = append(programs[1:], files...)
	return p, nil
}

// Unpacked returns the kicad-cli of `tools/setup.sh kicad`, "" where there is
// none.
func Unpacked() string {
	folders := []string{"/opt"}
	if cache, err := os.UserCacheDir(); err == nil {
		folders = append(folders, cache)
	}
	for _, folder := range folders {
		path := filepath.Join(folder, "lorabench", "kicad", "usr", "bin", "kicad-cli")
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	return ""
}

// beside returns the folders of libraries that belong to a program that is not
// installed where the loader looks.
func beside(bin string) []string {
	prefix := filepath.Dir(bin)
	if prefix == "/usr" || prefix == "/" || prefix == "/usr/local" {
		return nil
	}
	var folders []string
	for _, pattern := range []string{"lib/*-linux-gnu*", "lib/*-linux-gnu*/kicad", "lib64", "lib"} {
		found, _ := filepath.Glob(filepath.Join(prefix, pattern)) // sorted
		folders = append(folders, found...)
	}
	return slices.DeleteFunc(folders, func(f string) bool { return strings.Contains(f, ":") })
}

// digest is of the program and of the library that checks.
func (p Program) digest() (string, error) {
	h := sha256.New()
	for _, path := range []string{p.Path, filepath.Join(filepath.Dir(p.Path), "_eeschema.kiface")} {
		f, err := os.Open(path)
		if err != nil {
			return "", err
		}
		_, err = io.Copy(h, f)
		f.Close()
		if err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(h.Sum(nil)[:8]), nil
}
