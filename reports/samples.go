package reports

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/ailiance/lorabench"
)

// sampleLine is a line of samples.jsonl. It gives back a SampleResult bit for
// bit: what JSON has no form for stands in NotFinite and Bytes beside the line.
type sampleLine struct {
	ID         string              `json:"id"`
	Index      int                 `json:"index"`
	Position   int                 `json:"position"`
	DocHash    string              `json:"doc_hash"`
	PromptHash string              `json:"prompt_hash"`
	Cluster    string              `json:"cluster,omitempty"`
	Requests   []lorabench.Request `json:"requests,omitempty"`

	// One answer a request. A text alone stands in Output, Thinking and Stop,
	// several in Outputs; log-likelihoods need neither.
	LogLikelihoods []*float64           `json:"loglikelihoods,omitempty"` // nats; null where not finite
	Greedy         []bool               `json:"greedy,omitempty"`
	Output         *string              `json:"output,omitempty"`
	Thinking       string               `json:"thinking,omitempty"`
	Stop           lorabench.StopReason `json:"stop,omitempty"`
	Outputs        []textLine           `json:"outputs,omitempty"`
	Tokens         *tokenLine           `json:"tokens,omitempty"`

	Scores  valueList          `json:"scores"`            // in the order of the metrics; null where there is none
	Reason  *string            `json:"reason"`            // why a score has no value
	Reasons map[string]string  `json:"reasons,omitempty"` // by metric, where they differ
	Notes   map[string]string  `json:"notes,omitempty"`   // why values are what they are
	Weights map[string]float64 `json:"weights,omitempty"` // where not 1, or not 0 of a score without a value
	MS      float64            `json:"ms"`

	NotFinite map[string]string `json:"not_finite,omitempty"` // "scores.acc": "-inf"
	Bytes     map[string][]byte `json:"bytes,omitempty"`      // texts that are not UTF-8, in base64
}

// textLine is one of several texts.
type textLine struct {
	Text     string               `json:"output"`
	Thinking string               `json:"thinking,omitempty"`
	Stop     lorabench.StopReason `json:"stop,omitempty"`
}

// tokenLine counts tokens, by request.
type tokenLine struct {
	Prompt   []int `json:"prompt"`
	Computed []int `json:"computed"`
	New      []int `json:"new"` // generated, or scored
}

// namedValue is a metric with its value, nil where there is none.
type namedValue struct {
	name  string
	value *float64
}

// valueList is a JSON object that keeps its order.
type valueList []namedValue

func (l valueList) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, v := range l {
		if i > 0 {
			b.WriteByte(',')
		}
		name, err := json.Marshal(v.name)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(v.value)
		if err != nil {
			return nil, err
		}
		b.Write(name)
		b.WriteByte(':')
		b.Write(value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

func (l *valueList) UnmarshalJSON(data []byte) error {
	d := json.NewDecoder(bytes.NewReader(data))
	if start, err := d.Token(); err != nil || start != json.Delim('{') {
		return errors.New("scores: want an object")
	}
	*l = nil
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return err
		}
		v := namedValue{name: key.(string)} // a key of an object is a string
		if err := d.Decode(&v.value); err != nil {
			return err
		}
		if l.has(v.name) {
			return fmt.Errorf("score %s twice", v.name)
		}
		*l = append(*l, v)
	}
	return nil
}

func (l valueList) has(name string) bool {
	return slices.ContainsFunc(l, func(v namedValue) bool { return v.name == name })
}

// writeSamples writes samples.jsonl, in the order of position.
func writeSamples(w io.Writer, m *MeasurementData) error {
	results := positions(m)
	generates := m.generates()
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	for i, r := range results {
		if i > 0 && results[i-1].Position == r.Position {
			return fmt.Errorf("sample %q: position %d is that of %q too", r.SampleID, r.Position, results[i-1].SampleID)
		}
		line, err := newSampleLine(r, generates)
		if err != nil {
			return fmt.Errorf("sample %q: %w", r.SampleID, err)
		}
		line.Requests = m.Requests[r.SampleID]
		if err := e.Encode(line); err != nil {
			return fmt.Errorf("sample %q: %w", r.SampleID, err)
		}
	}
	return nil
}

