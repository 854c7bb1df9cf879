//go:build amd64

#include "int8.h"
#include "simd_avx2.h"
#include "simd_pair.h"

typedef struct { __m256i a, b; } ints;
typedef struct { __m256i a, b; } wide;
typedef struct { __m256i abs_a, abs_b, sign_a, sign_b; } codes;

// VPMADDUBSW adds two products of an unsigned and a signed byte in 16 bits. Codes
// less 128 are at most 128 in size, rows at most 127, so that 2·128·127 fits:
// nothing saturates.
enum { CODE_BIAS = 128 };

enum { ROWS8 = 3, PANELS8 = 1 };
#define WIDE8(M) ((M) == 1 ? 2 : 1)
#define TILES8(T, ...) T(__VA_ARGS__, 1, 1) T(__VA_ARGS__, 2, 1) T(__VA_ARGS__, 3, 1) T(__VA_ARGS__, 1, 2)

INLINE ints i_set1(int32_t a) { return (ints){_mm256_set1_epi32(a), _mm256_set1_epi32(a)}; }
INLINE v16 i_float(ints s) { return (v16){_mm256_cvtepi32_ps(s.a), _mm256_cvtepi32_ps(s.b)}; }
INLINE wide w_load(const uint8_t *p) {
  return (wide){_mm256_loadu_si256((const __m256i *)p), _mm256_loadu_si256((const __m256i *)(p + 32))};
}
INLINE void w_store(uint8_t *p, wide w) {
  _mm256_storeu_si256((__m256i *)p, w.a);
  _mm256_storeu_si256((__m256i *)(p + 32), w.b);
}
INLINE wide w_low(wide w) {
  const __m256i mask = _mm256_set1_epi8(15);
  return (wide){_mm256_and_si256(w.a, mask), _mm256_and_si256(w.b, mask)};
}
INLINE wide w_high(wide w) { return w_low((wide){_mm256_srli_epi16(w.a, 4), _mm256_srli_epi16(w.b, 4)}); }
INLINE codes c_from(wide w) {
  const __m256i top = _mm256_set1_epi8((char)128);
  __m256i a = _mm256_xor_si256(w.a, top), b = _mm256_xor_si256(w.b, top);
  return (codes){_mm256_abs_epi8(a), _mm256_abs_epi8(b), a, b};
}
INLINE ints i_dot(ints sum, codes w, const uint8_t *x) {
  int32_t four;
  memcpy(&four, x, 4);
  const __m256i v = _mm256_set1_epi32(four), one = _mm256_set1_epi16(1);
  __m256i a = _mm256_maddubs_epi16(w.abs_a, _mm256_sign_epi8(v, w.sign_a));
  __m256i b = _mm256_maddubs_epi16(w.abs_b, _mm256_sign_epi8(v, w.sign_b));
  return (ints){_mm256_add_epi32(sum.a, _mm256_madd_epi16(a, one)), _mm256_add_epi32(sum.b, _mm256_madd_epi16(b, one))};
}
INLINE uint32_t largest_bits(const float *x) {
  const __m256i mask = _mm256_set1_epi32(0x7fffffff);
  __m256i most = _mm256_setzero_si256();
  for (int i = 0; i < 32; i += 8)
    most = _mm256_max_epu32(most, _mm256_and_si256(_mm256_loadu_si256((const __m256i *)(x + i)), mask));
  __m128i m = _mm_max_epu32(_mm256_castsi256_si128(most), _mm256_extracti128_si256(most, 1));
  m = _mm_max_epu32(m, _mm_unpackhi_epi64(m, m));
  return _mm_cvtsi128_si32(_mm_max_epu32(m, _mm_srli_epi64(m, 32)));
}
INLINE int32_t round16(v16 x, uint8_t *to) {
  __m256i h = _mm256_packs_epi32(_mm256_cvtps_epi32(x.a), _mm256_cvtps_epi32(x.b));
  h = _mm256_permute4x64_epi64(h, 0xd8);  // packs works within halves
  _mm_storeu_si128((__m128i *)to, _mm_packs_epi16(_mm256_castsi256_si128(h), _mm256_extracti128_si256(h, 1)));
  h = _mm256_madd_epi16(h, _mm256_set1_epi16(1));
  __m128i s = _mm_add_epi32(_mm256_castsi256_si128(h), _mm256_extracti128_si256(h, 1));
  s = _mm_add_epi32(s, _mm_unpackhi_epi64(s, s));
  return _mm_cvtsi128_si32(s) + _mm_extract_epi32(s, 1);
}
#include "kern_int8.h"
