package chat

import (
	"strings"
	"testing"
)

// published are the markers of templates that have any, by the template's name.
var published = map[string]Markers{
	"Apertus-8B-Instruct.jinja":                           {Begin: "<|inner_prefix|>", End: "<|inner_suffix|>", Found: "rendered"},
	"Apriel-1.6-15b-Thinker-fixed.jinja":                  {Begin: "Here are my reasoning steps:", End: "[BEGIN FINAL RESPONSE]", Found: "template text"},
	"Bielik-11B-v3.0-Instruct.jinja":                      think("rendered"),
	"ByteDance-Seed-OSS.jinja":                            {Begin: "<seed:think>", End: "</seed:think>", Found: "rendered"},
	"Cohere2MoE.jinja":                                    {Begin: "<|START_THINKING|>", End: "<|END_THINKING|>", Answer: "<|START_TEXT|>", AnswerEnds: []string{"<|END_TEXT|>"}, Found: "rendered"},
	"CohereForAI-c4ai-command-r7b-12-2024-tool_use.jinja": {Begin: "<|START_THINKING|>", End: "<|END_THINKING|>", Answer: "<|START_RESPONSE|>", AnswerEnds: []string{"<|END_RESPONSE|>"}, Found: "rendered"},
	"GLM-4.6.jinja":                                       think("rendered"),
	"GLM-4.7-Flash.jinja":                                 think("rendered"),
	"HuggingFaceTB-SmolLM3-3B.jinja":                      think("generation prompt"),
	"Kimi-K2-Thinking.jinja":                              think("template text"),
	"Kimi-K3.jinja":                                       {Begin: "<|open|>think<|sep|>", End: "<|close|>think<|sep|>", Answer: "<|open|>response<|sep|>", AnswerEnds: []string{"<|close|>"}, Found: "rendered"},
	"LFM2.5-Instruct.jinja":                               think("template text"),
	"LFM2.5-8B-A1B.jinja":                                 think("rendered"),
	"MiniMax-M2.jinja":                                    think("rendered"),
	"MiniMax-M3.jinja":                                    {Begin: "<mm:think>", End: "</mm:think>", Found: "rendered"},
	"NVIDIA-Nemotron-3-Nano-30B-A3B-BF16.jinja":           think("rendered"),
	"NVIDIA-Nemotron-Nano-v2.jinja":                       think("generation prompt"),
	"Qwen-QwQ-32B.jinja":                                  think("generation prompt"),
	"Qwen-Qwen3-0.6B.jinja":                               think("rendered"),
	"Qwen3.5-4B.jinja":                                    think("rendered"),
	"Reka-Edge.jinja":                                     think("rendered"),
	"StepFun3.5-Flash.jinja":                              think("rendered"),
	"deepseek-ai-DeepSeek-R1-Distill-Llama-8B.jinja":      think("generation prompt"),
	"deepseek-ai-DeepSeek-R1-Distill-Qwen-32B.jinja":      think("generation prompt"),
	"deepseek-ai-DeepSeek-V3.1.jinja":                     think("generation prompt"),
	"deepseek-ai-DeepSeek-V3.2.jinja":                     think("rendered"),
	"deepseek-ai-DeepSeek-V4-Flash-0731.jinja":            think("rendered"),
	"deepseek-ai-DeepSeek-V4.jinja":                       think("rendered"),
	"google-gemma-4-31B-it-interleaved.jinja":             {Begin: "<|channel>thought", End: "<channel|>", Found: "rendered"},
	"google-gemma-4-31B-it.jinja":                         {Begin: "<|channel>thought", End: "<channel|>", Found: "rendered"},
	"ibm-granite-granite-3.3-2B-Instruct.jinja":           {Begin: "<think>", End: "</think>", Answer: "<response>", AnswerEnds: []string{"</response>"}, Found: "template text"},
	"llama-cpp-deepseek-r1.jinja":                         think("generation prompt"),
	"llama-cpp-rwkv-world.jinja":                          think("generation prompt"),
	"mistralai-Ministral-3-14B-Reasoning-2512.jinja":      {Begin: "[THINK]", End: "[/THINK]", Found: "rendered"},
	"muse-glimmer.jinja":                                  {Begin: "to=self<|message|>", End: "<|eom|>", Answer: "to=user<|message|>", AnswerEnds: []string{"<|eot|>"}, Found: "rendered"},
	"openai-gpt-oss-120b.jinja":                           {Begin: "<|channel|>analysis<|message|>", End: "<|end|>", Answer: "<|channel|>final<|message|>", AnswerEnds: []string{"<|return|>", "<|end|>"}, Found: "rendered"},
	"openbmb-MiniCPM5-1B.jinja":                           think("rendered"),
	"poolside-Laguna-S-2.1.jinja":                         think("rendered"),
	"poolside-Laguna-XS-2.1.jinja":                        think("rendered"),
	"poolside-Laguna-XS.2.jinja":                          think("rendered"),
	"qwen3":                                               think("rendered"),
	"tencent-Hy3.jinja":                                   {Begin: "<think:opensource>", End: "</think:opensource>", Found: "rendered"},
	"unsloth-Apriel-1.5.jinja":                            {Begin: "<thinking>", End: "</thinking>", Found: "template text"},
	"upstage-Solar-Open-100B.jinja":                       {Begin: "<|think|>", End: "<|end|>", Answer: "<|content|>", AnswerEnds: []string{"<|end|>"}, Found: "rendered"},

	"CohereLabs/command-a-reasoning-08-2025": {Begin: "<|START_THINKING|>", End: "<|END_THINKING|>", Answer: "<|START_RESPONSE|>", AnswerEnds: []string{"<|END_RESPONSE|>"}, Found: "rendered"},
	"CohereLabs/c4ai-command-a-03-2025":      {Begin: "<|START_THINKING|>", End: "<|END_THINKING|>", Answer: "<|START_RESPONSE|>", AnswerEnds: []string{"<|END_RESPONSE|>"}, Found: "template text"},
	"HuggingFaceTB/SmolLM3-3B":               think("generation prompt"),
	"LiquidAI/LFM2.5-VL-450M":                think("rendered"),
	"Qwen/Qwen3-0.6B":                        think("rendered"),
	"Qwen/Qwen3.5-4B":                        think("rendered"),
	"deepseek-ai/DeepSeek-R1":                think("template text"),
	"moonshotai/Kimi-K2-Thinking":            think("rendered"),
	"openbmb/MiniCPM3-4B":                    {Begin: "<|thought_start|>", End: "<|thought_end|>", Found: "rendered"},
	"zai-org/GLM-5.1":                        think("rendered"),
}