// positions returns the results in the order of position.
func positions(m *MeasurementData) []*lorabench.SampleResult {
	results := make([]*lorabench.SampleResult, len(m.Results))
	for i := range m.Results {
		results[i] = &m.Results[i]
	}
	slices.SortStableFunc(results, func(a, b *lorabench.SampleResult) int { return a.Position - b.Position })
	return results
}

// generates reports whether the task asks for texts.
func (m *MeasurementData) generates() bool {
	for _, r := range m.Results {
		for _, q := range m.Requests[r.SampleID] {
			return q.Kind == lorabench.Generate
		}
		for _, o := range r.Outputs {
			if o.Stop != "" || o.Text != "" || o.Thinking != "" {
				return true
			}
		}
	}
	return false
}

func newSampleLine(r *lorabench.SampleResult, generates bool) (*sampleLine, error) {
	line := &sampleLine{
		ID: r.SampleID, Index: r.Index, Position: r.Position, DocHash: r.DocHash, PromptHash: r.PromptHash, Cluster: r.Cluster,
		MS: float64(r.Elapsed) / 1e6, NotFinite: map[string]string{}, Bytes: map[string][]byte{},
	}
	for _, text := range []string{r.SampleID, r.DocHash, r.PromptHash, r.Cluster} {
		if !utf8.ValidString(text) {
			return nil, fmt.Errorf("%q is not UTF-8", text)
		}
	}
	line.addOutputs(r.Outputs, generates)
	return line, line.addScores(r.Scores)
}

func (l *sampleLine) addOutputs(outputs []lorabench.Output, generates bool) {
	if len(outputs) == 0 {
		return
	}
	l.Tokens = &tokenLine{}
	texts, likelihoods, greedy := generates, !generates, !generates
	for i, o := range outputs {
		l.Tokens.Prompt = append(l.Tokens.Prompt, o.PromptTokens)
		l.Tokens.Computed = append(l.Tokens.Computed, o.ComputedTokens)
		l.Tokens.New = append(l.Tokens.New, o.NewTokens)
		l.LogLikelihoods = append(l.LogLikelihoods, l.finite("loglikelihoods."+strconv.Itoa(i), o.LogLikelihood))
		l.Greedy = append(l.Greedy, o.Greedy)
		texts = texts || o.Text != "" || o.Thinking != "" || o.Stop != ""
		likelihoods = likelihoods || math.Float64bits(o.LogLikelihood) != 0
		greedy = greedy || o.Greedy
	}
	if !likelihoods {
		l.LogLikelihoods = nil
	}
	if !greedy {
		l.Greedy = nil
	}
	switch {
	case !texts:
	case len(outputs) == 1:
		o := outputs[0]
		text := l.text("output", o.Text)
		l.Output, l.Thinking, l.Stop = &text, l.text("thinking", o.Thinking), o.Stop
	default:
		for i, o := range outputs {
			at := "outputs." + strconv.Itoa(i)
			l.Outputs = append(l.Outputs, textLine{l.text(at+".output", o.Text), l.text(at+".thinking", o.Thinking), o.Stop})
		}
	}
}

func (l *sampleLine) addScores(scores []lorabench.Score) error {
	l.Scores = valueList{}
	reasons, same := map[string]string{}, true
	for _, s := range scores {
		if !utf8.ValidString(s.Metric) || l.Scores.has(s.Metric) {
			return fmt.Errorf("score %q: want a name in UTF-8 once", s.Metric)
		}
		v := namedValue{name: s.Metric}
		usual := 1.0
		if s.Valued() {
			v.value = l.finite("scores."+s.Metric, s.Value)
		} else {
			if s.Value != 0 {
				return fmt.Errorf("score %s: both a value, %v, and a reason why there is none", s.Metric, s.Value)
			}
			usual = 0
			reasons[s.Metric] = l.text("reasons."+s.Metric, s.Unscored)
		}
		if why := unscoredReason(s); why != "" {
			why = strings.ToValidUTF8(why, "\ufffd")
			if l.Reason == nil {
				l.Reason = &why
			}
			same = same && *l.Reason == why
		}
		l.Scores = append(l.Scores, v)
		if math.Float64bits(s.Weight) != math.Float64bits(usual) {
			if l.Weights == nil {
				l.Weights = map[string]float64{}
			}
			if weight := l.finite("weights."+s.Metric, s.Weight); weight != nil {
				l.Weights[s.Metric] = *weight
			}
		}
		if s.Note != "" {
			if l.Notes == nil {
				l.Notes = map[string]string{}
			}
			l.Notes[s.Metric] = l.text("notes."+s.Metric, s.Note)
		}
	}
	if !same {
		l.Reasons = reasons
	}
	return nil
}

