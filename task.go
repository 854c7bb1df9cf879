package lorabench

// Task is a versioned set of samples with the scorer and the metrics that
// belong to them. Tasks know text, never tokens.
type Task struct {
	Name    string // lm-eval's name where the task is lm-eval's: "arc_easy"
	Version string // raised whenever a score can move
	Title   string // one line for people
	Source  string // where prompt and metric are defined: paper, lm-eval file

	Dataset   Dataset
	NumShots  int      // examples in front of each question
	Scorer    string   // resolved by scorers.ByName
	Filters   []Filter // how answers are cut out of generated text; first is primary
	Normalize Normalization
	Metrics   []Metric // first is primary

	Samples []Sample // in dataset order
	Nulls   []Null   // outputs of models that know nothing; the floor is the best of them

}

// Info returns what is stored of t, with the floors of its metrics.
func (t *Task) Info(floors map[string]Floor) TaskInfo {
	return TaskInfo{
		Name: t.Name, Version: t.Version, Title: t.Title, Source: t.Source,
		Dataset: t.Dataset, NumShots: t.NumShots, Scorer: t.Scorer, Metrics: t.Metrics, Floors: floors,
	}
}

// Primary returns the metric that gates and charts use.
func (t *Task) Primary() Metric { return t.Metrics[0] }

// Metric returns the metric called name.
func (t *Task) Metric(name string) (Metric, bool) {
	for _, m := range t.Metrics {
		if m.Name == name {
			return m, true
		}
	}
	return Metric{}, false
}

// Dataset says which rows a task read.
type Dataset struct {
	Name   string `json:"name"`   // folder below the data directory: "arc/ARC-Easy"
	Split  string `json:"split"`  // "test", "validation" …
	Rows   int    `json:"rows"`   // rows read
	SHA256 string `json:"sha256"` // of the files as read (decompressed), evaluation split first, then shots
}

// Direction says which way a metric is better.
type Direction string

// The two directions.
const (
	Higher Direction = "higher"
	Lower  Direction = "lower"
)

// Aggregate says how sample scores become one number. Each score has a value
// v and a weight w (1 where a metric does not weigh).
type Aggregate string

// The ways to aggregate.
const (
	Mean     Aggregate = "mean"      // Σv / n
	Ratio    Aggregate = "ratio"     // Σv / Σw
	ExpRatio Aggregate = "exp_ratio" // exp(Σv / Σw)
)

// Metric is one number that a task reports.
type Metric struct {
	Name      string    `json:"name"` // "acc", "exact_match", "bits_per_byte"
	Unit      string    `json:"unit"` // "fraction", "bits/byte", "perplexity"
	Better    Direction `json:"better"`
	Aggregate Aggregate `json:"aggregate"`
	Binary    bool      `json:"binary"` // every score is 0 or 1: proportions, McNemar, Tango
	Margin    float64   `json:"margin"` // default non-inferiority margin, in the metric's unit
}

// Filter cuts an answer out of generated text with a regular expression.
type Filter struct {
	Name    string // lm-eval's name: "strict-match"
	Pattern string // Go syntax, leftmost-first
	Select  int    // which match: 0 the first, -1 the last
}

// Normalization is applied to answer and reference before they are compared,
// in this order (lm-eval's exact_match).
type Normalization struct {
	Delete            []string // regular expressions whose matches are deleted
	IgnoreCase        bool
	IgnorePunctuation bool
}

// Null is a model that knows nothing: its outputs are computed without a model.
type Null struct {
	Name string // "empty text", "always the first choice"
	// Outputs answers the requests of s, one output for each.
	Outputs func(s *Sample) []Output
}
