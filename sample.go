package lorabench

import (
	"encoding/json"
	"strings"
)

// Sample is one question of a task.
type Sample struct {
	ID         string    // unique inside the task
	Index      int       // row in the dataset, lm-eval's doc_id
	DocHash    string    // sha256 of the row, as lm-eval computes it
	PromptHash string    // sha256 of the first request's prompt, as lm-eval computes it; "" before there is one
	Cluster    string    // samples that share a source; "" where each is its own
	Requests   []Request // what the engine is asked, in order
	Target     Target
}

// Target is what a scorer compares outputs with; a task fills what its scorer reads.
type Target struct {
	Gold    int             `json:"gold"`              // index of the right request (multiple choice)
	Choices []string        `json:"choices,omitempty"` // text of each choice, for length-normalised accuracy
	Answer  string          `json:"answer,omitempty"`  // reference answer of a generation task
	Words   int             `json:"words,omitempty"`   // of the original text (perplexity)
	Bytes   int             `json:"bytes,omitempty"`   // likewise
	Bench   json.RawMessage `json:"bench,omitempty"`   // what a domain scorer needs (SPICE test bench)
}

// RequestKind says what the engine is asked.
type RequestKind string

// The kinds of requests.
const (
	LogLikelihood RequestKind = "loglikelihood"         // ln P(Continuation | Prompt)
	Rolling       RequestKind = "loglikelihood_rolling" // ln P(Prompt), window after window
	Generate      RequestKind = "generate_until"        // greedy text after Prompt
)

// Message is a turn of a conversation.
type Message struct {
	Role    string `json:"role"` // "system", "user", "assistant"
	Content string `json:"content"`
}

// Request is one thing asked of the engine. It holds text: the runner makes tokens.
type Request struct {
	Kind         RequestKind `json:"kind"`
	Prompt       string      `json:"prompt"`             // as it is sent
	Messages     []Message   `json:"messages,omitempty"` // instead of Prompt, until a chat template makes it of them
	Continuation string      `json:"continuation,omitempty"`
	Until        []string    `json:"until,omitempty"`          // stop strings
	MaxNewTokens int         `json:"max_new_tokens,omitempty"` // upper bound of a generation
}

// StopReason says why a generation ended.
type StopReason string

// The reasons to stop.
const (
	StopEOS    StopReason = "eos"    // the model ended its turn
	StopString StopReason = "stop"   // a stop string appeared
	StopLength StopReason = "length" // MaxNewTokens; runners leave room for them in the context
	StopTime   StopReason = "time"   // the sample's budget ended
)

// Output is the engine's answer to one request.
type Output struct {
	LogLikelihood float64    `json:"loglikelihood"`      // nats, summed over the scored tokens
	Greedy        bool       `json:"greedy"`             // every scored token was the likeliest
	Text          string     `json:"text,omitempty"`     // the answer
	Thinking      string     `json:"thinking,omitempty"` // reasoning channel, never scored
	Stop          StopReason `json:"stop,omitempty"`

	PromptTokens   int `json:"prompt_tokens"`   // tokens of the prompt (and continuation)
	ComputedTokens int `json:"computed_tokens"` // of these, computed and not reused from a shared prefix
	NewTokens      int `json:"new_tokens"`      // generated, or scored
}

// Unanswered reports whether o reasons and gives no answer: it was cut off or
// ended before its answer began.
func (o Output) Unanswered() bool { return o.Thinking != "" && strings.TrimSpace(o.Text) == "" }

// Score is a value, or the reason why there is none.
type Score struct {
	Metric   string  `json:"metric"`
	Value    float64 `json:"value"`              // only where Unscored is empty
	Weight   float64 `json:"weight"`             // denominator of Ratio and ExpRatio metrics, else 1
	Unscored string  `json:"unscored,omitempty"` // why there is no value
	Note     string  `json:"note,omitempty"`     // why a value is what it is: "no .end"
}

// Notes that are counted.
const (
	// NoteMarkers is that of a text with markers of reasoning that is not taken
	// out: no chat template was asked for.
	NoteMarkers = "markers of reasoning in the text"
	// NoteNoAnswer is that of a text that is reasoning and nothing else.
	NoteNoAnswer = "no answer, only reasoning"
)

// Valued reports whether the score has a value.
func (s Score) Valued() bool { return s.Unscored == "" }
