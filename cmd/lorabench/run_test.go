package main

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ailiance/lorabench"
	"github.com/ailiance/lorabench/model/demo"
	"github.com/ailiance/lorabench/results"
)

// smallRun is a run of the demo that takes seconds. spice is left out: it needs
// a simulator, and has a test of its own.
var smallRun = []string{"run", "--model", "demo", "--adapter", "spice", "--adapter", "forgetful", "--tasks", "demo_choice,demo_arithmetic,demo_text", "--limit", "8", "--quiet"}

// with appends flags to a command line.
func with(args []string, more ...string) []string {
	return append(append([]string{}, args...), more...)
}

// stored is every output and score of the newest run, as text with all bits.
func storedBits(t *testing.T, dir string) string {
	t.Helper()
	store, err := results.OpenReadOnly(t.Context(), filepath.Join(dir, "lorabench.db"), results.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	run, err := store.FindRun(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	measurements, err := store.Measurements(t.Context(), run.ID)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, m := range measurements {
		fmt.Fprintf(&b, "%s %s %s %d\n", m.Task.Name, m.Variant.Name, m.Status, m.Measured)
		for r, err := range store.SampleResults(t.Context(), m.ID) {
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&b, "%d %s", r.Position, r.SampleID)
			for _, o := range r.Outputs {
				fmt.Fprintf(&b, " %x %v %q %s %d", o.LogLikelihood, o.Greedy, o.Text, o.Stop, o.NewTokens)
			}
			for _, s := range r.Scores {
				fmt.Fprintf(&b, " %s=%x/%x %s", s.Metric, s.Value, s.Weight, s.Unscored)
			}
			b.WriteByte('\n')
		}
	}
	return b.String()
}

func needCgo(t *testing.T) {
	t.Helper()
	store, err := results.Open(t.Context(), filepath.Join(t.TempDir(), "probe.db"), results.Options{})
	if err != nil {
		t.Skip(err)
	}
	store.Close()
}

func TestRunThenRerunEachMeasurement(t *testing.T) {
	needCgo(t)
	dir := t.TempDir()
	if s := try(t, t.Context(), dir, smallRun...); s.code != exitDone || !strings.Contains(s.out, "demo_arithmetic: exact_match") {
		t.Fatalf("run: exit %d\n%s%s", s.code, s.out, s.err)
	}
	for _, file := range []string{"SUMMARY.md", "compare_base_vs_lora.md", "lifts.svg"} {
		if _, err := os.Stat(filepath.Join(dir, "results", file)); err != nil {
			t.Error(err)
		}
	}
	folders, err := filepath.Glob(filepath.Join(dir, "results/*/*/*/*"))
	if err != nil || len(folders) != 9 {
		t.Fatalf("%d evidence folders, %v, want 9", len(folders), err)
	}
	for i, folder := range folders {
		args := []string{"rerun", folder, "--quiet", "--threads", fmt.Sprint(1 + i%3)}
		if s := try(t, t.Context(), dir, args...); s.code != exitDone || !strings.Contains(s.out, "8 samples measured again, all equal to the last bit") {
			t.Errorf("%v: exit %d\n%s%s", args, s.code, s.out, s.err)
		}
	}
	// A folder that was changed is refused; so is another adapter in the adapter's place.
	changed := folders[0]
	edit(t, filepath.Join(changed, "results.json"), `"schema": "lorabench/measurement/1"`, `"schema":  "lorabench/measurement/1"`)
	if s := try(t, t.Context(), dir, "rerun", changed, "--quiet"); s.code != exitInvalid || !strings.Contains(s.err, "results.json") {
		t.Errorf("rerun of a changed folder: exit %d\n%s%s", s.code, s.out, s.err)
	}
	newest := strings.Split(filepath.ToSlash(folders[0]), "/")
	run := newest[len(newest)-3]
	if s := try(t, t.Context(), dir, "rerun", run+"/demo_text/spice", "--quiet", "--adapter", "spice=forgetful"); s.code != exitInvalid || !strings.Contains(s.err, "adapter: stored sha256:") {
		t.Errorf("rerun with another adapter: exit %d\n%s%s", s.code, s.out, s.err)
	}
	if s := try(t, t.Context(), dir, "rerun", run+"/demo_text/spice", "--quiet", "--json"); s.code != exitDone || !json.Valid([]byte(s.out)) {
		t.Errorf("rerun --json: exit %d\n%s%s", s.code, s.out, s.err)
	}
}

// A database that holds other numbers than the model gives: rerun says which.
func TestRerunFindsOtherBits(t *testing.T) {
	needCgo(t)
	a := rerunReport{Notes: []string{}}
	x := sampleResult("s1", -1.5)
	y := sampleResult("s2", -2.5)
	z := sampleResult("s2", -2.5000000000000004)
	a.compare([]lorabench.SampleResult{x, y}, []lorabench.SampleResult{x, z})
	if a.Equal || a.Compared != 2 || len(a.Differ) != 1 || a.Differ[0].Sample != "s2" || a.Differ[0].Now != "-2.5000000000000004" {
		t.Errorf("%+v", a)
	}
}

func TestInterruptThenResume(t *testing.T) {
	needCgo(t)
	whole, parts := t.TempDir(), t.TempDir()
	if s := try(t, t.Context(), whole, smallRun...); s.code != exitDone {
		t.Fatalf("exit %d\n%s%s", s.code, s.out, s.err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		for ctx.Err() == nil {
			time.Sleep(time.Millisecond)
			if samplesIn(filepath.Join(parts, "lorabench.db")) > 0 {
				cancel()
			}
		}
	}()
	s := try(t, ctx, parts, smallRun...)
	cancel()
	if s.code != exitInterrupted || !strings.Contains(s.err, "--resume") {
		t.Fatalf("exit %d, want %d with a hint of --resume\n%s%s", s.code, exitInterrupted, s.out, s.err)
	}
	if s := try(t, t.Context(), parts, with(smallRun, "--resume")...); s.code != exitDone {
		t.Fatalf("resume: exit %d\n%s%s", s.code, s.out, s.err)
	}
	if storedBits(t, whole) != storedBits(t, parts) {
		t.Error("the run that was interrupted ends with other bits")
	}
}

// samplesIn counts stored samples, 0 where there is no database yet.
func samplesIn(db string) int {
	store, err := results.OpenReadOnly(context.Background(), db, results.Options{})
	if err != nil {
		return 0
	}
	defer store.Close()
	runs, err := store.Runs(context.Background())
	if err != nil || len(runs) == 0 {
		return 0
	}
	return runs[0].Measured
}

// The run is killed when some more samples are stored than the session before
// left, or at a random moment before any is.
func TestKillThenResume(t *testing.T) {
	needCgo(t)
	whole, parts := t.TempDir(), t.TempDir()
	args := with(smallRun, "--limit", "60")
	if out, err := program(t, whole, args...).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	db := filepath.Join(parts, "lorabench.db")
	random := rand.New(rand.NewPCG(1, 2))
	const kills = 6
	begun, killed := false, 0
	for session := range 40 {
		if begun = begun || hasRun(db); begun {
			args = with(smallRun, "--limit", "60", "--resume")
		}
		cmd := program(t, parts, args...)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		done := make(chan error, 1)
		go func() { done <- cmd.Wait() }()
		enough := samplesIn(db) + 1 + random.IntN(40)
		early := time.Duration(random.Int64N(int64(100 * time.Millisecond)))
		for began := time.Now(); ; time.Sleep(time.Millisecond) {
			select {
			case err := <-done:
				if err != nil {
					t.Fatalf("session %d: %v", session, err)
				}
				if storedBits(t, whole) != storedBits(t, parts) {
					t.Error("the run that was killed ends with other bits")
				}
				if killed < 3 {
					t.Errorf("killed %d times, want at least 3: the test shows little", killed)
				}
				return
			default:
			}
			if killed < kills && (session%3 == 2 && time.Since(began) > early || samplesIn(db) >= enough) {
				cmd.Process.Signal(syscall.SIGKILL)
				<-done
				killed++
				break
			}
		}
	}
	t.Fatal("not done after 40 sessions")
}

func hasRun(db string) bool {
	store, err := results.OpenReadOnly(context.Background(), db, results.Options{})
	if err != nil {
		return false
	}
	defer store.Close()
	runs, err := store.Runs(context.Background())
	return err == nil && len(runs) > 0
}

// The disk is full in the middle; with room the run goes on.
func TestDiskFullThenResume(t *testing.T) {
	needCgo(t)
	if runtime.GOOS != "linux" || os.Getuid() != 0 {
		t.Skip("a small file system needs root on Linux")
	}
	whole, small := t.TempDir(), t.TempDir()
	mount := func(options string) error {
		return exec.Command("mount", "-t", "tmpfs", "-o", options, "tmpfs", small).Run()
	}
	if err := mount("size=400k"); err != nil {
		t.Skipf("no tmpfs: %v", err)
	}
	t.Cleanup(func() { syscall.Unmount(small, syscall.MNT_DETACH) })
	args := with(smallRun, "--limit", "40", "--out", filepath.Join(t.TempDir(), "results"))
	full := try(t, t.Context(), t.TempDir(), with(args, "--db", filepath.Join(small, "lorabench.db"))...)
	if full.code != exitFault || !strings.Contains(full.err, "disk full") || !strings.Contains(full.err, "--resume") {
		t.Fatalf("exit %d, want %d: disk full\n%s%s", full.code, exitFault, full.out, full.err)
	}
	if n := samplesIn(filepath.Join(small, "lorabench.db")); n == 0 {
		t.Log("nothing was stored before the disk was full")
	}
	if err := mount("remount,size=64m"); err != nil {
		t.Fatal(err)
	}
	if s := try(t, t.Context(), t.TempDir(), with(args, "--resume", "--db", filepath.Join(small, "lorabench.db"))...); s.code != exitDone {
		t.Fatalf("resume: exit %d\n%s%s", s.code, s.out, s.err)
	}
	if s := try(t, t.Context(), whole, args...); s.code != exitDone {
		t.Fatalf("exit %d\n%s%s", s.code, s.out, s.err)
	}
	if storedBits(t, whole) != storedBits(t, small) {
		t.Error("the run that found the disk full ends with other bits")
	}
}

// One clear error each: what, where, what to do; the right exit code.
func TestBadInput(t *testing.T) {
	needCgo(t)
	dir := t.TempDir()
	model := func(name string) string { return copyFS(t, filepath.Join(dir, name), demo.Base()) }
	adapter := func(name string) string {
		files, _ := demo.Adapter("spice")
		return copyFS(t, filepath.Join(dir, name), files)
	}
	good := model("good")
	truncated := model("truncated")
	truncate(t, filepath.Join(truncated, "model.safetensors"), 1000)
	gemma := model("gemma")
	edit(t, filepath.Join(gemma, "config.json"), `"model_type": "llama"`, `"model_type": "gemma9"`)
	unknownKey := model("unknown-key")
	edit(t, filepath.Join(unknownKey, "config.json"), `"rms_norm_eps"`, `"flux_capacitor": 1.21, "rms_norm_eps"`)
	wrongRank := adapter("wrong-rank")
	edit(t, filepath.Join(wrongRank, "adapter_config.json"), `"r": 16`, `"r": 8`)
	cutAdapter := adapter("cut-adapter")
	truncate(t, filepath.Join(cutAdapter, "adapter_model.safetensors"), 10)
	data := filepath.Join(dir, "data")
	writeFile(t, filepath.Join(data, "arc/ARC-Easy/test.jsonl"), `{"id":"a","question":"Q?","choices":{"text":["x","y"],"label":["A","B"]},"answerKey":"A"}
{"id":"b","question":
`)
	writeFile(t, filepath.Join(dir, "not.gguf"), "GGUF but not really")
	writeFile(t, filepath.Join(dir, "notadb.db"), strings.Repeat("this is a text file, not a database\n", 40))
	writeFile(t, filepath.Join(dir, "blocked"), "a file where the folder should be")
	newer := filepath.Join(dir, "newer.db")
	store, err := results.Open(t.Context(), newer, results.Options{})
	if err != nil {
		t.Fatal(err)
	}
	store.Close()
	raiseSchema(t, newer)

	fake := []string{"run", "--model", "demo", "--adapter", "fake", "--tasks", "demo_choice"}
	onDemo := []string{"run", "--model", "demo", "--adapter", "spice", "--tasks", "demo_choice", "--limit", "2"}
	for _, tt := range []struct {
		name string
		args []string
		code int
		want []string // in the message
	}{
		{"no model", []string{"run", "--tasks", "demo_choice"}, exitUsage, []string{"--model is missing"}},
		{"no such model", []string{"run", "--model", "nowhere", "--tasks", "demo_choice"}, exitFault, []string{"nowhere", "no such file", "hint:"}},
		{"no tasks", []string{"run", "--model", good}, exitUsage, []string{"--tasks is missing"}},
		{"unknown task", []string{"run", "--model", good, "--tasks", "arc_easyy"}, exitUsage, []string{`"arc_easyy"`, "did you mean arc_easy"}},
		{"unknown flag", []string{"run", "--modle", good}, exitUsage, []string{"--modle"}},
		{"no data", []string{"run", "--model", good, "--tasks", "arc_easy"}, exitUsage, []string{"arc_easy", "--data is missing"}},
		{"data folder not there", []string{"run", "--model", good, "--tasks", "arc_easy", "--data", "nowhere"}, exitFault, []string{"--data", "nowhere"}},
		{"dataset not there", []string{"run", "--model", good, "--tasks", "gsm8k_cot", "--data", data}, exitFault, []string{"gsm8k", "looked for", "hint:"}},
		{"broken line", []string{"run", "--model", good, "--tasks", "arc_easy", "--data", data}, exitFault, []string{"test.jsonl", "2"}},
		{"truncated weights", []string{"run", "--model", truncated, "--tasks", "demo_choice"}, exitFault, []string{"model.safetensors"}},
		{"lying GGUF", []string{"run", "--model", filepath.Join(dir, "not.gguf"), "--tasks", "demo_choice"}, exitFault, []string{"not.gguf"}},
		{"unknown architecture", []string{"run", "--model", gemma, "--tasks", "demo_choice"}, exitFault, []string{"gemma9", "llama"}},
		{"unknown key", []string{"run", "--model", unknownKey, "--tasks", "demo_choice"}, exitFault, []string{"flux_capacitor"}},
		{"adapter not there", []string{"run", "--model", good, "--adapter", "nowhere", "--tasks", "demo_choice"}, exitFault, []string{"nowhere"}},
		{"adapter does not fit", []string{"run", "--model", good, "--adapter", "x=" + wrongRank, "--tasks", "demo_choice"}, exitInvalid, []string{"adapter x", "shape [16 192], want [8 192]"}},
		{"adapter cut", []string{"run", "--model", good, "--adapter", "x=" + cutAdapter, "--tasks", "demo_choice"}, exitInvalid, []string{"adapter x", "adapter_model.safetensors"}},
		{"adapter without effect", fake, exitInvalid, []string{"adapter fake", "change nothing", "hint:"}},
		{"two adapters of one name", with(fake, "--adapter", "fake=spice"), exitUsage, []string{"fake", "already"}},
		{"adapter name that is not UTF-8", with(onDemo, "--adapter", "\xff=spice"), exitUsage, []string{`--adapter "\xff"`, "UTF-8"}},
		{"budget of another task", with(onDemo, "--budget", "arc_easy=1h"), exitUsage, []string{"arc_easy"}},
		{"no memory", with(onDemo, "--memory", "1MiB"), exitFault, []string{"MiB", "--memory"}},
		{"not a database", with(onDemo, "--db", filepath.Join(dir, "notadb.db")), exitFault, []string{"notadb.db", "not a lorabench database"}},
		{"newer database", with(onDemo, "--db", newer), exitFault, []string{"newer.db", "schema version", "hint:"}},
		{"database in no folder", with(onDemo, "--db", filepath.Join(dir, "nofolder/x.db")), exitFault, []string{"nofolder"}},
		{"out is a file", with(onDemo, "--out", filepath.Join(dir, "blocked")), exitFault, []string{"--out", "blocked"}},
		{"nothing to resume", with(onDemo, "--resume"), exitUsage, []string{"--resume", "no run"}},
		{"unknown command", []string{"measure"}, exitUsage, []string{`"measure"`}},
		{"unknown command of a group", []string{"model", "bogus"}, exitUsage, []string{`"bogus"`, "lorabench model"}},
		{"rerun of nothing", []string{"rerun", "nofolder"}, exitUsage, []string{"nofolder"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := try(t, t.Context(), dir, tt.args...)
			if s.code != tt.code {
				t.Errorf("exit %d, want %d", s.code, tt.code)
			}
			for _, want := range tt.want {
				if !strings.Contains(s.err, want) {
					t.Errorf("the message lacks %q", want)
				}
			}
			if strings.Contains(s.err, "goroutine") || strings.Count("\n"+s.err, "\nlorabench: ") != 1 {
				t.Error("want one error")
			}
			if t.Failed() {
				t.Logf("lorabench %s\n%s%s", strings.Join(tt.args, " "), s.out, s.err)
			}
		})
	}
}

func TestBudgetOfTheRunEndsInATimeout(t *testing.T) {
	needCgo(t)
	dir := t.TempDir()
	s := try(t, t.Context(), dir, "run", "--model", "demo", "--adapter", "spice", "--tasks", "demo_arithmetic", "--budget", "demo_arithmetic=300ms", "--threads", "1")
	if s.code != exitDone || !strings.Contains(s.out, "timeout") {
		t.Errorf("exit %d, want %d and a timeout\n%s%s", s.code, exitDone, s.out, s.err)
	}
}

func sampleResult(id string, logLikelihood float64) lorabench.SampleResult {
	return lorabench.SampleResult{SampleID: id, Outputs: []lorabench.Output{{LogLikelihood: logLikelihood}}, Scores: []lorabench.Score{{Metric: "acc", Value: 1, Weight: 1}}}
}

// raiseSchema makes a database look as if a later lorabench had written it.
func raiseSchema(t *testing.T, path string) {
	t.Helper()
	db, err := sql.Open("sqlite3", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec("PRAGMA user_version = 99"); err != nil {
		t.Fatal(err)
	}
}

// Files that cannot be written take nothing from what was measured: it is
// shown, kept, and written when there is room.
func TestEvidenceThatCannotBeWritten(t *testing.T) {
	needCgo(t)
	dir := t.TempDir()
	stone := filepath.Join(dir, "results", "SUMMARY.md", "stone")
	if err := os.MkdirAll(stone, 0o777); err != nil {
		t.Fatal(err)
	}
	args := []string{"run", "--model", "demo", "--adapter", "spice", "--tasks", "demo_choice", "--limit", "4", "--quiet"}
	s := try(t, t.Context(), dir, args...)
	if s.code != exitFault || !strings.Contains(s.out, "demo_choice: acc") || !strings.Contains(s.err, errNotWritten.Error()) || !strings.Contains(s.err, "hint: ") {
		t.Errorf("exit %d, want %d, the scoreboard and a hint\n%s%s", s.code, exitFault, s.out, s.err)
	}
	if err := os.RemoveAll(filepath.Dir(stone)); err != nil {
		t.Fatal(err)
	}
	if s := try(t, t.Context(), dir, with(args, "--resume")...); s.code != exitDone {
		t.Errorf("resume: exit %d\n%s%s", s.code, s.out, s.err)
	}
	if _, err := os.Stat(filepath.Join(dir, "results", "SUMMARY.md")); err != nil {
		t.Error(err)
	}
}

// A pipe in a folder is refused: to open it would wait for a writer for ever.
func TestPipesAreNotOpened(t *testing.T) {
	for _, tt := range []struct {
		pipe string
		code int
		args []string
	}{
		{"base/config.json", exitFault, []string{"model", "inspect", "base"}},
		{"base/model.safetensors", exitFault, []string{"model", "inspect", "base"}},
		{"base/tokenizer.json", exitFault, []string{"model", "inspect", "base"}},
		{"adapters/spice/adapter_config.json", exitFault, []string{"adapter", "check", "demo", "./adapters/spice"}},
		{"adapters/spice/adapter_model.safetensors", exitInvalid, []string{"adapter", "check", "demo", "./adapters/spice"}},
		{"x.gguf", exitFault, []string{"model", "inspect", "x.gguf"}},
		{"arc/ARC-Easy/test.jsonl", exitFault, []string{"tasks", "prompts", "arc_easy", "--data", "."}},
	} {
		t.Run(tt.pipe, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.CopyFS(dir, os.DirFS("../../model/demo")); err != nil {
				t.Fatal(err)
			}
			pipe := filepath.Join(dir, tt.pipe)
			os.Remove(pipe)
			if err := os.MkdirAll(filepath.Dir(pipe), 0o777); err != nil {
				t.Fatal(err)
			}
			if err := syscall.Mkfifo(pipe, 0o666); err != nil {
				t.Skip(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			cmd := program(t, dir, tt.args...)
			timer := context.AfterFunc(ctx, func() { cmd.Process.Kill() })
			defer timer()
			out, _ := cmd.CombinedOutput()
			if code := cmd.ProcessState.ExitCode(); code != tt.code || !strings.Contains(string(out), "not a regular file") {
				t.Errorf("exit %d, want %d: not a regular file\n%s", code, tt.code, out)
			}
		})
	}
}

// What was measured is not mixed with what is there now, and a folder that
// contradicts itself is no evidence though its manifest fits.
func TestEvidenceThatDoesNotCount(t *testing.T) {
	needCgo(t)
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("../../model/demo")); err != nil {
		t.Fatal(err)
	}
	args := []string{"run", "--model", "demo", "--adapter", "x=" + filepath.Join(dir, "adapters/spice"), "--tasks", "demo_choice", "--limit", "4", "--quiet"}
	if s := try(t, t.Context(), dir, args...); s.code != exitDone {
		t.Fatalf("run: exit %d\n%s%s", s.code, s.out, s.err)
	}
	folders, err := filepath.Glob(filepath.Join(dir, "results/*/*/demo_choice/base"))
	if err != nil || len(folders) != 1 {
		t.Fatal(folders, err)
	}
	samples, manifest := filepath.Join(folders[0], "samples.jsonl"), filepath.Join(folders[0], "manifest.sha256")
	was, err := os.ReadFile(samples)
	if err != nil {
		t.Fatal(err)
	}
	now := strings.ReplaceAll(string(was), `"acc":1`, `"acc":0`)
	writeFile(t, samples, now)
	edit(t, manifest, fmt.Sprintf("%x", sha256.Sum256(was)), fmt.Sprintf("%x", sha256.Sum256([]byte(now))))
	if s := try(t, t.Context(), dir, "rerun", folders[0], "--quiet"); s.code != exitInvalid || !strings.Contains(s.err, "the samples give") || !strings.Contains(s.err, "hint: ") {
		t.Errorf("rerun: exit %d, want %d\n%s%s", s.code, exitInvalid, s.out, s.err)
	}
	if err := os.Remove(filepath.Join(dir, "adapters/spice/adapter_model.safetensors")); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(dir, "adapters/forgetful/adapter_model.safetensors"), filepath.Join(dir, "adapters/spice/adapter_model.safetensors")); err != nil {
		t.Fatal(err)
	}
	if s := try(t, t.Context(), dir, with(args, "--resume")...); s.code != exitInvalid || !strings.Contains(s.err, "adapter: stored sha256:") || !strings.Contains(s.err, "hint: ") {
		t.Errorf("resume: exit %d, want %d\n%s%s", s.code, exitInvalid, s.out, s.err)
	}
}
