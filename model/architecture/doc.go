// Package architecture knows the decoders that the engine computes: what their
// configuration says, in config.json and in the metadata of a GGUF file, which
// tensors they have under which names, and what their blocks are made of.
//
// Each architecture is a file and a line of architectures. It translates its
// configuration into a Config, whose fields are all that distinguishes one
// decoder from another; package model computes what a Config describes and has
// never heard of a model_type.
//
// A configuration is foreign and is read strictly: a key that is neither used
// nor known to be harmless is an error, because a model that is misread is worse
// than one that is refused.
package architecture
