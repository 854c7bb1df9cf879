package reports

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/ailiance/lorabench"
	"github.com/ailiance/lorabench/reports/stats"
)

// Cell is one metric of one variant on one task.
type Cell struct {
	Metric  lorabench.Metric `json:"metric"`
	Primary bool             `json:"primary"`
	Value   *float64         `json:"value"` // nil where Reason says why
	N       int              `json:"n"`     // samples that have a score
	CI95    *stats.Interval  `json:"ci95"`  // nil where Reason says why
	Method  string           `json:"method,omitempty"`
	Reason  string           `json:"reason,omitempty"`

	Unscored []Count          `json:"unscored"` // why measured samples have no score
	Floor    *lorabench.Floor `json:"floor"`    // the best null output
}

// AboveFloor reports whether the value is better than the floor's; ok is false
// where either is missing.
func (c *Cell) AboveFloor() (above, ok bool) {
	if c.Value == nil || c.Floor == nil {
		return false, false
	}
	return better(c.Metric, *c.Value, c.Floor.Value), true
}

// better reports whether a is better than b.
func better(m lorabench.Metric, a, b float64) bool {
	if m.Better == lorabench.Lower {
		return a < b
	}
	return a > b
}

// Row is one variant on one task: its cells and what became of its samples.
type Row struct {
	Task    lorabench.TaskInfo `json:"-"`
	Name    string             `json:"task"`
	Variant string             `json:"variant"`
	Status  lorabench.Status   `json:"status"`

	Total    int       `json:"total"`    // samples that were to be measured
	Measured int       `json:"measured"` // samples with a result
	Stops    []Count   `json:"stops"`    // why generations stopped
	Notes    []Count   `json:"notes"`    // why values are what they are
	Thinking *Thoughts `json:"thinking"` // nil: no text was reasoning, as far as is known
	Cells    []Cell    `json:"cells"`    // in the order of the task's metrics, the first primary

	Tokens   Tokens             `json:"tokens"`
	Elapsed  time.Duration      `json:"elapsed_ns"`
	Identity lorabench.Identity `json:"identity"`
	Proof    *lorabench.Proof   `json:"proof"`
	Evidence string             `json:"evidence"` // folder below the output directory, with slashes
	Started  time.Time          `json:"started"`
}

// Thoughts counts samples whose texts reason.
type Thoughts struct {
	Removed    int `json:"removed"`    // reasoning is stored, and left out of what is scored
	Unanswered int `json:"unanswered"` // of these, without an answer: wrong
	Cut        int `json:"cut"`        // of these, cut off by the limit of tokens or of time
	Kept       int `json:"kept"`       // no chat template was asked for: markers and all are scored
}

// count adds a sample.
func (t *Thoughts) count(r *lorabench.SampleResult, note string) {
	for _, o := range r.Outputs {
		if o.Thinking == "" {
			continue
		}
		t.Removed++
		if o.Unanswered() {
			t.Unanswered++
			if o.Stop == lorabench.StopLength || o.Stop == lorabench.StopTime {
				t.Cut++
			}
		}
		break
	}
	if strings.Contains(note, lorabench.NoteMarkers) {
		t.Kept++
	}
}

// Tokens counts what the engine did.
type Tokens struct {
	Prompt    int `json:"prompt"`    // of the requests
	Computed  int `json:"computed"`  // of these, not reused from a shared prefix
	Generated int `json:"generated"` // written by the model
}

// Primary returns the cell of the metric that gates and charts use.
func (r *Row) Primary() *Cell { return &r.Cells[0] }

// Cell returns the cell of the metric called name, nil where there is none.
func (r *Row) Cell(name string) *Cell {
	for i := range r.Cells {
		if r.Cells[i].Metric.Name == name {
			return &r.Cells[i]
		}
	}
	return nil
}

// newRow computes the row of a measurement.
func newRow(m *MeasurementData) *Row {
	row := &Row{
		Task: m.Task, Name: m.Task.Name, Variant: m.Variant.Name, Status: m.Status,
		Total: m.Total, Measured: len(m.Results), Tokens: countTokens(m.Results), Elapsed: m.Elapsed,
		Identity: m.Identity, Proof: m.Variant.Proof, Started: m.Started,
	}
	var stops, notes []string
	var thoughts Thoughts
	results := byIndex(m.Results)
	for _, r := range results {
		for _, o := range r.Outputs {
			if o.Stop != "" {
				stops = append(stops, string(o.Stop))
			}
		}
		note := scoreOf(r, m.Task.Metrics[0].Name).Note
		if note != "" {
			notes = append(notes, note)
		}
		thoughts.count(r, note)
	}
	if thoughts != (Thoughts{}) {
		row.Thinking = &thoughts
	}
	row.Stops, row.Notes = tally(stops), tally(notes)
	for i, metric := range m.Task.Metrics {
		cell := newCell(metric, results)
		cell.Primary = i == 0
		if floor, ok := m.Task.Floors[metric.Name]; ok && finite(floor.Value) {
			cell.Floor = &floor
		}
		row.Cells = append(row.Cells, cell)
	}
	return row
}

func countTokens(results []lorabench.SampleResult) Tokens {
	var t Tokens
	for _, r := range results {
		for _, o := range r.Outputs {
			t.Prompt += o.PromptTokens
			t.Computed += o.ComputedTokens
			if o.Stop != "" { // a generation; else NewTokens were scored, not written
				t.Generated += o.NewTokens
			}
		}
	}
	return t
}

