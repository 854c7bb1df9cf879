package model

import (
	"context"
	"io/fs"
	"slices"
	"strings"

	"github.com/ailiance/lorabench/model/architecture"
)

// Inspection is what there is to say of a checkpoint without computing anything.
// What its files do not tell, because they are damaged or not supported, is
// missing, and Faults say why.
type Inspection struct {
	Config     *architecture.Config // nil where it cannot be read
	Parameters int64                // values of all tensors of the decoder
	Storage    []StorageUse         // of the decoder's tensors, largest first
	Other      StorageUse           // tensors that are not the decoder's: a vision tower, say

	PackedBytes        int64 // memory for the weights
	BytesPerPosition   int64 // memory for the keys and values of a position
	Tokenizer          Tokenizer
	Chat               *Chat   // nil where there is no chat template
	EndTokens          []int32 // any of them ends a text
	Notes              []string
	Hash, BaseIdentity string

	Faults []string // empty: the engine computes it
}

// StorageUse is how much is stored in one type.
type StorageUse struct {
	Type    string `json:"type"`
	Tensors int    `json:"tensors"`
	Bytes   int64  `json:"bytes"`
}

// Inspect reads everything that a checkpoint has, in dir as OpenFS wants it, and
// goes on behind what is wrong. Every weight is looked at: one that is NaN or
// infinite is a fault.
func Inspect(ctx context.Context, dir fs.FS, name string) (*Inspection, error) {
	i := &Inspection{}
	p := readParts(ctx, dir, name, Options{}, func(err error) bool {
		i.fault(err)
		return true
	})
	if p.source != nil {
		defer p.source.Close()
	}
	p.rest()
	i.Config, i.Tokenizer, i.Notes, i.Hash, i.BaseIdentity = p.config, p.tokenizer, p.notes, p.hash, p.base
	if p.config != nil {
		e := &Engine{config: config{Config: p.config}, tokenizer: p.tokenizer, eos: p.eos}
		i.EndTokens = e.endTokens()
		i.BytesPerPosition = newKVLayout(p.config.Layers).bytes() / blockLen
	}
	var err error
	if i.Chat, err = newChat(p.templates, p.tokenizer); err != nil {
		i.fault(err)
	}
	if p.config != nil && p.source != nil {
		i.weights(ctx, newWeights(p.source, p.config, Float32))
	}
	return i, context.Cause(ctx)
}

func (i *Inspection) fault(err error) {
	if text := err.Error(); !slices.Contains(i.Faults, text) {
		i.Faults = append(i.Faults, text)
	}
}

// weights counts and checks the tensors.
func (i *Inspection) weights(ctx context.Context, w weights) {
	ours := map[string]bool{}
	for _, spec := range w.config.Tensors() {
		i.Parameters += int64(values(spec.Shape))
		if stored, ok := w.names(spec.Name); ok {
			ours[stored] = true
		}
	}
	for _, name := range w.source.Names() {
		if context.Cause(ctx) != nil {
			return
		}
		t, err := w.source.Tensor(name)
		if err != nil {
			i.fault(err)
			continue
		}
		if !ours[name] {
			i.Other.Tensors++
			i.Other.Bytes += t.StoredBytes()
			continue
		}
		i.add(t.DType.String(), t.StoredBytes())
		if err := t.CheckFinite(); err != nil {
			i.fault(err)
		}
	}
	slices.SortFunc(i.Storage, func(a, b StorageUse) int { return int(b.Bytes - a.Bytes) })
	if len(i.Faults) > 0 {
		return
	}
	var err error
	if i.PackedBytes, err = w.packedBytes(config{Config: w.config}); err != nil {
		i.fault(err)
	}
}

func (i *Inspection) add(kind string, bytes int64) {
	for k := range i.Storage {
		if i.Storage[k].Type == kind {
			i.Storage[k].Tensors++
			i.Storage[k].Bytes += bytes
			return
		}
	}
	i.Storage = append(i.Storage, StorageUse{Type: kind, Tensors: 1, Bytes: bytes})
}

// EndTexts are the end tokens with their texts, for showing.
func (i *Inspection) EndTexts() []string {
	var list []string
	for _, id := range i.EndTokens {
		text := ""
		if i.Tokenizer != nil {
			text = strings.TrimSpace(i.Tokenizer.Decode([]int32{id}, false))
		}
		list = append(list, text)
	}
	return list
}
