package reports

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"time"

	"github.com/ailiance/lorabench"
	"github.com/ailiance/lorabench/env"
)

// MeasurementSchema names the form of results.json.
const MeasurementSchema = "lorabench/measurement/1"

// measurementFile is results.json. The first part is for whoever reads numbers;
// task_info, adapter and proof are what measuring again needs besides.
type measurementFile struct {
	Schema      string                `json:"schema"`
	Run         string                `json:"run"`
	Task        string                `json:"task"`
	TaskVersion string                `json:"task_version"`
	Variant     string                `json:"variant"`
	Status      lorabench.Status      `json:"status"`
	Samples     samplesFile           `json:"samples"`
	Primary     string                `json:"primary_metric"`
	Metrics     map[string]metricFile `json:"metrics"`
	Identity    lorabench.Identity    `json:"identity"`
	Timing      timingFile            `json:"timing"`
	Tokens      Tokens                `json:"tokens"`
	Adapter     *adapterFile          `json:"adapter"` // null for the base
	Proof       *lorabench.Proof      `json:"proof"`   // likewise
	TaskInfo    lorabench.TaskInfo    `json:"task_info"`
}

// samplesFile counts samples; Unscored is of the primary metric.
type samplesFile struct {
	Total    int            `json:"total"`
	Measured int            `json:"measured"`
	Unscored map[string]int `json:"unscored"`
}

// metricFile is one metric.
type metricFile struct {
	Value  *float64            `json:"value"`
	Unit   string              `json:"unit"`
	Better lorabench.Direction `json:"better"`
	N      int                 `json:"n"`
	CI95   *[2]float64         `json:"ci95"`
	Method *string             `json:"ci95_method"`
	Floor  *lorabench.Floor    `json:"floor"`
	Reason *string             `json:"reason"` // why there is no value, or no interval
}

// timingFile says when and how long.
type timingFile struct {
	Started   time.Time `json:"started"`    // UTC
	ElapsedNS int64     `json:"elapsed_ns"` // wall time of the task, all variants together
	ElapsedS  float64   `json:"elapsed_s"`  // the same for people
}

// adapterFile says where the adapter was.
type adapterFile struct {
	Path string `json:"path"`
	Hash string `json:"hash"`
}

func newMeasurementFile(m *MeasurementData, row *Row) *measurementFile {
	f := &measurementFile{
		Schema: MeasurementSchema, Run: m.Run, Task: m.Task.Name, TaskVersion: m.Task.Version, Variant: m.Variant.Name, Status: m.Status,
		Samples: samplesFile{Total: m.Total, Measured: len(m.Results), Unscored: map[string]int{}},
		Primary: m.Task.Metrics[0].Name, Metrics: map[string]metricFile{}, Identity: m.Identity,
		Timing: timingFile{Started: m.Started.UTC(), ElapsedNS: int64(m.Elapsed), ElapsedS: m.Elapsed.Seconds()},
		Tokens: row.Tokens, Proof: m.Variant.Proof, TaskInfo: m.Task,
	}
	if m.Variant.Path != "" || m.Variant.AdapterHash != "" {
		f.Adapter = &adapterFile{m.Variant.Path, m.Variant.AdapterHash}
	}
	for _, c := range row.Primary().Unscored {
		f.Samples.Unscored[c.What] = c.Samples
	}
	for i := range row.Cells {
		c := &row.Cells[i]
		metric := metricFile{Value: c.Value, Unit: c.Metric.Unit, Better: c.Metric.Better, N: c.N, Floor: c.Floor}
		if c.CI95 != nil && finite(c.CI95.Lo) && finite(c.CI95.Hi) {
			metric.CI95, metric.Method = &[2]float64{c.CI95.Lo, c.CI95.Hi}, &c.Method
		}
		if c.Reason != "" {
			metric.Reason = &c.Reason
		} else if metric.CI95 == nil {
			open := "the interval is open"
			metric.Reason = &open
		}
		f.Metrics[c.Metric.Name] = metric
	}
	// A floor that is no number has no form in JSON, and no meaning.
	f.TaskInfo.Floors = map[string]lorabench.Floor{}
	for name, floor := range m.Task.Floors {
		if finite(floor.Value) {
			f.TaskInfo.Floors[name] = floor
		}
	}
	if m.Task.Floors == nil {
		f.TaskInfo.Floors = nil
	}
	return f
}

