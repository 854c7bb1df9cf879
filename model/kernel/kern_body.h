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

INLINE v8 exp_reduce(v8 x, v8i *n) {
  v8 t = v_fma(x, v_set1(1.44269504088896341f), v_set1(0x1.8p23f));
  *n = v_int(t);
  v8 f = v_sub(t, v_set1(0x1.8p23f));
  v8 r = v_fma(f, v_set1(-0.693359375f), x);
  r = v_fma(f, v_set1(2.12194440e-4f), r);
  v8 q = v_set1(1.9875691500e-4f);
  q = v_fma(q, r, v_set1(1.3981999507e-3f));
  q = v_fma(q, r, v_set1(8.3334519073e-3f));
  q = v_fma(q, r, v_set1(4.1665795894e-2f));
  q = v_fma(q, r, v_set1(1.6666665459e-1f));
  q = v_fma(q, r, v_set1(5.0000001201e-1f));
  return v_fma(q, v_mul(r, r), r);
}

INLINE v8 v_exp(v8 x) {
  v8i n;
  x = v_max(v_set1(-104.0f), x);
  x = v_min(v_set1(89.0f), x);
  v8 p = v_add(v_set1(1.0f), exp_reduce(x, &n));
  v8i half = v_half(n);
  return v_mul(v_mul(p, v_pow2(half)), v_pow2(v_isub(n, half)));
}

INLINE v8 v_expm1_low(v8 x) {
  v8i n;
  v8 e = exp_reduce(v_max(v_set1(-87.0f), x), &n), s = v_pow2(n);
  return v_fma(s, e, v_sub(s, v_set1(1.0f)));
}

// ---- rows ---------------------------------------------------------------------

