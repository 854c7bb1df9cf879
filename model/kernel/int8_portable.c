//go:build amd64 || arm64

#include "int8.h"
#include "simd_portable.h"
#include "simd_pair.h"

enum { ROWS8 = 2, PANELS8 = 1 };
#define WIDE8(M) 1
#define TILES8(T, ...) T(__VA_ARGS__, 1, 1) T(__VA_ARGS__, 2, 1)

typedef struct { v4i q[4]; } ints;
INLINE v4i set4i(int32_t a) { return (v4i){a, a, a, a}; }
INLINE ints i_set1(int32_t a) { return (ints){{set4i(a), set4i(a), set4i(a), set4i(a)}}; }

// Codes less 128 are signed: products with bytes of a row, and sums of two, fit
// 16 bits.
enum { CODE_BIAS = 128 };
#if defined(__aarch64__)
typedef struct { uint8x16_t q[4]; } wide;
typedef struct { int8x16_t q[4]; } codes;
INLINE v16 i_float(ints s) {
  return (v16){{(v4)vcvtq_f32_s32((int32x4_t)s.q[0]), (v4)vcvtq_f32_s32((int32x4_t)s.q[1])},
               {(v4)vcvtq_f32_s32((int32x4_t)s.q[2]), (v4)vcvtq_f32_s32((int32x4_t)s.q[3])}};
}
INLINE wide w_load(const uint8_t *p) { return (wide){{vld1q_u8(p), vld1q_u8(p + 16), vld1q_u8(p + 32), vld1q_u8(p + 48)}}; }
INLINE void w_store(uint8_t *p, wide w) {
  for (int i = 0; i < 4; i++) vst1q_u8(p + 16 * i, w.q[i]);
}
INLINE wide w_low(wide w) {
  for (int i = 0; i < 4; i++) w.q[i] = vandq_u8(w.q[i], vdupq_n_u8(15));
  return w;
}
INLINE wide w_high(wide w) {
  for (int i = 0; i < 4; i++) w.q[i] = vshrq_n_u8(w.q[i], 4);
  return w;
}
INLINE codes c_from(wide w) {
  codes c;
  for (int i = 0; i < 4; i++) c.q[i] = vreinterpretq_s8_u8(veorq_u8(w.q[i], vdupq_n_u8(128)));
  return c;
}
INLINE ints i_dot(ints sum, codes w, const uint8_t *x) {
  int32_t four;
  memcpy(&four, x, 4);
  const int8x16_t v = vreinterpretq_s8_s32(vdupq_n_s32(four));
  for (int i = 0; i < 4; i++) {
    int16x8_t low = vmull_s8(vget_low_s8(w.q[i]), vget_low_s8(v)), high = vmull_high_s8(w.q[i], v);
    sum.q[i] = (v4i)vpadalq_s16((int32x4_t)sum.q[i], vpaddq_s16(low, high));
  }
  return sum;
}
#else
typedef struct { uint8_t q[64]; } wide;
typedef struct { int16_t q[64]; } codes;
INLINE v4 float4(v4i a) { return (v4){(float)a[0], (float)a[1], (float)a[2], (float)a[3]}; }
INLINE v16 i_float(ints s) { return (v16){{float4(s.q[0]), float4(s.q[1])}, {float4(s.q[2]), float4(s.q[3])}}; }
INLINE wide w_load(const uint8_t *p) { wide w; memcpy(w.q, p, 64); return w; }
INLINE void w_store(uint8_t *p, wide w) { memcpy(p, w.q, 64); }
INLINE wide w_low(wide w) {
  for (int i = 0; i < 64; i++) w.q[i] &= 15;
  return w;
}
INLINE wide w_high(wide w) {
  for (int i = 0; i < 64; i++) w.q[i] >>= 4;
  return w;
}
INLINE codes c_from(wide w) {
  codes c;
  for (int i = 0; i < 64; i++) c.q[i] = (int16_t)(w.q[i] - 128);
  return c;
}
INLINE ints i_dot(ints sum, codes w, const uint8_t *x) {
  const int8_t *v = (const int8_t *)x;
  for (int i = 0; i < 16; i++)
    sum.q[i / 4][i % 4] += w.q[4 * i] * v[0] + w.q[4 * i + 1] * v[1] + w.q[4 * i + 2] * v[2] + w.q[4 * i + 3] * v[3];
  return sum;
}
#endif
INLINE uint32_t largest_bits(const float *x) {
  uint32_t most = 0, bits;
  for (int i = 0; i < 32; i++) {
    memcpy(&bits, x + i, 4);
    bits &= 0x7fffffff;
    most = bits > most ? bits : most;
  }
  return most;
}
INLINE int32_t round16(v16 x, uint8_t *to) {
  float t[16];
  int32_t sum = 0, bits;
  v_store(t, v_add(x, v_set1(0x1.8p23f)));  // rounds to an integer, half to even
  for (int i = 0; i < 16; i++) {
    memcpy(&bits, t + i, 4);
    bits -= 0x4B400000;
    to[i] = (uint8_t)bits;
    sum += bits;
  }
  return sum;
}
#include "kern_int8.h"
