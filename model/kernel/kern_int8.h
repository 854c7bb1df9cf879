// Products of rows quantised to 8 bits with codes of 8 or 4 bits. Included by one
// file for each instruction set, behind simd_*.h and these:
//
//   ints          16 int32, one a column       i_set1, i_float
//   codes         64 codes, 4 for each column  c_from(wide)
//   wide          64 bytes                     w_load, w_store, w_low, w_high
//   i_dot         adds to each column its 4 codes times 4 bytes of a row, exactly
//   largest_bits  the largest of the bits of 32 floats without their signs
//   round16       stores 16 floats, rounded to integers, as bytes, and adds these
//   CODE_BIAS     what codes means by a byte b is b - CODE_BIAS
//   ROWS8, PANELS8, TILES8, WIDE8  the shapes of tiles
//
// int8.go says what is computed, and how rows and panels are laid out.
#ifdef __clang__
#pragma STDC FP_CONTRACT OFF
#define UNROLL _Pragma("unroll")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif
#include <string.h>

typedef struct {
  int blocks;  // of 32 columns of x and codes
  const uint8_t *x;
  size_t ldx;
  const uint8_t *codes;
  size_t next_codes;             // bytes to the next panel
  const float *scales, *biases;  // [blocks, or twice as many][16]
  size_t next_scales;            // floats to the next panel
  float *y;
  size_t ldy;
  int more;  // add to y
} tile8_args;

// The scales of a block of a row lie behind its codes.
INLINE v16 row_scale(const uint8_t *x) { return v_set1(((const float *)x)[8]); }
INLINE v16 row_sum(const uint8_t *x) { return v_set1(((const float *)x)[9]); }
INLINE ints row_start(const uint8_t *x, int half) { return i_set1(((const int32_t *)x)[10 + half]); }

// A tile is MR rows by NP panels. bits and halves (groups of columns in a block
// of 32) and bias are constants where it is called.
INLINE void tile8(const int bits, const int halves, const int bias, const int MR, const int NP, const tile8_args *a) {
  const uint8_t *restrict x = a->x, *restrict c = a->codes;
  const float *restrict scales = a->scales, *restrict biases = a->biases;
  float *restrict y = a->y;
  const size_t ldx = a->ldx, ldy = a->ldy, next_codes = a->next_codes, next_scales = a->next_scales;
  v16 acc[MAX_SUMS8];
  UNROLL for (int i = 0; i < MR; i++)
    UNROLL for (int n = 0; n < NP; n++) acc[i * NP + n] = a->more ? v_load(y + i * ldy + 16 * n) : v_zero();
  for (int b = 0; b < a->blocks; b++) {
    UNROLL for (int h = 0; h < halves; h++) {
      ints s[MAX_SUMS8];
      UNROLL for (int i = 0; i < MR; i++)
        UNROLL for (int n = 0; n < NP; n++) s[i * NP + n] = row_start(x + i * ldx, h);
      if (bits == 8) {
        UNROLL for (int k = 0; k < 8 / halves; k++) {
          codes w[WIDEST8];
          UNROLL for (int n = 0; n < NP; n++) w[n] = c_from(w_load(c + n * next_codes + 64 * k));
          UNROLL for (int i = 0; i < MR; i++)
            UNROLL for (int n = 0; n < NP; n++)
              s[i * NP + n] = i_dot(s[i * NP + n], w[n], x + i * ldx + 32 / halves * h + 4 * k);
        }
        c += 512 / halves;
      } else {
        UNROLL for (int k = 0; k < 4; k++) {
          codes w[2 * WIDEST8];
          UNROLL for (int n = 0; n < NP; n++) {
            wide both = w_load(c + n * next_codes + 64 * k);
            w[2 * n] = c_from(w_low(both));
            w[2 * n + 1] = c_from(w_high(both));
          }
          UNROLL for (int i = 0; i < MR; i++)
            UNROLL for (int n = 0; n < NP; n++) {
              s[i * NP + n] = i_dot(s[i * NP + n], w[2 * n], x + i * ldx + 4 * k);
              s[i * NP + n] = i_dot(s[i * NP + n], w[2 * n + 1], x + i * ldx + 16 + 4 * k);
            }
        }
        c += 256;
      }
      UNROLL for (int n = 0; n < NP; n++) {
        v16 d = v_load(scales + n * next_scales);
        UNROLL for (int i = 0; i < MR; i++)
          acc[i * NP + n] = v_fma(i_float(s[i * NP + n]), v_mul(d, row_scale(x + i * ldx)), acc[i * NP + n]);
      }
      scales += 16;
    }
    if (bias) {
      UNROLL for (int n = 0; n < NP; n++) {
        v16 m = v_load(biases + n * next_scales);
        UNROLL for (int i = 0; i < MR; i++) acc[i * NP + n] = v_fma(m, row_sum(x + i * ldx), acc[i * NP + n]);
      }
      biases += 16;
    }
    x += ROW_BLOCK8;
  }
  UNROLL for (int i = 0; i < MR; i++)
    UNROLL for (int n = 0; n < NP; n++) v_store(y + i * ldy + 16 * n, acc[i * NP + n]);
}