// finite returns x for JSON, nil where it has no form there.
func (l *sampleLine) finite(at string, x float64) *float64 {
	switch {
	case math.IsNaN(x):
		l.NotFinite[at] = fmt.Sprintf("nan:%016x", math.Float64bits(x))
	case math.IsInf(x, 0):
		l.NotFinite[at] = strings.ToLower(strconv.FormatFloat(x, 'g', -1, 64))
	default:
		return &x
	}
	return nil
}

// text returns s for JSON, with U+FFFD where it is not UTF-8.
func (l *sampleLine) text(at, s string) string {
	if !utf8.ValidString(s) {
		l.Bytes[at] = []byte(s)
	}
	return strings.ToValidUTF8(s, "\ufffd")
}

// result is the inverse of newSampleLine.
func (l *sampleLine) result() (lorabench.SampleResult, error) {
	r := lorabench.SampleResult{
		SampleID: l.ID, Index: l.Index, Position: l.Position, DocHash: l.DocHash, PromptHash: l.PromptHash, Cluster: l.Cluster,
		Elapsed: time.Duration(math.Round(l.MS * 1e6)),
	}
	var err error
	if r.Outputs, err = l.outputs(); err != nil {
		return r, err
	}
	for _, v := range l.Scores {
		s, err := l.score(v)
		if err != nil {
			return r, fmt.Errorf("score %s: %w", v.name, err)
		}
		r.Scores = append(r.Scores, s)
	}
	return r, nil
}

func (l *sampleLine) outputs() ([]lorabench.Output, error) {
	n := max(len(l.LogLikelihoods), len(l.Outputs))
	if l.Output != nil {
		n = max(n, 1)
	}
	if n == 0 && l.Tokens == nil {
		return nil, nil
	}
	if l.Tokens == nil {
		return nil, fmt.Errorf("%d outputs without tokens", n)
	}
	outputs := make([]lorabench.Output, n)
	for _, of := range []struct {
		what string
		n    int
		may  bool // be missing
	}{
		{"loglikelihoods", len(l.LogLikelihoods), true}, {"greedy", len(l.Greedy), true}, {"outputs", len(l.Outputs), true},
		{"tokens.prompt", len(l.Tokens.Prompt), false}, {"tokens.computed", len(l.Tokens.Computed), false}, {"tokens.new", len(l.Tokens.New), false},
	} {
		if of.n != n && (of.n != 0 || !of.may) {
			return nil, fmt.Errorf("%d %s, want %d", of.n, of.what, n)
		}
	}
	if l.Output != nil && (n != 1 || l.Outputs != nil) {
		return nil, errors.New("output beside others")
	}
	for i := range outputs {
		o := &outputs[i]
		o.PromptTokens, o.ComputedTokens, o.NewTokens = l.Tokens.Prompt[i], l.Tokens.Computed[i], l.Tokens.New[i]
		if l.LogLikelihoods != nil {
			var err error
			if o.LogLikelihood, err = l.number("loglikelihoods."+strconv.Itoa(i), l.LogLikelihoods[i]); err != nil {
				return nil, err
			}
		}
		if l.Greedy != nil {
			o.Greedy = l.Greedy[i]
		}
		switch {
		case l.Outputs != nil:
			at := "outputs." + strconv.Itoa(i)
			t := l.Outputs[i]
			o.Text, o.Thinking, o.Stop = l.bytes(at+".output", t.Text), l.bytes(at+".thinking", t.Thinking), t.Stop
		case l.Output != nil:
			o.Text, o.Thinking, o.Stop = l.bytes("output", *l.Output), l.bytes("thinking", l.Thinking), l.Stop
		}
	}
	return outputs, nil
}

