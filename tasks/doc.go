// Package tasks turns dataset rows into samples: prompts, continuations, the
// reference they are scored against, and the outputs of models that know
// nothing. Tasks that bear a name of lm-evaluation-harness give its prompts,
// few-shot draws and hashes to the byte.
//
// It deliberately knows no tokens, no chat templates, no model and no scorer: a
// task names its scorer, and runners bring them together. It reads files, never
// the network.
//
// A task is one Definition in one file and one line in all.
package tasks
