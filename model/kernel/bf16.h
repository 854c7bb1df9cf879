// What the C kernels of --arithmetic bf16 take; bf16.go says what they compute.
#ifndef BF16_H
#define BF16_H
#include <stddef.h>
#include <stdint.h>
#include <string.h>

// Rows that stay in the second cache, and pairs of columns that a tile takes: in
// the first cache are weights and sums of shorter stretches, but storing and
// loading sums again took more (182 GFLOP/s with 128, 216 with 1024, on Zen 4).
enum { MC16 = 192, KB16 = 1024 };

typedef struct {
  float *y;
  size_t ldy;         // floats
  const uint16_t *x;  // rows by round16
  size_t ldx;         // numbers of 16 bits
  int M, pairs, n0, n1;
  const uint8_t *panels;
  size_t panel_size;
} mul16_args;

void mul16_bf16(const mul16_args *a);
void round16_bf16(const float *x, int K, uint16_t *to);
#endif
