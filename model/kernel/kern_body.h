// The kernels, written once over the vectors of simd_*.h. Included by one file
// for each instruction set.
//
// Products and sums are contracted only where fma is written: cgo compiles with
// -std=c11, in which GCC contracts nothing, and clang obeys the pragma.
#ifdef __clang__
#pragma STDC FP_CONTRACT OFF
#endif
#ifdef __clang__
#define UNROLL _Pragma("unroll")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif
#include <math.h>
#include <string.h>

// ---- exp ----------------------------------------------------------------------

INLINE v16 exp_reduce(v16 x, v16i *n) {
  v16 t = v_fma(x, v_set1(1.44269504088896341f), v_set1(0x1.8p23f));
  *n = v_int(t);
  v16 f = v_sub(t, v_set1(0x1.8p23f));
  v16 r = v_fma(f, v_set1(-0.693359375f), x);
  r = v_fma(f, v_set1(2.12194440e-4f), r);
  v16 q = v_set1(1.9875691500e-4f);
  q = v_fma(q, r, v_set1(1.3981999507e-3f));
  q = v_fma(q, r, v_set1(8.3334519073e-3f));
  q = v_fma(q, r, v_set1(4.1665795894e-2f));
  q = v_fma(q, r, v_set1(1.6666665459e-1f));
  q = v_fma(q, r, v_set1(5.0000001201e-1f));
  return v_fma(q, v_mul(r, r), r);
}

INLINE v16 v_exp(v16 x) {
  v16i n;
  x = v_max(v_set1(-104.0f), x);
  x = v_min(v_set1(89.0f), x);
  v16 p = v_add(v_set1(1.0f), exp_reduce(x, &n));
  v16i half = v_half(n);
  return v_mul(v_mul(p, v_pow2(half)), v_pow2(v_isub(n, half)));
}

INLINE v16 v_expm1_low(v16 x) {
  v16i n;
  v16 e = exp_reduce(v_max(v_set1(-87.0f), x), &n), s = v_pow2(n);
  return v_fma(s, e, v_sub(s, v_set1(1.0f)));
}

// ---- rows ---------------------------------------------------------------------

// A function of rows handles its tail in a padded copy.

FN void NAME(rms_norm)(float *dst, const float *x, const float *weight, size_t n, float eps) {
  v16 a = v_zero();
  size_t i = 0;
  for (; i + 16 <= n; i += 16) {
    v16 u = v_load(x + i);
    a = v_fma(u, u, a);
  }
  if (i < n) {  // a lane without an element adds 0*0, which keeps its sum
    float t[16] = {0};
    memcpy(t, x + i, (n - i) * sizeof(float));
    v16 u = v_load(t);
    a = v_fma(u, u, a);
  }
  float mean = v_sum(a) / (float)n;
  float inv = 1.0f / sqrtf(mean + eps);
  v16 vi = v_set1(inv);
  i = 0;
  if (weight) {
    for (; i + 16 <= n; i += 16) v_store(dst + i, v_mul(v_mul(v_load(x + i), vi), v_load(weight + i)));
    for (; i < n; i++) dst[i] = (x[i] * inv) * weight[i];
  } else {
    for (; i + 16 <= n; i += 16) v_store(dst + i, v_mul(v_load(x + i), vi));
    for (; i < n; i++) dst[i] = x[i] * inv;
  }
}

// EACH applies expression e of vectors a (from y) and b (from t) to y.
#define EACH(y, t, n, e)                                   \
  size_t i = 0;                                            \
  for (; i + 16 <= n; i += 16) {                             \
    v16 a = v_load(y + i), b = v_load(t + i);               \
    v_store(y + i, e);                                     \
  }                                                        \
  if (i < n) {                                             \
    float ta[16] = {0}, tb[16] = {0};                        \
    memcpy(ta, y + i, (n - i) * sizeof(float));            \
    memcpy(tb, t + i, (n - i) * sizeof(float));            \
    v16 a = v_load(ta), b = v_load(tb);                     \
    v_store(ta, e);                                        \
    memcpy(y + i, ta, (n - i) * sizeof(float));            \
    (void)b;                                               \
  }

INLINE v16 v_gate(v16 g, v16 arg, v16 up) { return v_mul(v_div(g, v_add(v_set1(1.0f), v_exp(arg))), up); }

INLINE v16 v_gelu(v16 g, v16 up) {
  v16 u = v_fma(v_mul(g, g), v_mul(v_set1(0.044715f), g), g);
  return v_gate(g, v_mul(v_set1(-1.5957691216057308f), u), up);
}

