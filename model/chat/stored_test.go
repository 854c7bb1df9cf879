package chat

import "testing"

func TestMarkersIn(t *testing.T) {
	for _, tt := range []struct {
		name, output     string
		thinking, answer string
		closed           bool
	}{
		{"no reasoning", "R1 1 0 1k", "", "R1 1 0 1k", true},
		{"gemma", "<|channel>thought\nhm<channel|>R1 1 0 1k", "hm", "R1 1 0 1k", true},
		{"gemma, without an end", "<|channel>thought\nhm, R1 1 0", "hm, R1 1 0", "", false},
		{"ministral", "[THINK]hm[/THINK]R1", "hm", "R1", true},
		{"ministral, without an end", "\n[THINK]hm", "hm", "", false},
		{"qwen", "<think>\nhm\n</think>\n\nR1", "hm", "R1", true},
		{"qwen, without an end", "<think>\nhm", "hm", "", false},
		{"deepseek, begun by the prompt", "hm\n</think>\n\nR1", "hm", "R1", true},
		{"granite", "<think>hm</think><response>R1</response>", "hm", "R1", true},
		{"gpt-oss", "<|channel|>analysis<|message|>hm<|end|><|start|>assistant<|channel|>final<|message|>R1<|return|>", "hm", "R1", true},
		{"gpt-oss, without an answer", "<|channel|>analysis<|message|>hm", "hm", "", false},
		{"nothing but a begin", "<|channel>thought", "", "", false},
		{"a marker that is quoted", "Write `<think>` and then `</think>`.", "", "Write `<think>` and then `</think>`.", true},
	} {
		thinking, answer, closed := MarkersIn(tt.output).Split("", tt.output)
		if thinking != tt.thinking || answer != tt.answer || closed != tt.closed {
			t.Errorf("%s: %q, %q, %v, want %q, %q, %v", tt.name, thinking, answer, closed, tt.thinking, tt.answer, tt.closed)
		}
	}
}