// A function of rows handles its tail in a padded copy.
#define TAIL(p, n) \
  float p##_tail[8] = {0}; \
  memcpy(p##_tail, p, (n) * sizeof(float))

FN void NAME(rms_norm)(float *dst, const float *x, const float *weight, size_t n, float eps) {
  v8 a = v_zero(), b = v_zero();
  size_t i = 0;
  for (; i + 16 <= n; i += 16) {
    v8 u = v_load(x + i), v = v_load(x + i + 8);
    a = v_fma(u, u, a);
    b = v_fma(v, v, b);
  }
  if (i < n) {  // a lane without an element adds 0*0, which keeps its sum
    float t[16] = {0};
    memcpy(t, x + i, (n - i) * sizeof(float));
    v8 u = v_load(t), v = v_load(t + 8);
    a = v_fma(u, u, a);
    b = v_fma(v, v, b);
  }
  float mean = v_sum16(a, b) / (float)n;
  float inv = 1.0f / sqrtf(mean + eps);
  v8 vi = v_set1(inv);
  i = 0;
  if (weight) {
    for (; i + 8 <= n; i += 8) v_store(dst + i, v_mul(v_mul(v_load(x + i), vi), v_load(weight + i)));
    for (; i < n; i++) dst[i] = (x[i] * inv) * weight[i];
  } else {
    for (; i + 8 <= n; i += 8) v_store(dst + i, v_mul(v_load(x + i), vi));
    for (; i < n; i++) dst[i] = x[i] * inv;
  }
}

// ROWS applies expression e of vectors a (from y) and b (from t) to y.
#define ROWS(y, t, n, e)                                   \
  size_t i = 0;                                            \
  for (; i + 8 <= n; i += 8) {                             \
    v8 a = v_load(y + i), b = v_load(t + i);               \
    v_store(y + i, e);                                     \
  }                                                        \
  if (i < n) {                                             \
    float ta[8] = {0}, tb[8] = {0};                        \
    memcpy(ta, y + i, (n - i) * sizeof(float));            \
    memcpy(tb, t + i, (n - i) * sizeof(float));            \
    v8 a = v_load(ta), b = v_load(tb);                     \
    v_store(ta, e);                                        \
    memcpy(y + i, ta, (n - i) * sizeof(float));            \
    (void)b;                                               \
  }

INLINE v8 v_gate(v8 g, v8 arg, v8 up) { return v_mul(v_div(g, v_add(v_set1(1.0f), v_exp(arg))), up); }

INLINE v8 v_gelu(v8 g, v8 up) {
  v8 u = v_fma(v_mul(g, g), v_mul(v_set1(0.044715f), g), g);
  return v_gate(g, v_mul(v_set1(-1.5957691216057308f), u), up);
}

INLINE v8 v_xielu(v8 x, v8 ap, v8 an, v8 beta, v8 eps) {
  v8 b = v_mul(beta, x);
  v8 low = v_min(eps, x);
  return v_if_pos(x, v_fma(ap, v_mul(x, x), b), v_fma(an, v_sub(v_expm1_low(low), x), b));
}

FN void NAME(silu_mul)(float *gate, const float *up, size_t n) { ROWS(gate, up, n, v_gate(a, v_neg(a), b)) }
FN void NAME(gelu_mul)(float *gate, const float *up, size_t n) { ROWS(gate, up, n, v_gelu(a, b)) }
FN void NAME(add)(float *y, const float *t, size_t n) { ROWS(y, t, n, v_add(a, b)) }
FN void NAME(multiply)(float *y, const float *t, size_t n) { ROWS(y, t, n, v_mul(a, b)) }
FN void NAME(add_scaled)(float *y, const float *t, size_t n, float scale) {
  v8 s = v_set1(scale);
  ROWS(y, t, n, v_if_zero(b, a, v_fma(s, b, a)))
}
FN void NAME(xielu)(float *x, size_t n, float ap, float an, float beta, float eps) {
  v8 vp = v_set1(ap), vn = v_set1(an), vb = v_set1(beta), ve = v_set1(eps);
  ROWS(x, x, n, v_xielu(a, vp, vn, vb, ve))
}

FN void NAME(rope)(float *x, size_t n, size_t hd, const float *cos, const float *sin, size_t half) {
  for (float *h = x; h < x + n; h += hd) {
    float *h2 = h + half;
    size_t i = 0;
    for (; i + 8 <= half; i += 8) {
      v8 a = v_load(h + i), b = v_load(h2 + i), c = v_load(cos + i), s = v_load(sin + i);
      v_store(h + i, v_fma(v_neg(b), s, v_mul(a, c)));
      v_store(h2 + i, v_fma(a, s, v_mul(b, c)));
    }
    if (i < half) {
      size_t m = (half - i) * sizeof(float);
      float ta[8] = {0}, tb[8] = {0}, tc[8] = {0}, ts[8] = {0};
      memcpy(ta, h + i, m);
      memcpy(tb, h2 + i, m);
      memcpy(tc, cos + i, m);
      memcpy(ts, sin + i, m);
      v8 a = v_load(ta), b = v_load(tb), c = v_load(tc), s = v_load(ts);
      v_store(ta, v_fma(v_neg(b), s, v_mul(a, c)));
      v_store(tb, v_fma(a, s, v_mul(b, c)));
      memcpy(h + i, ta, m);
      memcpy(h2 + i, tb, m);
    }
  }
}

// ---- statistics over the vocabulary --------------------------------------------

INLINE v4d d_exp(v4d x) {
  const v4d low = d_set1(-708.0);
  v4d in = x;
  x = d_max(low, x);
  v4d t = d_fma(x, d_set1(1.44269504088896340736), d_set1(0x1.8p52));
  v4d f = d_sub(t, d_set1(0x1.8p52));
  v4d r = d_fma(f, d_set1(-6.93147180369123816490e-01), x);
  r = d_fma(f, d_set1(-1.90821492927058770002e-10), r);
  v4d q = d_set1(1.0 / 39916800);
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
    v8 a = v_set1(-INFINITY), b = a, c = a, d = a;
    for (; i + 32 <= n; i += 32) {  // v_max(x, a) is a where x is NaN
      a = v_max(v_load(x + i), a);
      b = v_max(v_load(x + i + 8), b);
      c = v_max(v_load(x + i + 16), c);
      d = v_max(v_load(x + i + 24), d);
    }
    m = v_max16(v_max(a, b), v_max(c, d));
  }
  for (; i < n; i++) m = x[i] > m ? x[i] : m;
  v4d dm = d_set1(m), p[4];
  for (int j = 0; j < 4; j++) p[j] = d_set1(0);
  for (i = 0; i + 16 <= n; i += 16) {
    UNROLL for (int j = 0; j < 4; j++) p[j] = d_add(p[j], d_exp(d_sub(d_from(x + i + 4 * j), dm)));
  }
  double s[16];
  for (int j = 0; j < 4; j++) d_store(s + 4 * j, p[j]);
  if (i < n) {
    float t[16] = {0};
    double e[16];
    memcpy(t, x + i, (n - i) * sizeof(float));
    for (int j = 0; j < 4; j++) d_store(e + 4 * j, d_exp(d_sub(d_from(t + 4 * j), dm)));
    for (size_t j = 0; i + j < n; j++) s[j] += e[j];
  }
  for (int h = 8; h > 0; h /= 2)
    for (int j = 0; j < h; j++) s[j] += s[j + h];
  *sum = s[0];
  return m;
}

