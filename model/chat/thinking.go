package chat

import (
	"errors"
	"regexp"
	"slices"
	"strings"

	"github.com/ailiance/lorabench/model/chat/jinja"
)

// Markers are what a model writes around its reasoning. The zero value is that
// of a model without a reasoning channel.
type Markers struct {
	Begin string // "<think>"
	End   string // "</think>"

	// Answer begins the answer where it has a channel of its own, as in
	// "<|channel|>final<|message|>", and AnswerEnds are what ends it.
	Answer     string
	AnswerEnds []string

	// Found says how: "rendered", "generation prompt", "template text" or "tokens".
	Found string
}

// Split divides a model's output into its reasoning and its answer. tail is the
// end of the prompt (from the last message on; all of it does no harm): where it
// opens the reasoning, the output begins inside. closed is false where the output
// ends before its answer begins; then there is no answer, whatever was written.
//
// Output must have its special tokens: decode it with them.
func (m Markers) Split(tail, output string) (thinking, answer string, closed bool) {
	if m.Begin == "" {
		return "", output, true
	}
	inside := m.opens(tail)
	if m.Answer != "" && !m.answers(tail) {
		if i := strings.LastIndex(output, m.Answer); i >= 0 {
			return m.bare(output[:i]), m.cut(output[i+len(m.Answer):]), true
		}
		if !m.endsItself() && (inside || strings.Contains(output, m.channel())) {
			return m.bare(output), "", false
		}
	}
	return m.split(inside, output)
}

// split follows the markers from the begin of the output on.
func (m Markers) split(inside bool, output string) (thinking, answer string, closed bool) {
	var thoughts, rest []string
	if end := strings.LastIndex(output, m.End); !inside && end >= 0 && m.endsItself() && !strings.Contains(output[:end], m.Begin) {
		inside = true // the begin was lost: what comes before an end was reasoning
	}
	for output != "" || inside {
		marker := m.Begin
		if inside {
			marker = m.End
		}
		part, after, found := strings.Cut(output, marker)
		if inside {
			thoughts = append(thoughts, strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(part), m.Begin)))
		} else {
			rest = append(rest, part)
		}
		if !found {
			break
		}
		inside, output = !inside, after
	}
	thinking, answer = strings.Join(thoughts, "\n"), strings.Join(rest, "")
	if inside || thoughts != nil && m.elsewhere(answer) {
		return thinking, "", false
	}
	return thinking, m.cut(answer), true
}

// elsewhere says whether what follows reasoning is not yet in the channel of the
// answer, where there is one: nothing, a piece of its header, or another channel.
func (m Markers) elsewhere(s string) bool {
	s = strings.TrimSpace(s)
	marker := firstMarker(s)
	return m.Answer != "" && (strings.HasPrefix(m.Answer, s) || strings.HasPrefix(s, "<|") || marker != "" && strings.HasPrefix(s, marker))
}

// opens says whether a prompt ends inside the reasoning: after its last Begin
// comes no End, and no marker of another message. (A user may have written Begin.)
func (m Markers) opens(tail string) bool {
	i := strings.LastIndex(tail, m.Begin)
	if i < 0 {
		return false
	}
	rest := tail[i+len(m.Begin):]
	return !strings.Contains(rest, m.End) && firstMarker(rest) == ""
}

// answers says whether a prompt ends where the answer begins.
func (m Markers) answers(tail string) bool {
	return strings.HasSuffix(strings.TrimSpace(tail), m.Answer)
}

// endsItself says whether End is a marker of reasoning only, not the end of any
// message.
func (m Markers) endsItself() bool { return !slices.Contains(m.AnswerEnds, m.End) }

// channel is the marker that begins a channel.
func (m Markers) channel() string { return firstMarker(m.Answer) }

// bare is reasoning without its markers.
func (m Markers) bare(s string) string {
	if i := strings.Index(s, m.Begin); i >= 0 {
		s = s[i+len(m.Begin):]
	}
	s = strings.ReplaceAll(s, m.Begin, "")
	if i := strings.LastIndex(s, m.End); i >= 0 {
		s = s[:i]
	}
	return strings.TrimSpace(s)
}

// cut is an answer without what ends it.
func (m Markers) cut(s string) string {
	if m.Answer != "" {
		s = strings.TrimPrefix(strings.TrimLeft(s, " \n"), m.Answer)
	}
	for _, end := range m.AnswerEnds {
		s, _, _ = strings.Cut(s, end)
	}
	return strings.TrimLeft(s, "\n")
}

