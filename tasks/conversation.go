package tasks

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/ailiance/lorabench"
	"github.com/ailiance/lorabench/tasks/pystr"
)

// lm-eval's defaults: what stands between a question and its answer, and
// between two shots.
const (
	targetDelimiter = " "
	shotDelimiter   = "\n\n"
)

// Conversation says what requests are made of. Texts that are scored whole
// (perplexity) are none of it: they are the same in all.
//
// Source: lm_eval/api/task.py (fewshot_context) with apply_chat_template and
// fewshot_as_multiturn.
type Conversation int

const (
	// NoConversation makes texts: shots and question, one after the other.
	NoConversation Conversation = iota
	// Multiturn makes messages: a shot is what the user asks and what the
	// assistant answers, without the delimiters of texts.
	Multiturn
	// OneTurn makes messages: shots and question are one that the user sends.
	OneTurn
)

// opening is what stands in front of an example's question.
type opening struct {
	messages  []lorabench.Message // nil: a text
	text      string              // in front of the question, of a text or of the user's last message
	delimiter string              // in front of a continuation
}

// opening puts a task's description and the shots of an example together.
func (o Options) opening(description string, shots []example) opening {
	system := joinSystem(o.System, description)
	if o.Conversation == NoConversation {
		return opening{text: system + shotText(shots), delimiter: targetDelimiter}
	}
	before := opening{messages: []lorabench.Message{}}
	if system != "" {
		before.messages = append(before.messages, lorabench.Message{Role: "system", Content: system})
	}
	if o.Conversation == OneTurn {
		before.text = shotText(shots)
		return before
	}
	for _, shot := range shots {
		before.messages = append(before.messages,
			lorabench.Message{Role: "user", Content: shot.question}, lorabench.Message{Role: "assistant", Content: shot.answer})
	}
	return before
}

func shotText(shots []example) string {
	var b strings.Builder
	for _, shot := range shots {
		b.WriteString(shot.question + targetDelimiter + shot.answer + shotDelimiter)
	}
	return b.String()
}

// ask makes the request of a question, without what is done with it.
func (o opening) ask(question string) lorabench.Request {
	if o.messages == nil {
		return lorabench.Request{Prompt: o.text + question}
	}
	return lorabench.Request{Messages: append(slices.Clip(o.messages), lorabench.Message{Role: "user", Content: o.text + question})}
}

// joinSystem joins a system instruction and a task's description as lm-eval
// does: apart, unless one of them has white space there already.
func joinSystem(instruction, description string) string {
	if instruction == "" || description == "" {
		return instruction + description
	}
	last, _ := utf8.DecodeLastRuneInString(instruction)
	first, _ := utf8.DecodeRuneInString(description)
	if pystr.IsSpace(last) || pystr.IsSpace(first) {
		return instruction + description
	}
	return instruction + shotDelimiter + description
}
