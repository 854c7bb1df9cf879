package tasks

import "github.com/ailiance/lorabench/tasks/electronics/spicesim"

// spiceSim asks for circuits by what they do, and has them simulated.
func spiceSim() Definition {
	families := spicesim.Families()
	d := madeUp("spice_sim", "1", "circuits by what they do, simulated", 4*len(families), families)
	d.maxTokens = 1024
	d.nulls = questionNulls(spiceSoup, spiceConstants)
	return d
}

const spiceSoup = "R1 in out 1k C1 out 0 100n L1 out 0 1m D1 out 0 d1 Q1 out in 0 qn M1 out in 0 0 nch W=10u L=1u X1 in out out opamp .ac .tran .op .end voltage divider filter amplifier oscillator gain frequency"

// spiceConstants are the first references of some families: each a circuit that
// the bench can simulate in questions of many others.
func spiceConstants(examples []example) []string {
	var constants []string
	for _, family := range []string{"divider", "rc_lowpass"} {
		for _, e := range examples {
			if e.family == family {
				constants = append(constants, e.target.Answer)
				break
			}
		}
	}
	return constants
}
