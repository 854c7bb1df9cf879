package reports

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/ailiance/lorabench"
	"github.com/ailiance/lorabench/reports/stats"
	"github.com/ailiance/lorabench/tasks"
)

// choiceFixture is a base and an adapter on twelve questions of three choices,
// measured in another order than the dataset's.
func choiceFixture() Data {
	acc := lorabench.Metric{Name: "acc", Unit: "fraction", Better: lorabench.Higher, Aggregate: lorabench.Mean, Binary: true, Margin: 0.05}
	norm := acc
	norm.Name = "acc_norm"
	task := taskInfo("choices", "questions with three answers", []lorabench.Metric{acc, norm},
		map[string]lorabench.Floor{"acc": {Value: 0.25, Output: "always the first choice"}})
	task.Scorer, task.NumShots = "choice", 2
	d := Data{Run: fixture().Run}
	d.Run.Settings = json.RawMessage(`{"seed":7,"fewshot_seed":1234,"tasks":["choices"]}`)
	d.Run.Command = []string{"lorabench", "run", "--adapter", "math=some dir/it's", "--tasks", "choices"}
	for k, name := range []string{"base", "math"} {
		g := stats.NewGenerator(uint64(k) + 9)
		results := make([]lorabench.SampleResult, 12)
		m := measurement(task, name, results)
		m.Requests = map[string][]lorabench.Request{}
		for i := range results {
			r := &results[i]
			*r = lorabench.SampleResult{
				SampleID: fmt.Sprintf("q%02d", i), Index: i, Position: (i*5 + 3) % 12, DocHash: fmt.Sprintf("d%02d", i), PromptHash: fmt.Sprintf("p%02d", i),
				Elapsed: time.Duration(1234567 + i),
			}
			for choice := range 3 {
				r.Outputs = append(r.Outputs, lorabench.Output{LogLikelihood: -20 * g.Float64(), Greedy: choice == 0 && i%2 == 0, PromptTokens: 9, ComputedTokens: 9 - 3*min(choice, 1), NewTokens: 2})
				m.Requests[r.SampleID] = append(m.Requests[r.SampleID], lorabench.Request{Kind: lorabench.LogLikelihood, Prompt: fmt.Sprintf("Question %d?\nAnswer:", i), Continuation: fmt.Sprintf(" %c", 'a'+choice)})
			}
			right := 0.0
			if i%3 != k {
				right = 1
			}
			r.Scores = []lorabench.Score{{Metric: "acc", Value: right, Weight: 1}, {Metric: "acc_norm", Value: 1 - right, Weight: 1}}
			if i == 4 {
				r.Scores[1] = lorabench.Score{Metric: "acc_norm", Unscored: "choice without length"}
			}
		}
		d.Measurements = append(d.Measurements, m)
	}
	return d
}