INLINE v16 v_xielu(v16 x, v16 ap, v16 an, v16 beta, v16 eps) {
  v16 b = v_mul(beta, x);
  v16 low = v_min(eps, x);
  return v_if_pos(x, v_fma(ap, v_mul(x, x), b), v_fma(an, v_sub(v_expm1_low(low), x), b));
}

FN void NAME(silu_mul)(float *gate, const float *up, size_t n) { EACH(gate, up, n, v_gate(a, v_neg(a), b)) }
FN void NAME(gelu_mul)(float *gate, const float *up, size_t n) { EACH(gate, up, n, v_gelu(a, b)) }
FN void NAME(add)(float *y, const float *t, size_t n) { EACH(y, t, n, v_add(a, b)) }
FN void NAME(multiply)(float *y, const float *t, size_t n) { EACH(y, t, n, v_mul(a, b)) }
FN void NAME(add_scaled)(float *y, const float *t, size_t n, float scale) {
  v16 s = v_set1(scale);
  EACH(y, t, n, v_if_zero(b, a, v_fma(s, b, a)))
}
FN void NAME(xielu)(float *x, size_t n, float ap, float an, float beta, float eps) {
  v16 vp = v_set1(ap), vn = v_set1(an), vb = v_set1(beta), ve = v_set1(eps);
  EACH(x, x, n, v_xielu(a, vp, vn, vb, ve))
}

FN void NAME(rope)(float *x, size_t n, size_t hd, const float *cos, const float *sin, size_t half) {
  for (float *h = x; h < x + n; h += hd) {
    float *h2 = h + half;
    size_t i = 0;
    for (; i + 16 <= half; i += 16) {
      v16 a = v_load(h + i), b = v_load(h2 + i), c = v_load(cos + i), s = v_load(sin + i);
      v_store(h + i, v_fma(v_neg(b), s, v_mul(a, c)));
      v_store(h2 + i, v_fma(a, s, v_mul(b, c)));
    }
    if (i < half) {
      size_t m = (half - i) * sizeof(float);
      float ta[16] = {0}, tb[16] = {0}, tc[16] = {0}, ts[16] = {0};
      memcpy(ta, h + i, m);
      memcpy(tb, h2 + i, m);
      memcpy(tc, cos + i, m);
      memcpy(ts, sin + i, m);
      v16 a = v_load(ta), b = v_load(tb), c = v_load(tc), s = v_load(ts);
      v_store(ta, v_fma(v_neg(b), s, v_mul(a, c)));
      v_store(tb, v_fma(a, s, v_mul(b, c)));
      memcpy(h + i, ta, m);
      memcpy(h2 + i, tb, m);
    }
  }
}

// ---- statistics over the vocabulary --------------------------------------------

INLINE v8d d_exp(v8d x) {
  const v8d low = d_set1(-708.0);
  v8d in = x;
  x = d_max(low, x);
  v8d t = d_fma(x, d_set1(1.44269504088896340736), d_set1(0x1.8p52));
  v8d f = d_sub(t, d_set1(0x1.8p52));
  v8d r = d_fma(f, d_set1(-6.93147180369123816490e-01), x);
  r = d_fma(f, d_set1(-1.90821492927058770002e-10), r);
  v8d q = d_set1(1.0 / 39916800);
  q = d_fma(q, r, d_set1(1.0 / 3628800));
  q = d_fma(q, r, d_set1(1.0 / 362880));
  q = d_fma(q, r, d_set1(1.0 / 40320));
  q = d_fma(q, r, d_set1(1.0 / 5040));
  q = d_fma(q, r, d_set1(1.0 / 720));
  q = d_fma(q, r, d_set1(1.0 / 120));
  q = d_fma(q, r, d_set1(1.0 / 24));
  q = d_fma(q, r, d_set1(1.0 / 6));
  q = d_fma(q, r, d_set1(0.5));
  q = d_fma(q, r, d_set1(1.0));
  q = d_fma(q, r, d_set1(1.0));
  return d_zero_below(in, low, d_mul(q, d_pow2(t)));
}