// Thinking finds the markers of a model's reasoning: where the template renders
// reasoning, from how it does; else from the generation prompt with thinking
// switched on and off; else from pairs of markers in the template's text; else
// in tokens, the special and added tokens of the tokenizer, which may be nil. Of
// in only Kwargs, SpecialTokens and Now count. See docs/thinking.md.
func (t *Template) Thinking(in Input, tokens []string) Markers {
	p := newProber(t, in, tokens)
	for _, find := range []func() (Markers, bool){p.rendered, p.prompted, p.written, p.inTokens} {
		if m, ok := find(); ok {
			return m
		}
	}
	return Markers{}
}

// Texts that are looked for in what the template renders.
const (
	probeUser    = "PROBE7USER"
	probeThought = "PROBE7THOUGHT"
	probeAnswer  = "PROBE7ANSWER"
)

type prober struct {
	*Template
	in       Input
	tokens   []string
	literals string   // the template's own text
	prompts  []string // generation prompts by setting, from the user's text on
	spent    *bool    // a rendering has reached its limits: enough has been tried
}

func newProber(t *Template, in Input, tokens []string) prober {
	p := prober{Template: t, in: in, tokens: tokens, spent: new(bool)}
	p.literals = strings.Join(t.parsed.Literals(), "\x00")
	for _, kwargs := range p.settings() {
		if prompt, ok := p.render(kwargs, true); ok {
			p.prompts = append(p.prompts, prompt)
		}
	}
	return p
}

// switches are what templates call the wish for thinking.
var switches = []string{"enable_thinking", "thinking", "reasoning", "enable_reasoning"}

// Switches are the keyword arguments that ask for thinking, or for none.
func Switches(on bool) map[string]Value {
	kwargs := map[string]Value{}
	for _, name := range switches {
		kwargs[name] = on
	}
	return kwargs
}

// settings are the keyword arguments to try: as given, and thinking on and off.
func (p prober) settings() []map[string]Value {
	settings := []map[string]Value{p.in.Kwargs}
	for _, on := range []bool{true, false} {
		kwargs := Switches(on)
		for name, v := range p.in.Kwargs {
			kwargs[name] = v
		}
		settings = append(settings, kwargs)
	}
	return settings
}

// render returns the prompt from the user's text on.
func (p prober) render(kwargs map[string]Value, prompt bool, messages ...*Dict) (string, bool) {
	in := p.in
	in.Kwargs, in.AddGenerationPrompt, in.ContinueFinalMessage = kwargs, prompt, false
	in.Messages = append([]*Dict{Message("user", probeUser)}, messages...)
	in.Tools, in.Documents = nil, nil
	if *p.spent {
		return "", false
	}
	text, err := p.Render(in)
	if err != nil {
		var e *jinja.Error
		*p.spent = errors.As(err, &e) && e.Class == jinja.LimitError
		return "", false
	}
	i := strings.Index(text, probeUser)
	if i < 0 {
		return "", false
	}
	return text[i+len(probeUser):], true
}

// answers are the forms in which templates take reasoning beside an answer. The
// field reasoning also sets thinking and reasoning_content.
func answers() []*Dict {
	parts := func(name string) *Dict {
		return jinja.NewDict("role", "assistant", "content", &jinja.List{Items: []Value{
			jinja.NewDict("type", name, name, probeThought, "text", probeThought),
			jinja.NewDict("type", "text", "text", probeAnswer),
		}})
	}
	call := &jinja.List{Items: []Value{jinja.NewDict("type", "function", "id", "probecall",
		"function", jinja.NewDict("name", "probe", "arguments", jinja.NewDict()))}}
	return []*Dict{
		jinja.NewDict("role", "assistant", "reasoning", probeThought, "content", probeAnswer),
		jinja.NewDict("role", "assistant", "thought", probeThought, "content", probeAnswer),
		parts("thinking"),
		parts("reasoning"),
		jinja.NewDict("role", "assistant", "content", jinja.NewDict("blocks", &jinja.List{Items: []Value{
			jinja.NewDict("type", "thoughts", "text", probeThought),
			jinja.NewDict("type", "response", "text", probeAnswer),
		}})),
		jinja.NewDict("role", "assistant", "reasoning", probeThought, "content", "", "tool_calls", call),
	}
}

// rendered finds the markers around reasoning that the template renders.
func (p prober) rendered() (Markers, bool) {
	for _, message := range answers() {
		for _, kwargs := range p.settings() {
			text, ok := p.render(kwargs, false, message)
			if !ok {
				continue
			}
			if m, ok := p.around(text); ok {
				if m.AnswerEnds == nil {
					m.AnswerEnds = p.answerEnds(m, kwargs, message, text)
				}
				return m, true
			}
		}
	}
	return Markers{}, false
}

