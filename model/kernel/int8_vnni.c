//go:build amd64

#include "int8.h"
#include "simd_avx512.h"
#undef FN
#undef NAME
#define FN __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma,f16c")))
#define NAME(x) x##_vnni

typedef __m512i ints;
typedef __m512i wide;
typedef __m512i codes;

// Codes are the unsigned operand of VPDPBUSD, so that they have no bias.
enum { CODE_BIAS = 0 };

// 12 sums hide the latency; on Zen 4 one VPDPBUSD of 64 bytes begins a cycle.
enum { ROWS8 = 6, PANELS8 = 2 };
#define WIDE8(M) ((M) <= 2 ? 4 : 2)
#define TILES8(T, ...)                                                                                       \
  T(__VA_ARGS__, 1, 1) T(__VA_ARGS__, 2, 1) T(__VA_ARGS__, 3, 1) T(__VA_ARGS__, 4, 1) T(__VA_ARGS__, 5, 1)   \
  T(__VA_ARGS__, 6, 1) T(__VA_ARGS__, 1, 2) T(__VA_ARGS__, 2, 2) T(__VA_ARGS__, 3, 2) T(__VA_ARGS__, 4, 2)   \
  T(__VA_ARGS__, 5, 2) T(__VA_ARGS__, 6, 2) T(__VA_ARGS__, 1, 4) T(__VA_ARGS__, 2, 4)

INLINE ints i_set1(int32_t a) { return _mm512_set1_epi32(a); }
INLINE v16 i_float(ints a) { return _mm512_cvtepi32_ps(a); }
INLINE wide w_load(const uint8_t *p) { return _mm512_loadu_si512(p); }
INLINE void w_store(uint8_t *p, wide a) { _mm512_storeu_si512(p, a); }
INLINE wide w_low(wide a) { return _mm512_and_si512(a, _mm512_set1_epi8(15)); }
INLINE wide w_high(wide a) { return _mm512_and_si512(_mm512_srli_epi16(a, 4), _mm512_set1_epi8(15)); }
INLINE codes c_from(wide a) { return a; }
INLINE ints i_dot(ints sum, codes w, const uint8_t *x) {
  int32_t four;
  memcpy(&four, x, 4);
  return _mm512_dpbusd_epi32(sum, w, _mm512_set1_epi32(four));
}
INLINE uint32_t largest_bits(const float *x) {
  const __m512i mask = _mm512_set1_epi32(0x7fffffff);
  return _mm512_reduce_max_epu32(_mm512_max_epu32(_mm512_and_si512(_mm512_loadu_si512(x), mask),
                                                  _mm512_and_si512(_mm512_loadu_si512(x + 16), mask)));
}
INLINE int32_t round16(v16 x, uint8_t *to) {
  __m128i q = _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(x));
  _mm_storeu_si128((__m128i *)to, q);
  __m128i s = _mm_dpbusd_epi32(_mm_setzero_si128(), _mm_set1_epi8(1), q);
  s = _mm_add_epi32(s, _mm_unpackhi_epi64(s, s));
  return _mm_cvtsi128_si32(s) + _mm_extract_epi32(s, 1);
}
#include "kern_int8.h"
