// Package chat renders conversations with a checkpoint's own chat template, as
// transformers 5 does in apply_chat_template, and finds the reasoning channel in
// what a model answers.
//
// The template language is package jinja, ours: gonja 2.9.1, the library for Go,
// cannot parse 15 of 68 published templates, renders 15 of 53 conversations
// otherwise than the reference, loses the order of keys, and has no bounds.
//
// Left out: tokens (text in, text out), images and sound (a template sees their
// place in a message, nothing more), tool calls in answers.
package chat