// around reads the markers off a text with reasoning and, unless it calls a tool
// instead, an answer.
func (p prober) around(text string) (Markers, bool) {
	before, rest, ok := strings.Cut(text, probeThought)
	between, _, answered := strings.Cut(rest, probeAnswer)
	if !ok || !answered && strings.Contains(before, probeAnswer) {
		return Markers{}, false
	}
	m := Markers{Found: "rendered", Begin: p.begin(before)}
	if m.Begin == "" {
		return Markers{}, false
	}
	between = strings.TrimSpace(between)
	m.End = endMarker(between, channelName(m.Begin))
	if m.End == "" || m.End == m.Begin {
		return Markers{}, false
	}
	if !answered {
		return p.withAnswer(m), true
	}
	m.Answer = p.withoutHeader(strings.TrimSpace(between[len(m.End):]))
	return m, true
}

// begin is the marker at the end of the text before reasoning: one whose name
// says so, or else all that comes after the header of the message, which is what
// generation prompts begin with too.
func (p prober) begin(before string) string {
	before = strings.TrimRight(before, " \n")
	if last := lastMarker(before); isThinking(last) && strings.HasSuffix(before, last) {
		return last
	}
	shortest := ""
	for _, prompt := range p.prompts {
		begin := strings.TrimSpace(before[header(before, prompt):])
		if firstMarker(begin) != "" && (shortest == "" || len(begin) < len(shortest)) {
			shortest = begin
		}
	}
	return shortest
}

// header is how much text and prompt have in common. A marker is not cut, and
// stays with the name of a channel after it.
func header(text, prompt string) int {
	n := common(text, prompt)
	for _, span := range markerSpans(text) {
		atName := n < len(text) && isNameByte(text[n])
		if span[0] < n && (n < span[1] || n == span[1] && atName) {
			return span[0]
		}
	}
	return n
}

