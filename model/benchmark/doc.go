// Package benchmark measures how fast an engine is: prefill, decode, multiple
// choice and generation with examples, of a base and of its adapters side by
// side, in tokens a second and against what the machine could do at best.
//
// A measurement is repeated with other tokens each time, so that the prefix cache
// answers nothing but what the work itself has in common, and reported as median
// with the least and the greatest. What is compared is measured in turns: machines
// are noisy, and slow minutes then count for both sides.
//
// It deliberately prints nothing, and measures no other program.
package benchmark