typedef void (*tile8_fn)(const tile8_args *);
typedef struct { tile8_fn of[WIDEST8 + 1][ROWS8 + 1]; } tile8_fns;  // [panels][rows]
#define TILE8(form, bits, halves, bias, MR, NP)                                                        \
  FN static __attribute__((noinline)) void tile8_##form##_##MR##_##NP(const tile8_args *a) {            \
    tile8(bits, halves, bias, MR, NP, a);                                                              \
  }
#define TILE8_ENTRY(form, bits, halves, bias, MR, NP) [NP][MR] = tile8_##form##_##MR##_##NP,
#define FORM8(form, bits, halves, bias)     \
  TILES8(TILE8, form, bits, halves, bias)   \
  static const tile8_fns tiles8_##form = {{TILES8(TILE8_ENTRY, form, bits, halves, bias)}};
FORM8(bytes, 8, 1, 0)
FORM8(bytes_bias, 8, 1, 1)
FORM8(halves, 8, 2, 0)
FORM8(nibbles, 4, 1, 0)
FORM8(nibbles_bias, 4, 1, 1)

// widen8 makes floats of n scales.
FN static void widen8(int kind, const uint8_t *from, size_t n, float *to) {
  switch (kind) {
  case SCALE_F16:
    for (; n >= 16; n -= 16, from += 32, to += 16) v_store(to, v_f16(from));
    break;
  case SCALE_BF16:
    for (; n >= 16; n -= 16, from += 32, to += 16) v_store(to, v_bf16(from));
    break;
  default: memcpy(to, from, n * sizeof(float));
  }
}

// stretch8 multiplies M rows by the blocks [b0, b1) of np panels from column n on.
// Many rows share what is made of scales and of codes of 4 bits.
FN static void stretch8(const mul8_args *a, int m0, int M, int n, int np, int b0, int b1) {
  const int blocks = b1 - b0, scale_bytes = a->kind == SCALE_F32 ? 4 : 2;
  const size_t code_block = a->bits * 64, scales_of = (size_t)blocks * 16 * a->halves;
  const uint8_t *panel = a->panels + (size_t)(n / 16) * a->panel_size;
  float *scales = a->scratch, *biases = scales + KB8 * 16 * 2 * WIDEST8;
  uint8_t *spread = (uint8_t *)(biases + KB8 * 16 * WIDEST8);
  float *edge = (float *)(spread + KB8 * 512 * WIDEST8);
  tile8_args t = {
      .blocks = blocks, .ldx = a->ldx, .codes = panel + a->head + b0 * code_block, .next_codes = a->panel_size,
      .scales = scales, .biases = biases, .next_scales = scales_of, .ldy = a->ldy, .more = b0 > 0};
  for (int i = 0; i < np; i++) {
    const uint8_t *head = panel + i * a->panel_size;
    widen8(a->kind, head + (size_t)b0 * 16 * a->halves * scale_bytes, scales_of, scales + i * scales_of);
    if (a->bias) widen8(a->kind, head + ((size_t)(a->K / 32) + b0) * 16 * scale_bytes, scales_of, biases + i * scales_of);
  }
  const tile8_fns *fns = a->bias ? &tiles8_nibbles_bias : &tiles8_nibbles;
  if (a->bits == 8) {
    fns = a->halves == 2 ? &tiles8_halves : a->bias ? &tiles8_bytes_bias : &tiles8_bytes;
  } else if (M > ROWS8) {
    for (int i = 0; i < np; i++)
      for (int b = 0; b < blocks; b++)
        for (int k = 0; k < 4; k++) {
          wide both = w_load(t.codes + i * a->panel_size + b * 256 + 64 * k);
          uint8_t *to = spread + ((size_t)i * blocks + b) * 512 + 64 * k;
          w_store(to, w_low(both));
          w_store(to + 256, w_high(both));
        }
    t.codes = spread;
    t.next_codes = (size_t)blocks * 512;
    fns = a->bias ? &tiles8_bytes_bias : &tiles8_bytes;
  }
  const int rest = a->n1 - n;  // fewer than 16 are left of the last panel
  for (int left = (M + ROWS8 - 1) / ROWS8; M > 0; left--) {
    int mr = (M + left - 1) / left;
    t.x = a->x + (size_t)m0 * a->ldx + (size_t)b0 * ROW_BLOCK8;
    t.y = a->y + (size_t)m0 * a->ldy + n;
    if (rest >= 16) {
      fns->of[np][mr](&t);
    } else {
      float *y = t.y;
      if (t.more)
        for (int i = 0; i < mr; i++) memcpy(edge + 16 * i, y + i * a->ldy, rest * sizeof(float));
      t.y = edge;
      t.ldy = 16;
      fns->of[np][mr](&t);
      for (int i = 0; i < mr; i++) memcpy(y + i * a->ldy, edge + 16 * i, rest * sizeof(float));
      t.ldy = a->ldy;
    }
    m0 += mr;
    M -= mr;
  }
}

