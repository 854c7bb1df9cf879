// Vectors of 8 floats and 4 doubles in the vector extensions of GCC and clang,
// for any processor: NEON on arm64, SSE2 on old amd64. Only fma, the widening
// loads and the choice by comparison are written for arm64.
#include <math.h>
#include <string.h>
#define FN
#define INLINE static inline __attribute__((always_inline))
#define NAME(x) x##_portable

typedef float v4 __attribute__((vector_size(16)));
typedef int32_t v4i __attribute__((vector_size(16)));
typedef double v2d __attribute__((vector_size(16)));
typedef int64_t v2i __attribute__((vector_size(16)));
typedef struct { v4 a, b; } v8;
typedef struct { v4i a, b; } v8i;
typedef struct { v2d a, b; } v4d;

#if defined(__aarch64__)
#include <arm_neon.h>
INLINE v4 fma4(v4 x, v4 y, v4 z) { return (v4)vfmaq_f32((float32x4_t)z, (float32x4_t)x, (float32x4_t)y); }
INLINE v2d fma2(v2d x, v2d y, v2d z) { return (v2d)vfmaq_f64((float64x2_t)z, (float64x2_t)x, (float64x2_t)y); }
#else
// fma by rounding to odd, as fma32 in reference.go: without the instruction,
// and quicker and surer than the C library's.
INLINE float fma1(float x, float y, float z) {
  double p = (double)x * (double)y, c = z, s = p + c, b = s - p;
  double e = (p - (s - b)) + (c - b);
  uint64_t bits;
  memcpy(&bits, &s, 8);
  if (!(bits & 1) && (e > 0 || e < 0)) {
    bits += (e > 0) == (s > 0) ? 1 : -1;
    memcpy(&s, &bits, 8);
  }
  return (float)s;
}
// Not inlined: a kernel holds hundreds, and took the compiler a minute.
#define NOINLINE static __attribute__((noinline))
NOINLINE v4 fma4(v4 x, v4 y, v4 z) {
  return (v4){fma1(x[0], y[0], z[0]), fma1(x[1], y[1], z[1]), fma1(x[2], y[2], z[2]), fma1(x[3], y[3], z[3])};
}
INLINE v2d fma2(v2d x, v2d y, v2d z) { return (v2d){fma(x[0], y[0], z[0]), fma(x[1], y[1], z[1])}; }
#endif

INLINE v4 load4(const float *p) { v4 a; memcpy(&a, p, 16); return a; }
INLINE v4 sel4(v4i mask, v4 a, v4 b) { return (v4)((mask & (v4i)a) | (~mask & (v4i)b)); }
INLINE v4 set4(float a) { return (v4){a, a, a, a}; }
INLINE v2d set2(double a) { return (v2d){a, a}; }

