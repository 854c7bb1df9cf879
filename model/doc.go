// Package model is the inference engine: it opens a checkpoint, keeps any
// number of LoRA adapters beside its weights, and answers jobs (log-likelihoods
// of given tokens, greedy or sampled generation) of all variants in one batch.
//
// It knows tokens, never tasks. Logits never leave it except for the probe and
// for those who ask for them by name (Engine.Logits).
//
// Letters in comments: M rows of a batch (one token each), d hidden size, H
// query heads, G key/value heads, hd head size, V vocabulary, r rank.
//
// The same job gives the same bits whatever else is in the batch, however many
// threads work, and whether its prefix was computed or found in the cache:
// every kernel has a fixed order of summation per output element, work is split
// over outputs and rows only, and keys lie in blocks that start at absolute
// positions (see package kernel).
package model