// newCell aggregates the scores of one metric.
func newCell(metric lorabench.Metric, results []*lorabench.SampleResult) Cell {
	cell := Cell{Metric: metric}
	var a arm
	var clusters, unscored []string
	for _, r := range results {
		s := scoreOf(r, metric.Name)
		if why := unscoredReason(s); why != "" {
			unscored = append(unscored, why)
			continue
		}
		a.values = append(a.values, s.Value)
		a.weights = append(a.weights, s.Weight)
		clusters = append(clusters, r.Cluster)
	}
	cell.N, cell.Unscored = len(a.values), tally(unscored)
	if cell.N == 0 {
		cell.Reason = "no sample has a score"
		return cell
	}
	value, err := a.aggregate(metric)
	if err != nil {
		cell.Reason = err.Error()
		return cell
	}
	cell.Value = &value
	interval, method, err := a.interval(metric, clusters, 0.95)
	if err != nil {
		cell.Reason = "no interval: " + err.Error()
		return cell
	}
	cell.CI95, cell.Method = &interval, method
	return cell
}

// unscoredReason returns why a score has no value, "" where it has one.
func unscoredReason(s lorabench.Score) string {
	switch {
	case !s.Valued():
		return s.Unscored
	case !finite(s.Value) || !finite(s.Weight):
		return fmt.Sprintf("score is %v", s.Value)
	}
	return ""
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

// arm holds the scores of one variant in the order of the dataset.
type arm struct{ values, weights []float64 }

// aggregate makes one number of the scores, with the bits that scorers make.
func (a arm) aggregate(m lorabench.Metric) (float64, error) {
	var value float64
	switch m.Aggregate {
	case lorabench.Mean:
		value = stats.Sum(a.values) / float64(len(a.values))
	case lorabench.Ratio:
		value = stats.Sum(a.values) / stats.Sum(a.weights)
	case lorabench.ExpRatio:
		value = math.Exp(stats.Sum(a.values) / stats.Sum(a.weights))
	default:
		return 0, fmt.Errorf("metric %s: aggregate %q, want mean, ratio or exp_ratio", m.Name, m.Aggregate)
	}
	if !finite(value) {
		return 0, fmt.Errorf("metric %s: aggregate is %v", m.Name, value)
	}
	return value, nil
}

// influence returns what each sample moves the aggregate by, to first order.
func (a arm) influence(m lorabench.Metric) []float64 {
	if m.Aggregate == lorabench.Mean {
		return stats.MeanInfluence(a.values)
	}
	u := stats.RatioInfluence(a.values, a.weights)
	if m.Aggregate == lorabench.ExpRatio {
		scale := math.Exp(stats.Sum(a.values) / stats.Sum(a.weights))
		for i := range u {
			u[i] *= scale
		}
	}
	return u
}

// bounded reports whether all scores lie in [0, 1].
func (a arm) bounded() bool {
	for _, v := range a.values {
		if !(v >= 0 && v <= 1) {
			return false
		}
	}
	return true
}

// binary reports whether all scores are 0 or 1.
func (a arm) binary() bool {
	for _, v := range a.values {
		if v != 0 && v != 1 {
			return false
		}
	}
	return true
}

// interval returns the interval of the aggregate and how it was made.
func (a arm) interval(m lorabench.Metric, clusters []string, level float64) (stats.Interval, string, error) {
	n := len(a.values)
	clustered := stats.Clusters(clusters, n) < n
	fraction := m.Aggregate == lorabench.Mean && a.bounded()
	switch {
	case m.Aggregate == lorabench.Mean && m.Binary && a.binary() && !clustered:
		i, err := stats.Wilson(int(stats.Sum(a.values)), n, level)
		return i, "Wilson", err
	case m.Aggregate == lorabench.Mean && m.Binary && a.binary():
		i, err := stats.ClusteredWilson(a.values, clusters, level)
		return i, "Wilson, effective n of clusters", err
	case m.Aggregate == lorabench.ExpRatio:
		e, err := stats.Ratio(a.values, a.weights, clusters)
		if err != nil {
			return stats.Interval{}, "", err
		}
		i, err := e.Interval(level)
		return i.Map(math.Exp), "exp of t on the ratio, delta method" + clusterNote(clustered), err
	}
	value, err := a.aggregate(m)
	if err != nil {
		return stats.Interval{}, "", err
	}
	e, err := stats.Linear(value, a.influence(m), clusters)
	if err != nil {
		return stats.Interval{}, "", err
	}
	i, err := e.Interval(level)
	switch {
	case errors.Is(err, stats.ErrNoSpread) && fraction: // scores that agree prove no width of 0
		i, err = stats.ClusteredWilson(a.values, clusters, level)
		return i, "Wilson, scores that agree", err
	case err != nil:
		return stats.Interval{}, "", err
	case fraction:
		i = stats.Interval{Lo: max(i.Lo, 0), Hi: min(i.Hi, 1)}
	}
	if m.Aggregate == lorabench.Ratio {
		return i, "t, delta method" + clusterNote(clustered), nil
	}
	return i, "t" + clusterNote(clustered), nil
}

func clusterNote(clustered bool) string {
	if clustered {
		return ", clustered"
	}
	return ""
}