FN float NAME(max_sum_exp)(const float *x, size_t n, double *sum) {
  float m = -INFINITY;
  size_t i = 0;
  if (n >= 32) {
    v16 a = v_set1(-INFINITY), b = a;
    for (; i + 32 <= n; i += 32) {  // v_max(x, a) is a where x is NaN
      a = v_max(v_load(x + i), a);
      b = v_max(v_load(x + i + 16), b);
    }
    m = v_largest(v_max(a, b));
  }
  for (; i < n; i++) m = x[i] > m ? x[i] : m;
  v8d dm = d_set1(m), p[2];
  for (int j = 0; j < 2; j++) p[j] = d_set1(0);
  for (i = 0; i + 16 <= n; i += 16) {
    UNROLL for (int j = 0; j < 2; j++) p[j] = d_add(p[j], d_exp(d_sub(d_from(x + i + 8 * j), dm)));
  }
  double s[16];
  for (int j = 0; j < 2; j++) d_store(s + 8 * j, p[j]);
  if (i < n) {
    float t[16] = {0};
    double e[16];
    memcpy(t, x + i, (n - i) * sizeof(float));
    for (int j = 0; j < 2; j++) d_store(e + 8 * j, d_exp(d_sub(d_from(t + 8 * j), dm)));
    for (size_t j = 0; i + j < n; j++) s[j] += e[j];
  }
  for (int h = 8; h > 0; h /= 2)
    for (int j = 0; j < h; j++) s[j] += s[j + h];
  *sum = s[0];
  return m;
}

// ---- products -------------------------------------------------------------------

// A tile computes MR rows by NP panels of 16 columns: y (+)= x w, where the
// panels of w are [K][ldw], next floats apart.
typedef void (*tile_fn)(int K, const float *x, size_t ldx, const float *w, size_t ldw, size_t next, float *y, size_t ldy,
                        int more);
#define TILE(MR, NP)                                                                                           \
  FN static __attribute__((noinline)) void tile_##MR##_##NP(int K, const float *restrict x, size_t ldx,        \
                                                            const float *restrict w, size_t ldw, size_t next,  \
                                                            float *restrict y, size_t ldy, int more) {         \
    v16 acc[MR * NP];                                                                                          \
    UNROLL for (int i = 0; i < MR; i++)                                                                        \
      UNROLL for (int n = 0; n < NP; n++) acc[i * NP + n] = more ? v_load(y + i * ldy + 16 * n) : v_zero();    \
    for (int k = 0; k < K; k++) {                                                                              \
      v16 b[NP];                                                                                               \
      UNROLL for (int n = 0; n < NP; n++) b[n] = v_load(w + n * next);                                         \
      UNROLL for (int i = 0; i < MR; i++) {                                                                    \
        v16 v = v_set1(x[i * ldx + k]);                                                                        \
        UNROLL for (int n = 0; n < NP; n++) acc[i * NP + n] = v_fma(v, b[n], acc[i * NP + n]);                 \
      }                                                                                                        \
      w += ldw;                                                                                                \
    }                                                                                                          \
    UNROLL for (int i = 0; i < MR; i++)                                                                        \
      UNROLL for (int n = 0; n < NP; n++) v_store(y + i * ldy + 16 * n, acc[i * NP + n]);                      \
  }
TILES(TILE)
#define TILE_ENTRY(MR, NP) [NP][MR] = tile_##MR##_##NP,
static const tile_fn tile_fns[TILE_PANELS + 1][TILE_ROWS + 1] = {TILES(TILE_ENTRY)};

FN static void tiles(int M, int NP, int K, const float *x, size_t ldx, const float *w, size_t ldw, size_t next, float *y,
                     size_t ldy, int more) {
  // Rows in tiles of equal height: one more than TILE_ROWS are two halves.
  for (int left = (M + TILE_ROWS - 1) / TILE_ROWS; M > 0; left--) {
    int mr = (M + left - 1) / left;
    tile_fns[NP][mr](K, x, ldx, w, ldw, next, y, ldy, more);
    x += mr * ldx;
    y += mr * ldy;
    M -= mr;
  }
}

// A format gives the bytes of 32 columns of a panel, the state that a block of
// 32 columns needs (scales), and the widening of columns k and k+1 of it.
typedef struct { v16 d, m; } scales;

INLINE size_t block_bytes(int fmt) {
  switch (fmt) {
  case F32: return 32 * 64;
  case F16: case BF16: return 32 * 32;
  case Q8_0: return 32 + 32 * 16;
  case Q4_0: return 32 + 16 * 16;
  case Q4_1: return 64 + 16 * 16;
  case CODES2: return 32 * 4;  // of the codes only
  case CODES4: return 32 * 8;
  case CODES6: return 32 * 12;
  default: return 32 * 16;
  }
}

