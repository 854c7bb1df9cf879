package scorers

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"unicode"

	"github.com/ailiance/lorabench"
)

// exactMatchMetric is the metric of a task's first filter; "exact_match,NAME" is
// that of the filter called NAME.
const exactMatchMetric = "exact_match"

// invalid is what a filter finds where it finds nothing. It is compared with
// the reference like any answer.
const invalid = "[invalid]"

// exactMatch cuts an answer out of a generated text and compares it with the
// reference, both normalised.
//
// Source: lm_eval/filters/extraction.py and lm_eval/api/metrics.py
// (exact_match_hf_evaluate).
type exactMatch struct {
	metrics   []string
	filters   []*filter // of each metric; nil takes the whole text
	normalize normalizer
}

func newExactMatch(deps Deps) (Scorer, error) {
	known := []string{exactMatchMetric}
	byMetric := map[string]*filter{}
	for i, f := range deps.Filters {
		compiled, err := newFilter(f)
		if err != nil {
			return nil, err
		}
		name := exactMatchMetric + "," + f.Name
		known = append(known, name)
		byMetric[name] = compiled
		if i == 0 {
			byMetric[exactMatchMetric] = compiled
		}
	}
	metrics, err := names(deps.Metrics, known...)
	if err != nil {
		return nil, err
	}
	e := exactMatch{metrics: metrics}
	if e.normalize, err = newNormalizer(deps.Normalize); err != nil {
		return nil, err
	}
	for _, m := range metrics {
		e.filters = append(e.filters, byMetric[m])
	}
	return e, nil
}

// Score gives 1 where answer and reference are equal, else 0. A text that was
// cut off is scored like any other, and says so. One that only reasons is wrong:
// the question was asked and not answered, and to leave it out would reward that.
func (e exactMatch) Score(_ context.Context, s *lorabench.Sample, outputs []lorabench.Output) []lorabench.Score {
	if len(outputs) != 1 {
		return unscored(e.metrics, "%d outputs, want 1", len(outputs))
	}
	reference := e.normalize.apply(s.Target.Answer)
	scores := make([]lorabench.Score, len(e.metrics))
	for i, metric := range e.metrics {
		answer := e.filters[i].apply(outputs[0].Text)
		right := e.normalize.apply(answer) == reference && !outputs[0].Unanswered()
		scores[i] = lorabench.Score{
			Metric: metric, Value: truth(right), Weight: 1, Note: stopNote(outputs[0]),
		}
	}
	return scores
}

// filter is lm-eval's regex filter.
type filter struct {
	pattern *regexp.Regexp
	pick    int
}

func newFilter(f lorabench.Filter) (*filter, error) {
	pattern, err := regexp.Compile(f.Pattern)
	if err != nil {
		return nil, fmt.Errorf("filter %s: %w", f.Name, err)
	}
	return &filter{pattern, f.Select}, nil
}

// apply returns the match that the filter selects, stripped: of a pattern
// without groups the whole match, else the first group that is not empty. With
// one group an empty one is an answer.
func (f *filter) apply(text string) string {
	if f == nil {
		return text
	}
	matches := f.pattern.FindAllStringSubmatch(text, -1)
	i := f.pick
	if i < 0 {
		i += len(matches)
	}
	if i < 0 || i >= len(matches) {
		return invalid
	}
	switch groups := matches[i]; len(groups) {
	case 1, 2:
		return strings.TrimFunc(groups[len(groups)-1], isSpace)
	default:
		for _, g := range groups[1:] {
			if g != "" {
				return strings.TrimFunc(g, isSpace)
			}
		}
	}
	return invalid
}

// isSpace is Python's: Go's lacks U+001C to U+001F.
func isSpace(r rune) bool { return unicode.IsSpace(r) || 0x1c <= r && r <= 0x1f }

// normalizer is a [lorabench.Normalization], compiled.
type normalizer struct {
	deletions         []deletion
	ignoreCase        bool
	ignorePunctuation bool
}

// deletion deletes what a pattern matches. Python's $ holds at the end and in
// front of a last line feed, which stays: keep is what stands for it.
type deletion struct {
	pattern *regexp.Regexp
	keep    string
}

// endOfText stands for Python's $ at the end of a pattern.
const endOfText = `(?P<lorabench_line_feed>\n?)\z`

func newNormalizer(n lorabench.Normalization) (normalizer, error) {
	compiled := normalizer{ignoreCase: n.IgnoreCase, ignorePunctuation: n.IgnorePunctuation}
	for _, pattern := range n.Delete {
		d := deletion{}
		source := pattern
		if body, ok := strings.CutSuffix(pattern, "$"); ok && trailingBackslashes(body)%2 == 0 {
			source, d.keep = body+endOfText, "${lorabench_line_feed}"
		}
		var err error
		if d.pattern, err = regexp.Compile(source); err != nil {
			return normalizer{}, fmt.Errorf("normalization: delete %q: %w", pattern, err)
		}
		compiled.deletions = append(compiled.deletions, d)
	}
	return compiled, nil
}

func trailingBackslashes(s string) int {
	return len(s) - len(strings.TrimRight(s, `\`))
}

func (n normalizer) apply(s string) string {
	for _, d := range n.deletions {
		s = d.pattern.ReplaceAllString(s, d.keep)
	}
	if n.ignoreCase {
		s = strings.ToLower(s)
	}
	if n.ignorePunctuation {
		s = strings.Map(func(r rune) rune {
			if r < unicode.MaxASCII && (unicode.IsPunct(r) || unicode.IsSymbol(r)) {
				return -1
			}
			return r
		}, s)
	}
	return s
}
