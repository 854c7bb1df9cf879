package cost

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// Hardware is what a machine can do at most, and how the engine uses it.
type Hardware struct {
	Name          string
	Bandwidth     float64 // bytes a second, reading
	FLOPs         float64 // a second, in the arithmetic of the engine
	Memory        float64 // bytes for weights, adapters, keys and values
	KeyValueBytes float64 // of a number of the cache
	Sequences     int     // most in one step
	StepRows      int     // most rows of one step
	Efficiency    Efficiency
}

// machines are measured: bandwidth of reading and bfloat16 products. Of the
// memory, the rest is for buffers.
var machines = []Hardware{
	{Name: "h100", Bandwidth: 3.0e12, FLOPs: 790e12, Memory: 75 << 30, KeyValueBytes: 2, Sequences: 512, StepRows: 8192, Efficiency: Ideal},
	{Name: "h200", Bandwidth: 4.3e12, FLOPs: 790e12, Memory: 136 << 30, KeyValueBytes: 2, Sequences: 512, StepRows: 8192, Efficiency: Ideal},
}

// Machine finds a hardware by name.
func Machine(name string) (Hardware, error) {
	var names []string
	for _, m := range machines {
		if m.Name == name {
			return m, nil
		}
		names = append(names, m.Name)
	}
	return Hardware{}, fmt.Errorf("no hardware %q: there are this, %s", name, strings.Join(names, ", "))
}

// Efficiency is the part of the roofline that is reached: 1 is all of it.
type Efficiency struct {
	Prefill float64 // of steps full of prompt rows, without logits
	Head    float64 // of the logits of rows that are scored
	Decode  []Reached
	Adapter float64 // time of prompt rows with an adapter over that of the base's; 1 where it is in Prefill
}

// Reached is a part of the roofline at a number of rows.
type Reached struct {
	Rows int
	Part float64
}

// Ideal reaches everything.
var Ideal = Uniform(1)

// Uniform reaches the same part everywhere.
func Uniform(part float64) Efficiency {
	return Efficiency{Prefill: part, Head: part, Decode: []Reached{{1, part}}, Adapter: 1}
}

// decode is the part that steps of so many rows reach: between two measured ones
// by the logarithm of rows.
func (e *Efficiency) decode(rows float64) float64 {
	after, _ := slices.BinarySearchFunc(e.Decode, rows, func(r Reached, rows float64) int {
		if float64(r.Rows) < rows {
			return -1
		}
		return 1
	})
	switch {
	case after == 0:
		return e.Decode[0].Part
	case after == len(e.Decode):
		return e.Decode[after-1].Part
	}
	a, b := e.Decode[after-1], e.Decode[after]
	t := math.Log(rows/float64(a.Rows)) / math.Log(float64(b.Rows)/float64(a.Rows))
	return a.Part + t*(b.Part-a.Part)
}