func think(found string) Markers { return Markers{Begin: "<think>", End: "</think>", Found: found} }

var probeInput = Input{Now: noon, SpecialTokens: map[string]string{"bos_token": "<s>", "eos_token": "</s>"}}

// TestThinkingOfPublishedTemplates finds the markers of all templates that are
// there, and splits what each would have rendered.
func TestThinkingOfPublishedTemplates(t *testing.T) {
	for name, source := range readSources(t) {
		template, err := Parse(source)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got, want := template.Thinking(probeInput, nil), published[name]
		if got.Begin != want.Begin || got.End != want.End || got.Answer != want.Answer || got.Found != want.Found ||
			strings.Join(got.AnswerEnds, " ") != strings.Join(want.AnswerEnds, " ") {
			t.Errorf("%s: got %+v, want %+v", name, got, want)
		}
		if got.Found == "rendered" {
			splitRendered(t, name, template, got)
		}
	}
}

// splitRendered lets the template write an answer with reasoning where it can,
// and wants both back; and no answer from any text that is cut off before it.
func splitRendered(t *testing.T, name string, template *Template, m Markers) {
	p := newProber(template, probeInput, nil)
	for _, message := range answers() {
		for _, kwargs := range p.settings() {
			text, ok := p.render(kwargs, false, message)
			prompt, ok2 := p.render(kwargs, true)
			if _, reasons := p.around(text); !ok || !ok2 || !reasons || !strings.Contains(text, probeAnswer) {
				continue
			}
			output, ok := strings.CutPrefix(text, prompt)
			if !ok {
				continue // a prompt with thinking switched off
			}
			thinking, answer, closed := m.Split(prompt, output)
			if !strings.Contains(thinking, probeThought) || !strings.HasPrefix(answer, probeAnswer) || !closed {
				t.Errorf("%s: Split(%q, %q) = %q, %q, %t", name, prompt, output, thinking, answer, closed)
			}
			cut := output[:strings.Index(output, probeThought)+len(probeThought)]
			if _, answer, closed := m.Split(prompt, cut); closed || answer != "" {
				t.Errorf("%s: Split(%q, %q) = answer %q, %t: it is cut off in its reasoning", name, prompt, cut, answer, closed)
			}
			return
		}
	}
}

