package results

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/ailiance/lorabench"
)

// MeasurementID is the number of a measurement in its database.
type MeasurementID int64

// StoredMeasurement is a measurement with what there is of it.
type StoredMeasurement struct {
	ID MeasurementID
	lorabench.Measurement
	Measured int // samples stored, of Total
}

// CreateMeasurement stores m, without samples and with status running, and
// returns its number. The run must be locked by this store.
//
// It returns [*RunNotFoundError], or an error that wraps [ErrMeasurementExists]
// or [ErrRunNotLocked].
func (s *Store) CreateMeasurement(ctx context.Context, m lorabench.Measurement) (MeasurementID, error) {
	what := fmt.Sprintf("create measurement of %s on %s", m.Variant.Name, m.Task.Name)
	proof, err := encodeProof(m.Variant.Proof)
	if err == nil {
		err = checkMeasurement(m)
	}
	if err != nil {
		return 0, fmt.Errorf("%s: %w", what, err)
	}
	var id int64
	err = s.update(ctx, what, func(ctx context.Context, tx *sql.Tx) error {
		run, err := s.runKey(ctx, tx, m.Run)
		if err != nil {
			return err
		}
		if !s.holds(run) {
			return fmt.Errorf("run %s: %w", m.Run, ErrRunNotLocked)
		}
		var there bool
		const exists = "SELECT EXISTS (SELECT 1 FROM measurement WHERE run = ? AND task = ? AND variant = ?)"
		if err := tx.QueryRowContext(ctx, exists, run, m.Task.Name, m.Variant.Name).Scan(&there); err != nil {
			return err
		}
		if there {
			return fmt.Errorf("run %s: %w", m.Run, ErrMeasurementExists)
		}
		done, err := tx.ExecContext(ctx, `
			INSERT INTO measurement (run, task, variant,
				task_version, task_title, task_source, dataset_name, dataset_split, dataset_rows, dataset_sha256, num_fewshot, scorer,
				adapter_path, adapter_hash, proof,
				id_base, id_adapter, id_tokenizer, id_template, id_dataset, id_task, id_engine, id_arithmetic,
				status, total, started, elapsed_ns)
			VALUES (?, ?, ?,  ?, ?, ?, ?, ?, ?, ?, ?, ?,  ?, ?, ?,  ?, ?, ?, ?, ?, ?, ?, ?,  ?, ?, ?, ?)`,
			run, m.Task.Name, m.Variant.Name,
			m.Task.Version, m.Task.Title, m.Task.Source, m.Task.Dataset.Name, m.Task.Dataset.Split, m.Task.Dataset.Rows,
			m.Task.Dataset.SHA256, m.Task.NumShots, m.Task.Scorer,
			[]byte(m.Variant.Path), m.Variant.AdapterHash, proof,
			m.Identity.Base, m.Identity.Adapter, m.Identity.Tokenizer, m.Identity.Template, m.Identity.Dataset,
			m.Identity.Task, m.Identity.Engine, m.Identity.Arithmetic,
			string(lorabench.Running), m.Total, encodeTime(m.Started), int64(m.Elapsed))
		if err != nil {
			return err
		}
		if id, err = done.LastInsertId(); err != nil {
			return err
		}
		return insertMetrics(ctx, tx, id, m.Task)
	})
	return MeasurementID(id), err
}

