// Package checkpoint reads the weights and the configuration of a model from
// its files: safetensors (one file, or shards with an index), GGUF, and
// config.json.
//
// Every file is taken for foreign: counts, lengths, offsets and shapes are
// checked against the bytes that are there before anything is allocated or
// sliced, and a file that is not wholly understood is refused with the name of
// what is wrong. Files are memory-mapped where the operating system has them;
// a tensor's bytes are a view of the map until its source is closed.
//
// Weights that are quantised with scales beside them (MLX, FP8) are one tensor
// with the shape of their values; all quantised types are taken apart into codes
// and scales (Groups), or read as float32 row by row.
//
// It deliberately does not compute: packing weights for kernels, running a
// model, and applying adapters is the work of package model and package kernel.
// It reads no pickle, downloads nothing, and knows no tokenizer (a GGUF file's
// metadata is handed out as it is).
package checkpoint
