// The C kernels. Each has a twin in reference.go, which states what it computes;
// both do the same operations in the same order and give the same bits.
#ifndef KERN_H
#define KERN_H
#include <stddef.h>
#include <stdint.h>

enum { F32, F16, BF16, Q8_0, Q4_0, Q4_1, CODES2, CODES4, CODES6, CODES8, FLOAT8, FORMATS };  // as in format.go

// Rows of x that are multiplied by widened columns, of which so many are widened
// at once; sums of x in pieces; and queries that share a block of keys.
enum { MC = 192, KC = 2048, SUMS = MC * KC / 16, QC = 48 };

// Floats of scratch that mul and attend need: of mul, sums of x (more than SUMS
// where a row alone has more), a panel of widened columns and its scales, and a
// panel of results.
#define MUL_SCRATCH (SUMS + KC * 16 + KC * 2 + MC * 16)
#define ATTEND_SCRATCH(hd) (QC * (2 * (size_t)(hd) + 16 + 64 + 16) + 64 * 16)

// What a matrix of codes has beside its format; see Groups in groups.go.
typedef struct {
  int shift;              // log2 of the columns of a group
  int bias, nested;       // whether there are biases; whether scales are products
  int zero;               // what is subtracted of a code of 6 bits
  size_t head;            // bytes of the scales and biases of a panel, before its codes
  const float *values;    // [16] of the codes of 4 bits
} groups;

typedef struct {
  float *y;
  size_t ldy;
  const float *x;
  size_t ldx;
  int M, K, n0, n1, fmt;
  const uint8_t *panels;
  size_t panel_size;
  groups g;
  float *scratch;
} mul_args;

// A row of queries sees the keys [first, keys) of the blocks at these addresses.
typedef struct {
  uintptr_t blocks;  // of a list of addresses; a number, because Go checks pointers
  int32_t first, keys;
} attend_row;

typedef struct {
  float *out;
  size_t ldo;
  const float *q;
  size_t ldq;
  int R, G, hd;
  const attend_row *rows;
  size_t koff, voff;  // floats
  float scale;        // of queries, times log2(e)
  float *scratch;
} attend_args;

// One instruction set's kernels.
#define KERNELS(suffix)                                                                              \
  void mul_##suffix(const mul_args *a);                                                              \
  void mul_narrow_##suffix(const mul_args *a, int add, float scale);                                 \
  void attend_##suffix(const attend_args *a);                                                        \
  void rms_norm_##suffix(float *dst, const float *x, const float *weight, size_t n, float eps);      \
  void silu_mul_##suffix(float *gate, const float *up, size_t n);                                    \
  void gelu_mul_##suffix(float *gate, const float *up, size_t n);                                    \
  void xielu_##suffix(float *x, size_t n, float ap, float an, float beta, float eps);                \
  void rope_##suffix(float *x, size_t n, size_t hd, const float *cos, const float *sin, size_t half); \
  void add_scaled_##suffix(float *y, const float *t, size_t n, float scale);                         \
  void add_##suffix(float *y, const float *t, size_t n);                                             \
  void multiply_##suffix(float *y, const float *t, size_t n);                                        \
  float softmax_part_##suffix(const float *x, size_t n, int32_t *at, double *sum);                   \
  void softcap_##suffix(float *x, size_t n, float cap);                                              \
  void divide_##suffix(float *x, size_t n, float by);                                                \
  double fma_burst_##suffix(size_t n);

KERNELS(avx2)
KERNELS(avx512)
KERNELS(portable)
#endif