// measurement is the inverse of newMeasurementFile, without samples.
func (f *measurementFile) measurement() (lorabench.Measurement, error) {
	m := lorabench.Measurement{
		Run: f.Run, Task: f.TaskInfo, Variant: lorabench.Variant{Name: f.Variant, Proof: f.Proof}, Identity: f.Identity,
		Status: f.Status, Total: f.Samples.Total, Started: f.Timing.Started, Elapsed: time.Duration(f.Timing.ElapsedNS),
	}
	if f.Adapter != nil {
		m.Variant.Path, m.Variant.AdapterHash = f.Adapter.Path, f.Adapter.Hash
	}
	switch {
	case f.Schema != MeasurementSchema:
		return m, fmt.Errorf("schema %q, want %q", f.Schema, MeasurementSchema)
	case f.Task != f.TaskInfo.Name || f.TaskVersion != f.TaskInfo.Version:
		return m, fmt.Errorf("task %s version %s, and task_info says %s version %s", f.Task, f.TaskVersion, f.TaskInfo.Name, f.TaskInfo.Version)
	case f.Samples.Measured < 0 || f.Samples.Measured > f.Samples.Total:
		return m, fmt.Errorf("%d samples measured of %d", f.Samples.Measured, f.Samples.Total)
	}
	return m, nil
}

// agree compares the numbers with those that the samples give.
func (f *measurementFile) agree(m *MeasurementData) error {
	if err := m.check(); err != nil {
		return err
	}
	row := newRow(m)
	for i := range row.Cells {
		c := &row.Cells[i]
		stored, is := f.Metrics[c.Metric.Name]
		switch {
		case !is:
			return fmt.Errorf("metric %s is missing", c.Metric.Name)
		case stored.N != c.N || !sameNumber(stored.Value, c.Value):
			return fmt.Errorf("metric %s is %s of %d samples, and the samples give %s of %d",
				c.Metric.Name, orNone(number64(stored.Value)), stored.N, orNone(number64(c.Value)), c.N)
		}
	}
	return nil
}

func sameNumber(a, b *float64) bool {
	if a == nil || b == nil {
		return a == b
	}
	return math.Float64bits(*a) == math.Float64bits(*b)
}

// member is a key of a JSON object with its value.
type member struct {
	key   string
	value json.RawMessage
}

// members are those of a JSON object, in its order.
type members []member

func readMembers(data []byte) (members, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	if start, err := d.Token(); err != nil || start != json.Delim('{') {
		return nil, errors.New("want a JSON object")
	}
	var list members
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return nil, err
		}
		m := member{key: key.(string)} // a key of an object is a string
		if err := d.Decode(&m.value); err != nil {
			return nil, err
		}
		if list.get(m.key) != nil {
			return nil, fmt.Errorf("key %q twice", m.key)
		}
		list = append(list, m)
	}
	if _, err := d.Token(); err != nil { // the brace
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("something behind the object")
	}
	return list, nil
}

func (l members) get(key string) json.RawMessage {
	for _, m := range l {
		if m.key == key {
			return m.value
		}
	}
	return nil
}

// set changes a member, or appends it.
func (l *members) set(key string, value any) error {
	raw, err := encode(value)
	if err != nil {
		return fmt.Errorf("%s: %w", key, err)
	}
	for i := range *l {
		if (*l)[i].key == key {
			(*l)[i].value = raw
			return nil
		}
	}
	*l = append(*l, member{key, raw})
	return nil
}

// take removes a member and decodes it, strictly.
func (l *members) take(key string, to any) error {
	for i, m := range *l {
		if m.key == key {
			*l = append((*l)[:i:i], (*l)[i+1:]...)
			if err := strict(m.value, to); err != nil {
				return fmt.Errorf("%s: %w", key, err)
			}
			return nil
		}
	}
	return fmt.Errorf("%s is missing", key)
}