func (l *sampleLine) score(v namedValue) (lorabench.Score, error) {
	s := lorabench.Score{Metric: v.name, Weight: 1, Note: l.bytes("notes."+v.name, l.Notes[v.name])}
	if _, is := l.NotFinite["scores."+v.name]; is || v.value != nil {
		var err error
		if s.Value, err = l.number("scores."+v.name, v.value); err != nil {
			return s, err
		}
	} else {
		s.Weight = 0
		reason, is := l.Reasons[v.name]
		if !is && l.Reason != nil {
			reason = *l.Reason
		}
		if s.Unscored = l.bytes("reasons."+v.name, reason); s.Unscored == "" {
			return s, errors.New("neither a value nor a reason")
		}
	}
	at := "weights." + v.name
	if weight, is := l.Weights[v.name]; is {
		s.Weight = weight
	} else if _, is := l.NotFinite[at]; is {
		var err error
		if s.Weight, err = l.number(at, nil); err != nil {
			return s, err
		}
	}
	return s, nil
}

// number returns a value of the line, or what stands for it in not_finite.
func (l *sampleLine) number(at string, value *float64) (float64, error) {
	if value != nil {
		return *value, nil
	}
	word := l.NotFinite[at]
	if bits, is := strings.CutPrefix(word, "nan:"); is {
		if u, err := strconv.ParseUint(bits, 16, 64); err == nil && math.IsNaN(math.Float64frombits(u)) {
			return math.Float64frombits(u), nil
		}
	}
	switch word {
	case "+inf":
		return math.Inf(1), nil
	case "-inf":
		return math.Inf(-1), nil
	}
	return 0, fmt.Errorf("%s: null, and not_finite says %q", at, word)
}

// bytes returns a text of the line as it was.
func (l *sampleLine) bytes(at, text string) string {
	if raw, is := l.Bytes[at]; is {
		return string(raw)
	}
	return text
}

// maxLine bounds a line of samples.jsonl, in bytes.
const maxLine = 64 << 20

// readSamples reads samples.jsonl with want lines, in the order of position.
func readSamples(r io.Reader, want int) ([]lorabench.SampleResult, map[string][]lorabench.Request, error) {
	lines := bufio.NewReaderSize(r, 1<<16)
	var results []lorabench.SampleResult
	var requests map[string][]lorabench.Request
	seen := map[string]bool{}
	for n := 1; ; n++ {
		text, err := readLine(lines, maxLine)
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, nil, fmt.Errorf("line %d: %w", n, err)
		}
		if n > want {
			return nil, nil, fmt.Errorf("more than %d lines", want)
		}
		var line sampleLine
		if err := strict(text, &line); err != nil {
			return nil, nil, fmt.Errorf("line %d: %w", n, err)
		}
		result, err := line.result()
		if err != nil {
			return nil, nil, fmt.Errorf("line %d: sample %q: %w", n, line.ID, err)
		}
		if len(results) > 0 && result.Position <= results[len(results)-1].Position || seen[result.SampleID] {
			return nil, nil, fmt.Errorf("line %d: sample %q: want ids once and positions that rise", n, line.ID)
		}
		seen[result.SampleID] = true
		results = append(results, result)
		if line.Requests != nil {
			if requests == nil {
				requests = map[string][]lorabench.Request{}
			}
			requests[line.ID] = line.Requests
		}
	}
	if len(results) < want {
		return nil, nil, fmt.Errorf("%d lines, want %d", len(results), want)
	}
	return results, requests, nil
}

// readLine returns the next line without its end, [io.EOF] after the last.
func readLine(r *bufio.Reader, most int) ([]byte, error) {
	var line []byte
	for {
		part, err := r.ReadSlice('\n')
		if len(line)+len(part) > most {
			return nil, fmt.Errorf("longer than %d bytes", most)
		}
		line = append(line, part...)
		switch {
		case err == nil:
			return line[:len(line)-1], nil
		case errors.Is(err, bufio.ErrBufferFull):
		case err == io.EOF && len(line) > 0:
			return nil, io.ErrUnexpectedEOF
		default:
			return nil, err
		}
	}
}

// strict decodes one JSON document without unknown fields and with nothing behind it.
func strict(data []byte, to any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(to); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("something behind the document")
	}
	return nil
}
