package runners

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/ailiance/lorabench"
	"github.com/ailiance/lorabench/results"
)

// Stored keeps measurements in a database. Resume lets measurements go on that
// are there already.
type Stored struct {
	*results.Store
	Resume bool
}

// Begin implements [Store].
func (s Stored) Begin(ctx context.Context, m lorabench.Measurement) (results.MeasurementID, map[string]int, error) {
	if s.Resume {
		id, err := s.ResumeMeasurement(ctx, m)
		var missing *results.MeasurementNotFoundError
		if !errors.As(err, &missing) {
			if err != nil {
				return 0, nil, err
			}
			done, err := s.Done(ctx, id)
			return id, done, err
		}
	}
	id, err := s.CreateMeasurement(ctx, m)
	return id, nil, err
}

// Memory keeps measurements in memory: a rerun compares them with stored ones.
type Memory struct {
	mu           sync.Mutex
	measurements []lorabench.Measurement
	results      [][]lorabench.SampleResult
}

// Begin implements [Store].
func (s *Memory) Begin(_ context.Context, m lorabench.Measurement) (results.MeasurementID, map[string]int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.measurements = append(s.measurements, m)
	s.results = append(s.results, nil)
	return results.MeasurementID(len(s.measurements)), nil, nil
}

// AppendAll implements [Store].
func (s *Memory) AppendAll(_ context.Context, measured []results.Measured) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range measured {
		s.results[m.Measurement-1] = append(s.results[m.Measurement-1], m.Result)
	}
	return nil
}

// Finish implements [Store].
func (s *Memory) Finish(_ context.Context, id results.MeasurementID, status lorabench.Status, session time.Duration) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.measurements[id-1].Status, s.measurements[id-1].Elapsed = status, session
	return nil
}

// Measurements returns what was measured, results in the order of positions.
func (s *Memory) Measurements() ([]lorabench.Measurement, [][]lorabench.SampleResult) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.results {
		slices.SortFunc(r, func(a, b lorabench.SampleResult) int { return a.Position - b.Position })
	}
	return s.measurements, s.results
}
