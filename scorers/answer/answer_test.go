package answer

import "testing"

func TestBlock(t *testing.T) {
	for _, tt := range []struct{ name, text, want, reason string }{
		{"no fence", "R1 a b 1k\n", "R1 a b 1k\n", ""},
		{"empty", " \n", "", ReasonEmpty},
		{"one block", "Here:\n```spice\nR1 a b 1k\n```\nDone.", "R1 a b 1k\n", ""},
		{"the last of its language", "```spice\nold\n```\n```spice\nnew\n```\n", "new\n", ""},
		{"its language before none", "```spice\nright\n```\n```\nusage\n```\n", "right\n", ""},
		{"no language", "```\nright\n```\n", "right\n", ""},
		{"another language", "```python\nprint()\n```\n", "", ReasonOther},
		{"between two blocks is no block", "```python\na\n```\nprose\n```spice\nright\n```\n", "right\n", ""},
		{"cut off", "```spice\nR1 a b", "", ReasonCutOff},
		{"a draft, then cut off: the draft is complete", "```spice\ndraft\n```\nBetter:\n```spice\nR1", "draft\n", ""},
		{"longer fence", "````spice\n```\nx\n````\n", "```\nx\n", ""},
		{"tildes", "~~~net\nx\n~~~\n", "x\n", ""},
		{"words behind the language", "```spice title=x\nx\n```\n", "x\n", ""},
		{"upper case, indented", "  ```SPICE\r\nx\r\n  ```\r\n", "x\r\n", ""},
		{"inline code is no fence", "```x``` and text", "```x``` and text", ""},
	} {
		got, reason := Block(tt.text, "spice", "net")
		if got != tt.want || reason != tt.reason {
			t.Errorf("%s: %q, %q, want %q, %q", tt.name, got, reason, tt.want, tt.reason)
		}
	}
}
