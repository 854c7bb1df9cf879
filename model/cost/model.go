package cost

import "github.com/ailiance/lorabench/model/architecture"

// Model is a decoder as it costs.
type Model struct {
	Layers      []Layer
	Head        int64   // weights of the output layer
	Embed       int64   // weights of the embedding, where it is not the output layer
	WeightBytes float64 // of a weight of a linear layer and of the output layer
	EmbedBytes  float64 // of a weight of the embedding
}

// Layer is a block.
type Layer struct {
	Weights   int64 // of its linear layers
	Queries   int64 // numbers of a position's queries, of all heads
	KeyValues int64 // numbers of a position's keys and values; 0: those of another layer
	Window    int   // positions that one attends to; 0: all before it
}

// Of is the decoder that c describes, its linear layers and output layer stored
// in weightBytes a weight, its embedding in embedBytes.
func Of(c *architecture.Config, weightBytes, embedBytes float64) Model {
	m := Model{WeightBytes: weightBytes, EmbedBytes: embedBytes, Head: int64(c.VocabSize) * int64(c.HiddenSize)}
	if !c.TieWordEmbeddings {
		m.Embed = m.Head
	}
	for i, g := range c.Layers {
		l := Layer{Queries: int64(c.NumAttentionHeads) * int64(g.HeadDim), Window: g.Window}
		for k := range architecture.NumLinears {
			if out, in, ok := c.LinearShape(i, k); ok {
				l.Weights += int64(out) * int64(in)
			}
		}
		if g.KeyValueLayer == i {
			l.KeyValues = 2 * int64(g.NumKeyValueHeads) * int64(g.HeadDim)
		}
		m.Layers = append(m.Layers, l)
	}
	return m
}

// Streamed is how many weights a step reads that computes logits.
func (m *Model) Streamed() int64 {
	n := m.Head
	for _, l := range m.Layers {
		n += l.Weights
	}
	return n
}

// Bytes is the memory of the weights.
func (m *Model) Bytes() float64 {
	return float64(m.Streamed())*m.WeightBytes + float64(m.Embed)*m.EmbedBytes
}

// streamedBytes is what a step reads of the weights.
func (m *Model) streamedBytes() float64 { return float64(m.Streamed()) * m.WeightBytes }

// keyValues is how many numbers are kept of a position.
func (m *Model) keyValues() int64 {
	n := int64(0)
	for _, l := range m.Layers {
		n += l.KeyValues
	}
	return n
}

// attention is the operations of one position that attends to context positions.
func (m *Model) attention(context float64) float64 {
	n := 0.0
	for _, l := range m.Layers {
		n += l.attention(context)
	}
	return n
}

// attention: queries by keys, and weights by values, each a multiplication and an
// addition.
func (l *Layer) attention(context float64) float64 {
	if l.Window > 0 {
		context = min(context, float64(l.Window))
	}
	return 4 * float64(l.Queries) * context
}

// Adapter is a variant beside the base as it costs.
type Adapter struct {
	Values []int64 // numbers that it has in each block: of A and B
	Bytes  float64 // of a number
}

// LowRank is an adapter of one rank on modules of the blocks from first on.
func LowRank(c *architecture.Config, rank, first int, bytes float64, modules ...architecture.Linear) Adapter {
	a := Adapter{Values: make([]int64, len(c.Layers)), Bytes: bytes}
	for i := first; i < len(c.Layers); i++ {
		for _, k := range modules {
			if out, in, ok := c.LinearShape(i, k); ok {
				a.Values[i] += int64(rank) * int64(out+in)
			}
		}
	}
	return a
}

// Attention are the modules that most adapters are on.
var Attention = []architecture.Linear{architecture.QProj, architecture.KProj, architecture.VProj, architecture.OProj}

func (a *Adapter) total() int64 {
	n := int64(0)
	for _, v := range a.Values {
		n += v
	}
	return n
}

// first is the first block that the adapter changes: what is below is the base's.
func (a *Adapter) first() int {
	for i, v := range a.Values {
		if v > 0 {
			return i
		}
	}
	return len(a.Values)
}
