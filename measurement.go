package lorabench

import (
	"encoding/json"
	"time"
)

// Variant is the base model, or the base with one adapter.
type Variant struct {
	Name        string `json:"name"`           // "base", or the adapter's name
	Path        string `json:"path,omitempty"` // of the adapter; "" for the base
	AdapterHash string `json:"adapter,omitempty"`
	Proof       *Proof `json:"proof,omitempty"` // nil for the base
}

// Base is the name of the variant without an adapter.
const Base = "base"

// IsBase reports whether v is the base model alone.
func (v Variant) IsBase() bool { return v.Name == Base }

// Proof is the evidence that an adapter is applied, or the reason that it is not.
type Proof struct {
	Applied bool      `json:"applied"`
	Reason  string    `json:"reason,omitempty"`
	Tensors int       `json:"tensors"`           // tensors of the adapter file, all used
	Format  string    `json:"format,omitempty"`  // "PEFT LoRA", "MLX DoRA", "GGUF LoRA", …
	Skipped int       `json:"skipped,omitempty"` // tensors of parts that see or hear, which no text reaches
	Modules int       `json:"modules"`           // modules that the adapter changes
	Targets []string  `json:"targets"`           // their kinds: "q_proj", …
	Changes []string  `json:"changes,omitempty"` // what is done to them: "LoRA", "DoRA", "bias", "weight", "tokens"
	Ranks   []int     `json:"ranks"`             // distinct ranks, ascending
	Scales  []float64 `json:"scales"`            // distinct scales, ascending
	Probe   Probe     `json:"probe"`
}

// Probe compares adapter and base on fixed prompts, in one batch.
type Probe struct {
	Tokens             int     `json:"tokens"`
	KL                 float64 `json:"kl"`                   // mean KL(base ‖ adapter) of the next-token distributions, nats
	MaxLogitDifference float64 `json:"max_logit_difference"` // largest |adapter − base|
	ZeroBEqualsBase    bool    `json:"zero_b_equals_base"`   // with B = 0 the logits equal the base's bit for bit

	// The change of some modules' outputs, against the file's tensors in float64.
	NumericalModules int     `json:"numerical_modules,omitempty"`
	NumericalError   float64 `json:"numerical_error,omitempty"` // largest relative difference
}

// Identity names by content everything that a measurement depends on (law 8).
type Identity struct {
	Base       string  `json:"base"`    // "sha256:…" of the weights
	Adapter    *string `json:"adapter"` // nil for the base
	Tokenizer  string  `json:"tokenizer"`
	Template   string  `json:"template"` // of the chat template in use; "none"
	Dataset    string  `json:"dataset"`
	Task       string  `json:"task"` // over name, version, shots, filters, prompts' settings
	Engine     string  `json:"engine"`
	Arithmetic string  `json:"arithmetic"`
}

// Imported is the engine of a measurement that somebody else made and published:
// its scores are theirs, it cannot be run again, and nothing proves that its
// adapter was applied.
const Imported = "imported, not measured"

// Imported reports whether m is somebody else's.
func (m *Measurement) Imported() bool { return m.Identity.Engine == Imported }

// Status says how a measurement ended.
type Status string

// The states of a measurement.
const (
	Running     Status = "running"
	Done        Status = "done"
	TimedOut    Status = "timeout"     // its budget ended: n of N
	Interrupted Status = "interrupted" // Ctrl-C
	Failed      Status = "failed"
)

// Run is what one command measured in one environment.
type Run struct {
	ID       string          `json:"id"` // sortable: 20260102-150405-abcd
	Started  time.Time       `json:"started"`
	Command  []string        `json:"command"`
	Model    string          `json:"model"`
	Settings json.RawMessage `json:"settings"` // resolved configuration
	Env      json.RawMessage `json:"env"`      // machine, build, tools
}

// Measurement is one variant on one task.
type Measurement struct {
	Run      string
	Task     TaskInfo
	Variant  Variant
	Identity Identity
	Status   Status
	Total    int // samples that were to be measured
	Started  time.Time
	Elapsed  time.Duration // wall time of the task, all variants together
}

// TaskInfo is a Task without its samples, as it is stored.
type TaskInfo struct {
	Name     string           `json:"name"`
	Version  string           `json:"version"`
	Title    string           `json:"title"`
	Source   string           `json:"source"`
	Dataset  Dataset          `json:"dataset"`
	NumShots int              `json:"num_fewshot"`
	Scorer   string           `json:"scorer"`
	Metrics  []Metric         `json:"metrics"`
	Floors   map[string]Floor `json:"floors"` // by metric
}

// Floor is the best that a null output reaches on a task's samples.
type Floor struct {
	Value  float64 `json:"value"`
	Output string  `json:"output"` // which null output
}

// SampleResult is one variant's answer to one sample, as committed.
type SampleResult struct {
	SampleID   string        `json:"id"`
	Index      int           `json:"index"`
	Position   int           `json:"position"` // in the run's order
	DocHash    string        `json:"doc_hash"`
	PromptHash string        `json:"prompt_hash"`
	Cluster    string        `json:"cluster,omitempty"`
	Outputs    []Output      `json:"outputs"`
	Scores     []Score       `json:"scores"`
	Elapsed    time.Duration `json:"-"` // from admission to the engine until scored
}