// ---- products -------------------------------------------------------------------

// tile computes MR rows by 16 columns: y (+)= x w, with w [K][ldw].
#define TILE(MR)                                                                                          \
  FN static __attribute__((noinline)) void tile##MR(int K, const float *restrict x, size_t ldx,           \
                                                    const float *restrict w, size_t ldw, float *restrict y, \
                                                    size_t ldy, int more) {                               \
    v8 a[MR], b[MR];                                                                                      \
    UNROLL for (int i = 0; i < MR; i++) {                                                                 \
      a[i] = more ? v_load(y + i * ldy) : v_zero();                                                       \
      b[i] = more ? v_load(y + i * ldy + 8) : v_zero();                                                   \
    }                                                                                                     \
    for (int k = 0; k < K; k++) {                                                                         \
      v8 w0 = v_load(w), w1 = v_load(w + 8);                                                              \
      UNROLL for (int i = 0; i < MR; i++) {                                                               \
        v8 v = v_set1(x[i * ldx + k]);                                                                    \
        a[i] = v_fma(v, w0, a[i]);                                                                        \
        b[i] = v_fma(v, w1, b[i]);                                                                        \
      }                                                                                                   \
      w += ldw;                                                                                           \
    }                                                                                                     \
    UNROLL for (int i = 0; i < MR; i++) {                                                                 \
      v_store(y + i * ldy, a[i]);                                                                         \
      v_store(y + i * ldy + 8, b[i]);                                                                     \
    }                                                                                                     \
  }
TILE(1) TILE(2) TILE(3) TILE(4) TILE(5) TILE(6)

FN static void tiles(int M, int K, const float *x, size_t ldx, const float *w, size_t ldw, float *y, size_t ldy, int more) {
  // Rows in tiles of equal height: seven are 4+3, never 6+1.
  for (int left = (M + 5) / 6; M > 0; left--) {
    int mr = (M + left - 1) / left;
    switch (mr) {
    case 1: tile1(K, x, ldx, w, ldw, y, ldy, more); break;
    case 2: tile2(K, x, ldx, w, ldw, y, ldy, more); break;
    case 3: tile3(K, x, ldx, w, ldw, y, ldy, more); break;
    case 4: tile4(K, x, ldx, w, ldw, y, ldy, more); break;
    case 5: tile5(K, x, ldx, w, ldw, y, ldy, more); break;
    default: tile6(K, x, ldx, w, ldw, y, ldy, more); break;
    }
    x += mr * ldx;
    y += mr * ldy;
    M -= mr;
  }
}

// A format gives the bytes of 32 columns of a panel, the state that a block of
// 32 columns needs (scales), and the widening of columns k and k+1 of it.
typedef struct { v8 d0, d1, m0, m1; } scales;

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
  scales s = {v_zero(), v_zero(), v_zero(), v_zero()};
  if (fmt >= Q8_0) {
    s.d0 = v_f16(p);
    s.d1 = v_f16(p + 16);
  }
  if (fmt == Q4_1) {
    s.m0 = v_f16(p + 32);
    s.m1 = v_f16(p + 48);
  }
  return s;
}

