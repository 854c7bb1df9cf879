package model

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/ailiance/lorabench/model/checkpoint"
)

// What a base computes depends on its configuration too, so its identity does
// (law 8): equal weights with another rope_theta are another base.
func TestBaseIdentityCoversTheConfiguration(t *testing.T) {
	identities := map[string]string{}
	hash := ""
	for name, change := range map[string]func(fstest.MapFS){
		"as it is": func(fstest.MapFS) {},
		"rope_theta": func(d fstest.MapFS) {
			text := d[checkpoint.ConfigFile].Data
			d[checkpoint.ConfigFile] = &fstest.MapFile{Data: bytes.Replace(text, []byte(`"eos_token_id"`), []byte(`"rope_theta":500000,"eos_token_id"`), 1)}
		},
		"end of text": func(d fstest.MapFS) {
			d[generationFile] = &fstest.MapFile{Data: []byte(`{"eos_token_id":[3,9]}`)}
		},
	} {
		dir := tinyDirectory(tinyJSON, 1)
		change(dir)
		e, err := OpenFS(t.Context(), dir, ".", Options{Threads: 1})
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		if other, seen := identities[e.BaseIdentity()]; seen {
			t.Errorf("%s and %s have the identity %s", name, other, e.BaseIdentity())
		}
		identities[e.BaseIdentity()] = name
		if hash != "" && e.Hash() != hash {
			t.Errorf("%s: weights %s, want %s: they are equal", name, e.Hash(), hash)
		}
		hash = e.Hash()
	}
}

func TestGenerationConfigEndsTexts(t *testing.T) {
	for text, want := range map[string]string{
		`{"eos_token_id": [9, 3, 12]}`:      "3 9 12",
		`{"eos_token_id": 9, "top_p": 0.9}`: "3 9",
		`{"eos_token_id": null}`:            "3",
		`{}`:                                "3",
		`{"eos_token_id": [128001, 9]}`:     "3 9", // not in the vocabulary
		`{"eos_token_id": "9"}`:             "error",
		`{"eos_token_id": [9`:               "error",
	} {
		dir := tinyDirectory(tinyJSON, 1)
		dir[generationFile] = &fstest.MapFile{Data: []byte(text)}
		e, err := OpenFS(t.Context(), dir, ".", Options{Threads: 1})
		switch {
		case want == "error" && (err == nil || !strings.Contains(err.Error(), generationFile)):
			t.Errorf("%s: error %v, want one that names the file", text, err)
		case want != "error" && err != nil:
			t.Errorf("%s: %v", text, err)
		}
		if err != nil {
			continue
		}
		e.Close()
		ids := []int32{3, 9, 12}
		ids = ids[:1+strings.Count(want, " ")]
		if !slices.Equal(e.eos, ids) {
			t.Errorf("%s: texts end at %v, want %v", text, e.eos, ids)
		}
	}
}