func built(t *testing.T, d *Data) *Report {
	t.Helper()
	r, err := Build(*d, Policy{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestEvidenceGolden(t *testing.T) {
	d := choiceFixture()
	out := t.TempDir()
	folder, err := WriteEvidence(out, built(t, &d), &d.Measurements[1])
	if err != nil {
		t.Fatal(err)
	}
	if want := filepath.Join(out, "2026-01-02", "20260102-150405-abcd", "choices", "math"); folder != want {
		t.Errorf("folder %s, want %s", folder, want)
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 7 {
		t.Errorf("%d files, want 7: %v", len(entries), entries)
	}
	for _, entry := range entries {
		data, err := os.ReadFile(filepath.Join(folder, entry.Name()))
		if err != nil {
			t.Fatal(err)
		}
		golden(t, filepath.Join("evidence", entry.Name()), data)
	}
	info, err := os.Stat(filepath.Join(folder, "rerun.sh"))
	if err != nil || info.Mode().Perm()&0o100 == 0 {
		t.Errorf("rerun.sh: mode %v, error %v: want it executable", info.Mode(), err)
	}
}

// TestEvidenceRoundTrip writes and reads each measurement of the fixtures.
func TestEvidenceRoundTrip(t *testing.T) {
	for _, d := range []Data{choiceFixture(), fixture(), hostileData()} {
		r := built(t, &d)
		out := t.TempDir()
		for i := range d.Measurements {
			m := &d.Measurements[i]
			folder, err := WriteEvidence(out, r, m)
			if err != nil {
				t.Fatal(err)
			}
			run, got, err := ReadEvidence(folder)
			if err != nil {
				t.Fatal(err)
			}
			want := *m
			want.Results = nil
			for _, r := range positions(m) {
				want.Results = append(want.Results, *r)
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%s on %s: got %+v, want %+v", m.Task.Name, m.Variant.Name, got, want)
			}
			if run.ID != r.Run.ID || !run.Started.Equal(r.Run.Started) || run.Model != r.Run.Model ||
				!reflect.DeepEqual(run.Command, r.Run.Command) || !bytes.Equal(run.Settings, r.Run.Settings) {
				t.Errorf("run %+v, want %+v", run, r.Run)
			}
			if !bytes.Contains(run.Env, []byte(`"os":"linux/amd64"`)) {
				t.Errorf("environment %s", run.Env)
			}
		}
	}
}

// TestSamplesRoundTrip holds bits that JSON has no form for.
func TestSamplesRoundTrip(t *testing.T) {
	nan := math.Float64frombits(0x7ff8000000000123)
	results := []lorabench.SampleResult{
		{SampleID: "none", Position: 0},
		{
			SampleID: "numbers", Position: 1, Index: -1, Cluster: "c", Elapsed: 1<<50 + 1,
			Outputs: []lorabench.Output{{LogLikelihood: math.Inf(-1)}, {LogLikelihood: nan, Greedy: true}, {LogLikelihood: math.Copysign(0, -1)}, {LogLikelihood: -0.1 - 0.2, NewTokens: 3}, {LogLikelihood: -5e-324}},
			Scores: []lorabench.Score{
				{Metric: "inf", Value: math.Inf(1), Weight: 1}, {Metric: "weight", Value: 1.0 / 3, Weight: nan}, {Metric: "zero", Value: math.Copysign(0, -1), Weight: math.Copysign(0, -1)},
				{Metric: "none", Unscored: "why"}, {Metric: "other", Unscored: "another why\xff", Weight: 2, Note: "n\xfe"},
			},
		},
		{
			SampleID: "text", Position: 2, Outputs: []lorabench.Output{{Text: "a\xc3\x28\u2028<b>\x00", Thinking: "\xff", Stop: lorabench.StopLength, Greedy: true, NewTokens: 7}},
			Scores: []lorabench.Score{{Metric: "m", Unscored: "not \xff UTF-8"}, {Metric: "n", Unscored: "not \xff UTF-8"}},
		},
		{SampleID: "empty", Position: 3, Outputs: []lorabench.Output{{}}},
		{SampleID: "texts", Position: 9, Outputs: []lorabench.Output{{Text: "a", Stop: lorabench.StopEOS}, {Thinking: "b\xff", LogLikelihood: -1}}},
	}
	var b bytes.Buffer
	if err := writeSamples(&b, &MeasurementData{Results: results}); err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(b.Bytes()) {
		if !json.Valid(line) || bytes.Contains(line, []byte("NaN")) {
			t.Errorf("not JSON: %s", line)
		}
	}
	got, _, err := readSamples(bytes.NewReader(b.Bytes()), len(results))
	if err != nil {
		t.Fatalf("%v in %s", err, b.Bytes())
	}
	if a, b := bits(got), bits(results); a != b {
		t.Errorf("got  %s\nwant %s", a, b)
	}
}

// bits prints all of results; DeepEqual takes −0 for 0 and a NaN for unequal.
func bits(results []lorabench.SampleResult) string {
	var b strings.Builder
	for _, r := range results {
		fmt.Fprintf(&b, "%q %d %d %q %q %q %d\n", r.SampleID, r.Index, r.Position, r.DocHash, r.PromptHash, r.Cluster, r.Elapsed)
		for _, o := range r.Outputs {
			fmt.Fprintf(&b, "  %x %v %q %q %q %d %d %d\n", math.Float64bits(o.LogLikelihood), o.Greedy, o.Text, o.Thinking, o.Stop, o.PromptTokens, o.ComputedTokens, o.NewTokens)
		}
		for _, s := range r.Scores {
			fmt.Fprintf(&b, "  %q %x %x %q %q\n", s.Metric, math.Float64bits(s.Value), math.Float64bits(s.Weight), s.Unscored, s.Note)
		}
	}
	return b.String()
}

func TestReadSamplesRefuses(t *testing.T) {
	const good = `{"id":"a","index":0,"position":0,"doc_hash":"","prompt_hash":"","scores":{"m":1},"reason":null,"ms":0}`
	for name, tt := range map[string]struct {
		lines string
		n     int
	}{
		"fewer lines":         {good + "\n", 2},
		"more lines":          {good + "\n" + strings.Replace(good, `"a"`, `"b"`, 1) + "\n", 1},
		"twice":               {good + "\n" + strings.Replace(good, `"position":0`, `"position":1`, 1) + "\n", 2},
		"no end of line":      {good, 1},
		"unknown field":       {strings.Replace(good, `"ms"`, `"mss"`, 1) + "\n", 1},
		"null, no reason":     {strings.Replace(good, `"m":1`, `"m":null`, 1) + "\n", 1},
		"score twice":         {strings.Replace(good, `"m":1`, `"m":1,"m":0`, 1) + "\n", 1},
		"outputs, no tokens":  {strings.Replace(good, `"scores"`, `"loglikelihoods":[1],"scores"`, 1) + "\n", 1},
		"too few tokens":      {strings.Replace(good, `"scores"`, `"loglikelihoods":[1],"tokens":{"prompt":[1],"computed":[],"new":[1]},"scores"`, 1) + "\n", 1},
		"null log-likelihood": {strings.Replace(good, `"scores"`, `"loglikelihoods":[null],"tokens":{"prompt":[1],"computed":[1],"new":[1]},"scores"`, 1) + "\n", 1},
		"two documents":       {good + good + "\n", 1},
	} {
		if _, _, err := readSamples(strings.NewReader(tt.lines), tt.n); err == nil {
			t.Errorf("%s: read", name)
		}
	}
	if _, _, err := readSamples(strings.NewReader(good+"\n"), 1); err != nil {
		t.Errorf("the good line: %v", err)
	}
}

func FuzzReadSamples(f *testing.F) {
	var b bytes.Buffer
	d := choiceFixture()
	if err := writeSamples(&b, &d.Measurements[0]); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes(), 12)
	f.Add([]byte(`{"scores":{"m":null},"not_finite":{"scores.m":"nan:7ff8000000000123"},"bytes":{"output":"/w=="}}`+"\n"), 1)
	f.Fuzz(func(t *testing.T, data []byte, n int) {
		results, _, err := readSamples(bytes.NewReader(data), n)
		if err != nil {
			return
		}
		var b bytes.Buffer
		if err := writeSamples(&b, &MeasurementData{Results: results}); err != nil {
			return // more than one form is read: what is unscored may have a weight
		}
		again, _, err := readSamples(&b, n)
		if err != nil || bits(again) != bits(results) {
			t.Errorf("%v: %s\nwas %s", err, bits(again), bits(results))
		}
	})
}

// written writes the adapter's evidence and returns its folder.
func written(t *testing.T) string {
	t.Helper()
	d := choiceFixture()
	folder, err := WriteEvidence(t.TempDir(), built(t, &d), &d.Measurements[1])
	if err != nil {
		t.Fatal(err)
	}
	return folder
}

func TestManifestFindsTampering(t *testing.T) {
	replace := func(name, from, to string) func(*testing.T, string) {
		return func(t *testing.T, folder string) {
			path := filepath.Join(folder, name)
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Contains(data, []byte(from)) {
				t.Fatalf("no %q in %s", from, name)
			}
			if err := os.WriteFile(path, bytes.Replace(data, []byte(from), []byte(to), 1), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	remove := func(name string) func(*testing.T, string) {
		return func(t *testing.T, folder string) {
			if err := os.Remove(filepath.Join(folder, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, tt := range []struct {
		name   string
		tamper func(*testing.T, string)
		want   string
	}{
		{"a score", replace("samples.jsonl", `"acc":0`, `"acc":1`), "samples.jsonl: not the bytes that were hashed"},
		{"the report", replace("report.md", "#", "##"), "report.md: not the bytes that were hashed"},
		{"a hash", replace("manifest.sha256", "  rerun.sh", " "), "manifest.sha256: line 4: want a sha256, two spaces and a name"},
		{"a file left out", replace("manifest.sha256", "rerun.sh", "rerun.sh2"), "rerun.sh (in manifest.sha256), rerun.sh2: missing"},
		{"no environment", remove("env.json"), "env.json: missing"},
		{"no manifest", remove("manifest.sha256"), "manifest.sha256: missing"},
		{"a folder above", replace("manifest.sha256", "rerun.sh", "../x"), "manifest.sha256: line 4: want a sha256, two spaces and a name"},
		{"a link", func(t *testing.T, folder string) {
			remove("rerun.sh")(t, folder)
			if err := os.Symlink("report.md", filepath.Join(folder, "rerun.sh")); err != nil {
				t.Skip(err)
			}
		}, "rerun.sh (not a regular file: L"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			folder := written(t)
			tt.tamper(t, folder)
			_, _, err := ReadEvidence(folder)
			var manifest *ManifestError
			if !errors.As(err, &manifest) || !strings.Contains(err.Error(), tt.want) || manifest.Folder != folder {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}

// TestNumbersFollowFromSamples changes a number and makes the manifest fit.
func TestNumbersFollowFromSamples(t *testing.T) {
	folder := written(t)
	path := filepath.Join(folder, "results.json")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for from, want := range map[string]string{
		`"value": 0.6666666666666666`:         "metric acc is 0.75 of 12 samples, and the samples give 0.6666666666666666 of 12",
		`"schema": "lorabench/measurement/1"`: `schema "0.75"`,
	} {
		key, _, _ := strings.Cut(from, ": ")
		value := "0.75"
		if key == `"schema"` {
			value = `"0.75"`
		}
		changed := bytes.Replace(data, []byte(from), []byte(key+": "+value), 1)
		if bytes.Equal(changed, data) {
			t.Fatalf("no %s in %s", from, data)
		}
		if err := os.WriteFile(path, changed, 0o644); err != nil {
			t.Fatal(err)
		}
		resign(t, folder)
		if _, _, err := ReadEvidence(folder); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// resign hashes a folder's files again, as whoever tampers would.
func resign(t *testing.T, folder string) {
	t.Helper()
	root, err := os.OpenRoot(folder)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	m, err := readManifest(root)
	if err != nil {
		t.Fatal(err)
	}
	for name := range m {
		if m[name], err = hashOf(root, name); err != nil {
			t.Fatal(err)
		}
	}
	var b bytes.Buffer
	if err := m.write(&b); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, manifestName), b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestManifestIsSHA256Sum(t *testing.T) {
	program, err := exec.LookPath("sha256sum")
	if err != nil {
		t.Skip(err)
	}
	check := exec.Command(program, "--strict", "-c", "manifest.sha256")
	check.Dir = written(t)
	if out, err := check.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}

// TestRerunScript runs the script with hostile arguments in its comment.
func TestRerunScript(t *testing.T) {
	shell, err := exec.LookPath("sh")
	if err != nil {
		t.Skip(err)
	}
	folder := filepath.Join(t.TempDir(), "a folder; touch x", "$(touch y)")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	script := rerunScript([]string{"lorabench", "run", "--adapter", "a\ntouch z\r\n'; touch z; '", hostile, "\xff\u2028\u0085touch z"})
	if n := strings.Count(script, "\n"); n != 7 {
		t.Errorf("%d lines, want 7:\n%s", n, script)
	}
	if err := os.WriteFile(filepath.Join(folder, "rerun.sh"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	run := exec.Command(shell, filepath.Join(folder, "rerun.sh"), "--samples", "a b")
	run.Dir = t.TempDir()
	run.Env = append(os.Environ(), "LORABENCH=echo")
	got, err := run.CombinedOutput()
	if want := "rerun " + folder + " --samples a b\n"; err != nil || string(got) != want {
		t.Errorf("got %q, error %v, want %q", got, err, want)
	}
	if left, _ := os.ReadDir(run.Dir); len(left) > 0 {
		t.Errorf("the script made %v", left)
	}
}

func TestShellWord(t *testing.T) {
	for arg, want := range map[string]string{
		"--model": "--model", "math=DIR": "math=DIR", "": "''", "a b": "'a b'", "it's": `'it'\''s'`, "$(x)": "'$(x)'",
		"a\nb": `$'a\nb'`, "a'\n": `$'a\'\n'`, "\xff": `$'\xff'`, "é": "'é'", "\x1b[2J": `$'\x1b[2J'`, "~": "'~'", "#": "'#'",
	} {
		if got := shellWord(arg); got != want {
			t.Errorf("shellWord(%q) = %s, want %s", arg, got, want)
		}
	}
}

// TestHostileEvidence writes a measurement whose names are code and paths.
func TestHostileEvidence(t *testing.T) {
	for _, name := range []string{hostile, "../../../etc/passwd", "/etc/passwd", `..\..\x`, ".", "..", "con\x00", strings.Repeat("long", 200)} {
		d := hostileData()
		d.Measurements[1].Variant.Name = name
		d.Measurements[1].Task.Name, d.Measurements[0].Task.Name = name, name
		parent := t.TempDir()
		out := filepath.Join(parent, "out")
		folder, err := WriteEvidence(out, built(t, &d), &d.Measurements[1])
		if err != nil {
			t.Fatalf("%q: %v", name, err)
		}
		if rel, err := filepath.Rel(out, folder); err != nil || !filepath.IsLocal(rel) || strings.Count(filepath.ToSlash(rel), "/") != 3 {
			t.Errorf("%q: folder %s", name, folder)
		}
		if entries, _ := os.ReadDir(parent); len(entries) != 1 {
			t.Errorf("%q: written beside out: %v", name, entries)
		}
		if _, got, err := ReadEvidence(folder); err != nil || got.Variant.Name != name {
			t.Errorf("%q: %v", name, err)
		}
		for _, file := range []string{"report.md", "methodology.md", "rerun.sh"} {
			data, err := os.ReadFile(filepath.Join(folder, file))
			if err != nil {
				t.Fatal(err)
			}
			for _, bad := range []string{"\x1b", "\u202e", "\r", "\n# e", "sesame"} {
				if strings.Contains(string(data), bad) {
					t.Errorf("%q in %s", bad, file)
				}
			}
			if file != "rerun.sh" {
				inertMarkdown(t, string(data))
			}
		}
	}
}

func TestSafeNames(t *testing.T) {
	seen := map[string]string{}
	long := strings.Repeat("x", 400)
	for _, name := range []string{"", "%", "a", "a.", ".a", "%61", "a/b", "a%2Fb", "a b", "..", ".", long, long + "y", "é"} {
		safe := safeName(name)
		if other, twice := seen[safe]; twice {
			t.Errorf("%q and %q are both %s", name, other, safe)
		}
		seen[safe] = name
		if !filepath.IsLocal(safe) || strings.ContainsAny(safe, `/\`) || len(safe) > 200 || strings.HasSuffix(safe, ".") {
			t.Errorf("safeName(%q) = %s", name, safe)
		}
	}
}

func TestWriteErrors(t *testing.T) {
	d := choiceFixture()
	r := built(t, &d)
	m := &d.Measurements[1]
	rel := filepath.FromSlash(EvidencePath(m.Measurement))
	below := string(filepath.Separator) + rel
	file := func(t *testing.T, path string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		name string
		make func(t *testing.T, out string)
		want string // behind the output folder's path
	}{
		{"a file for the output folder", func(t *testing.T, out string) { file(t, out) }, ": not a directory"},
		{"a file for a folder", func(t *testing.T, out string) { file(t, filepath.Join(out, filepath.Dir(rel))) }, below + ": not a directory"},
		{"a folder for a file", func(t *testing.T, out string) { file(t, filepath.Join(out, rel, "env.json", "x")) }, filepath.Join(below, "env.json") + ": file exists"},
		{"a link that leaves", func(t *testing.T, out string) {
			if err := os.MkdirAll(out, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink(t.TempDir(), filepath.Join(out, "2026-01-02")); err != nil {
				t.Skip(err)
			}
		}, below + ": path escapes from parent"},
		{"read-only", func(t *testing.T, out string) {
			if os.Geteuid() == 0 {
				t.Skip("root writes everywhere")
			}
			if err := os.MkdirAll(out, 0o555); err != nil {
				t.Fatal(err)
			}
		}, ": permission denied"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "out")
			tt.make(t, out)
			_, err := WriteEvidence(out, r, m)
			if err == nil || !strings.Contains(err.Error(), "evidence of task choices on math: ") || !strings.Contains(err.Error(), out+tt.want) {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}

// TestWriteIsWhole fails in the middle of a file: what was there before stays.
func TestWriteIsWhole(t *testing.T) {
	out := t.TempDir()
	f, err := makeFolder(out, "a/b")
	if err != nil {
		t.Fatal(err)
	}
	defer f.close()
	if _, err := f.write("x", 0o644, writes([]byte("before"))); err != nil {
		t.Fatal(err)
	}
	full := errors.New("no space left on device")
	_, err = f.write("x", 0o644, func(w io.Writer) error {
		if _, err := w.Write(make([]byte, 1<<20)); err != nil {
			return err
		}
		return &fs.PathError{Op: "write", Path: ".x.tmp", Err: full}
	})
	if want := "write " + filepath.Join(out, "a", "b", "x") + ": no space left on device"; !errors.Is(err, full) || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if got, err := os.ReadFile(filepath.Join(out, "a", "b", "x")); err != nil || string(got) != "before" {
		t.Errorf("%q, %v", got, err)
	}
	if left, _ := os.ReadDir(filepath.Join(out, "a", "b")); len(left) != 1 {
		t.Errorf("left behind: %v", left)
	}
}

func TestWriteRun(t *testing.T) {
	d := fixture()
	r := built(t, &d)
	out := t.TempDir()
	for range 2 { // again over what is there
		if err := WriteRun(out, r, &d); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"SUMMARY.md", "compare_base_vs_lora.md", "lifts.svg", "report.json"} {
		if _, err := os.Stat(filepath.Join(out, name)); err != nil {
			t.Error(err)
		}
	}
	summary, err := os.ReadFile(filepath.Join(out, "SUMMARY.md"))
	if err != nil {
		t.Fatal(err)
	}
	links := 0
	for line := range strings.Lines(string(summary)) { // each leads to a file
		_, link, ok := strings.Cut(line, "](2026")
		if !ok {
			continue
		}
		links++
		if _, err := os.Stat(filepath.Join(out, filepath.FromSlash("2026"+strings.TrimSuffix(link, ")\n")))); err != nil {
			t.Error(err)
		}
	}
	if links != len(d.Measurements) {
		t.Errorf("%d links, want %d", links, len(d.Measurements))
	}
	err = filepath.WalkDir(out, func(path string, entry fs.DirEntry, err error) error {
		if strings.HasSuffix(path, ".tmp") {
			t.Errorf("left behind: %s", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestExtraction(t *testing.T) {
	d, err := tasks.Lookup("gsm8k")
	if err != nil {
		t.Fatal(err)
	}
	info := lorabench.TaskInfo{Name: d.Name, Version: d.Version, Scorer: d.Scorer}
	lines := strings.Join(extraction(info), "\n")
	if !strings.Contains(lines, d.Filters[0].Pattern) || !strings.Contains(lines, "the last match") || !strings.Contains(lines, "upper and lower case alike") {
		t.Errorf("got %s", lines)
	}
	info.Version += "x"
	if lines := extraction(info); lines != nil {
		t.Errorf("another version's filters: %s", lines)
	}
}
