// Package reports turns stored measurements into what people and programs read:
//
//	Data ──Build──> Report ──> Scoreboard, Summary, Matrix, Lifts, HTML, JSON, CSV …
//	one measurement ──WriteEvidence──> its folder
//
// [Build] computes every number once: a [Cell] is one metric of one variant on
// one task, a [Comparison] is the paired difference between two variants, a
// [Verdict] is what a [Policy] makes of it. The renderings only print.
//
// What cannot be told is nil with a reason beside it, never a 0. Same data, same
// bytes: resampling is seeded by the names of what is compared.
//
// It deliberately does not measure, open databases, ask what machine this is, or
// score outputs. The statistics are in reports/stats.
package reports