func TestSplit(t *testing.T) {
	qwen := think("")
	harmony := published["openai-gpt-oss-120b.jinja"]
	cohere := published["Cohere2MoE.jinja"]
	granite := published["ibm-granite-granite-3.3-2B-Instruct.jinja"]
	gemma := published["google-gemma-4-31B-it.jinja"]
	for _, tt := range []struct {
		name             string
		markers          Markers
		tail, output     string
		thinking, answer string
		closed           bool
	}{
		{"no channel", Markers{}, "<think>", "<think>a", "", "<think>a", true},
		{"reasoning first", qwen, "assistant\n", "<think>\nhm\n</think>\n\n42", "hm", "42", true},
		{"opened by the prompt", qwen, "assistant\n<think>\n", "hm\n</think>\n\n42", "hm", "42", true},
		{"opened twice", qwen, "assistant\n<think>\n", "<think>\nhm</think>42", "hm", "42", true},
		{"closed by the prompt", qwen, "<think>\n\n</think>\n\n", "42", "", "42", true},
		{"thinks nevertheless", qwen, "<think>\n\n</think>\n\n", "<think>hm</think>42", "hm", "42", true},
		{"cut off", qwen, "assistant\n", "<think>\nhm, the answer is 42", "hm, the answer is 42", "", false},
		{"cut off, opened by the prompt", qwen, "<think>\n", "the answer is 42", "the answer is 42", "", false},
		{"nothing written, opened by the prompt", qwen, "<think>\n", "", "", "", false},
		{"cut off in the end marker", qwen, "<think>\n", "hm</thi", "hm</thi", "", false},
		{"cut off after the end", qwen, "<think>\n", "hm</think>", "hm", "", true},
		{"begin lost", qwen, "", "hm</think>42", "hm", "42", true},
		{"thinks again", qwen, "", "<think>a</think>4<think>b</think>2", "a\nb", "42", true},
		{"thinks again and is cut off", qwen, "", "<think>a</think>42<think>b", "a\nb", "", false},
		{"no reasoning", qwen, "assistant\n", "42", "", "42", true},
		{"earlier turn in the prompt", qwen, "<think>x</think>y<|im_start|>assistant\n", "42", "", "42", true},
		{"continued in its reasoning", qwen, "assistant\n<think>\nso far", " good", "good", "", false},
		{"the user mentions the marker", qwen, "what is <think> for?<|im_start|>assistant\n", "42", "", "42", true},

		{"harmony", harmony, "<|start|>assistant", "<|channel|>analysis<|message|>hm<|end|><|start|>assistant<|channel|>final<|message|>42<|return|>", "hm", "42", true},
		{"harmony, final only", harmony, "<|start|>assistant", "<|channel|>final<|message|>42", "", "42", true},
		{"harmony, cut off", harmony, "<|start|>assistant", "<|channel|>analysis<|message|>hm 42", "hm 42", "", false},
		{"harmony, no final", harmony, "<|start|>assistant", "<|channel|>analysis<|message|>hm<|end|><|start|>assistant<|channel|>comm", "hm", "", false},
		{"harmony, commentary only", harmony, "<|start|>assistant", "<|channel|>commentary<|message|>I look", "<|channel|>commentary<|message|>I look", "", false},
		{"harmony, prompt in final", harmony, "<|start|>assistant<|channel|>final<|message|>", "42", "", "42", true},
		{"harmony, prompt in final, ended", harmony, "<|start|>assistant<|channel|>final<|message|>", "42<|end|>", "", "42", true},
		{"harmony, no channels, ended", harmony, "<|start|>assistant", "42<|return|>", "", "42", true},
		{"harmony, no channels", harmony, "<|start|>assistant", "42", "", "42", true},

		{"cohere", cohere, "<|START_THINKING|>", "hm<|END_THINKING|><|START_TEXT|>42<|END_TEXT|>", "hm", "42", true},
		{"cohere, cut off", cohere, "<|START_THINKING|>", "hm", "hm", "", false},
		{"cohere, thinking off", cohere, "<|START_THINKING|><|END_THINKING|>", "<|START_TEXT|>42<|END_TEXT|>", "", "42", true},
		{"cohere, cut off before the answer", cohere, "<|START_THINKING|>", "hm<|END_THINKING|>", "hm", "", false},
		{"cohere, cut off in the header", cohere, "<|START_THINKING|>", "hm<|END_THINKING|><|START_TE", "hm", "", false},
		{"cohere, a tool call", cohere, "<|START_THINKING|>", "hm<|END_THINKING|><|START_ACTION|>[]", "hm", "", false},
		{"muse, cut off in the header", published["muse-glimmer.jinja"], "<|start|>assistant", " to=self<|message|>hm<|eom|><|start|>assist", "hm", "", false},
		{"granite", granite, "", "<think>hm</think><response>42</response>", "hm", "42", true},
		{"granite without response", granite, "", "<think>hm</think> 42", "hm", "42", true},
		{"gemma", gemma, "<|turn>model\n", "<|channel>thought\nhm<channel|>42", "hm", "42", true},
	} {
		thinking, answer, closed := tt.markers.Split(tt.tail, tt.output)
		if thinking != tt.thinking || answer != tt.answer || closed != tt.closed {
			t.Errorf("%s: Split(%q, %q) = %q, %q, %t, want %q, %q, %t", tt.name, tt.tail, tt.output,
				thinking, answer, closed, tt.thinking, tt.answer, tt.closed)
		}
	}
}

// TestThinkingInTokens: a template that says nothing, a tokenizer that has a pair.
func TestThinkingInTokens(t *testing.T) {
	template, err := Parse("{% for m in messages %}<|{{ m.role }}|>{{ m.content }}{% endfor %}")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		tokens     []string
		begin, end string
	}{
		{nil, "", ""},
		{[]string{"<s>", "<think>"}, "", ""},
		{[]string{"</think>", "<s>", "<think>"}, "<think>", "</think>"},
		{[]string{"<|begin_of_thought|>", "<|end_of_thought|>"}, "<|begin_of_thought|>", "<|end_of_thought|>"},
		{[]string{"<tool_call>", "</tool_call>"}, "", ""},
	} {
		got := template.Thinking(probeInput, tt.tokens)
		if got.Begin != tt.begin || got.End != tt.end {
			t.Errorf("Thinking with tokens %q = %+v, want %q … %q", tt.tokens, got, tt.begin, tt.end)
		}
	}
}