func (l members) encode() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, m := range l {
		if i > 0 {
			b.WriteByte(',')
		}
		key, err := encode(m.key)
		if err != nil {
			return nil, err
		}
		b.Write(key)
		b.WriteByte(':')
		if err := json.Compact(&b, m.value); err != nil {
			return nil, err
		}
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// encode is json.Marshal that leaves <, > and & as they are.
func encode(value any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(value); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// runFile is what env.json says of the run.
type runFile struct {
	ID      string    `json:"id"`
	Started time.Time `json:"started"`
	Model   string    `json:"model"`
}

// newEnvironmentFile makes env.json: the environment of the run, its resolved
// settings and command, and the hashes of everything that was measured.
func newEnvironmentFile(run lorabench.Run, m *MeasurementData) ([]byte, error) {
	list := members{}
	if len(run.Env) > 0 {
		var err error
		if list, err = readMembers(run.Env); err != nil {
			return nil, fmt.Errorf("environment of the run: %w", err)
		}
	}
	if list.get("schema") == nil {
		schema, err := encode(env.Schema)
		if err != nil {
			return nil, err
		}
		list = append(members{{"schema", schema}}, list...)
	}
	type addition struct {
		key   string
		value any
	}
	add := []addition{}
	if run.Command != nil {
		add = append(add, addition{"command", env.Redact(run.Command)})
	}
	if len(run.Settings) > 0 {
		add = append(add, addition{"settings", run.Settings})
	}
	add = append(add, addition{"run", runFile{run.ID, run.Started, run.Model}}, addition{"identity", m.Identity}, addition{"proof", m.Variant.Proof})
	for _, a := range add {
		if err := list.set(a.key, a.value); err != nil {
			return nil, fmt.Errorf("environment of the run: %w", err)
		}
	}
	raw, err := list.encode()
	if err != nil {
		return nil, fmt.Errorf("environment of the run: %w", err)
	}
	var b bytes.Buffer
	if err := json.Indent(&b, raw, "", "  "); err != nil {
		return nil, fmt.Errorf("environment of the run: %w", err)
	}
	b.WriteByte('\n')
	return b.Bytes(), nil
}

// readEnvironmentFile is the inverse of newEnvironmentFile. Its hashes have to be
// those of m.
func readEnvironmentFile(data []byte, m *lorabench.Measurement) (lorabench.Run, error) {
	list, err := readMembers(data)
	if err != nil {
		return lorabench.Run{}, err
	}
	var schema string
	if err := json.Unmarshal(list.get("schema"), &schema); err != nil || schema != env.Schema {
		return lorabench.Run{}, fmt.Errorf("schema %s, want %q", list.get("schema"), env.Schema)
	}
	var of runFile
	var identity lorabench.Identity
	var proof *lorabench.Proof
	for _, t := range []struct {
		key string
		to  any
	}{{"run", &of}, {"identity", &identity}, {"proof", &proof}} {
		if err := list.take(t.key, t.to); err != nil {
			return lorabench.Run{}, err
		}
	}
	a, errA := encode(identity)
	b, errB := encode(m.Identity)
	if errA != nil || errB != nil || !bytes.Equal(a, b) {
		return lorabench.Run{}, errors.New("identity is not that of results.json")
	}
	run := lorabench.Run{ID: of.ID, Started: of.Started, Model: of.Model}
	if raw := list.get("command"); raw != nil {
		if err := strict(raw, &run.Command); err != nil {
			return lorabench.Run{}, fmt.Errorf("command: %w", err)
		}
	}
	if raw := list.get("settings"); raw != nil {
		var compact bytes.Buffer
		if err := json.Compact(&compact, raw); err != nil {
			return lorabench.Run{}, fmt.Errorf("settings: %w", err)
		}
		run.Settings = compact.Bytes()
	}
	run.Env, err = list.encode()
	return run, err
}
