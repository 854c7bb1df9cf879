// Package kernel holds the arithmetic of the inference engine: products with
// packed weight matrices, norms, activations, rotary embedding, attention over
// a table of key and value blocks, and statistics over a row of logits.
//
// Every output element has one fixed sequence of operations. It does not depend
// on the number of rows in a call, on threads, on how the caller cuts work into
// calls, or on the instruction set: the C kernels (AVX-512, AVX2, NEON and portable, in
// the kern*.c and simd*.h files) and the plain Go reference (reference.go) give
// the same bits, and the tests compare them. The sequences are stated in the
// comments of the exported functions. Shared rules:
//
//   - fma(a, b, c) is a·b+c in float32, rounded once; nothing else is fused.
//     Subnormal numbers are kept. NaNs are equal whatever their payload.
//   - A product sums over k ascending in one accumulator that starts at +0;
//     between blocks of k the accumulator is stored and loaded, which is exact.
//     Where weights are codes with scales, the codes of each group are summed so,
//     and scale · sum, then bias · Σx, go to the accumulator (Matrix.Mul): one
//     operation less a weight than to scale it first, and shorter sums.
//   - A sum over a row is 16 partial sums (lane j takes elements j, j+16, …,
//     ascending) and then a tree: lane j + lane j+8, then +4, +2, +1.
//   - exp is an own polynomial (see exp32), never the platform's.
//
// Shapes: M rows of activations, N output columns (rows of the weight matrix),
// K reduced dimension. ld… is the distance between rows, in floats. Functions
// panic on shapes that do not fit: the engine has checked them.
//
// What it deliberately does not do: it does not read files (package checkpoint),
// knows no layers, and rounds activations only for matrices that are packed for
// that (int8.go). There is
// no cgo path for architectures other than amd64 and arm64; those run the Go
// reference.
package kernel
