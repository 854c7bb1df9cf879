package model

import "github.com/ailiance/lorabench/model/architecture"

// StepRows is the most rows that one pass over the weights computes.
const StepRows = stepRows

// StepBytes is how many bytes of the base's weights one pass reads that computes
// logits: those of the linear layers and of the output layer.
func (e *Engine) StepBytes() int64 {
	n := e.decoder.head.Bytes()
	for i := range e.decoder.layers {
		for _, w := range e.decoder.layers[i].linear {
			if w != nil {
				n += w.Bytes()
			}
		}
	}
	return n
}

// AdapterValues is how many numbers a loaded adapter multiplies a row by in each
// block; nil where there is no adapter of that name.
func (e *Engine) AdapterValues(name string) []int64 {
	a := e.adapters[name]
	if a == nil {
		return nil
	}
	n := make([]int64, len(a.layers))
	for i := range a.layers {
		for l := range architecture.NumLinears {
			n[i] += a.layers[i].linear[l].values()
		}
	}
	return n
}

// values is how many numbers of its own an update multiplies a row by.
func (u *update) values() int64 {
	if u == nil {
		return 0
	}
	n := int64(len(u.gain))
	if u.low != nil {
		n += int64(u.low.rank) * int64(u.low.a.Cols()+u.low.b.Rows())
	}
	if u.weight != nil {
		n += int64(u.weight.Rows()) * int64(u.weight.Cols())
	}
	return n
}