INLINE scales block_scales(int fmt, const uint8_t *p) {
  scales s = {v_zero(), v_zero()};
  if (fmt >= Q8_0) s.d = v_f16(p);
  if (fmt == Q4_1) s.m = v_f16(p + 32);
  return s;
}

// widen1 gives one column of the formats without blocks.
INLINE v16 widen1(int fmt, const uint8_t *p, int k) {
  switch (fmt) {
  case F32: return v_load((const float *)p + 16 * k);
  case F16: return v_f16(p + 32 * k);
  default: return v_bf16(p + 32 * k);
  }
}

// widen2 gives columns k and k+1 (k even) of the block at p.
INLINE void widen2(int fmt, const uint8_t *p, int k, const scales *s, v16 w[2]) {
  switch (fmt) {
  case Q8_0:
    UNROLL for (int j = 0; j < 2; j++) w[j] = v_mul(s->d, v_i8(p + 32 + 16 * (k + j)));
    break;
  case Q4_0:
    v_nibbles(p + 32 + 8 * k, w);
    UNROLL for (int j = 0; j < 2; j++) w[j] = v_mul(s->d, v_sub(w[j], v_set1(8.0f)));
    break;
  case Q4_1:  // d*q is exact, so that this fma rounds as the sum does
    v_nibbles(p + 64 + 8 * k, w);
    UNROLL for (int j = 0; j < 2; j++) w[j] = v_fma(s->d, w[j], s->m);
    break;
  default:
    UNROLL for (int j = 0; j < 2; j++) w[j] = widen1(fmt, p, k + j);
  }
}

// decode widens the columns [k0, k0+n) of a panel to w [n][16].
INLINE void decode(int fmt, const uint8_t *p, int k0, int n, float *w) {
  int k = 0;
  p += (size_t)(k0 / 32) * block_bytes(fmt);
  for (; k + 32 <= n; k += 32) {
    scales s = block_scales(fmt, p);
    for (int j = 0; j < 32; j += 2, w += 32) {
      v16 v[2];
      widen2(fmt, p, j, &s, v);
      v_store(w, v[0]);
      v_store(w + 16, v[1]);
    }
    p += block_bytes(fmt);
  }
  if (fmt <= BF16)
    for (int j = 0; k < n; k++, j++, w += 16) v_store(w, widen1(fmt, p, j));
}

// A product of few rows computes MR rows by NP panels of 16 columns over all of
// K, widening in registers. Several panels keep enough sums in flight for one or
// two rows. accumulate adds one column w of panel n to the sums.
INLINE void accumulate(int MR, int NP, int n, const float *x, size_t ldx, v16 w, v16 *acc) {
  UNROLL for (int i = 0; i < MR; i++) acc[i * NP + n] = v_fma(v_set1(x[i * ldx]), w, acc[i * NP + n]);
}

INLINE void few(int fmt, int MR, int NP, int K, const float *restrict x, size_t ldx, const uint8_t *restrict p,
                size_t panel_size, float *restrict y, size_t ldy) {
  v16 acc[MAX_SUMS];
  UNROLL for (int i = 0; i < MR * NP; i++) acc[i] = v_zero();
  int k = 0;
  for (; k + 32 <= K; k += 32) {
    scales s[4];
    UNROLL for (int n = 0; n < NP; n++) s[n] = block_scales(fmt, p + n * panel_size);
    for (int j = 0; j < 32; j += 2) {
      UNROLL for (int n = 0; n < NP; n++) {
        v16 w[2];
        widen2(fmt, p + n * panel_size, j, &s[n], w);
        UNROLL for (int c = 0; c < 2; c++) accumulate(MR, NP, n, x + k + j + c, ldx, w[c], acc);
      }
    }
    p += block_bytes(fmt);
  }
  if (fmt <= BF16)
    for (int j = 0; k < K; k++, j++)
      UNROLL for (int n = 0; n < NP; n++) accumulate(MR, NP, n, x + k, ldx, widen1(fmt, p + n * panel_size, j), acc);
  UNROLL for (int i = 0; i < MR; i++)
    UNROLL for (int n = 0; n < NP; n++) v_store(y + i * ldy + 16 * n, acc[i * NP + n]);
}

// ---- matrices of codes ----

