// Package shape makes checkpoints of random weights in memory, of the shapes and
// storage types that models in use have: whoever measures the speed of the
// engine needs a model of some size, not one that knows anything, and should not
// have to download it.
//
// The same name, storage and seed give the same bytes. All matrices of a
// checkpoint are pieces of one buffer of random values, as long as the largest
// of them: a source holds one tensor, whatever the size of the model, and the
// kernels' own copies lie apart in memory.
//
// Weights lie around ±0.02, as models are initialised: hidden states stay finite,
// and that is all that is promised of what such a model says.
package shape