INLINE v8 h_load(const float *p) { return (v8){load4(p), load4(p + 4)}; }
INLINE void h_store(float *p, v8 a) { memcpy(p, &a.a, 16); memcpy(p + 4, &a.b, 16); }
INLINE v8 h_set1(float a) { return (v8){set4(a), set4(a)}; }
INLINE v8 h_zero(void) { return h_set1(0); }
INLINE v8 h_add(v8 a, v8 b) { return (v8){a.a + b.a, a.b + b.b}; }
INLINE v8 h_sub(v8 a, v8 b) { return (v8){a.a - b.a, a.b - b.b}; }
INLINE v8 h_mul(v8 a, v8 b) { return (v8){a.a * b.a, a.b * b.b}; }
INLINE v8 h_div(v8 a, v8 b) { return (v8){a.a / b.a, a.b / b.b}; }
INLINE v8 h_fma(v8 a, v8 b, v8 c) { return (v8){fma4(a.a, b.a, c.a), fma4(a.b, b.b, c.b)}; }
INLINE v8 h_neg(v8 a) { return (v8){-a.a, -a.b}; }
INLINE v8 h_max(v8 a, v8 b) { return (v8){sel4(a.a > b.a, a.a, b.a), sel4(a.b > b.b, a.b, b.b)}; }
INLINE int any4(v4i m) { return m[0] || m[1] || m[2] || m[3]; }
INLINE int h_any_above(v8 a, v8 b) { return any4(a.a > b.a) || any4(a.b > b.b); }
INLINE v8 h_min(v8 a, v8 b) { return (v8){sel4(a.a < b.a, a.a, b.a), sel4(a.b < b.b, a.b, b.b)}; }
INLINE v8 h_if_pos(v8 a, v8 b, v8 c) {
  v4 z = set4(0);
  return (v8){sel4(a.a > z, b.a, c.a), sel4(a.b > z, b.b, c.b)};
}
INLINE v8 h_if_zero(v8 a, v8 b, v8 c) {
  v4 z = set4(0);
  return (v8){sel4(a.a == z, b.a, c.a), sel4(a.b == z, b.b, c.b)};
}
typedef uint32_t v4u __attribute__((vector_size(16)));  // additions may wrap
INLINE v8i h_int(v8 t) { return (v8i){(v4i)((v4u)t.a - 0x4B400000u), (v4i)((v4u)t.b - 0x4B400000u)}; }
INLINE v8 h_pow2(v8i n) { return (v8){(v4)(((v4u)n.a + 127u) << 23), (v4)(((v4u)n.b + 127u) << 23)}; }
INLINE v8i h_half(v8i n) { return (v8i){n.a >> 1, n.b >> 1}; }
INLINE v8i h_isub(v8i a, v8i b) { return (v8i){(v4i)((v4u)a.a - (v4u)b.a), (v4i)((v4u)a.b - (v4u)b.b)}; }
INLINE float h_sum16(v8 a, v8 b) {
  a = h_add(a, b);
  v4 s = a.a + a.b;
  return (s[0] + s[2]) + (s[1] + s[3]);
}
INLINE float max1(float a, float b) { return a > b ? a : b; }
INLINE float h_max16(v8 a, v8 b) {
  a = h_max(a, b);
  v4 s = sel4(a.a > a.b, a.a, a.b);
  return max1(max1(s[0], s[2]), max1(s[1], s[3]));
}
#if defined(__aarch64__)
INLINE v8 h_f16(const void *p) {
  uint16x8_t h = vld1q_u16((const uint16_t *)p);
  return (v8){(v4)vcvt_f32_f16(vreinterpret_f16_u16(vget_low_u16(h))), (v4)vcvt_f32_f16(vreinterpret_f16_u16(vget_high_u16(h)))};
}
INLINE v8 h_bf16(const void *p) {
  uint16x8_t h = vld1q_u16((const uint16_t *)p);
  return (v8){(v4)vshll_n_u16(vget_low_u16(h), 16), (v4)vshll_n_u16(vget_high_u16(h), 16)};
}
INLINE v8 widen_s16(int16x8_t h) {
  return (v8){(v4)vcvtq_f32_s32(vmovl_s16(vget_low_s16(h))), (v4)vcvtq_f32_s32(vmovl_s16(vget_high_s16(h)))};
}
INLINE v8 h_i8(const void *p) { return widen_s16(vmovl_s8(vld1_s8((const int8_t *)p))); }
INLINE void h_nibbles(const void *p, v8 w[4]) {
  uint8x16_t b = vld1q_u8((const uint8_t *)p), lo = vandq_u8(b, vdupq_n_u8(15)), hi = vshrq_n_u8(b, 4);
  w[0] = widen_s16(vreinterpretq_s16_u16(vmovl_u8(vget_low_u8(lo))));
  w[1] = widen_s16(vreinterpretq_s16_u16(vmovl_u8(vget_high_u8(lo))));
  w[2] = widen_s16(vreinterpretq_s16_u16(vmovl_u8(vget_low_u8(hi))));
  w[3] = widen_s16(vreinterpretq_s16_u16(vmovl_u8(vget_high_u8(hi))));
}
INLINE v8 h_u8(const void *p) { return widen_s16(vreinterpretq_s16_u16(vmovl_u8(vld1_u8((const uint8_t *)p)))); }
INLINE v8 widen_f16(uint16x8_t h) {
  return (v8){(v4)vcvt_f32_f16(vreinterpret_f16_u16(vget_low_u16(h))), (v4)vcvt_f32_f16(vreinterpret_f16_u16(vget_high_u16(h)))};
}
// 16 E4M3 floats, divided by 256: a float16 has the same bits, but for the sign
// and a bias that is larger by 8.
INLINE v8 float8(uint16x8_t b) {
  uint16x8_t sign = vshlq_n_u16(vandq_u16(b, vdupq_n_u16(0x80)), 8);
  return widen_f16(vorrq_u16(sign, vshlq_n_u16(vandq_u16(b, vdupq_n_u16(0x7f)), 7)));
}
INLINE void h_float8(const void *p, v8 w[2]) {
  uint8x16_t b = vld1q_u8(p);
  w[0] = float8(vmovl_u8(vget_low_u8(b)));
  w[1] = float8(vmovl_u8(vget_high_u8(b)));
}
// the values of 16 codes of 4 bits
typedef struct { uint8x16_t lo, hi; } v_values;
INLINE v_values v_values_at(const uint8_t *p) { return (v_values){vld1q_u8(p), vld1q_u8(p + 16)}; }
INLINE void h_lookup(v_values t, uint8x16_t code, v8 w[2]) {
  uint8x16_t lo = vqtbl1q_u8(t.lo, code), hi = vqtbl1q_u8(t.hi, code);
  w[0] = widen_f16(vreinterpretq_u16_u8(vzip1q_u8(lo, hi)));
  w[1] = widen_f16(vreinterpretq_u16_u8(vzip2q_u8(lo, hi)));
}
INLINE void h_signed(uint8x16_t b, v8 w[2]) {
  int8x16_t s = vreinterpretq_s8_u8(b);
  w[0] = widen_s16(vmovl_s8(vget_low_s8(s)));
  w[1] = widen_s16(vmovl_s8(vget_high_s8(s)));
}
INLINE void h_codes4(const void *p, v_values t, v8 w[4]) {
  uint8x16_t b = vld1q_u8(p);
  h_lookup(t, vandq_u8(b, vdupq_n_u8(15)), w);
  h_lookup(t, vshrq_n_u8(b, 4), w + 2);
}
// two bits of each byte, counted from bit 4*part, and the next two
INLINE void bits2(const void *p, int part, uint8x16_t h[2]) {
  uint8x16_t b = vld1q_u8(p), mask = vdupq_n_u8(3);
  h[0] = vandq_u8(part ? vshrq_n_u8(b, 4) : b, mask);
  h[1] = vandq_u8(part ? vshrq_n_u8(b, 6) : vshrq_n_u8(b, 2), mask);
}
INLINE void h_codes2(const void *p, int part, v8 w[4]) {
  uint8x16_t h[2];
  bits2(p, part, h);
  h_signed(h[0], w);
  h_signed(h[1], w + 2);
}
INLINE void h_codes6(const void *p, const void *high, int part, int zero, v8 w[4]) {
  uint8x16_t b = vld1q_u8(p), z = vdupq_n_u8(zero), h[2];
  bits2(high, part, h);
  h_signed(vsubq_u8(vorrq_u8(vandq_u8(b, vdupq_n_u8(15)), vshlq_n_u8(h[0], 4)), z), w);
  h_signed(vsubq_u8(vorrq_u8(vshrq_n_u8(b, 4), vshlq_n_u8(h[1], 4)), z), w + 2);
}
#else
INLINE float f16_1(uint16_t h) {
  uint32_t sign = (uint32_t)(h >> 15) << 31, exp = h >> 10 & 31, frac = h & 1023, bits;
  float f;
  if (exp == 0) {
    f = (float)frac * 0x1p-24f;
    memcpy(&bits, &f, 4);
    bits |= sign;
  } else if (exp == 31) {
    bits = sign | 255u << 23 | (frac ? frac | 512 : 0) << 13;
  } else {
    bits = sign | (exp + 112) << 23 | frac << 13;
  }
  memcpy(&f, &bits, 4);
  return f;
}
INLINE v8 h_f16(const void *p) {
  uint16_t h[8];
  float f[8];
  memcpy(h, p, 16);
  for (int i = 0; i < 8; i++) f[i] = f16_1(h[i]);
  return h_load(f);
}
INLINE v8 h_bf16(const void *p) {
  uint16_t h[8];
  memcpy(h, p, 16);
  v4u a = {h[0], h[1], h[2], h[3]}, b = {h[4], h[5], h[6], h[7]};
  return (v8){(v4)(a << 16), (v4)(b << 16)};
}
INLINE v8 h_i8(const void *p) {
  const int8_t *q = p;
  return (v8){{q[0], q[1], q[2], q[3]}, {q[4], q[5], q[6], q[7]}};
}
INLINE void h_nibbles(const void *p, v8 w[4]) {
  int8_t q[32];
  for (int i = 0; i < 16; i++) {
    uint8_t b = ((const uint8_t *)p)[i];
    q[i] = b & 15;
    q[16 + i] = b >> 4;
  }
  for (int i = 0; i < 4; i++) w[i] = h_i8(q + 8 * i);
}
INLINE v8 h_u8(const void *p) {
  const uint8_t *q = p;
  return (v8){{q[0], q[1], q[2], q[3]}, {q[4], q[5], q[6], q[7]}};
}
// 16 E4M3 floats, divided by 256: a float16 has the same bits, but for the sign
// and a bias that is larger by 8.
NOINLINE void h_float8(const void *p, v8 w[2]) {
  uint16_t h[16];
  for (int i = 0; i < 16; i++) {
    uint16_t b = ((const uint8_t *)p)[i];
    h[i] = (b & 0x80) << 8 | (b & 0x7f) << 7;
  }
  w[0] = h_f16(h);
  w[1] = h_f16(h + 8);
}
// the values of 16 codes of 4 bits
typedef const float *v_values;
INLINE v_values v_values_at(const uint8_t *p) { return (const float *)(p + 32); }
NOINLINE void h_codes4(const void *p, v_values t, v8 w[4]) {
  float f[32];
  for (int i = 0; i < 16; i++) {
    uint8_t b = ((const uint8_t *)p)[i];
    f[i] = t[b & 15];
    f[16 + i] = t[b >> 4];
  }
  for (int i = 0; i < 4; i++) w[i] = h_load(f + 8 * i);
}
// bits 4*part and 4*part+1 of 16 bytes, then bits 4*part+2 and 4*part+3
NOINLINE void h_codes2(const void *p, int part, v8 w[4]) {
  int8_t q[32];
  for (int i = 0; i < 16; i++) {
    uint8_t b = ((const uint8_t *)p)[i] >> 4 * part;
    q[i] = b & 3;
    q[16 + i] = b >> 2 & 3;
  }
  for (int i = 0; i < 4; i++) w[i] = h_i8(q + 8 * i);
}
// nibbles at p and above them the two bits of h_codes2 at high, less zero
NOINLINE void h_codes6(const void *p, const void *high, int part, int zero, v8 w[4]) {
  int8_t q[32];
  for (int i = 0; i < 16; i++) {
    uint8_t b = ((const uint8_t *)p)[i], h = ((const uint8_t *)high)[i] >> 4 * part;
    q[i] = ((b & 15) | (h & 3) << 4) - zero;
    q[16 + i] = (b >> 4 | (h >> 2 & 3) << 4) - zero;
  }
  for (int i = 0; i < 4; i++) w[i] = h_i8(q + 8 * i);
}
#endif
INLINE v4d e_set1(double a) { return (v4d){set2(a), set2(a)}; }
INLINE v4d e_from(const float *p) { return (v4d){{p[0], p[1]}, {p[2], p[3]}}; }
INLINE v4d e_add(v4d a, v4d b) { return (v4d){a.a + b.a, a.b + b.b}; }
INLINE v4d e_sub(v4d a, v4d b) { return (v4d){a.a - b.a, a.b - b.b}; }
INLINE v4d e_mul(v4d a, v4d b) { return (v4d){a.a * b.a, a.b * b.b}; }
INLINE v4d e_fma(v4d a, v4d b, v4d c) { return (v4d){fma2(a.a, b.a, c.a), fma2(a.b, b.b, c.b)}; }
INLINE v2d sel2(v2i mask, v2d a, v2d b) { return (v2d)((mask & (v2i)a) | (~mask & (v2i)b)); }
INLINE v4d e_div(v4d a, v4d b) { return (v4d){a.a / b.a, a.b / b.b}; }
INLINE v4d e_max(v4d a, v4d b) { return (v4d){sel2(a.a > b.a, a.a, b.a), sel2(a.b > b.b, a.b, b.b)}; }
INLINE v4d e_min(v4d a, v4d b) { return (v4d){sel2(a.a < b.a, a.a, b.a), sel2(a.b < b.b, a.b, b.b)}; }
INLINE void e_store(double *p, v4d a) { memcpy(p, &a.a, 16); memcpy(p + 2, &a.b, 16); }
INLINE v4d e_zero_below(v4d a, v4d b, v4d c) {
  return (v4d){sel2(a.a < b.a, set2(0), c.a), sel2(a.b < b.b, set2(0), c.b)};
}
typedef uint64_t v2u __attribute__((vector_size(16)));
INLINE v4d e_pow2(v4d t) {
  return (v4d){(v2d)(((v2u)t.a - 0x4338000000000000u + 1023u) << 52), (v2d)(((v2u)t.b - 0x4338000000000000u + 1023u) << 52)};
}