// group_scales gives the scales and biases of the group that column k of a panel
// is in. Without biases they are -0, which changes nothing that it is added to.
INLINE scales group_scales(const groups *g, const uint8_t *panel, int k) {
  const size_t both = 1 + g->bias;
  const uint8_t *p;
  if (g->nested) {
    const size_t n = 256 >> g->shift;
    p = panel + (size_t)(k / 256) * (64 + 16 * n) * both;
  } else {
    p = panel + (size_t)(k >> g->shift) * 64 * both;
  }
  scales s = {v_load((const float *)p), v_set1(-0.0f)};
  if (g->bias) s.m = v_load((const float *)p + 16);
  if (g->nested) {
    p += 64 * both + (size_t)(k % 256 >> g->shift) * 16 * both;
    s.d = v_mul(s.d, v_i8(p));
    if (g->bias) s.m = v_mul(s.m, v_i8(p + 16));
  }
  return s;
}

INLINE v16 scaled(v16 q, const scales *s) { return v_add(v_mul(s->d, q), s->m); }

// codes2 gives columns k+2*part and the next (k a multiple of 4) of the 16 whose
// codes are at p.
INLINE void codes2(int fmt, const uint8_t *p, int k, int part, v_values t, int zero, const scales *s, v16 w[2]) {
  const uint8_t *nibbles = p + 8 * k + 16 * part;
  switch (fmt) {
  case CODES2: v_codes2(p + 4 * k, part, w); break;
  case CODES4: v_codes4(nibbles, t, w); break;
  case CODES6: v_codes6(nibbles, p + 128 + 4 * k, part, zero, w); break;
  case CODES8:
    UNROLL for (int j = 0; j < 2; j++) w[j] = v_u8(p + 16 * (k + 2 * part + j));
    break;
  default:
    UNROLL for (int j = 0; j < 2; j++) w[j] = v_float8(p + 16 * (k + 2 * part + j));
  }
  UNROLL for (int j = 0; j < 2; j++) w[j] = scaled(w[j], s);
}

// decode_groups is decode for matrices of codes; k0 is a multiple of 256.
INLINE void decode_groups(int fmt, const groups *g, const uint8_t *panel, int k0, int n, float *w) {
  const size_t bytes = block_bytes(fmt) / 2;  // of 16 columns
  const uint8_t *p = panel + g->head + (size_t)(k0 / 16) * bytes;
  const v_values t = v_values_at(g->values);
  const int group = 1 << g->shift;
  scales s;
  int k = 0;
  for (; k + 16 <= n; k += 16, p += bytes) {
    if ((k & (group - 1)) == 0) s = group_scales(g, panel, k0 + k);
    for (int j = 0; j < 16; j += 4) {
      UNROLL for (int part = 0; part < 2; part++, w += 32) {
        v16 v[2];
        codes2(fmt, p, j, part, t, g->zero, &s, v);
        v_store(w, v[0]);
        v_store(w + 16, v[1]);
      }
    }
  }
  if (fmt == FLOAT8 && k < n) {  // of FLOAT8 a row may have any number
    if ((k & (group - 1)) == 0) s = group_scales(g, panel, k0 + k);
    for (; k < n; k++, p += 16, w += 16) v_store(w, scaled(v_float8(p), &s));
  }
}

// few_groups is few for matrices of codes.
INLINE void few_groups(int fmt, int MR, int NP, int K, const float *restrict x, size_t ldx, const groups *g,
                       const uint8_t *restrict panel, size_t panel_size, float *restrict y, size_t ldy) {
  const size_t bytes = block_bytes(fmt) / 2;
  const uint8_t *p = panel + g->head;
  const v_values t = v_values_at(g->values);
  const int group = 1 << g->shift, zero = g->zero;
  v16 acc[MAX_SUMS];
  scales s[4];
  UNROLL for (int i = 0; i < MR * NP; i++) acc[i] = v_zero();
  int k = 0;
  for (; k + 16 <= K; k += 16, p += bytes) {
    if ((k & (group - 1)) == 0) UNROLL for (int n = 0; n < NP; n++) s[n] = group_scales(g, panel + n * panel_size, k);
    for (int j = 0; j < 16; j += 4) {
      UNROLL for (int n = 0; n < NP; n++) {
        UNROLL for (int part = 0; part < 2; part++) {
          v16 w[2];
          codes2(fmt, p + n * panel_size, j, part, t, zero, &s[n], w);
          UNROLL for (int c = 0; c < 2; c++) accumulate(MR, NP, n, x + k + j + 2 * part + c, ldx, w[c], acc);
        }
      }
    }
  }
  if (fmt == FLOAT8 && k < K) {
    if ((k & (group - 1)) == 0) UNROLL for (int n = 0; n < NP; n++) s[n] = group_scales(g, panel + n * panel_size, k);
    for (; k < K; k++, p += 16)
      UNROLL for (int n = 0; n < NP; n++)
        accumulate(MR, NP, n, x + k, ldx, scaled(v_float8(p + n * panel_size), &s[n]), acc);
  }
  UNROLL for (int i = 0; i < MR; i++)
    UNROLL for (int n = 0; n < NP; n++) v_store(y + i * ldy + 16 * n, acc[i * NP + n]);
}

