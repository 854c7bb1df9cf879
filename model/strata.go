package model

import "slices"

// A stratum is a run of layers in which each adapter changes either nothing or
// has changed the hidden states already: the first layers that adapters change
// are where strata begin. In a stratum below that layer a variant has the keys
// and values of the base, in others its own: its lineage there.
type stratum struct {
	from, to int // layers
	floats   int // of a block of keys and values
}

// bytes is the size of a block.
func (s stratum) bytes() int64 { return 4 * int64(s.floats) }

// firstChanged is the first layer whose outputs the adapter changes: len(a.layers)
// where it changes no layer, but the output layer alone. Nothing but the
// embeddings of all layers comes before the first.
func (a *adapter) firstChanged() int {
	if a.embed != nil || a.perLayerProjection != nil || a.perLayerNorm != nil {
		return 0
	}
	for n := range a.layers {
		l := &a.layers[n]
		if l.xielu != nil {
			return n
		}
		for _, u := range l.linear {
			if u != nil {
				return n
			}
		}
		for _, v := range l.vectors {
			if v != nil {
				return n
			}
		}
	}
	return len(a.layers)
}

// lineage is whose keys and values a sequence has in a stratum: the base's, nil,
// or its adapter's.
func (s *sequence) lineage(of stratum) *adapter {
	if s.adapter == nil || s.first >= of.to {
		return nil
	}
	return s.adapter
}

// bounds are the layers at which strata begin, without the first.
func (e *Engine) bounds() []int {
	var list []int
	for _, a := range e.adapters {
		if n := a.firstChanged(); 0 < n && n < e.config.NumHiddenLayers {
			list = append(list, n)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}
