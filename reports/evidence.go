package reports

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"regexp"
	"strings"

	"github.com/ailiance/lorabench"
)

var runDate = regexp.MustCompile(`^(\d{4})(\d{2})(\d{2})-\d{6}`)

// EvidencePath returns the folder of a measurement below the output directory,
// with slashes: <date>/<run>/<task>/<variant>. The date is the run's, so that a
// run over midnight stays together. Names are made safe: none leaves the folder,
// and two names never become one (but for case, where a file system ignores it).
func EvidencePath(m lorabench.Measurement) string {
	date := m.Started.UTC().Format("2006-01-02")
	if d := runDate.FindStringSubmatch(m.Run); d != nil {
		date = d[1] + "-" + d[2] + "-" + d[3]
	}
	return path.Join(date, safeName(m.Run), safeName(m.Task.Name), safeName(m.Variant.Name))
}

// longestName is in bytes: file systems take 255.
const longestName = 150

// safeName writes all but letters, digits and ._@+- as %XX, and a dot that comes
// first or last, so that a name is one path element on every system. Of a long
// name the end is a hash.
func safeName(name string) string {
	if name == "" {
		return "%"
	}
	var b strings.Builder
	for i := range len(name) {
		c := name[i]
		plain := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' ||
			c == '_' || c == '@' || c == '+' || c == '-' || c == '.' && i > 0 && i < len(name)-1
		if plain {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	safe := b.String()
	if len(safe) > longestName { // "%~" is in no other name
		hash := sha256.Sum256([]byte(name))
		safe = safe[:longestName-34] + "%~" + hex.EncodeToString(hash[:16])
	}
	return safe
}

// The files of an evidence folder; the manifest names the rest.
const (
	resultsName     = "results.json"
	samplesName     = "samples.jsonl"
	environmentName = "env.json"
	methodologyName = "methodology.md"
	reportName      = "report.md"
	rerunName       = "rerun.sh"
)

// evidence is what an evidence folder is made of.
type evidence struct {
	report *Report
	task   *TaskReport
	row    *Row
	data   *MeasurementData
}

// WriteEvidence writes the folder of a measurement of r below out, which is made
// if there is none, and returns it. What was in these files before is replaced,
// each file whole or not at all; the manifest comes last. Nothing outside out is
// written, whatever names are and wherever links point.
//
// Errors say what could not be written and wrap why: [fs.ErrPermission],
// syscall.ENOSPC …
func WriteEvidence(out string, r *Report, m *MeasurementData) (string, error) {
	fault := func(err error) error {
		return fmt.Errorf("evidence of task %s on %s: %w", m.Task.Name, m.Variant.Name, err)
	}
	e := evidence{report: r, task: r.Task(m.Task.Name), data: m}
	if e.task != nil {
		e.row = e.task.Row(m.Variant.Name)
	}
	if e.row == nil {
		return "", fault(errors.New("not in the report"))
	}
	f, err := makeFolder(out, EvidencePath(m.Measurement))
	if err != nil {
		return "", fault(err)
	}
	defer f.close()
	if err := e.write(f); err != nil {
		return "", fault(err)
	}
	return f.path, nil
}

func (e *evidence) write(f *folder) error {
	results, err := encode(newMeasurementFile(e.data, e.row))
	if err != nil {
		return fmt.Errorf("%s: %w", resultsName, err)
	}
	environment, err := newEnvironmentFile(e.report.Run, e.data)
	if err != nil {
		return fmt.Errorf("%s: %w", environmentName, err)
	}
	// Until the new manifest is there the folder is not whole, and says so.
	if err := f.remove(manifestName); err != nil {
		return err
	}
	hashes := manifest{}
	for _, file := range []struct {
		name string
		mode fs.FileMode
		fill func(io.Writer) error
	}{
		{samplesName, 0o644, func(w io.Writer) error { return writeSamples(w, e.data) }},
		{resultsName, 0o644, func(w io.Writer) error { return writeIndented(w, results) }},
		{environmentName, 0o644, writes(environment)},
		{methodologyName, 0o644, writes([]byte(e.methodology()))},
		{reportName, 0o644, writes([]byte(e.text()))},
		{rerunName, 0o755, writes([]byte(rerunScript(e.report.Run.Command)))},
	} {
		if hashes[file.name], err = f.write(file.name, file.mode, file.fill); err != nil {
			return err
		}
	}
	_, err = f.write(manifestName, 0o644, hashes.write)
	return err
}

// writes returns a function that writes data.
func writes(data []byte) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	}
}