typedef void (*few_fn)(const mul_args *, const uint8_t *, float *, size_t);
typedef void (*decode_fn)(const groups *, const uint8_t *, int, int, float *);

// One format's functions: few[NP][MR], and decode.
typedef struct {
  few_fn few[5][FEW_ROWS + 1];
  decode_fn decode;
} format_fns;

#define FEW_FN(fmt, MR, NP)                                                                                \
  FN static __attribute__((noinline)) void few_##fmt##_##MR##_##NP(const mul_args *a, const uint8_t *p, float *y, size_t ldy) { \
    if (fmt < CODES2)                                                                                      \
      few(fmt, MR, NP, a->K, a->x, a->ldx, p, a->panel_size, y, ldy);                                      \
    else                                                                                                   \
      few_groups(fmt, MR, NP, a->K, a->x, a->ldx, &a->g, p, a->panel_size, y, ldy);                        \
  }
#define FEW_ENTRY(fmt, MR, NP) [NP][MR] = few_##fmt##_##MR##_##NP,
#define FORMAT(fmt)                                                                                        \
  FEWS(FEW_FN, fmt)                                                                                        \
  FN static __attribute__((noinline)) void decode_##fmt(const groups *g, const uint8_t *panel, int k, int n, float *w) { \
    if (fmt < CODES2)                                                                                      \
      decode(fmt, panel, k, n, w);                                                                         \
    else                                                                                                   \
      decode_groups(fmt, g, panel, k, n, w);                                                               \
  }
FORMAT(F32) FORMAT(F16) FORMAT(BF16) FORMAT(Q8_0) FORMAT(Q4_0) FORMAT(Q4_1)
FORMAT(CODES2) FORMAT(CODES4) FORMAT(CODES6) FORMAT(CODES8) FORMAT(FLOAT8)
#define FNS(fmt) [fmt] = {{FEWS(FEW_ENTRY, fmt)}, decode_##fmt}
static const format_fns formats[FORMATS] = {FNS(F32),    FNS(F16),    FNS(BF16),   FNS(Q8_0),   FNS(Q4_0),  FNS(Q4_1),
                                            FNS(CODES2), FNS(CODES4), FNS(CODES6), FNS(CODES8), FNS(FLOAT8)};

// few_rows multiplies up to FEW_ROWS rows.
FN static void few_rows(const mul_args *a) {
  const format_fns *f = &formats[a->fmt];
  const int M = a->M, wide = FEW_PANELS(M);
  for (int n = a->n0; n < a->n1;) {
    const uint8_t *p = a->panels + (size_t)(n / 16) * a->panel_size;
    if (n + 16 * wide <= a->n1) {
      f->few[wide][M](a, p, a->y + n, a->ldy);
      n += 16 * wide;
      continue;
    }
    if (n + 16 <= a->n1) {
      f->few[1][M](a, p, a->y + n, a->ldy);
    } else {
      float t[FEW_ROWS * 16];
      f->few[1][M](a, p, t, 16);
      for (int i = 0; i < M; i++) memcpy(a->y + i * a->ldy + n, t + 16 * i, (a->n1 - n) * sizeof(float));
    }
    n += 16;
  }
}

