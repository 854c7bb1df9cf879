// Package cost says what an evaluation costs before it is made: floating-point
// operations and bytes from shapes and numbers of tokens, time from what a
// machine reaches of them. It opens no checkpoint and measures nothing: whoever
// calls it brings the [Work] (see [Tally]), the [Hardware], and, where there is a
// machine to ask, the [Efficiency] that was measured there.
//
// # The model of cost
//
// A pass over the weights, a step, has up to Hardware.StepRows rows. A row costs
// two operations a weight of the linear layers, four a position that it attends
// to and number of its queries, and two a weight of the output layer where its
// logits are needed. A step reads the weights and the adapters in it once, and the
// keys and values of the sequences that it goes on with; of a prefix that all have,
// once for each variant. It takes the longer of the time to compute and the time to
// read, over the part of that roofline which the machine reaches at so many rows.
//
// What is left out: the embedding's rows, norms, activations, what is drawn from
// the logits, and scoring, all of them of the order of a row's width where the
// products are of its square. A measured Efficiency has them in it.
package cost
