package model

import (
	"errors"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/ailiance/lorabench/model/checkpoint"
)

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
		rank, scale := c.scale(path)
		if rank != want.rank || scale != want.scale || c.failed != nil {
			t.Errorf("%s: rank %d, scale %v, %v; want %d, %v", path, rank, scale, c.failed, want.rank, want.scale)
		}
	}
}

// What the configuration names and the base does not have is a sign of another
// base, even where all tensors find their place (law 2).
func TestUnknownTargetsAreRefused(t *testing.T) {
	cfg := tinyConfig()
	e := openSource(t, cfg, randomWeights(cfg, checkpoint.F32, 1), Options{})
	for name, c := range map[string]struct{ config, reason string }{
		"right":        {`"r":4,"lora_alpha":8,"target_modules":["q_proj","v_proj"],"layers_to_transform":[0,1]`, ""},
		"module":       {`"r":4,"lora_alpha":8,"target_modules":["q_proj","v_proj","c_fc"]`, "c_fc"},
		"excluded":     {`"r":4,"lora_alpha":8,"target_modules":["q_proj","v_proj","k_proj"],"exclude_modules":["k_proj"]`, ""},
		"layer":        {`"r":4,"lora_alpha":8,"target_modules":["q_proj","v_proj"],"layers_to_transform":[0,1,2]`, "layer 2"},
		"no alpha":     {`"r":4,"lora_alpha":null,"target_modules":["q_proj","v_proj"]`, "lora_alpha"},
		"no rank":      {`"r":null,"lora_alpha":8,"target_modules":["q_proj","v_proj"]`, "r: null"},
		"default rank": {`"lora_alpha":8,"target_modules":["q_proj","v_proj"]`, "shape"},
	} {
		dir := tinyAdapter(cfg, 4, 11, "q_proj", "v_proj").(fstest.MapFS)
		dir[adapterConfigFile] = &fstest.MapFile{Data: []byte(`{"peft_type":"LORA",` + c.config + `}`)}
		_, err := e.LoadAdapter(t.Context(), name, dir)
		var refused *AdapterError
		switch {
		case c.reason == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case c.reason != "" && (!errors.As(err, &refused) || !strings.Contains(err.Error(), c.reason)):
			t.Errorf("%s: error %v, want an AdapterError that says %q", name, err, c.reason)
		}
	}
}
