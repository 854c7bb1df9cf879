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
INLINE v8 widen_s16(int16x8_t h) {
  return (v8){(v4)vcvtq_f32_s32(vmovl_s16(vget_low_s16(h))), (v4)vcvtq_f32_s32(vmovl_s16(vget_high_s16(h)))};
}
INLINE v8 h_i8(const void *p) { return widen_s16(vmovl_s8(vld1_s8((const int8_t *)p))); }
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
typedef uint8x16x4_t v_values;
INLINE v_values v_values_at(const float *p) { return vld1q_u8_x4((const uint8_t *)p); }
INLINE v4 lookup4(v4u code, v_values t) {
  uint8x16_t at = vreinterpretq_u8_u32(vmlaq_n_u32(vdupq_n_u32(0x03020100), (uint32x4_t)code, 0x04040404));
  return (v4)vqtbl4q_u8(t, at);
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
INLINE v8 h_i8(const void *p) {
  const int8_t *q = p;
  return (v8){{q[0], q[1], q[2], q[3]}, {q[4], q[5], q[6], q[7]}};
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
INLINE v_values v_values_at(const float *p) { return p; }
INLINE v4 lookup4(v4u code, v_values t) { return (v4){t[code[0]], t[code[1]], t[code[2]], t[code[3]]}; }
#endif
INLINE v8 h_bf16(const void *p) {
  uint16_t h[8];
  memcpy(h, p, 16);
  v4u a = {h[0], h[1], h[2], h[3]}, b = {h[4], h[5], h[6], h[7]};
  return (v8){(v4)(a << 16), (v4)(b << 16)};
}
// 8 words of 32 bits, one a row
INLINE v8i h_words(const void *p) { v8i u; memcpy(&u, p, 32); return u; }
INLINE v8 h_low16(v8i u) { return (v8){(v4)((v4u)u.a << 16), (v4)((v4u)u.b << 16)}; }
INLINE v8 h_high16(v8i u) { return (v8){(v4)((v4u)u.a & 0xffff0000u), (v4)((v4u)u.b & 0xffff0000u)}; }
INLINE v4 field4(v4i u, int s, int bits, int zero) {
  return __builtin_convertvector((v4i)((v4u)u >> s & ((1u << bits) - 1)) - zero, v4);
}
INLINE v8 h_field(v8i u, int s, int bits, int zero) { return (v8){field4(u.a, s, bits, zero), field4(u.b, s, bits, zero)}; }
INLINE v8 h_lookup(v8i u, int s, v_values t) { return (v8){lookup4((v4u)u.a >> s & 15, t), lookup4((v4u)u.b >> s & 15, t)}; }
INLINE v4i six4(v4i low, v4i high, int part) {
  v4u h = part < 2 ? (v4u)high << (4 - 2 * part) : (v4u)high >> (2 * part - 4);
  return (v4i)(((v4u)low >> (part & 1) * 4 & 0x0f0f0f0fu) | (h & 0x30303030u));
}
INLINE v8i h_six(v8i low, v8i high, int part) { return (v8i){six4(low.a, high.a, part), six4(low.b, high.b, part)}; }
INLINE void v_prefetch(const void *p) { __builtin_prefetch(p); }
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