// widen2 gives columns k and k+1 (k even) of the block at p.
INLINE void widen2(int fmt, const uint8_t *p, int k, const scales *s, v8 w[4]) {
  switch (fmt) {
  case F32:
    UNROLL for (int j = 0; j < 4; j++) w[j] = v_load((const float *)p + 16 * k + 8 * j);
    break;
  case F16:
    UNROLL for (int j = 0; j < 4; j++) w[j] = v_f16((const uint16_t *)p + 16 * k + 8 * j);
    break;
  case BF16:
    UNROLL for (int j = 0; j < 4; j++) w[j] = v_bf16((const uint16_t *)p + 16 * k + 8 * j);
    break;
  case Q8_0:
    UNROLL for (int j = 0; j < 4; j++) w[j] = v_mul(j & 1 ? s->d1 : s->d0, v_i8(p + 32 + 16 * k + 8 * j));
    break;
  case Q4_0:
    v_nibbles(p + 32 + 8 * k, w);
    UNROLL for (int j = 0; j < 4; j++) w[j] = v_mul(j & 1 ? s->d1 : s->d0, v_sub(w[j], v_set1(8.0f)));
    break;
  case Q4_1:  // d*q is exact, so that this fma rounds as the sum does
    v_nibbles(p + 64 + 8 * k, w);
    UNROLL for (int j = 0; j < 4; j++) w[j] = v_fma(j & 1 ? s->d1 : s->d0, w[j], j & 1 ? s->m1 : s->m0);
    break;
  }
}

// widen1 gives one column of the formats without blocks.
INLINE void widen1(int fmt, const uint8_t *p, int k, v8 w[2]) {
  UNROLL for (int j = 0; j < 2; j++) {
    if (fmt == F32) w[j] = v_load((const float *)p + 16 * k + 8 * j);
    if (fmt == F16) w[j] = v_f16((const uint16_t *)p + 16 * k + 8 * j);
    if (fmt == BF16) w[j] = v_bf16((const uint16_t *)p + 16 * k + 8 * j);
  }
}

// decode widens the columns [k0, k0+n) of a panel to w [n][16].
INLINE void decode(int fmt, const uint8_t *p, int k0, int n, float *w) {
  int k = 0;
  p += (size_t)(k0 / 32) * block_bytes(fmt);
  for (; k + 32 <= n; k += 32) {
    scales s = block_scales(fmt, p);
    for (int j = 0; j < 32; j += 2) {
      v8 v[4];
      widen2(fmt, p, j, &s, v);
      UNROLL for (int i = 0; i < 4; i++) v_store(w + 8 * i, v[i]);
      w += 32;
    }
    p += block_bytes(fmt);
  }
  if (fmt <= BF16)
    for (int j = 0; k < n; k++, j++, w += 16) {
      v8 v[2];
      widen1(fmt, p, j, v);
      v_store(w, v[0]);
      v_store(w + 8, v[1]);
    }
}

// few computes MR rows by NP panels of 16 columns over all of K, widening in
// registers. Several panels keep enough sums in flight for one or two rows.
INLINE void few(int fmt, int MR, int NP, int K, const float *restrict x, size_t ldx, const uint8_t *restrict p,
                size_t panel_size, float *restrict y, size_t ldy) {
  v8 acc[12];
  UNROLL for (int i = 0; i < 2 * MR * NP; i++) acc[i] = v_zero();
  int k = 0;
  for (; k + 32 <= K; k += 32) {
    scales s[4];
    UNROLL for (int n = 0; n < NP; n++) s[n] = block_scales(fmt, p + n * panel_size);
    for (int j = 0; j < 32; j += 2) {
      UNROLL for (int n = 0; n < NP; n++) {
        v8 w[4];
        widen2(fmt, p + n * panel_size, j, &s[n], w);
        UNROLL for (int i = 0; i < MR; i++) {
          v8 v = v_set1(x[i * ldx + k + j]);
          acc[(i * NP + n) * 2] = v_fma(v, w[0], acc[(i * NP + n) * 2]);
          acc[(i * NP + n) * 2 + 1] = v_fma(v, w[1], acc[(i * NP + n) * 2 + 1]);
        }
        UNROLL for (int i = 0; i < MR; i++) {
          v8 v = v_set1(x[i * ldx + k + j + 1]);
          acc[(i * NP + n) * 2] = v_fma(v, w[2], acc[(i * NP + n) * 2]);
          acc[(i * NP + n) * 2 + 1] = v_fma(v, w[3], acc[(i * NP + n) * 2 + 1]);
        }
      }
    }
    p += block_bytes(fmt);
  }
  if (fmt <= BF16)
    for (int j = 0; k < K; k++, j++) {
      UNROLL for (int n = 0; n < NP; n++) {
        v8 w[2];
        widen1(fmt, p + n * panel_size, j, w);
        UNROLL for (int i = 0; i < MR; i++) {
          v8 v = v_set1(x[i * ldx + k]);
          acc[(i * NP + n) * 2] = v_fma(v, w[0], acc[(i * NP + n) * 2]);
          acc[(i * NP + n) * 2 + 1] = v_fma(v, w[1], acc[(i * NP + n) * 2 + 1]);
        }
      }
    }
  UNROLL for (int i = 0; i < MR; i++) {
    UNROLL for (int n = 0; n < 2 * NP; n++) v_store(y + i * ldy + 8 * n, acc[i * NP * 2 + n]);
  }
}