// panels multiplies M rows xs [M][XS] by the columns [k, k+K) of NP panels from
// column n on.
FN static void panels(const mul_args *a, int M, int NP, int k, int K, int n, const float *xs, float *y) {
  const uint8_t *p = a->panels + (size_t)(n / 16) * a->panel_size;
  float *ws = a->scratch + MC * XS, *ys = ws + KC * 16 * TILE_PANELS;
  const float *w = ws;
  size_t next = KC * 16;
  if (a->fmt == F32) {
    w = (const float *)p + (size_t)k * 16;
    next = a->panel_size / sizeof(float);
  } else {
    for (int i = 0; i < NP; i++) formats[a->fmt].decode(&a->g, p + i * a->panel_size, k, K, ws + i * next);
  }
  if (n + 16 * NP <= a->n1) {
    tiles(M, NP, K, xs, XS, w, 16, next, y + n, a->ldy, k > 0);
    return;
  }
  size_t bytes = (a->n1 - n) * sizeof(float);
  if (k > 0)
    for (int i = 0; i < M; i++) memcpy(ys + 16 * i, y + i * a->ldy + n, bytes);
  tiles(M, 1, K, xs, XS, w, 16, next, ys, 16, k > 0);
  for (int i = 0; i < M; i++) memcpy(y + i * a->ldy + n, ys + 16 * i, bytes);
}

FN void NAME(mul)(const mul_args *a) {
  if (a->M <= FEW_ROWS) {
    few_rows(a);
    return;
  }
  float *xs = a->scratch;
  // Chunks of rows of equal height.
  int parts = (a->M + MC - 1) / MC;
  for (int part = 0, m0 = 0; part < parts; part++) {
    int M = (a->M - m0 + parts - part - 1) / (parts - part);
    const float *x = a->x + m0 * a->ldx;
    float *y = a->y + m0 * a->ldy;
    m0 += M;
    if (a->K == 0)
      for (int i = 0; i < M; i++) memset(y + i * a->ldy + a->n0, 0, (a->n1 - a->n0) * sizeof(float));
    for (int k = 0; k < a->K; k += KC) {
      int K = a->K - k < KC ? a->K - k : KC;
      for (int i = 0; i < M; i++) memcpy(xs + (size_t)i * XS, x + i * a->ldx + k, K * sizeof(float));
      for (int n = a->n0, np; n < a->n1; n += 16 * np) {
        np = n + 16 * TILE_PANELS <= a->n1 ? TILE_PANELS : 1;
        panels(a, M, np, k, K, n, xs, y);
      }
    }
  }
}

// ---- attention --------------------------------------------------------------------

// add_values adds p_j v_j for j in [j0, j1) to one query's sums.
FN static void add_values(const float *p, int j0, int j1, const float *v, int hd, float *acc) {
  for (int j = j0; j < j1; j++) {
    v16 pj = v_set1(p[j]);
    int d = 0;
    for (; d + 16 <= hd; d += 16) v_store(acc + d, v_fma(pj, v_load(v + (size_t)j * hd + d), v_load(acc + d)));
    if (d < hd) {
      size_t n = (hd - d) * sizeof(float);
      float tv[16] = {0}, ta[16] = {0};
      memcpy(tv, v + (size_t)j * hd + d, n);
      memcpy(ta, acc + d, n);
      v_store(ta, v_fma(pj, v_load(tv), v_load(ta)));
      memcpy(acc + d, ta, n);
    }
  }
}

FN static void scale_row(float *x, int n, float c) {
  v16 v = v_set1(c);
  int d = 0;
  for (; d + 16 <= n; d += 16) v_store(x + d, v_mul(v_load(x + d), v));
  for (; d < n; d++) x[d] *= c;
}

INLINE float exp1(float x) {
  float t[16];
  v_store(t, v_exp(v_set1(x)));
  return t[0];
}

// softmax turns one query's scores s of the lanes [j0, j1) of a block into
// weights, and rescales its sums where the maximum grows.
FN static void softmax(float *s, int j0, int j1, float scale, float *m, float *l, float *acc, int hd) {
  v16 a = v_mul(v_load(s), v_set1(scale));
  int whole = j0 == 0 && j1 == 16;
  if (!whole) {
    v_store(s, a);
    for (int j = 0; j < 16; j++)
      if (j < j0 || j >= j1) s[j] = -INFINITY;
    a = v_load(s);
  }
  float next = v_largest(a);
  next = next > *m ? next : *m;
  float c = 1;
  if (!(next == *m && next - next == 0)) {  // else c = exp(0) = 1, which changes nothing
    c = exp1(*m - next);
    scale_row(acc, hd, c);
    *m = next;
  }
  a = v_exp(v_sub(a, v_set1(next)));
  v_store(s, a);
  if (!whole) {
    for (int j = 0; j < 16; j++)
      if (j < j0 || j >= j1) s[j] = 0;
    a = v_load(s);
  }
  v_store(l, v_fma(v_load(l), v_set1(c), a));
}

