// Package lorabench holds the nouns of the program: what a task, a sample, a
// request, an output, a score and a measurement are. It imports nothing but
// the standard library and does nothing by itself.
//
// One sample's way, with the room that does each step:
//
//	tasks    a dataset row becomes a Sample: its Requests (text) and its Target
//	runners  requests become tokens, one job for each variant, under budgets
//	model    jobs become log-likelihoods or text, all variants in one batch
//	scorers  a Sample and its Outputs become Scores: a value or a reason
//	results  a SampleResult is committed to SQLite when it is made
//	reports  stored measurements become scoreboards, comparisons, verdicts
//
// The rooms tasks, scorers, results, env and model do not import one another;
// runners and reports stand above them, cmd/lorabench above all.
package lorabench
