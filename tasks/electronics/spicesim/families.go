package spicesim

import (
	"slices"

	"github.com/ailiance/lorabench/tasks/generated"
)

// Families are the kinds of questions: passive circuits, then active ones.
func Families() []generated.Source { return slices.Concat(Passive(), Active()) }

// Passive are the families of circuits without transistors and op-amps.
func Passive() []generated.Source {
	return []generated.Source{
		divider, dividerTaps, attenuator, matchingPad, wheatstone,
		rcLowpass, rcHighpass, rlFilter, rlcLowpass, rlcBandpass, rlcNotch, twinT, bridgedT, butterworthLadder, chebyshevLadder,
		leadLag, allpassLattice, matchingL, transformer, crossover, probe, rcDelay, snubber,
		limiter, shuntRegulator, clamper, halfWave, bridgeRectifier, multiplier, diodeLogic,
	}
}
