// Vectors of 8 floats and 4 doubles in AVX2 with FMA and F16C.
#include <immintrin.h>
#define FN __attribute__((target("avx2,fma,f16c")))
#define INLINE FN static inline __attribute__((always_inline))
#define NAME(x) x##_avx2

typedef __m256 v8;
typedef __m256d v4d;

INLINE v8 h_load(const float *p) { return _mm256_loadu_ps(p); }
INLINE void h_store(float *p, v8 a) { _mm256_storeu_ps(p, a); }
INLINE v8 h_set1(float a) { return _mm256_set1_ps(a); }
INLINE v8 h_zero(void) { return _mm256_setzero_ps(); }
INLINE v8 h_add(v8 a, v8 b) { return _mm256_add_ps(a, b); }
INLINE v8 h_sub(v8 a, v8 b) { return _mm256_sub_ps(a, b); }
INLINE v8 h_mul(v8 a, v8 b) { return _mm256_mul_ps(a, b); }
INLINE v8 h_div(v8 a, v8 b) { return _mm256_div_ps(a, b); }
INLINE v8 h_fma(v8 a, v8 b, v8 c) { return _mm256_fmadd_ps(a, b, c); }
INLINE v8 h_neg(v8 a) { return _mm256_xor_ps(a, _mm256_set1_ps(-0.0f)); }
// a > b ? a : b, and a < b ? a : b
INLINE v8 h_max(v8 a, v8 b) { return _mm256_max_ps(a, b); }
INLINE int h_any_above(v8 a, v8 b) { return _mm256_movemask_ps(_mm256_cmp_ps(a, b, _CMP_GT_OQ)) != 0; }
INLINE v8 h_min(v8 a, v8 b) { return _mm256_min_ps(a, b); }
// a > 0 ? b : c, and a == 0 ? b : c
INLINE v8 h_if_pos(v8 a, v8 b, v8 c) {
  return _mm256_blendv_ps(c, b, _mm256_cmp_ps(a, _mm256_setzero_ps(), _CMP_GT_OQ));
}
INLINE v8 h_if_zero(v8 a, v8 b, v8 c) {
  return _mm256_blendv_ps(c, b, _mm256_cmp_ps(a, _mm256_setzero_ps(), _CMP_EQ_OQ));
}
// n as an integer from the float t = n + 1.5*2^23; 2^n; n>>1
typedef __m256i v8i;
INLINE v8i h_int(v8 t) { return _mm256_sub_epi32(_mm256_castps_si256(t), _mm256_set1_epi32(0x4B400000)); }
INLINE v8 h_pow2(v8i n) { return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(n, _mm256_set1_epi32(127)), 23)); }
INLINE v8i h_half(v8i n) { return _mm256_srai_epi32(n, 1); }
INLINE v8i h_isub(v8i a, v8i b) { return _mm256_sub_epi32(a, b); }
// fixed trees of two registers
INLINE float h_sum16(v8 a, v8 b) {
  a = _mm256_add_ps(a, b);
  __m128 s = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
  s = _mm_add_ps(s, _mm_movehl_ps(s, s));
  return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}