// ---- matrices of codes ----

// group_scales gives the scales and biases of the group that column k of a panel
// is in. Without biases they are -0, which changes nothing that it is added to.
INLINE scales group_scales(const groups *g, const uint8_t *panel, int k) {
  const size_t both = 1 + g->bias;
  const uint8_t *p;
  scales s;
  s.m0 = s.m1 = v_set1(-0.0f);
  if (g->nested) {
    const size_t n = 256 >> g->shift;
    p = panel + (size_t)(k / 256) * (64 + 16 * n) * both;
  } else {
    p = panel + (size_t)(k >> g->shift) * 64 * both;
  }
  s.d0 = v_load((const float *)p);
  s.d1 = v_load((const float *)p + 8);
  if (g->bias) {
    s.m0 = v_load((const float *)p + 16);
    s.m1 = v_load((const float *)p + 24);
  }
  if (g->nested) {
    p += 64 * both + (size_t)(k % 256 >> g->shift) * 16 * both;
    s.d0 = v_mul(s.d0, v_i8(p));
    s.d1 = v_mul(s.d1, v_i8(p + 8));
    if (g->bias) {
      s.m0 = v_mul(s.m0, v_i8(p + 16));
      s.m1 = v_mul(s.m1, v_i8(p + 24));
    }
  }
  return s;
}

INLINE v8 scaled(v8 q, v8 d, v8 m) { return v_add(v_mul(d, q), m); }

// codes2 gives columns k+2*part and the next (k a multiple of 4) of the 16 whose
// codes are at p.
INLINE void codes2(int fmt, const uint8_t *p, int k, int part, v_values t, int zero, const scales *s, v8 w[4]) {
  const uint8_t *nibbles = p + 8 * k + 16 * part;
  switch (fmt) {
  case CODES2: v_codes2(p + 4 * k, part, w); break;
  case CODES4: v_codes4(nibbles, t, w); break;
  case CODES6: v_codes6(nibbles, p + 128 + 4 * k, part, zero, w); break;
  case CODES8:
    UNROLL for (int j = 0; j < 4; j++) w[j] = v_u8(p + 16 * k + 32 * part + 8 * j);
    break;
  default:
    UNROLL for (int j = 0; j < 4; j += 2) v_float8(p + 16 * k + 32 * part + 8 * j, w + j);
  }
  UNROLL for (int j = 0; j < 4; j++) w[j] = scaled(w[j], j & 1 ? s->d1 : s->d0, j & 1 ? s->m1 : s->m0);
}

// code1 gives one column of FLOAT8, of which a row may have any number.
INLINE void code1(const uint8_t *p, const scales *s, v8 w[2]) {
  v_float8(p, w);
  w[0] = scaled(w[0], s->d0, s->m0);
  w[1] = scaled(w[1], s->d1, s->m1);
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
      UNROLL for (int part = 0; part < 2; part++) {
        v8 v[4];
        codes2(fmt, p, j, part, t, g->zero, &s, v);
        UNROLL for (int i = 0; i < 4; i++) v_store(w + 8 * i, v[i]);
        w += 32;
      }
    }
  }
  if (fmt == FLOAT8 && k < n) {
    if ((k & (group - 1)) == 0) s = group_scales(g, panel, k0 + k);
    for (; k < n; k++, p += 16, w += 16) {
      v8 v[2];
      code1(p, &s, v);
      v_store(w, v[0]);
      v_store(w + 8, v[1]);
    }
  }
}

