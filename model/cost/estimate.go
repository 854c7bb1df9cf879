package cost

import "math"

// Load is what is to be estimated.
type Load struct {
	Model    Model
	Adapters []Adapter // beside the base, in one batch with it
	Work     Work      // of one variant
	Hardware Hardware
	Shared   bool // prefixes are computed and kept once, and blocks below all that an adapter changes
}

// Limit is what an evaluation is bound by.
type Limit string

// The limits.
const (
	Compute   Limit = "compute"
	Bandwidth Limit = "bandwidth"
	Memory    Limit = "memory" // so few sequences fit that every step is bound by bandwidth
)

// Phase is a part of an evaluation.
type Phase struct {
	Tokens int64   // of all variants
	Steps  float64 // passes over the weights
	FLOPs  float64
	Bytes  float64 // read
	Ideal  float64 // seconds at the machine's ceilings
	Time   float64 // seconds at what is reached of them
	Limit  Limit
}

// Estimate is what an evaluation costs.
type Estimate struct {
	Weights  float64 // bytes
	Adapters float64 // bytes
	Sequence float64 // bytes of the keys and values of one sequence, without what is shared
	Prefix   float64 // bytes of those that all sequences share, of all variants

	Fits  bool // weights, adapters and one sequence
	Batch int  // sequences that are written at a time
	Room  int  // of them, how many memory has room for

	Prefill Phase
	Decode  Phase
}

// Ideal is the seconds at the machine's ceilings.
func (e *Estimate) Ideal() float64 { return e.Prefill.Ideal + e.Decode.Ideal }

// Time is the seconds at what is reached of them.
func (e *Estimate) Time() float64 { return e.Prefill.Time + e.Decode.Time }

// Estimate computes what l costs. Where it does not fit, Fits is false and the
// phases are empty.
func (l Load) Estimate() Estimate {
	e := Estimate{Weights: l.Model.Bytes()}
	for _, a := range l.Adapters {
		e.Adapters += float64(a.total()) * a.Bytes
	}
	l.memory(&e)
	if !e.Fits {
		return e
	}
	l.prefill(&e)
	l.decode(&e)
	return e
}

func (l *Load) variants() float64 { return float64(1 + len(l.Adapters)) }

// position is the bytes of the keys and values of a position.
func (l *Load) position() float64 {
	return float64(l.Model.keyValues()) * l.Hardware.KeyValueBytes
}

// memory finds out how many sequences fit.
func (l *Load) memory(e *Estimate) {
	w := &l.Work
	longest := 0
	for _, n := range w.lengths(len(l.Adapters)) {
		longest = max(longest, n)
	}
	length := w.Prompt + float64(longest)
	if w.Generations == 0 && w.Requests > 0 {
		length = float64(w.Separate.Positions) / float64(w.Requests)
	}
	if l.Shared {
		length -= float64(w.Prefix)
		e.Prefix = float64(w.Prefix) * l.position() * l.variants()
	}
	e.Sequence = max(1, length) * l.position()
	left := l.Hardware.Memory - e.Weights - e.Adapters - e.Prefix
	e.Fits = left >= e.Sequence
	e.Room = int(min(max(0, left/e.Sequence), math.MaxInt32))
	e.Batch = min(w.Generations*(1+len(l.Adapters)), l.Hardware.Sequences, e.Room)
}

// prefill estimates the computing of prompts.
func (l *Load) prefill(e *Estimate) {
	w, p := &l.Work, &e.Prefill
	prompts := w.Separate
	if l.Shared {
		prompts = w.Shared
	}
	rows := 0.0   // of a whole pass: those of a part of the blocks count as that part
	blocks := 0.0 // operations
	for i, layer := range l.Model.Layers {
		computed := 1.0 // variants whose hidden states differ from the base's here
		for k := range l.Adapters {
			if !l.Shared || l.Adapters[k].first() <= i {
				computed++
				blocks += 2 * float64(l.Adapters[k].Values[i]) * float64(prompts.Positions)
			}
		}
		pairs := prompts.Pairs
		if layer.Window > 0 {
			pairs = min(pairs, float64(layer.Window)*float64(prompts.Positions))
		}
		blocks += computed * (2*float64(layer.Weights)*float64(prompts.Positions) + 4*float64(layer.Queries)*pairs)
		rows += computed * float64(prompts.Positions) / float64(len(l.Model.Layers))
	}
	head := 2 * float64(l.Model.Head) * float64(w.Scored) * l.variants()
	p.Tokens = int64(math.Round(float64(prompts.Positions) * l.variants()))
	p.Steps = math.Ceil(rows / float64(l.Hardware.StepRows))
	p.FLOPs = blocks + head
	p.Bytes = p.Steps * (l.Model.streamedBytes() + e.Adapters)
	compute, read := p.FLOPs/l.Hardware.FLOPs, p.Bytes/l.Hardware.Bandwidth
	p.Ideal, p.Limit = longer(compute, read)

	reached := &l.Hardware.Efficiency
	slower := (1 + float64(len(l.Adapters))*reached.Adapter) / l.variants()
	p.Time = (slower*blocks/reached.Prefill + head/reached.Head) / l.Hardware.FLOPs
	if p.Limit == Bandwidth {
		p.Time = read / reached.decode(1)
	}
}

func longer(compute, read float64) (float64, Limit) {
	if read > compute {
		return read, Bandwidth
	}
	return compute, Compute
}

// Step is the time of a pass that writes a token for each of rows sequences, which
// attend to own positions of their own and prefix shared ones.
func (l *Load) Step(rows, own, prefix float64) (flops, bytes, ideal, time float64, limit Limit) {
	low, adapters := 0.0, 0.0
	for k := range l.Adapters {
		n := float64(l.Adapters[k].total())
		low += n / float64(len(l.Adapters))
		adapters += n * l.Adapters[k].Bytes
	}
	others := float64(len(l.Adapters)) / l.variants() // part of the rows that have an adapter
	if rows < l.variants() && len(l.Adapters) > 0 {
		adapters *= rows * others / float64(len(l.Adapters))
	}
	flops = rows * (2*float64(l.Model.Streamed()) + l.Model.attention(own+prefix) + 2*low*others)
	shared := min(rows, l.variants())
	if !l.Shared {
		shared = rows
	}
	bytes = l.Model.streamedBytes() + adapters + l.position()*(rows*own+shared*prefix)
	ideal, limit = longer(flops/l.Hardware.FLOPs, bytes/l.Hardware.Bandwidth)
	return flops, bytes, ideal, ideal / l.Hardware.Efficiency.decode(rows), limit
}

// decode estimates the writing of texts.
func (l *Load) decode(e *Estimate) {
	w, d := &l.Work, &e.Decode
	if w.Generations == 0 {
		return
	}
	lengths := w.lengths(len(l.Adapters))
	for _, n := range lengths {
		d.Tokens += int64(n)
	}
	mean := float64(d.Tokens) / float64(len(lengths))
	own := w.Prompt - float64(w.Prefix) + mean/2
	busy := 0.0
	for rows, steps := range occupancy(lengths, e.Batch) {
		flops, bytes, ideal, time, limit := l.Step(rows, own, float64(w.Prefix))
		d.Steps += steps
		d.FLOPs += steps * flops
		d.Bytes += steps * bytes
		d.Ideal += steps * ideal
		d.Time += steps * time
		if steps*time > busy {
			busy, d.Limit = steps*time, limit
		}
	}
	if d.Limit == Bandwidth && e.Room == e.Batch {
		d.Limit = Memory
	}
}