FN void NAME(mul8)(const mul8_args *a) {
  const int blocks = a->K / 32;
  if (blocks == 0)
    for (int i = 0; i < a->M; i++) memset(a->y + i * a->ldy + a->n0, 0, (a->n1 - a->n0) * sizeof(float));
  if (a->M <= ROWS8) {  // one pass over the weights, in the order in which they lie
    for (int n = a->n0, np; n < a->n1; n += 16 * np) {
      np = n + 16 * WIDE8(a->M) <= a->n1 ? WIDE8(a->M) : 1;
      for (int b = 0; b < blocks; b += KB8) stretch8(a, 0, a->M, n, np, b, b + KB8 < blocks ? b + KB8 : blocks);
    }
    return;
  }
  int parts = (a->M + MC8 - 1) / MC8;
  for (int part = 0, m0 = 0; part < parts; part++) {
    int M = (a->M - m0 + parts - part - 1) / (parts - part);
    for (int b = 0; b < blocks; b += KB8)
      for (int n = a->n0, np; n < a->n1; n += 16 * np) {
        np = n + 16 * PANELS8 <= a->n1 ? PANELS8 : 1;
        stretch8(a, m0, M, n, np, b, b + KB8 < blocks ? b + KB8 : blocks);
      }
    m0 += M;
  }
}

// quantize8 lays out a row of K values for products with codes of which zero
// stands for 0 and halves says how many groups there are in a block.
FN void NAME(quantize8)(const float *x, int K, int zero, int halves, uint8_t *to) {
  const int start = CODE_BIAS - zero;
  for (; K > 0; K -= 32, x += 32, to += ROW_BLOCK8) {
    const uint32_t most = largest_bits(x);  // ordered as the magnitudes are, NaNs last
    float largest;
    memcpy(&largest, &most, 4);
    float d = largest / 127.0f, inverse = 127.0f / largest;
    int32_t first = 0, second = 0;
    if (most >= 0x7f800000 || inverse > 3.40282347e38f) {
      memset(to, 0, 32);
      d = most >= 0x7f800000 ? __builtin_nanf("") : 0;
    } else {
      first = round16(v_mul(v_load(x), v_set1(inverse)), to);
      second = round16(v_mul(v_load(x + 16), v_set1(inverse)), to + 16);
    }
    const int32_t sum = first + second;
    const float scales[2] = {d, d * (float)sum};
    const int32_t starts[2] = {start * (halves == 2 ? first : sum), start * second};
    memcpy(to + 32, scales, 8);
    memcpy(to + 40, starts, 8);
  }
}
