package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ailiance/lorabench"
	"github.com/ailiance/lorabench/scorers"
)

// plainLine makes a line {"id", "output", "expected", …} of a record as it was
// published for one of the published scorers. Other lines stay as they are. gone
// says that a record has no text, only what was measured of it.
func plainLine(line []byte, scorer string) (plain []byte, gone bool, err error) {
	var r map[string]json.RawMessage
	if err := json.Unmarshal(line, &r); err != nil {
		return nil, false, fmt.Errorf(`%w, want {"id": …, "output": …}`, err)
	}
	has := func(key string) bool { return len(r[key]) > 0 && string(r[key]) != "null" }
	var extra map[string]json.RawMessage // of the target
	add := func(key string, value json.RawMessage) {
		if extra == nil {
			extra = map[string]json.RawMessage{}
		}
		extra[key] = value
	}
	if !has("output") && has("generated") {
		var text string
		if json.Unmarshal(r["generated"], &text) == nil {
			r["output"] = r["generated"]
		} else { // what was measured of a text, which is not there
			r["output"], gone = json.RawMessage(`""`), true
			add("generated", r["generated"])
		}
	}
	if !has("expected") && has("expected_counts") {
		r["expected"] = r["expected_counts"]
	}
	if has("prefix") {
		add("prefix", r["prefix"])
	}
	if has("syntax_format") {
		add("syntax_format", r["syntax_format"])
	}
	if has("domain") && scorer == "mascarade@v0.2" {
		add("domain", r["domain"])
		add("expected", r["expected"])
		if has("judge") {
			add("judge", r["judge"])
		}
		delete(r, "expected")
	}
	if has("tool") {
		var said map[string]json.RawMessage
		if err := json.Unmarshal(r["tool"], &said); err != nil {
			return nil, false, fmt.Errorf("tool: %w", err)
		}
		if scorer == "erc_delta@v0.2" {
			add("said", r["tool"])
		} else {
			for _, key := range []string{"kicad_cli_rc", "report"} {
				if value, ok := said[key]; ok {
					add(key, value)
				}
			}
		}
	}
	if extra != nil {
		target := map[string]json.RawMessage{}
		if has("expected") && json.Unmarshal(r["expected"], &target) != nil {
			return nil, false, fmt.Errorf("expected: want an object beside %s", strings.Join(slices.Sorted(maps.Keys(extra)), ", "))
		}
		maps.Copy(target, extra)
		raw, err := json.Marshal(target)
		if err != nil {
			return nil, false, err
		}
		r["expected"] = raw
	}
	plain, err = json.Marshal(r)
	return plain, gone, err
}

// addRecords adds the score objects of a published scorer.
func (d *scoresDocument) addRecords(ctx context.Context, scorer string, tools scorers.Tools, answered []*lorabench.Sample, texts []text) error {
	if !scorers.IsPublished(scorer) {
		return nil
	}
	for i, t := range texts {
		r, err := scorers.PublishedRecord(ctx, scorer, tools, answered[i], t.output)
		if err != nil {
			continue // the sample's reason says it
		}
		raw, err := r.MarshalJSON()
		if err != nil {
			return err
		}
		d.Samples[i].Record = raw
	}
	return nil
}
