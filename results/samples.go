package results

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"math"
	"time"

	"github.com/ailiance/lorabench"
)

// Measured is one sample's result with the measurement that it belongs to.
type Measured struct {
	Measurement MeasurementID
	Result      lorabench.SampleResult
}

// Append commits one sample's result: see [Store.AppendAll].
func (s *Store) Append(ctx context.Context, id MeasurementID, r lorabench.SampleResult) error {
	return s.AppendAll(ctx, []Measured{{id, r}})
}

// AppendAll commits the results of one step of the engine: all of them or, on an
// error, none. When it has returned nil, neither a killed process nor a power cut
// takes them back. It goes on where ctx is cancelled, since what is measured is
// worth storing. A cancelled run may so call it, and [Store.Finish], with the
// context that it has.
//
// Every number comes back bit for bit and every text byte for byte, but a number
// that is NaN is refused, and so is a score with both a value and a reason. Each
// score's metric must be one of the task's.
//
// It returns [*DuplicateSampleError], [*MeasurementNotFoundError],
// [*LockedError], or an error that wraps [ErrFinished], [ErrRunNotLocked],
// [ErrDiskFull] or [ErrReadOnly]. After ErrDiskFull all is kept that was stored
// before, and the same results can be appended again when there is room.
func (s *Store) AppendAll(ctx context.Context, results []Measured) error {
	if len(results) == 0 {
		return nil
	}
	what := fmt.Sprintf("store sample %q", results[0].Result.SampleID)
	if len(results) > 1 {
		what = fmt.Sprintf("store %d samples", len(results))
	}
	for _, m := range results {
		if err := checkResult(m.Result); err != nil {
			return fmt.Errorf("store sample %q: %w", m.Result.SampleID, err)
		}
	}
	return s.update(ctx, what, func(ctx context.Context, tx *sql.Tx) error {
		known := map[MeasurementID]openMeasurement{}
		for _, r := range results {
			m, ok := known[r.Measurement]
			if !ok {
				var err error
				if m, err = s.appendable(ctx, tx, r.Measurement); err != nil {
					return fmt.Errorf("measurement %d: %w", r.Measurement, err)
				}
				known[r.Measurement] = m
			}
			if err := s.insert(ctx, tx, r.Measurement, m, r.Result); err != nil {
				return err
			}
		}
		return nil
	})
}

// appendable returns the measurement with its metrics, if it is running.
func (s *Store) appendable(ctx context.Context, tx *sql.Tx, id MeasurementID) (openMeasurement, error) {
	m, err := s.writable(ctx, tx, id)
	if err != nil {
		return m, err
	}
	if m.status != lorabench.Running {
		return m, fmt.Errorf("%w: %s", ErrFinished, m.status)
	}
	rows, err := tx.QueryContext(ctx, "SELECT name, id FROM metric WHERE measurement = ?", int64(id))
	if err != nil {
		return m, err
	}
	defer rows.Close()
	m.metrics = map[string]int64{}
	for rows.Next() {
		var name string
		var key int64
		if err := rows.Scan(&name, &key); err != nil {
			return m, err
		}
		m.metrics[name] = key
	}
	return m, rows.Err()
}