FN static void attend_some(const attend_args *a, int t0, int n) {
  const int hd = a->hd;
  float *q = a->scratch, *acc = q + (size_t)QC * hd, *s = acc + (size_t)QC * hd, *l = s + QC * 16, *m = l + QC * 16;
  int lo[QC], hi[QC], from = INT32_MAX, to = 0;
  memset(acc, 0, (size_t)n * hd * sizeof(float));
  memset(l, 0, n * 16 * sizeof(float));
  for (int i = 0; i < n; i++) {
    int r = (t0 + i) / a->G, g = (t0 + i) % a->G;
    memcpy(q + (size_t)i * hd, a->q + r * a->ldq + (size_t)g * hd, hd * sizeof(float));
    m[i] = -INFINITY;
    lo[i] = a->first ? a->first[r] : 0;
    hi[i] = a->nkeys[r];
    if (lo[i] >= hi[i]) {
      lo[i] = hi[i] = 0;
      continue;
    }
    if (lo[i] < from) from = lo[i];
    if (hi[i] > to) to = hi[i];
  }
  for (int b = from / 16; b * 16 < to; b++) {
    const float *block = (const float *)a->blocks[b - a->b0];
    const float *keys = block + a->koff, *values = block + a->voff;
    // The queries [i0, i1) include all that see this block.
    int i0 = 0, i1 = n;
    while (i0 < n && (hi[i0] <= b * 16 || lo[i0] >= b * 16 + 16)) i0++;
    while (i1 > i0 && (hi[i1 - 1] <= b * 16 || lo[i1 - 1] >= b * 16 + 16)) i1--;
    if (i0 == i1) continue;
    tiles(i1 - i0, 1, hd, q + (size_t)i0 * hd, hd, keys, 16, 0, s + 16 * i0, 16, 0);
    int whole = 1;
    for (int i = i0; i < i1; i++) {
      int j0 = lo[i] > b * 16 ? lo[i] - b * 16 : 0, j1 = hi[i] < b * 16 + 16 ? hi[i] - b * 16 : 16;
      if (j0 != 0 || j1 != 16) whole = 0;
      if (j0 < j1) softmax(s + 16 * i, j0, j1, a->scale, m + i, l + 16 * i, acc + (size_t)i * hd, hd);
    }
    if (whole && hd % 16 == 0) {
      for (int d = 0, np; d < hd; d += 16 * np) {
        np = d + 16 * TILE_PANELS <= hd ? TILE_PANELS : 1;
        tiles(i1 - i0, np, 16, s + 16 * i0, 16, values + d, hd, 16, acc + (size_t)i0 * hd + d, hd, 1);
      }
      continue;
    }
    for (int i = i0; i < i1; i++) {
      int j0 = lo[i] > b * 16 ? lo[i] - b * 16 : 0, j1 = hi[i] < b * 16 + 16 ? hi[i] - b * 16 : 16;
      add_values(s + 16 * i, j0, j1, values, hd, acc + (size_t)i * hd);
    }
  }
  for (int i = 0; i < n; i++) {
    int r = (t0 + i) / a->G, g = (t0 + i) % a->G;
    float *o = a->out + r * a->ldo + (size_t)g * hd, *row = acc + (size_t)i * hd;
    if (lo[i] < hi[i]) scale_row(row, hd, 1.0f / v_sum(v_load(l + 16 * i)));
    memcpy(o, row, hd * sizeof(float));
  }
}

FN void NAME(attend)(const attend_args *a) {
  for (int t = 0; t < a->R * a->G; t += QC) {
    int n = a->R * a->G - t < QC ? a->R * a->G - t : QC;
    attend_some(a, t, n);
  }
}

// ---- probe --------------------------------------------------------------------------

// fma_burst does n steps of 192 multiplications and additions in registers; its
// result depends on all of them.
FN double NAME(fma_burst)(size_t n) {
  float start[16];
  for (int j = 0; j < 16; j++) start[j] = 1 + j;
  v16 acc[MAX_SUMS], x = v_set1(1.0000001f), c = v_set1(1e-9f);
  UNROLL for (int i = 0; i < MAX_SUMS; i++) acc[i] = v_mul(v_load(start), v_set1(i));
  for (size_t k = 0; k < n * 12 / MAX_SUMS; k++) {
    UNROLL for (int i = 0; i < MAX_SUMS; i++) acc[i] = v_fma(acc[i], x, c);
  }
  UNROLL for (int i = 1; i < MAX_SUMS; i++) acc[0] = v_add(acc[0], acc[i]);
  return v_sum(acc[0]);
}
