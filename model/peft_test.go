package model

import "testing"

// A key of rank_pattern or alpha_pattern that begins with ^ must match a whole
// path, as in PEFT: "^model.layers.2" is no module, and PEFT ignores it.
func TestPatternsMatchWholePaths(t *testing.T) {
	c, err := parsePEFT([]byte(`{"peft_type": "LORA", "r": 8, "lora_alpha": 16, "target_modules": ["q_proj", "k_proj"],
		"rank_pattern": {"^model.layers.1": 5, "^model.layers.1.self_attn.q_proj": 4},
		"alpha_pattern": {"^model.layers.2": 99, "layers.2.self_attn.k_proj": 4, "proj": 1, "^.*q_proj": 3}}`))
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]struct {
		rank  int
		scale float64
	}{
		"model.layers.1.self_attn.q_proj":  {4, 0.75},
		"model.layers.1.self_attn.k_proj":  {8, 2},
		"model.layers.2.self_attn.k_proj":  {8, 0.5},
		"model.layers.2.self_attn.v_proj":  {8, 2},
		"model.layers.12.self_attn.k_proj": {8, 2},
	} {
		rank, scale, err := c.scale(path)
		if rank != want.rank || scale != want.scale || err != nil {
			t.Errorf("%s: rank %d, scale %v, %v; want %d, %v", path, rank, scale, err, want.rank, want.scale)
		}
	}
}