func insertMetrics(ctx context.Context, tx *sql.Tx, id int64, task lorabench.TaskInfo) error {
	for i, metric := range task.Metrics {
		var value, output any
		if floor, ok := task.Floors[metric.Name]; ok {
			value, output = floor.Value, floor.Output
		}
		_, err := tx.ExecContext(ctx, `
			INSERT INTO metric (measurement, position, name, unit, better, aggregate, binary, margin, floor, floor_output)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			id, i, metric.Name, metric.Unit, string(metric.Better), string(metric.Aggregate), metric.Binary, metric.Margin, value, output)
		if err != nil {
			return fmt.Errorf("metric %s: %w", metric.Name, err)
		}
	}
	return nil
}

// checkMeasurement refuses what would not come back as it is.
func checkMeasurement(m lorabench.Measurement) error {
	metrics := map[string]bool{}
	for _, metric := range m.Task.Metrics {
		if metrics[metric.Name] {
			return fmt.Errorf("metric %s: task has it twice", metric.Name)
		}
		metrics[metric.Name] = true
		if math.IsNaN(metric.Margin) || math.IsNaN(m.Task.Floors[metric.Name].Value) {
			return fmt.Errorf("metric %s: margin or floor is not a number", metric.Name)
		}
	}
	for name := range m.Task.Floors {
		if !metrics[name] {
			return fmt.Errorf("floor of metric %s: task has no such metric", name)
		}
	}
	return errors.Join(checkText("task", m.Task.Name), checkText("variant", m.Variant.Name))
}

// ResumeMeasurement returns the number of the measurement of m's run, task and
// variant, and marks it running again; [Store.Done] then says which samples it
// has. The run must be locked by this store.
//
// It returns [*MeasurementNotFoundError], [*RunNotFoundError], an error that
// wraps [ErrRunNotLocked], or [*IdentityError] where m is not what was measured
// before: another identity, version, metric, or number of samples.
func (s *Store) ResumeMeasurement(ctx context.Context, m lorabench.Measurement) (MeasurementID, error) {
	what := fmt.Sprintf("resume measurement of %s on %s", m.Variant.Name, m.Task.Name)
	var id MeasurementID
	err := s.update(ctx, what, func(ctx context.Context, tx *sql.Tx) error {
		run, err := s.runKey(ctx, tx, m.Run)
		if err != nil {
			return err
		}
		if !s.holds(run) {
			return fmt.Errorf("run %s: %w", m.Run, ErrRunNotLocked)
		}
		stored, err := readMeasurements(ctx, tx, "m.run = ? AND m.task = ? AND m.variant = ?", run, m.Task.Name, m.Variant.Name)
		if err != nil {
			return err
		}
		if len(stored) == 0 {
			return &MeasurementNotFoundError{Run: m.Run, Task: m.Task.Name, Variant: m.Variant.Name}
		}
		id = stored[0].ID
		if diff := differences(stored[0].Measurement, m); len(diff) > 0 {
			return &IdentityError{Run: m.Run, Task: m.Task.Name, Variant: m.Variant.Name, Differences: diff}
		}
		_, err = tx.ExecContext(ctx, "UPDATE measurement SET status = ? WHERE id = ?", string(lorabench.Running), int64(id))
		return err
	})
	if err != nil {
		return 0, err
	}
	return id, nil
}

// differences lists the fields of identity in which now is not as stored.
func differences(stored, now lorabench.Measurement) []Difference {
	was, is := identity(stored), identity(now)
	var found []Difference
	for i := range was {
		if was[i][1] != is[i][1] {
			found = append(found, Difference{Field: was[i][0], Stored: was[i][1], Now: is[i][1]})
		}
	}
	return found
}

// identity returns the names and values of what must agree to go on.
func identity(m lorabench.Measurement) [][2]string {
	adapter := "none"
	if m.Identity.Adapter != nil {
		adapter = *m.Identity.Adapter
	}
	metrics := make([]string, len(m.Task.Metrics))
	for i, metric := range m.Task.Metrics {
		metrics[i] = fmt.Sprintf("%s (%s)", metric.Name, metric.Aggregate)
	}
	return [][2]string{
		{"base", m.Identity.Base},
		{"adapter", adapter},
		{"tokenizer", m.Identity.Tokenizer},
		{"template", m.Identity.Template},
		{"dataset", m.Identity.Dataset},
		{"task", m.Identity.Task},
		{"engine", m.Identity.Engine},
		{"arithmetic", m.Identity.Arithmetic},
		{"task version", m.Task.Version},
		{"dataset sha256", m.Task.Dataset.SHA256},
		{"num_fewshot", fmt.Sprint(m.Task.NumShots)},
		{"scorer", m.Task.Scorer},
		{"metrics", strings.Join(metrics, ", ")},
		{"samples", fmt.Sprint(m.Total)},
	}
}

// Finish ends a measurement with a status other than running, and adds session,
// the time that it took since it was created or resumed, to its elapsed time.
// [lorabench.Done] is refused where a sample is missing.
//
// It returns [*MeasurementNotFoundError], or an error that wraps
// [ErrRunNotLocked].
func (s *Store) Finish(ctx context.Context, id MeasurementID, status lorabench.Status, session time.Duration) error {
	what := fmt.Sprintf("finish measurement %d as %s", id, status)
	if status == lorabench.Running {
		return fmt.Errorf("%s: want how it ended", what)
	}
	return s.update(ctx, what, func(ctx context.Context, tx *sql.Tx) error {
		m, err := s.writable(ctx, tx, id)
		if err != nil {
			return err
		}
		if status == lorabench.Done {
			var n int
			if err := tx.QueryRowContext(ctx, "SELECT count(*) FROM sample WHERE measurement = ?", int64(id)).Scan(&n); err != nil {
				return err
			}
			if n != m.total {
				return fmt.Errorf("%d samples are measured, want %d", n, m.total)
			}
		}
		_, err = tx.ExecContext(ctx, "UPDATE measurement SET status = ?, elapsed_ns = elapsed_ns + ? WHERE id = ?",
			string(status), int64(session), int64(id))
		return err
	})
}

// AddElapsed adds d to the elapsed time of a measurement that goes on, so that a
// killed session counts too. What was added so must not be given to
// [Store.Finish] again.
func (s *Store) AddElapsed(ctx context.Context, id MeasurementID, d time.Duration) error {
	return s.update(ctx, fmt.Sprintf("add time to measurement %d", id), func(ctx context.Context, tx *sql.Tx) error {
		if _, err := s.writable(ctx, tx, id); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, "UPDATE measurement SET elapsed_ns = elapsed_ns + ? WHERE id = ?", int64(d), int64(id))
		return err
	})
}

// openMeasurement is what writes need to know of a measurement.
type openMeasurement struct {
	status  lorabench.Status
	total   int
	metrics map[string]int64 // keys by name, where they were asked for
}

// writable returns the measurement if its run is locked by this store.
func (s *Store) writable(ctx context.Context, tx *sql.Tx, id MeasurementID) (openMeasurement, error) {
	var m openMeasurement
	var run int64
	err := tx.QueryRowContext(ctx, "SELECT run, status, total FROM measurement WHERE id = ?", int64(id)).Scan(&run, &m.status, &m.total)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return m, &MeasurementNotFoundError{ID: id}
	case err != nil:
		return m, err
	case !s.holds(run):
		return m, ErrRunNotLocked
	}
	return m, nil
}

// Measurements returns the measurements of a run in the order in which they were
// created. It returns [*RunNotFoundError].
func (s *Store) Measurements(ctx context.Context, run string) ([]StoredMeasurement, error) {
	var found []StoredMeasurement
	err := s.view(ctx, "list measurements", func(tx *sql.Tx) error {
		key, err := s.runKey(ctx, tx, run)
		if err != nil {
			return err
		}
		found, err = readMeasurements(ctx, tx, "m.run = ?", key)
		return err
	})
	return found, err
}

// FindMeasurement returns the measurement of a variant on a task. It returns
// [*RunNotFoundError] or [*MeasurementNotFoundError].
func (s *Store) FindMeasurement(ctx context.Context, run, task, variant string) (StoredMeasurement, error) {
	var found StoredMeasurement
	err := s.view(ctx, "find measurement", func(tx *sql.Tx) error {
		key, err := s.runKey(ctx, tx, run)
		if err != nil {
			return err
		}
		list, err := readMeasurements(ctx, tx, "m.run = ? AND m.task = ? AND m.variant = ?", key, task, variant)
		if err != nil {
			return err
		}
		if len(list) == 0 {
			return &MeasurementNotFoundError{Run: run, Task: task, Variant: variant}
		}
		found = list[0]
		return nil
	})
	return found, err
}

// Measurement returns the measurement with this number. It returns
// [*MeasurementNotFoundError].
func (s *Store) Measurement(ctx context.Context, id MeasurementID) (StoredMeasurement, error) {
	var found StoredMeasurement
	err := s.view(ctx, "find measurement", func(tx *sql.Tx) error {
		list, err := readMeasurements(ctx, tx, "m.id = ?", int64(id))
		if err != nil {
			return err
		}
		if len(list) == 0 {
			return &MeasurementNotFoundError{ID: id}
		}
		found = list[0]
		return nil
	})
	return found, err
}

func readMeasurements(ctx context.Context, tx *sql.Tx, where string, args ...any) ([]StoredMeasurement, error) {
	rows, err := tx.QueryContext(ctx, `
		SELECT m.id, r.name, m.task, m.variant,
			task_version, task_title, task_source, dataset_name, dataset_split, dataset_rows, dataset_sha256, num_fewshot, scorer,
			adapter_path, adapter_hash, proof,
			id_base, id_adapter, id_tokenizer, id_template, id_dataset, id_task, id_engine, id_arithmetic,
			status, total, m.started, elapsed_ns,
			(SELECT count(*) FROM sample WHERE measurement = m.id)
		FROM measurement m JOIN run r ON r.id = m.run WHERE `+where+` ORDER BY m.id`, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var found []StoredMeasurement
	for rows.Next() {
		var m StoredMeasurement
		var path []byte
		var proof, adapter sql.NullString
		var started string
		err := rows.Scan(&m.ID, &m.Run, &m.Task.Name, &m.Variant.Name,
			&m.Task.Version, &m.Task.Title, &m.Task.Source, &m.Task.Dataset.Name, &m.Task.Dataset.Split, &m.Task.Dataset.Rows,
			&m.Task.Dataset.SHA256, &m.Task.NumShots, &m.Task.Scorer,
			&path, &m.Variant.AdapterHash, &proof,
			&m.Identity.Base, &adapter, &m.Identity.Tokenizer, &m.Identity.Template, &m.Identity.Dataset,
			&m.Identity.Task, &m.Identity.Engine, &m.Identity.Arithmetic,
			&m.Status, &m.Total, &started, &m.Elapsed, &m.Measured)
		if err != nil {
			return nil, err
		}
		m.Variant.Path = string(path)
		if adapter.Valid {
			m.Identity.Adapter = &adapter.String
		}
		if m.Started, err = decodeTime(started); err != nil {
			return nil, fmt.Errorf("measurement %d: %w", m.ID, err)
		}
		if m.Variant.Proof, err = decodeProof(proof); err != nil {
			return nil, fmt.Errorf("measurement %d: %w", m.ID, err)
		}
		found = append(found, m)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	for i := range found {
		if err := readMetrics(ctx, tx, &found[i]); err != nil {
			return nil, err
		}
	}
	return found, nil
}

func readMetrics(ctx context.Context, tx *sql.Tx, m *StoredMeasurement) error {
	rows, err := tx.QueryContext(ctx, `
		SELECT name, unit, better, aggregate, binary, margin, floor, floor_output
		FROM metric WHERE measurement = ? ORDER BY position`, int64(m.ID))
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var metric lorabench.Metric
		var floor sql.NullFloat64
		var output sql.NullString
		err := rows.Scan(&metric.Name, &metric.Unit, &metric.Better, &metric.Aggregate, &metric.Binary, &metric.Margin, &floor, &output)
		if err != nil {
			return err
		}
		m.Task.Metrics = append(m.Task.Metrics, metric)
		if floor.Valid {
			if m.Task.Floors == nil {
				m.Task.Floors = map[string]lorabench.Floor{}
			}
			m.Task.Floors[metric.Name] = lorabench.Floor{Value: floor.Float64, Output: output.String}
		}
	}
	return rows.Err()
}

func encodeProof(p *lorabench.Proof) (any, error) {
	if p == nil {
		return nil, nil
	}
	text, err := json.Marshal(p)
	if err != nil {
		return nil, fmt.Errorf("proof: %w", err)
	}
	return string(text), nil
}

func decodeProof(text sql.NullString) (*lorabench.Proof, error) {
	if !text.Valid {
		return nil, nil
	}
	p := new(lorabench.Proof)
	if err := json.Unmarshal([]byte(text.String), p); err != nil {
		return nil, fmt.Errorf("proof: %w", err)
	}
	return p, nil
}