func writeIndented(w io.Writer, document []byte) error {
	var b bytes.Buffer
	if err := json.Indent(&b, document, "", "  "); err != nil {
		return err
	}
	b.WriteByte('\n')
	_, err := w.Write(b.Bytes())
	return err
}

// maxDocument bounds results.json and env.json, in bytes.
const maxDocument = 16 << 20

// ReadEvidence reads a folder that WriteEvidence wrote: the run without its other
// measurements, and the measurement with its results in the order of position,
// bit for bit. Outputs and scores that are empty are nil; requests are there
// where they were known.
//
// The manifest is verified first: [*ManifestError]. Files that are not what they
// should be are refused, as are numbers that do not follow from the samples.
func ReadEvidence(folder string) (lorabench.Run, MeasurementData, error) {
	run, m, err := readEvidence(folder)
	if err != nil {
		if _, is := err.(*ManifestError); !is { // says itself where it is
			err = fmt.Errorf("evidence %s: %w", folder, err)
		}
		return lorabench.Run{}, MeasurementData{}, err
	}
	return run, m, nil
}

func readEvidence(folder string) (run lorabench.Run, m MeasurementData, err error) {
	root, err := os.OpenRoot(folder)
	if err != nil {
		return run, m, cause(err)
	}
	defer root.Close()
	if err := verify(root, folder, []string{resultsName, samplesName, environmentName, methodologyName, reportName, rerunName}); err != nil {
		return run, m, err
	}
	document, err := readDocument(root, resultsName)
	if err != nil {
		return run, m, err
	}
	var f measurementFile
	if err := strict(document, &f); err != nil {
		return run, m, fmt.Errorf("%s: %w", resultsName, err)
	}
	if m.Measurement, err = f.measurement(); err != nil {
		return run, m, fmt.Errorf("%s: %w", resultsName, err)
	}
	if document, err = readDocument(root, environmentName); err != nil {
		return run, m, err
	}
	if run, err = readEnvironmentFile(document, &m.Measurement); err != nil {
		return run, m, fmt.Errorf("%s: %w", environmentName, err)
	}
	samples, err := openFile(root, samplesName)
	if err != nil {
		return run, m, fmt.Errorf("%s: %w", samplesName, err)
	}
	defer samples.Close()
	if m.Results, m.Requests, err = readSamples(samples, f.Samples.Measured); err != nil {
		return run, m, fmt.Errorf("%s: %w", samplesName, err)
	}
	if err := f.agree(&m); err != nil {
		return run, m, fmt.Errorf("%s: %w", resultsName, err)
	}
	return run, m, nil
}

func readDocument(root *os.Root, name string) ([]byte, error) {
	file, err := openFile(root, name)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, maxDocument+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, cause(err))
	}
	if len(data) > maxDocument {
		return nil, fmt.Errorf("%s: longer than %d bytes", name, maxDocument)
	}
	return data, nil
}

// WriteRun writes all that a run leaves in out: the evidence folder of every
// measurement, then report.json, lifts.svg, compare_base_vs_lora.md and, last,
// SUMMARY.md. r is the report of data. See [WriteEvidence] for errors.
func WriteRun(out string, r *Report, data *Data) error {
	for i := range data.Measurements {
		if _, err := WriteEvidence(out, r, &data.Measurements[i]); err != nil {
			return err
		}
	}
	f, err := makeFolder(out, ".")
	if err != nil {
		return err
	}
	defer f.close()
	for _, file := range []struct {
		name   string
		render func(io.Writer, *Report) error
	}{
		{"report.json", JSON}, {"lifts.svg", Lifts}, {"compare_base_vs_lora.md", Matrix}, {"SUMMARY.md", Summary},
	} {
		if _, err := f.write(file.name, 0o644, func(w io.Writer) error { return file.render(w, r) }); err != nil {
			return err
		}
	}
	return nil
}
