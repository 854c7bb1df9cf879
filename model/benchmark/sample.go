package benchmark

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/ailiance/lorabench/model"
)

// Sample is one measurement of a work.
type Sample struct {
	Seconds float64
	Tokens  int     // that were asked: of prompts and of texts, of all variants
	New     int     // of these, written ones
	Rows    float64 // that were computed, through all layers; a fraction where a row went through some
	Scored  int     // rows whose logits were needed
	Steps   int     // passes over the weights
	FLOPs   float64
	Bytes   float64
	First   float64 // seconds to the first result
}

// Shared is the share of what was asked that was not computed: it was in the
// cache, or computed once for several.
func (s Sample) Shared() float64 {
	if s.Tokens == 0 {
		return 0
	}
	return max(0, 1-s.Rows/float64(s.Tokens))
}

// inFlight is how many jobs the engine has at a time, as in a run.
const inFlight = 192

// drive gives the engine jobs, as many at a time as most says, and measures until
// all have ended.
func drive(ctx context.Context, e *model.Engine, c Cost, jobs []model.Job, most int) (Sample, error) {
	s := Sample{}
	adapted := map[string]bool{}
	before := e.Work()
	left := jobs
	begin := time.Now()
	for len(left) > 0 || e.Pending() > 0 {
		for len(left) > 0 && e.Pending() < most {
			left[0].ID = len(jobs) - len(left)
			if err := e.Submit(left[0]); err != nil {
				return s, err
			}
			left = left[1:]
		}
		results, err := e.Step(ctx)
		if err != nil {
			return s, err
		}
		s.Steps++
		for _, r := range results {
			if r.Err != nil {
				return s, r.Err
			}
			if s.First == 0 {
				s.First = time.Since(begin).Seconds()
			}
			job := &jobs[r.ID]
			s.add(c, job, r)
			if job.Adapter != "" {
				adapted[job.Adapter] = true
			}
		}
	}
	s.Seconds = time.Since(begin).Seconds()
	after := e.Work()
	layerRows := float64(after.LayerRows - before.LayerRows)
	s.Rows = layerRows / float64(c.Layers)
	s.FLOPs += (layerRows-float64(after.Left-before.Left))*c.LayerFLOPs + float64(s.Scored)*c.HeadFLOPs
	s.Bytes += float64(s.Steps) * float64(c.StepBytes+int64(len(adapted))*c.AdapterBytes)
	return s, nil
}

// add counts what a job took beside the linear layers of the base: attention, keys
// and values, its adapter.
func (s *Sample) add(c Cost, job *model.Job, r model.Result) {
	prompt := len(job.Tokens)
	if job.Scored > 0 {
		prompt-- // the last token is not computed with
		s.Scored += job.Scored
	}
	written := len(r.New)
	s.Scored += written
	s.New += written
	s.Tokens += prompt + max(written-1, 0)
	// Rows attend to all before them: a sum of whole numbers.
	rows := float64(r.Computed + max(written-1, 0))
	last := float64(prompt + max(written-1, 0))
	keys := rows * (2*last - rows + 1) / 2
	s.FLOPs += keys * c.KeyFLOPs
	if job.Adapter != "" {
		s.FLOPs += rows * float64(c.AdapterBytes) / 4 * 2
	}
	// A chunk of a prompt reads keys and values once, a written token once each.
	context := float64(prompt)
	if written > 1 {
		n := float64(written - 1)
		context += n*float64(prompt) + n*(n+1)/2
	}
	s.Bytes += context * float64(c.PositionBytes)
}

// Spread is the median of measurements, with the least and the greatest.
type Spread struct {
	Median float64 `json:"median"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
	N      int     `json:"n"`
}

// spread is the Spread of n measurements, or of none.
func spread(values []float64) Spread {
	if len(values) == 0 {
		return Spread{}
	}
	v := slices.Sorted(slices.Values(values))
	n := len(v)
	return Spread{Median: (v[(n-1)/2] + v[n/2]) / 2, Min: v[0], Max: v[n-1], N: n}
}

func (s Spread) String() string { return fmt.Sprintf("%.3g (%.3g…%.3g)", s.Median, s.Min, s.Max) }
