package spicesim

import "github.com/ailiance/lorabench/tasks/generated"

// Active are the families of circuits with transistors, op-amps or logic.
func Active() []generated.Source {
	return []generated.Source{
		commonSource, sourceFollower, commonGate, cascode, multiStage, diodeLoad, activeLoad,
		commonEmitter, emitterFollower, commonBase, pushPull,
		currentMirror, cascodeMirror, currentSource,
		differentialPair, ota, twoStageOpAmp, telescopic, millerAmplifier,
		invertingAmplifier, nonInvertingAmplifier, integrator, differentiator, adder, subtractor,
		instrumentationAmplifier, transimpedanceAmplifier,
		sallenKey, multipleFeedback, higherOrder, allPass,
		schmittTrigger, hysteresisComparator, windowComparator,
		cmosInverter, resistorInverter, logicGate,
		phaseShiftOscillator, wienOscillator, relaxationOscillator, ringOscillator, ringVCO,
		voltageControlledOscillator, phaseLockedLoop,
		seriesRegulator, opampRegulator, currentSink, precisionRectifier, precisionClamp, peakDetector, hBridge,
	}
}