func common(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

func isNameByte(c byte) bool { return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' }

// channelName is what stands between the markers of "<|open|>think<|sep|>".
func channelName(begin string) string {
	spans := markerSpans(begin)
	if len(spans) < 2 {
		return ""
	}
	return begin[spans[0][1]:spans[1][0]]
}

// endMarker is the marker at the begin of s, with the channel's name and a marker
// after it where those follow.
func endMarker(s, name string) string {
	end := firstMarker(s)
	if !strings.HasPrefix(s, end) {
		return ""
	}
	if rest, ok := strings.CutPrefix(s[len(end):], name); ok && name != "" {
		if next := firstMarker(rest); strings.HasPrefix(rest, next) {
			return end + name + next
		}
	}
	return end
}

// withoutHeader is s, the begin of an answer's channel, without the header of a
// message that may come first.
func (p prober) withoutHeader(s string) string {
	shortest := s
	for _, prompt := range p.prompts {
		if rest := withoutOverlap(strings.TrimSpace(prompt), s); len(rest) < len(shortest) && rest != "" {
			shortest = rest
		}
	}
	return shortest
}

// withoutOverlap is s without the end of the generation prompt at its begin: the
// header of a message, which comes before every channel.
func withoutOverlap(prompt, s string) string {
	for i := range prompt {
		if rest, ok := strings.CutPrefix(s, prompt[i:]); ok {
			return strings.TrimSpace(rest)
		}
	}
	return s
}

// answerEnds are the markers after an answer that has a channel of its own, as
// the last message and before another.
func (p prober) answerEnds(m Markers, kwargs map[string]Value, message *Dict, last string) []string {
	if m.Answer == "" {
		return nil
	}
	var ends []string
	texts := []string{last}
	if text, ok := p.render(kwargs, true, message, Message("user", probeUser)); ok {
		texts = append(texts, text)
	}
	for _, text := range texts {
		_, after, _ := strings.Cut(text, probeAnswer)
		if end := firstMarker(after); end != "" && !slices.Contains(ends, end) {
			ends = append(ends, end)
		}
	}
	return ends
}

// prompted finds the markers in what the generation prompt opens or closes.
func (p prober) prompted() (Markers, bool) {
	for _, prompt := range p.prompts {
		for _, span := range markerSpans(prompt) {
			begin := prompt[span[0]:span[1]]
			end := closing(begin)
			if isThinking(begin) && (strings.Contains(prompt[span[1]:], end) || p.known(end)) {
				return p.withAnswer(Markers{Begin: begin, End: end, Found: "generation prompt"}), true
			}
		}
	}
	return Markers{}, false
}

// phrases are markers in plain words, which templates put in system prompts.
var phrases = []Markers{
	{Begin: "Here are my reasoning steps:", End: "[BEGIN FINAL RESPONSE]"},                         // Apriel
	{Begin: "Here is my thought process:", End: "Here is my response:"},                            // Granite 3.2
	{Begin: "<think>", End: "</think>", Answer: "<response>", AnswerEnds: []string{"</response>"}}, // Granite 3.3
}

// written finds a pair of markers in the template's text: the end (the template
// may only cut old reasoning off there), or the begin of a pair whose end is known.
func (p prober) written() (Markers, bool) {
	for _, m := range phrases {
		if p.mentions(m.Begin) && p.mentions(m.End) && (m.Answer == "" || p.mentions(m.Answer)) {
			m.Found = "template text"
			return m, true
		}
	}
	candidates := slices.Clone(p.tokens)
	for _, span := range markerSpans(p.literals) {
		marker := p.literals[span[0]:span[1]]
		candidates = append(candidates, marker, strings.Replace(marker, "/", "", 1))
	}
	return p.pair(candidates, "template text", func(begin, end string) bool {
		return p.mentions(end) || p.mentions(begin) && p.known(end)
	})
}

// inTokens finds a pair among the tokens that the template does not mention: a
// model that never writes them loses nothing.
func (p prober) inTokens() (Markers, bool) {
	return p.pair(p.tokens, "tokens", func(_, end string) bool { return slices.Contains(p.tokens, end) })
}

func (p prober) pair(candidates []string, found string, ok func(begin, end string) bool) (Markers, bool) {
	for _, begin := range candidates {
		if end := closing(begin); isThinking(begin) && ok(begin, end) {
			return p.withAnswer(Markers{Begin: begin, End: end, Found: found}), true
		}
	}
	return Markers{}, false
}

// withAnswer looks for a channel around an answer without reasoning.
func (p prober) withAnswer(m Markers) Markers {
	message := Message("assistant", probeAnswer)
	text, ok := p.render(p.in.Kwargs, false, message)
	before, _, found := strings.Cut(text, probeAnswer)
	if !ok || !found {
		return m
	}
	n := 0
	for _, prompt := range p.prompts {
		n = max(n, header(before, prompt))
	}
	before = before[n:]
	if i := strings.LastIndex(before, m.End); i >= 0 {
		before = before[i+len(m.End):]
	}
	if answer := strings.TrimSpace(before); firstMarker(answer) != "" && !strings.Contains(answer, m.Begin) {
		m.Answer = answer
		m.AnswerEnds = p.answerEnds(m, p.in.Kwargs, message, text)
	}
	return m
}

func (p prober) mentions(marker string) bool { return strings.Contains(p.literals, marker) }

// known says whether a marker is a token or in the template's text.
func (p prober) known(marker string) bool {
	return p.mentions(marker) || slices.Contains(p.tokens, marker)
}

var (
	markerForm = regexp.MustCompile(`<[^<>\s]{1,64}>|\[/?[A-Z][A-Z_ ]{1,40}\]|◁[^◁▷]{1,40}▷`)

	// thinkingName is what stands between the brackets of a marker that begins
	// reasoning.
	thinkingName = regexp.MustCompile(`(?i)^\|?(?:start[_-]|begin_of_|[a-z]+:)?(?:think(?:ing)?|thoughts?|reason(?:ing)?|inner|cot)(?:_prefix|_start|_begin|:[a-z0-9]+)?\|?$`)
)

// markerSpans are the begins and ends of the markers in a text.
func markerSpans(text string) [][]int { return markerForm.FindAllStringIndex(text, -1) }

func firstMarker(text string) string { return markerForm.FindString(text) }

func lastMarker(text string) string {
	spans := markerSpans(text)
	if len(spans) == 0 {
		return ""
	}
	last := spans[len(spans)-1]
	return text[last[0]:last[1]]
}

// inner is a marker without its brackets.
func inner(marker string) string {
	return strings.Trim(marker, "<>[]◁▷")
}

func isThinking(marker string) bool {
	return marker != "" && thinkingName.MatchString(inner(marker))
}

// closing is the marker that ends what begin begins.
func closing(begin string) string {
	for _, pair := range [][2]string{
		{"START_", "END_"}, {"start_", "end_"}, {"begin_of_", "end_of_"}, {"_prefix", "_suffix"}, {"_start", "_end"}, {"_begin", "_end"},
	} {
		if strings.Contains(begin, pair[0]) {
			return strings.Replace(begin, pair[0], pair[1], 1)
		}
	}
	for _, bracket := range []string{"<|", "<", "[", "◁"} {
		if rest, ok := strings.CutPrefix(begin, bracket); ok {
			return bracket + "/" + rest
		}
	}
	return ""
}
