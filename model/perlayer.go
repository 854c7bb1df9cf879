package model

import (
	"math"

	"github.com/ailiance/lorabench/model/architecture"
	"github.com/ailiance/lorabench/model/kernel"
)

// perLayerInputs are the embeddings that every layer has of its own (Gemma 4).
// Their table is larger than all other weights together and is read where it
// lies, row by row.
type perLayerInputs struct {
	embed      *rowReader     // [V', layers·p]
	projection *kernel.Matrix // [layers·p, d], of the embeddings of the main table
	norm       []float32      // [p]
}

// perLayerInputs computes the inputs of all layers for all rows, from the rows'
// embeddings x: (norm(projection(x)/√d) + √p·embedding) / √2.
func (e *Engine) perLayerInputs(x []float32, rows int) error {
	cfg, b, m := e.config, &e.batch, &e.decoder.perLayer
	p, width := cfg.PerLayerInput, cfg.NumHiddenLayers*cfg.PerLayerInput
	out := grow(&b.perLayer, rows*width)
	e.product(m.projection, nil, func(a *adapter) *update { return a.perLayerProjection }, b.segments, out, x, rows)
	fromMain, fromOwn := float32(1/math.Sqrt(float64(cfg.HiddenSize))), float32(math.Sqrt(float64(p)))
	own := grow(&b.update, rows*width)
	errs := make([]error, rows)
	e.pool.Run(rows, func(_, i int) {
		row, own := out[i*width:(i+1)*width], own[i*width:(i+1)*width]
		kernel.Scale(row, fromMain)
		weight := m.norm
		if a := b.adapters[i]; a != nil && a.perLayerNorm != nil {
			weight = a.perLayerNorm
		}
		normEach(row, weight, p, cfg.eps)
		if errs[i] = m.embed.Row(int(b.tokens[i]), own); errs[i] != nil {
			return
		}
		kernel.Scale(own, fromOwn)
		kernel.Add(row, own)
		kernel.Scale(row, float32(1/math.Sqrt2))
	})
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// addPerLayerInput adds a layer's own input: norm(projection(gelu(gate(x)) · input)).
func (e *Engine) addPerLayerInput(n int, x []float32, rows int) {
	cfg, b := e.config, &e.batch
	p, width, d := cfg.PerLayerInput, cfg.NumHiddenLayers*cfg.PerLayerInput, cfg.HiddenSize
	gate, h := grow(&b.gate, rows*p), grow(&b.h, rows*d)
	e.linear(n, x, rows, nil, output{architecture.PerLayerInputGate, gate})
	e.pool.Run(rows, func(_, i int) {
		at := int(b.origins[i])*width + n*p
		kernel.GELUTanhMul(gate[i*p:(i+1)*p], b.perLayer[at:at+p])
	})
	e.linear(n, gate, rows, nil, output{architecture.PerLayerProjection, h})
	e.pool.Run(rows, func(_, i int) {
		row := h[i*d : (i+1)*d]
		kernel.RMSNorm(row, row, e.vector(n, architecture.PerLayerInputNorm, i), cfg.eps)
		kernel.Add(x[i*d:(i+1)*d], row)
	})
}
