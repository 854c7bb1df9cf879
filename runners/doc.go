// Package runners takes the samples of a task through the engine and the scorer
// into the store, all variants side by side:
//
//	samples ──order──> requests ──tokens──> jobs ──engine──> outputs ──scorer──> scores ──> store
//
// It alone knows both text and tokens: how a prompt and its continuation are
// split, what is put in front of a text without context, how a long text is cut
// into windows. The rules are lm-evaluation-harness's (models/huggingface.py,
// api/model.py), so that numbers agree.
//
// Budgets end here: of a task, of a sample, of the run. What is done by then is
// kept, and says so.
//
// It deliberately computes no aggregate and prints nothing; progress is told to
// whoever asks for it.
package runners
