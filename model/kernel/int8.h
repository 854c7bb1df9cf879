// What the C kernels of --arithmetic int8 take; int8.go says what they compute.
#ifndef INT8_H
#define INT8_H
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { SCALE_F32, SCALE_F16, SCALE_BF16 };  // as in int8.go

// Bytes of 32 columns of a row: codes, scale, scale times the sum of the codes,
// and what the sums of products start at, for each half or (first) for both.
enum { ROW_BLOCK8 = 48 };

// Rows that stay in the second cache, blocks of 32 columns that a tile takes, and
// the most panels of a tile. Shorter stretches of columns, whose weights stay in
// the first cache, were slower: more often sums are stored and loaded again.
enum { MC8 = 192, KB8 = 64, WIDEST8 = 4, MAX_SUMS8 = 12 };

// Bytes of scratch.
#define MUL8_SCRATCH (KB8 * WIDEST8 * (16 * 3 * 4 + 512) + 12 * 16 * 4)

typedef struct {
  float *y;
  size_t ldy;        // floats
  const uint8_t *x;  // rows by quantize8
  size_t ldx;        // bytes
  int M, K, n0, n1;
  const uint8_t *panels;
  size_t panel_size, head;  // bytes of a panel, and of it before the codes
  int bits, halves, bias, kind;
  float *scratch;
} mul8_args;

#define INT8_KERNELS(suffix)                \
  void mul8_##suffix(const mul8_args *a); \
  void quantize8_##suffix(const float *x, int K, int zero, int halves, uint8_t *to);
INT8_KERNELS(vnni)
INT8_KERNELS(avx2)
INT8_KERNELS(portable)
#endif