INLINE float h_max16(v8 a, v8 b) {
  a = _mm256_max_ps(a, b);
  __m128 s = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
  s = _mm_max_ps(s, _mm_movehl_ps(s, s));
  return _mm_cvtss_f32(_mm_max_ss(s, _mm_movehdup_ps(s)));
}
// widening loads of 8
INLINE v8 h_f16(const void *p) { return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)p)); }
INLINE v8 h_bf16(const void *p) {
  return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)p)), 16));
}
INLINE v8 h_i8(const void *p) { return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)p))); }
INLINE v8 h_u8(const void *p) { return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)p))); }
// 8 words of 32 bits, one a row
INLINE v8i h_words(const void *p) { return _mm256_loadu_si256((const __m256i *)p); }
INLINE v8 h_low16(v8i u) { return _mm256_castsi256_ps(_mm256_slli_epi32(u, 16)); }
INLINE v8 h_high16(v8i u) { return _mm256_castsi256_ps(_mm256_and_si256(u, _mm256_set1_epi32(0xffff0000))); }
INLINE v8 h_field(v8i u, int s, int bits, int zero) {
  if (s) u = _mm256_srli_epi32(u, s);
  if (s + bits < 32) u = _mm256_and_si256(u, _mm256_set1_epi32((1 << bits) - 1));
  v8 q = _mm256_cvtepi32_ps(u);
  return zero ? _mm256_sub_ps(q, _mm256_set1_ps(zero)) : q;
}
INLINE v8i h_six(v8i low, v8i high, int part) {
  const v8i nibbles = _mm256_set1_epi8(15), twos = _mm256_set1_epi8(0x30);
  if (part & 1) low = _mm256_srli_epi32(low, 4);
  high = part < 2 ? _mm256_slli_epi32(high, 4 - 2 * part) : part == 3 ? _mm256_srli_epi32(high, 2) : high;
  return _mm256_or_si256(_mm256_and_si256(low, nibbles), _mm256_and_si256(high, twos));
}
// the values of 16 codes of 4 bits: those with and those without the highest
typedef struct { v8 low, high; } v_values;
INLINE v_values v_values_at(const float *p) { return (v_values){_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)}; }
INLINE v8 h_lookup(v8i u, int s, v_values t) {
  v8i i = s ? _mm256_srli_epi32(u, s) : u;
  v8 which = _mm256_castsi256_ps(s < 28 ? _mm256_slli_epi32(u, 28 - s) : u);
  return _mm256_blendv_ps(_mm256_permutevar8x32_ps(t.low, i), _mm256_permutevar8x32_ps(t.high, i), which);
}
INLINE void v_prefetch(const void *p) { _mm_prefetch(p, _MM_HINT_T0); }
// 16 E4M3 floats, divided by 256: a float16 has the same bits, but for the sign
// and a bias that is larger by 8.
INLINE void h_float8(const void *p, v8 w[2]) {
  const __m128i mask = _mm_set1_epi16((short)0xbfff);
  __m128i b = _mm_loadu_si128((const __m128i *)p);
  __m128i lo = _mm_unpacklo_epi8(_mm_setzero_si128(), b), hi = _mm_unpackhi_epi8(_mm_setzero_si128(), b);
  w[0] = _mm256_cvtph_ps(_mm_and_si128(_mm_srai_epi16(lo, 1), mask));
  w[1] = _mm256_cvtph_ps(_mm_and_si128(_mm_srai_epi16(hi, 1), mask));
}
// doubles
INLINE v4d e_set1(double a) { return _mm256_set1_pd(a); }
INLINE v4d e_from(const float *p) { return _mm256_cvtps_pd(_mm_loadu_ps(p)); }
INLINE v4d e_add(v4d a, v4d b) { return _mm256_add_pd(a, b); }
INLINE v4d e_sub(v4d a, v4d b) { return _mm256_sub_pd(a, b); }
INLINE v4d e_mul(v4d a, v4d b) { return _mm256_mul_pd(a, b); }
INLINE v4d e_fma(v4d a, v4d b, v4d c) { return _mm256_fmadd_pd(a, b, c); }
INLINE v4d e_div(v4d a, v4d b) { return _mm256_div_pd(a, b); }
INLINE v4d e_max(v4d a, v4d b) { return _mm256_max_pd(a, b); }
INLINE v4d e_min(v4d a, v4d b) { return _mm256_min_pd(a, b); }
INLINE void e_store(double *p, v4d a) { _mm256_storeu_pd(p, a); }
// a < b ? 0 : c
INLINE v4d e_zero_below(v4d a, v4d b, v4d c) { return _mm256_andnot_pd(_mm256_cmp_pd(a, b, _CMP_LT_OQ), c); }
// 2^n from t = n + 1.5*2^52
INLINE v4d e_pow2(v4d t) {
  __m256i n = _mm256_sub_epi64(_mm256_castpd_si256(t), _mm256_set1_epi64x(0x4338000000000000));
  return _mm256_castsi256_pd(_mm256_slli_epi64(_mm256_add_epi64(n, _mm256_set1_epi64x(1023)), 52));
}
