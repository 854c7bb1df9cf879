package model

import (
	"context"
	"math"

	"github.com/ailiance/lorabench/model/architecture"
	"github.com/ailiance/lorabench/model/kernel"
)

// loader collects what is to be read of a checkpoint, so that as many tensors at
// once are packed as the pool has threads.
type loader struct {
	src   weights
	loads []func() error
}

func (l *loader) matrix(to **kernel.Matrix, name string, rows, cols int) {
	l.loads = append(l.loads, func() (err error) {
		*to, err = l.src.matrix(name, rows, cols)
		l.src.forget()
		return err
	})
}

// vector reads n values, or the single number where n is 0.
func (l *loader) vector(to *[]float32, name string, n int) {
	l.loads = append(l.loads, func() (err error) {
		*to, err = l.src.vector(name, n)
		return err
	})
}

// norm reads the weight of a norm.
func (l *loader) norm(to *[]float32, name string, n int) {
	l.loads = append(l.loads, func() (err error) {
		if *to, err = l.src.vector(name, n); err == nil && l.src.unitOffset {
			addOne(*to)
		}
		return err
	})
}

// run reads everything and returns the first error in the order of the calls.
func (l *loader) run(ctx context.Context, pool *kernel.Pool) error {
	errs := make([]error, len(l.loads))
	pool.Run(len(l.loads), func(_, i int) {
		if errs[i] = context.Cause(ctx); errs[i] == nil {
			errs[i] = l.loads[i]()
		}
	})
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// addOne makes the factor of a norm that multiplies by 1 + weight.
func addOne(x []float32) {
	for i := range x {
		x[i]++
	}
}

// loadDecoder reads the weights and packs them for the kernels.
func loadDecoder(ctx context.Context, cfg config, src weights, pool *kernel.Pool) (*decoder, error) {
	m := &decoder{layers: make([]layer, cfg.NumHiddenLayers)}
	l := &loader{src: src}
	l.matrix(&m.embed, architecture.EmbedTokens+".weight", cfg.VocabSize, cfg.HiddenSize) // the largest first
	if !cfg.TieWordEmbeddings {
		l.matrix(&m.head, architecture.LMHead+".weight", cfg.VocabSize, cfg.HiddenSize)
	}
	for i := range m.layers {
		m.layers[i].load(l, cfg, i)
	}
	l.norm(&m.norm, architecture.FinalNorm+".weight", cfg.HiddenSize)
	if p := cfg.PerLayerInput; p > 0 {
		width := cfg.NumHiddenLayers * p
		l.loads = append(l.loads, func() (err error) {
			m.perLayer.embed, err = src.rows(architecture.EmbedTokensPerLayer+".weight", cfg.VocabSizePerLayerInput, width)
			return err
		})
		l.matrix(&m.perLayer.projection, architecture.PerLayerModelProjection+".weight", width, cfg.HiddenSize)
		l.norm(&m.perLayer.norm, architecture.PerLayerProjectionNorm+".weight", p)
	}
	if err := l.run(ctx, pool); err != nil {
		return nil, err
	}
	if cfg.TieWordEmbeddings {
		m.head = m.embed
	}
	for i := range m.layers {
		m.layers[i].xielu = cfg.xieluOf(i, &m.layers[i].vectors)
	}
	for _, r := range cfg.Ropes {
		m.frequencies = append(m.frequencies, r.Frequencies())
	}
	return m, nil
}

// load lists the tensors of a block.
func (b *layer) load(l *loader, cfg config, n int) {
	for v := range architecture.NumBlockVectors {
		name, size, ok := cfg.VectorShape(n, v)
		switch {
		case !ok:
		case v.IsNorm():
			l.norm(&b.vectors[v], architecture.Block(n)+name, size)
		default:
			l.vector(&b.vectors[v], architecture.Block(n)+name, size)
		}
	}
	for k := range architecture.NumLinears {
		out, in, ok := cfg.LinearShape(n, k)
		if !ok {
			continue
		}
		l.matrix(&b.linear[k], architecture.ModulePath(n, k)+".weight", out, in)
		if cfg.HasBias(k) {
			l.vector(&b.bias[k], architecture.ModulePath(n, k)+".bias", out)
		}
	}
}

// xielu are the parameters of kernel.XIELU.
type xielu struct{ alphaP, alphaN, beta, eps float32 }

// newXIELU derives them from the parameters that are stored.
func newXIELU(alphaP, alphaN, beta, eps float32) xielu {
	softplus := func(x float32) float32 {
		if x > 20 { // as torch has it
			return x
		}
		return float32(math.Log1p(math.Exp(float64(x))))
	}
	return xielu{alphaP: softplus(alphaP), alphaN: beta + softplus(alphaN), beta: beta, eps: eps}
}

// xieluOf returns the parameters of a block's activation: stored beside the
// weights, or in metadata.
func (c config) xieluOf(n int, v *[architecture.NumBlockVectors][]float32) xielu {
	switch {
	case c.Activation != architecture.XIELUNoGating:
		return xielu{}
	case c.XIELU != nil:
		x := c.XIELU[n]
		return newXIELU(float32(x.AlphaP), float32(x.AlphaN), float32(x.Beta), float32(x.Eps))
	}
	return newXIELU(v[architecture.XIELUAlphaP][0], v[architecture.XIELUAlphaN][0], v[architecture.XIELUBeta][0], v[architecture.XIELUEps][0])
}
