//go:build amd64

// Products of rows and weights in bfloat16, by VDPBF16PS; bf16.go says what they
// are, bit for bit.
#include "bf16.h"
#include "simd_avx512.h"
#undef FN
#define FN __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,avx2,fma,f16c")))
#ifdef __clang__
#define UNROLL _Pragma("unroll")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

typedef __m512i pair;  // two columns of 16 rows of weights

// Rows and panels of a tile. 12 sums hide the latency of 6 cycles twice; 8 or 12
// rows by 2 panels and 6 by 4 were no faster on Zen 4.
enum { ROWS16 = 6, PANELS16 = 2 };
#define WIDE16(M) ((M) <= 2 ? 4 : PANELS16)
#define TILES16(T) \
  T(1, 1) T(2, 1) T(3, 1) T(4, 1) T(5, 1) T(6, 1) T(1, 2) T(2, 2) T(3, 2) T(4, 2) T(5, 2) T(6, 2) T(1, 4) T(2, 4)

INLINE pair p_load(const uint8_t *p) { return _mm512_loadu_si512(p); }
INLINE v16 v_dot2(v16 acc, pair w, const uint16_t *x) {
  int32_t two;
  memcpy(&two, x, 4);
  return _mm512_dpbf16_ps(acc, (__m512bh)w, (__m512bh)_mm512_set1_epi32(two));
}

typedef struct {
  int pairs;
  const uint16_t *x;
  size_t ldx;
  const uint8_t *w;
  size_t next;  // bytes to the next panel
  float *y;
  size_t ldy;
  int more;  // add to y
} tile16_args;

INLINE void tile16(const int MR, const int NP, const tile16_args *a) {
  const uint16_t *restrict x = a->x;
  const uint8_t *restrict w = a->w;
  float *restrict y = a->y;
  const size_t ldx = a->ldx, ldy = a->ldy, next = a->next;
  v16 acc[12];
  UNROLL for (int i = 0; i < MR; i++)
    UNROLL for (int n = 0; n < NP; n++) acc[i * NP + n] = a->more ? v_load(y + i * ldy + 16 * n) : v_zero();
  for (int k = 0; k < a->pairs; k++) {
    pair p[4];
    UNROLL for (int n = 0; n < NP; n++) p[n] = p_load(w + n * next);
    UNROLL for (int i = 0; i < MR; i++)
      UNROLL for (int n = 0; n < NP; n++) acc[i * NP + n] = v_dot2(acc[i * NP + n], p[n], x + i * ldx + 2 * k);
    w += 64;
  }
  UNROLL for (int i = 0; i < MR; i++)
    UNROLL for (int n = 0; n < NP; n++) v_store(y + i * ldy + 16 * n, acc[i * NP + n]);
}

typedef void (*tile16_fn)(const tile16_args *);
#define TILE16(MR, NP) \
  FN static __attribute__((noinline)) void tile16_##MR##_##NP(const tile16_args *a) { tile16(MR, NP, a); }
#define TILE16_ENTRY(MR, NP) [NP][MR] = tile16_##MR##_##NP,
TILES16(TILE16)
static const tile16_fn tiles16[5][ROWS16 + 1] = {TILES16(TILE16_ENTRY)};

// stretch16 multiplies M rows by the pairs [k0, k1) of np panels from column n on.
FN static void stretch16(const mul16_args *a, int m0, int M, int n, int np, int k0, int k1) {
  const int rest = a->n1 - n;
  float edge[ROWS16 * 16];
  tile16_args t = {.pairs = k1 - k0, .ldx = a->ldx, .w = a->panels + (size_t)(n / 16) * a->panel_size + (size_t)k0 * 64,
                   .next = a->panel_size, .ldy = a->ldy, .more = k0 > 0};
  for (int left = (M + ROWS16 - 1) / ROWS16; M > 0; left--) {
    int mr = (M + left - 1) / left;
    float *y = a->y + (size_t)m0 * a->ldy + n;
    t.x = a->x + (size_t)m0 * a->ldx + 2 * k0;
    t.y = y;
    if (rest < 16) {
      if (t.more)
        for (int i = 0; i < mr; i++) memcpy(edge + 16 * i, y + i * a->ldy, rest * sizeof(float));
      t.y = edge;
      t.ldy = 16;
    }
    tiles16[np][mr](&t);
    if (rest < 16)
      for (int i = 0; i < mr; i++) memcpy(y + i * a->ldy, edge + 16 * i, rest * sizeof(float));
    m0 += mr;
    M -= mr;
  }
}

FN void mul16_bf16(const mul16_args *a) {
  const int whole = a->M <= ROWS16;  // few rows: one pass over the weights, in the order in which they lie
  const int parts = (a->M + MC16 - 1) / MC16;
  for (int part = 0, m0 = 0; part < parts; part++) {
    int M = (a->M - m0 + parts - part - 1) / (parts - part), k = 0;
    do {
      int end = whole || k + KB16 > a->pairs ? a->pairs : k + KB16;
      int wide = whole ? WIDE16(M) : PANELS16;
      for (int n = a->n0, np; n < a->n1; n += 16 * np) {
        np = n + 16 * wide <= a->n1 ? wide : 1;
        stretch16(a, m0, M, n, np, k, end);
      }
      k = end;
    } while (k < a->pairs);
    m0 += M;
  }
}

// round16_bf16 rounds K values; an odd one is followed by a zero.
FN void round16_bf16(const float *x, int K, uint16_t *to) {
  for (; K >= 16; K -= 16, x += 16, to += 16) _mm256_storeu_si256((__m256i *)to, (__m256i)_mm512_cvtneps_pbh(_mm512_loadu_ps(x)));
  if (K > 0) {
    __mmask16 mask = (1u << K) - 1, even = (1u << (K + K % 2)) - 1;
    _mm256_mask_storeu_epi16(to, even, (__m256i)_mm512_cvtneps_pbh(_mm512_maskz_loadu_ps(mask, x)));
  }
}