// few_groups is few for matrices of codes.
INLINE void few_groups(int fmt, int MR, int NP, int K, const float *restrict x, size_t ldx, const groups *g,
                       const uint8_t *restrict panel, size_t panel_size, float *restrict y, size_t ldy) {
  const size_t bytes = block_bytes(fmt) / 2;
  const uint8_t *p = panel + g->head;
  const v_values t = v_values_at(g->values);
  const int group = 1 << g->shift, zero = g->zero;
  v8 acc[12];
  scales s[4];
  UNROLL for (int i = 0; i < 2 * MR * NP; i++) acc[i] = v_zero();
  int k = 0;
  for (; k + 16 <= K; k += 16, p += bytes) {
    if ((k & (group - 1)) == 0) UNROLL for (int n = 0; n < NP; n++) s[n] = group_scales(g, panel + n * panel_size, k);
    for (int j = 0; j < 16; j += 4) {
      UNROLL for (int n = 0; n < NP; n++) {
        UNROLL for (int part = 0; part < 2; part++) {
          v8 w[4];
          codes2(fmt, p + n * panel_size, j, part, t, zero, &s[n], w);
          UNROLL for (int c = 0; c < 2; c++) {
            UNROLL for (int i = 0; i < MR; i++) {
              v8 v = v_set1(x[i * ldx + k + j + 2 * part + c]);
              acc[(i * NP + n) * 2] = v_fma(v, w[2 * c], acc[(i * NP + n) * 2]);
              acc[(i * NP + n) * 2 + 1] = v_fma(v, w[2 * c + 1], acc[(i * NP + n) * 2 + 1]);
            }
          }
        }
      }
    }
  }
  if (fmt == FLOAT8 && k < K) {
    if ((k & (group - 1)) == 0) UNROLL for (int n = 0; n < NP; n++) s[n] = group_scales(g, panel + n * panel_size, k);
    for (; k < K; k++, p += 16) {
      UNROLL for (int n = 0; n < NP; n++) {
        v8 w[2];
        code1(p + n * panel_size, &s[n], w);
        UNROLL for (int i = 0; i < MR; i++) {
          v8 v = v_set1(x[i * ldx + k]);
          acc[(i * NP + n) * 2] = v_fma(v, w[0], acc[(i * NP + n) * 2]);
          acc[(i * NP + n) * 2 + 1] = v_fma(v, w[1], acc[(i * NP + n) * 2 + 1]);
        }
      }
    }
  }
  UNROLL for (int i = 0; i < MR; i++) {
    UNROLL for (int n = 0; n < 2 * NP; n++) v_store(y + i * ldy + 8 * n, acc[i * NP * 2 + n]);
  }
}

#define FEW(fmt, MR, NP)                                                                                   \
  FN static __attribute__((noinline)) void few_##fmt##_##MR##_##NP(const mul_args *a, const uint8_t *p, float *y, size_t ldy) { \
    if (fmt < CODES2)                                                                                      \
      few(fmt, MR, NP, a->K, a->x, a->ldx, p, a->panel_size, y, ldy);                                      \
    else                                                                                                   \
      few_groups(fmt, MR, NP, a->K, a->x, a->ldx, &a->g, p, a->panel_size, y, ldy);                        \
  }
#define FORMAT(fmt)                                                                                        \
  FEW(fmt, 1, 4) FEW(fmt, 1, 1) FEW(fmt, 2, 2) FEW(fmt, 2, 1) FEW(fmt, 3, 2) FEW(fmt, 3, 1)                \
  FEW(fmt, 4, 1) FEW(fmt, 5, 1) FEW(fmt, 6, 1)                                                             \
  FN static __attribute__((noinline)) void decode_##fmt(const groups *g, const uint8_t *panel, int k, int n, float *w) { \
    if (fmt < CODES2)                                                                                      \
      decode(fmt, panel, k, n, w);                                                                         \
    else                                                                                                   \
      decode_groups(fmt, g, panel, k, n, w);                                                               \
  }