const (
	insertSample = `
		INSERT INTO sample (measurement, name, position, row_index, doc_hash, prompt_hash, cluster, elapsed_ns)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?)`
	insertOutput = `
		INSERT INTO output (sample, position, loglikelihood, greedy, text, thinking, stop, prompt_tokens, computed_tokens, new_tokens)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
	insertScore = `
		INSERT INTO score (sample, position, metric, value, weight, unscored, note)
		VALUES (?, ?, ?, ?, ?, ?, ?)`
)

func (s *Store) insert(ctx context.Context, tx *sql.Tx, id MeasurementID, m openMeasurement, r lorabench.SampleResult) error {
	duplicate := DuplicateSampleError{Measurement: id, Sample: r.SampleID, Position: r.Position}
	err := tx.QueryRowContext(ctx, "SELECT name, position FROM sample WHERE measurement = ?1 AND name = ?2"+
		" UNION ALL SELECT name, position FROM sample WHERE measurement = ?1 AND position = ?3 LIMIT 1",
		int64(id), r.SampleID, r.Position).Scan(&duplicate.StoredSample, &duplicate.StoredPosition)
	switch {
	case err == nil:
		return &duplicate
	case !errors.Is(err, sql.ErrNoRows):
		return err
	}
	done, err := tx.StmtContext(ctx, s.insertSample).ExecContext(ctx,
		int64(id), r.SampleID, r.Position, r.Index, r.DocHash, r.PromptHash, r.Cluster, int64(r.Elapsed))
	if err != nil {
		return err
	}
	key, err := done.LastInsertId()
	if err != nil {
		return err
	}
	for i, o := range r.Outputs {
		_, err := tx.StmtContext(ctx, s.insertOutput).ExecContext(ctx,
			key, i, o.LogLikelihood, o.Greedy, []byte(o.Text), []byte(o.Thinking), string(o.Stop),
			o.PromptTokens, o.ComputedTokens, o.NewTokens)
		if err != nil {
			return fmt.Errorf("sample %q: output %d: %w", r.SampleID, i, err)
		}
	}
	for i, score := range r.Scores {
		metric, ok := m.metrics[score.Metric]
		if !ok {
			return fmt.Errorf("sample %q: task has no metric %s", r.SampleID, score.Metric)
		}
		var value, unscored any
		if score.Valued() {
			value = score.Value
		} else {
			unscored = []byte(score.Unscored)
		}
		_, err := tx.StmtContext(ctx, s.insertScore).ExecContext(ctx,
			key, i, metric, value, score.Weight, unscored, []byte(score.Note))
		if err != nil {
			return fmt.Errorf("sample %q: score %s: %w", r.SampleID, score.Metric, err)
		}
	}
	return nil
}

// checkResult refuses what would not come back as it is.
func checkResult(r lorabench.SampleResult) error {
	for _, text := range []struct{ field, text string }{
		{"id", r.SampleID}, {"doc_hash", r.DocHash}, {"prompt_hash", r.PromptHash}, {"cluster", r.Cluster},
	} {
		if err := checkText(text.field, text.text); err != nil {
			return err
		}
	}
	for i, o := range r.Outputs {
		if math.IsNaN(o.LogLikelihood) {
			return fmt.Errorf("output %d: log-likelihood is not a number", i)
		}
	}
	for _, score := range r.Scores {
		switch {
		case math.IsNaN(score.Value) || math.IsNaN(score.Weight):
			return fmt.Errorf("score %s: value %v with weight %v, want numbers", score.Metric, score.Value, score.Weight)
		case !score.Valued() && score.Value != 0:
			return fmt.Errorf("score %s: both a value, %v, and a reason why there is none: %s", score.Metric, score.Value, score.Unscored)
		}
	}
	return nil
}

// Done returns the samples that are measured, with their positions.
func (s *Store) Done(ctx context.Context, id MeasurementID) (map[string]int, error) {
	done := map[string]int{}
	err := s.view(ctx, fmt.Sprintf("list samples of measurement %d", id), func(tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, "SELECT name, position FROM sample WHERE measurement = ?", int64(id))
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var name string
			var position int
			if err := rows.Scan(&name, &position); err != nil {
				return err
			}
			done[name] = position
		}
		return rows.Err()
	})
	if err != nil {
		return nil, err
	}
	return done, nil
}

// The order is that of an index each time, so nothing is sorted.
const (
	selectSamples = `
		SELECT id, name, position, row_index, doc_hash, prompt_hash, cluster, elapsed_ns
		FROM sample WHERE measurement = ? ORDER BY position`
	selectOutputs = `
		SELECT o.sample, loglikelihood, greedy, text, thinking, stop, prompt_tokens, computed_tokens, new_tokens
		FROM sample s CROSS JOIN output o ON o.sample = s.id
		WHERE s.measurement = ? ORDER BY s.position, o.position`
	selectScores = `
		SELECT c.sample, m.name, value, weight, unscored, note
		FROM sample s CROSS JOIN score c ON c.sample = s.id CROSS JOIN metric m ON m.id = c.metric
		WHERE s.measurement = ? ORDER BY s.position, c.position`
)

// SampleResults yields the results of a measurement in the order of their
// positions, as of one moment, while others may go on to write. After an error
// there is nothing more. Results without outputs or scores have nil there.
func (s *Store) SampleResults(ctx context.Context, id MeasurementID) iter.Seq2[lorabench.SampleResult, error] {
	return func(yield func(lorabench.SampleResult, error) bool) {
		stopped := false // by the caller, who then wants to hear nothing more
		err := s.view(ctx, fmt.Sprintf("read samples of measurement %d", id), func(tx *sql.Tx) error {
			c, err := openCursors(ctx, tx, id)
			if err != nil {
				return err
			}
			defer c.Close()
			for c.samples.Next() {
				r, err := c.result()
				if err != nil {
					return err
				}
				if stopped = !yield(r, nil); stopped {
					return nil
				}
			}
			return c.samples.Err()
		})
		if err != nil && !stopped {
			yield(lorabench.SampleResult{}, err)
		}
	}
}

// cursors walk samples, outputs and scores side by side.
type cursors struct {
	samples *sql.Rows
	outputs cursor[lorabench.Output]
	scores  cursor[lorabench.Score]
}

func openCursors(ctx context.Context, tx *sql.Tx, id MeasurementID) (*cursors, error) {
	var c cursors
	var err error
	if c.samples, err = tx.QueryContext(ctx, selectSamples, int64(id)); err != nil {
		return nil, err
	}
	if c.outputs.rows, err = tx.QueryContext(ctx, selectOutputs, int64(id)); err != nil {
		c.Close()
		return nil, err
	}
	if c.scores.rows, err = tx.QueryContext(ctx, selectScores, int64(id)); err != nil {
		c.Close()
		return nil, err
	}
	c.outputs.scan, c.scores.scan = scanOutput, scanScore
	return &c, nil
}

func (c *cursors) Close() {
	for _, rows := range []*sql.Rows{c.samples, c.outputs.rows, c.scores.rows} {
		if rows != nil {
			rows.Close()
		}
	}
}

// result reads the sample under the cursor.
func (c *cursors) result() (lorabench.SampleResult, error) {
	var r lorabench.SampleResult
	var key, elapsed int64
	err := c.samples.Scan(&key, &r.SampleID, &r.Position, &r.Index, &r.DocHash, &r.PromptHash, &r.Cluster, &elapsed)
	if err != nil {
		return r, err
	}
	r.Elapsed = time.Duration(elapsed)
	if r.Outputs, err = c.outputs.take(key); err != nil {
		return r, fmt.Errorf("sample %q: %w", r.SampleID, err)
	}
	if r.Scores, err = c.scores.take(key); err != nil {
		return r, fmt.Errorf("sample %q: %w", r.SampleID, err)
	}
	return r, nil
}

// cursor walks rows that belong to samples, in the order of the samples.
type cursor[T any] struct {
	rows *sql.Rows
	scan func(*sql.Rows) (sample int64, value T, err error)

	sample int64 // of next
	next   T
	ahead  bool // next is read but not taken
}

// take returns the rows of one sample.
func (c *cursor[T]) take(sample int64) ([]T, error) {
	var taken []T
	for {
		if !c.ahead {
			if !c.rows.Next() {
				return taken, c.rows.Err()
			}
			var err error
			if c.sample, c.next, err = c.scan(c.rows); err != nil {
				return nil, err
			}
			c.ahead = true
		}
		if c.sample != sample {
			return taken, nil
		}
		taken = append(taken, c.next)
		c.ahead = false
	}
}

func scanOutput(rows *sql.Rows) (sample int64, o lorabench.Output, err error) {
	var text, thinking sql.RawBytes
	err = rows.Scan(&sample, &o.LogLikelihood, &o.Greedy, &text, &thinking, &o.Stop, &o.PromptTokens, &o.ComputedTokens, &o.NewTokens)
	o.Text, o.Thinking = string(text), string(thinking)
	return sample, o, err
}

func scanScore(rows *sql.Rows) (sample int64, score lorabench.Score, err error) {
	var value sql.NullFloat64
	var unscored, note sql.RawBytes
	err = rows.Scan(&sample, &score.Metric, &value, &score.Weight, &unscored, &note)
	score.Value, score.Unscored, score.Note = value.Float64, string(unscored), string(note)
	return sample, score, err
}