FORMAT(F32) FORMAT(F16) FORMAT(BF16) FORMAT(Q8_0) FORMAT(Q4_0) FORMAT(Q4_1)
FORMAT(CODES2) FORMAT(CODES4) FORMAT(CODES6) FORMAT(CODES8) FORMAT(FLOAT8)

typedef void (*few_fn)(const mul_args *, const uint8_t *, float *, size_t);
typedef void (*decode_fn)(const groups *, const uint8_t *, int, int, float *);

// One format's functions: few1[M] for one panel, few_n[M] for wide[M] panels.
typedef struct {
  few_fn one[7], many[4];
  decode_fn decode;
} format_fns;
#define FNS(fmt)                                                                                             \
  {{0, few_##fmt##_1_1, few_##fmt##_2_1, few_##fmt##_3_1, few_##fmt##_4_1, few_##fmt##_5_1, few_##fmt##_6_1}, \
   {0, few_##fmt##_1_4, few_##fmt##_2_2, few_##fmt##_3_2},                                                   \
   decode_##fmt}
static const format_fns formats[FORMATS] = {FNS(F32),    FNS(F16),    FNS(BF16),   FNS(Q8_0),   FNS(Q4_0),  FNS(Q4_1),
                                            FNS(CODES2), FNS(CODES4), FNS(CODES6), FNS(CODES8), FNS(FLOAT8)};
static const int wide[4] = {0, 4, 2, 2};

// few_rows multiplies up to 6 rows.
FN static void few_rows(const mul_args *a) {
  const format_fns *f = &formats[a->fmt];
  int M = a->M;
  for (int n = a->n0; n < a->n1;) {
    const uint8_t *p = a->panels + (size_t)(n / 16) * a->panel_size;
    if (M <= 3 && n + 16 * wide[M] <= a->n1) {
      f->many[M](a, p, a->y + n, a->ldy);
      n += 16 * wide[M];
      continue;
    }
    if (n + 16 <= a->n1) {
      f->one[M](a, p, a->y + n, a->ldy);
    } else {
      float t[6 * 16];
      f->one[M](a, p, t, 16);
      for (int i = 0; i < M; i++) memcpy(a->y + i * a->ldy + n, t + 16 * i, (a->n1 - n) * sizeof(float));
    }
    n += 16;
  }
}

FN void NAME(mul)(const mul_args *a) {
  if (a->M <= 6) {
    few_rows(a);
    return;
  }
  float *xs = a->scratch, *ws = xs + MC * KC, *ys = ws + KC * 16;
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
      int K = a->K - k < KC ? a->K - k : KC, more = k > 0;
      for (int i = 0; i < M; i++) memcpy(xs + (size_t)i * KC, x + i * a->ldx + k, K * sizeof(float));
      for (int n = a->n0; n < a->n1; n += 16) {
        const uint8_t *p = a->panels + (size_t)(n / 16) * a->panel_size;
        const float *w = ws;
        if (a->fmt == F32)
          w = (const float *)p + (size_t)k * 16;
        else
          formats[a->fmt].decode(&a->g, p, k, K, ws);
        if (n + 16 <= a->n1) {
          tiles(M, K, xs, KC, w, 16, y + n, a->ldy, more);
          continue;
        }
        size_t bytes = (a->n1 - n) * sizeof(float);
        if (more)
          for (int i = 0; i < M; i++) memcpy(ys + 16 * i, y + i * a->ldy + n, bytes);
        tiles(M, K, xs, KC, w, 16, ys, 16, more);
        for (int i = 0; i < M; i++) memcpy(y + i * a->ldy + n, ys + 16 * i, bytes);
      }
    }
  }
}

// ---- attention --------------------------------------------------------------------

// add_values adds p_j v_j for j in [j0, j1) to one query's sums.
FN static void add_values(const float *p, int j0, int j1, const float *v, int hd, float *acc) {
  for (int j = j0; j < j1; j++) {
    v8 pj = v_set1(p[j]);
    int d = 0;
    for (; d + 8 <= hd; d += 8) v_store(acc + d, v_fma(pj, v_load(v + (size_t)j * hd + d), v_load(acc + d)));
    if (d < hd) {
      size_t n = (hd - d) * sizeof(float);
      float tv[8] = {0}, ta[8] = {0};
      memcpy(tv, v + (size_t)j * hd + d, n);
      memcpy(ta, acc + d, n);
      v_store(ta, v_fma(pj, v_load(tv), v_load(ta)));
      memcpy(acc + d, ta, n);
    }
  }
}

FN static void scale_row(float *x, int n, float c) {
  v8 v = v_set1(c);
  int d = 0;
  for (; d + 8 <= n; d += 8) v_store(x + d, v_mul(v_load(x + d), v));
  for (; d < n; d++) x[d] *= c;
}

INLINE float exp1(float x) {
  float t[8];
  v_store(t, v_exp(v_set1(x)));
  return t[0];
}

// softmax turns one query's scores s of the lanes [j0, j1) of a block into
// weights, and rescales its sums where the maximum grows.
FN static void softmax(float *s, int j0, int j1, float scale, float *m, float *l, float *acc, int hd) {
  v8 vs = v_set1(scale), a = v_mul(v_load(s), vs), b = v_mul(v_load(s + 8), vs);
  int whole = j0 == 0 && j1 == 16;
  if (!whole) {
    v_store(s, a);
    v_store(s + 8, b);
    for (int j = 0; j < 16; j++)
      if (j < j0 || j >= j1) s[j] = -INFINITY;
    a = v_load(s);
    b = v_load(s + 8);
  }
  float next = v_max16(a, b);
  next = next > *m ? next : *m;
  float c = 1;
  if (!(next == *m && next - next == 0)) {  // else c = exp(0) = 1, which changes nothing
    c = exp1(*m - next);
    scale_row(acc, hd, c);
    *m = next;
  }
  v8 vm = v_set1(next), vc = v_set1(c);
  a = v_exp(v_sub(a, vm));
  b = v_exp(v_sub(b, vm));
  v_store(s, a);
  v_store(s + 8, b);
  if (!whole) {
    for (int j = 0; j < 16; j++)
      if (j < j0 || j >= j1) s[j] = 0;
    a = v_load(s);
    b = v_load(s + 8);
  }
  v_store(l, v_fma(v_load(l), vc, a));
  v_store(l + 8, v_fma(v_load(l + 8), vc, b));
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
    tiles(i1 - i0, hd, q + (size_t)i0 * hd, hd, keys, 16, s + 16 * i0, 16, 0);
    int whole = 1;
    for (int i = i0; i < i1; i++) {
      int j0 = lo[i] > b * 16 ? lo[i] - b * 16 : 0, j1 = hi[i] < b * 16 + 16 ? hi[i] - b * 16 : 16;
      if (j0 != 0 || j1 != 16) whole = 0;
      if (j0 < j1) softmax(s + 16 * i, j0, j1, a->scale, m + i, l + 16 * i, acc + (size_t)i * hd, hd);
    }
    if (whole && hd % 16 == 0) {
      for (int d = 0; d < hd; d += 16)
        tiles(i1 - i0, 16, s + 16 * i0, 16, values + d, hd, acc + (size_t)i0 * hd + d, hd, 1);
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
    if (lo[i] < hi[i]) scale_row(row, hd, 1.0f / v_sum16(v_load(l + 16 * i), v_load(l + 16 * i + 8)));
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

// fma_burst does n steps of 96 multiplications and additions in registers; its
// result depends on all of them.
FN double NAME(fma_burst)(size_t n) {
  v8 acc[12], x = v_set1(1.0000001f), c = v_set1(1e-9f);
  UNROLL for (int i = 0; i < 12; i++) acc[i] = v_set1(i);
  for (size_t k = 0; k < n; k++) {
    UNROLL for (int i = 0; i < 12; i++) acc[i] = v_fma(acc[i], x, c);
  }
  UNROLL for (int i = 1; i < 12; i++) acc[0] = v_add(acc[0], acc[i]);
  return v_sum16(acc[0], v_zero());
}
