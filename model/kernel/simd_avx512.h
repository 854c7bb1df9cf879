// Vectors of 16 floats and 8 doubles in AVX-512 (F, BW, DQ, VL).
#include <immintrin.h>
#define FN __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c")))
#define INLINE FN static inline __attribute__((always_inline))
#define NAME(x) x##_avx512

typedef __m512 v16;
typedef __m512i v16i;
typedef __m512d v8d;

// Rows and panels of a product of few rows. One panel by 8 rows leaves registers
// for the sums of a piece: on Zen 4 it was faster than two panels, and than tiles of
// widened columns, whatever the rows, so that there are none here.
enum { FEW_ROWS = 8, MAX_SUMS = 16 };
#define FEWS(F, fmt)                                                          \
  F(fmt, 1, 3) F(fmt, 2, 3) F(fmt, 3, 3) F(fmt, 4, 3)                         \
  F(fmt, 1, 4) F(fmt, 2, 4) F(fmt, 3, 4) F(fmt, 4, 4) F(fmt, 5, 1) F(fmt, 6, 1) F(fmt, 7, 1) F(fmt, 8, 1)
#define FEW_PANELS(M) ((M) <= 4 ? 4 : 1)
enum { FEW_THREE = 1 };  // there are kernels of 3 panels too where there are of 4
#define FEW_MOST(fmt) 128

// Rows and panels of a tile of attention.
enum { ATTEND_ROWS = 6, ATTEND_PANELS = 4 };
#define ATTEND_TILES(T)                                                                               \
  T(1, 1) T(2, 1) T(3, 1) T(4, 1) T(5, 1) T(6, 1) T(1, 2) T(2, 2) T(3, 2) T(4, 2) T(5, 2) T(6, 2)     \
  T(1, 3) T(2, 3) T(3, 3) T(4, 3) T(5, 3) T(6, 3) T(1, 4) T(2, 4) T(3, 4) T(4, 4) T(5, 4) T(6, 4)

INLINE v16 v_load(const float *p) { return _mm512_loadu_ps(p); }
INLINE void v_store(float *p, v16 a) { _mm512_storeu_ps(p, a); }
INLINE v16 v_set1(float a) { return _mm512_set1_ps(a); }
INLINE v16 v_zero(void) { return _mm512_setzero_ps(); }
INLINE v16 v_add(v16 a, v16 b) { return _mm512_add_ps(a, b); }
INLINE v16 v_sub(v16 a, v16 b) { return _mm512_sub_ps(a, b); }
INLINE v16 v_mul(v16 a, v16 b) { return _mm512_mul_ps(a, b); }
INLINE v16 v_div(v16 a, v16 b) { return _mm512_div_ps(a, b); }
INLINE v16 v_fma(v16 a, v16 b, v16 c) { return _mm512_fmadd_ps(a, b, c); }
INLINE v16 v_neg(v16 a) { return _mm512_xor_ps(a, _mm512_set1_ps(-0.0f)); }
// a > b ? a : b, and a < b ? a : b
INLINE v16 v_max(v16 a, v16 b) { return _mm512_max_ps(a, b); }
INLINE v16 v_min(v16 a, v16 b) { return _mm512_min_ps(a, b); }
// a > 0 ? b : c, and a == 0 ? b : c
INLINE v16 v_if_pos(v16 a, v16 b, v16 c) {
  return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(a, _mm512_setzero_ps(), _CMP_GT_OQ), c, b);
}
INLINE v16 v_if_zero(v16 a, v16 b, v16 c) {
  return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(a, _mm512_setzero_ps(), _CMP_EQ_OQ), c, b);
}
// whether any a > b
INLINE int v_any_above(v16 a, v16 b) { return _mm512_cmp_ps_mask(a, b, _CMP_GT_OQ) != 0; }
// n as an integer from the float t = n + 1.5*2^23; 2^n; n>>1
INLINE v16i v_int(v16 t) { return _mm512_sub_epi32(_mm512_castps_si512(t), _mm512_set1_epi32(0x4B400000)); }
INLINE v16 v_pow2(v16i n) { return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_add_epi32(n, _mm512_set1_epi32(127)), 23)); }
INLINE v16i v_half(v16i n) { return _mm512_srai_epi32(n, 1); }
INLINE v16i v_isub(v16i a, v16i b) { return _mm512_sub_epi32(a, b); }
// fixed trees
INLINE float v_sum(v16 x) {
  __m256 a = _mm256_add_ps(_mm512_castps512_ps256(x), _mm512_extractf32x8_ps(x, 1));
  __m128 s = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
  s = _mm_add_ps(s, _mm_movehl_ps(s, s));
  return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}
INLINE float v_largest(v16 x) {
  __m256 a = _mm256_max_ps(_mm512_castps512_ps256(x), _mm512_extractf32x8_ps(x, 1));
  __m128 s = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
  s = _mm_max_ps(s, _mm_movehl_ps(s, s));
  return _mm_cvtss_f32(_mm_max_ss(s, _mm_movehdup_ps(s)));
}
// widening loads of 16
INLINE v16 v_f16(const void *p) { return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)p)); }
INLINE v16 v_bf16(const void *p) {
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)p)), 16));
}
INLINE v16 v_i8(const void *p) { return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)p))); }
INLINE v16 v_u8(const void *p) { return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)p))); }
// 16 words of 32 bits, one a row, and what the kernels take out of them
INLINE v16i v_words(const void *p) { return _mm512_loadu_si512(p); }
INLINE v16 v_low16(v16i u) { return _mm512_castsi512_ps(_mm512_slli_epi32(u, 16)); }
INLINE v16 v_high16(v16i u) { return _mm512_castsi512_ps(_mm512_and_si512(u, _mm512_set1_epi32(0xffff0000))); }
// The byte from bit s on, of which the lowest 6 bits count, less zero: put below
// the 1 of a power of two, which is then subtracted.
INLINE v16 v_low6(v16i u, int s, int zero) {
  if (s >= 16) {
    u = _mm512_srli_epi32(u, 16);
    s -= 16;
  }
  const float one = (float)(1 << (23 - s));
  v16 q = _mm512_castsi512_ps(_mm512_ternarylogic_epi32(u, _mm512_set1_epi32(63 << s), _mm512_castps_si512(_mm512_set1_ps(one)),
                                                        0xea));  // (u & mask) | one
  return _mm512_sub_ps(q, _mm512_set1_ps(one + zero));
}
// The value in a table of the 4 bits from s on, which are all of an index that
// count. Beside the two multiplications of each value a shift and a permutation
// take 0.2 cycles on Zen 4, other ways to a float 0.5 or more: what adds shares
// its ports with what multiplies and adds.
typedef v16 v_values;
INLINE v_values v_values_at(const float *p) { return _mm512_loadu_ps(p); }
INLINE v16 v_lookup(v16i u, int s, v_values t) { return _mm512_permutexvar_ps(s ? _mm512_srli_epi32(u, s) : u, t); }
INLINE v16 v_nibble(v16i u, int s, int zero) {
  const float z = (float)-zero;
  return v_lookup(u, s, _mm512_setr_ps(z, 1 + z, 2 + z, 3 + z, 4 + z, 5 + z, 6 + z, 7 + z, 8 + z, 9 + z, 10 + z, 11 + z, 12 + z,
                                       13 + z, 14 + z, 15 + z));
}
INLINE v16 v_two(v16i u, int s) {
  return v_lookup(u, s, _mm512_setr_ps(0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3));
}
// bytes of which the lowest 6 bits are 4 of low, from bit 0 or 4 on, and above
// them the 2 of high from bit 2*part on
INLINE v16i v_six(v16i low, v16i high, int part) {
  if (part & 1) low = _mm512_srli_epi32(low, 4);
  high = part < 2 ? _mm512_slli_epi32(high, 4 - 2 * part) : part == 3 ? _mm512_srli_epi32(high, 2) : high;
  return _mm512_ternarylogic_epi32(_mm512_set1_epi32(0x0f0f0f0f), low, high, 0xca);  // mask ? low : high
}
INLINE void v_prefetch(const void *p) { _mm_prefetch(p, _MM_HINT_T0); }
// 16 E4M3 floats, divided by 256: a float16 has the same bits, but for the sign
// and a bias that is larger by 8.
INLINE v16 v_float8(const void *p) {
  __m256i b = _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)p));
  return _mm512_cvtph_ps(_mm256_and_si256(_mm256_slli_epi16(b, 7), _mm256_set1_epi16((short)0xbfff)));
}
// doubles
INLINE v8d d_set1(double a) { return _mm512_set1_pd(a); }
INLINE v8d d_from(const float *p) { return _mm512_cvtps_pd(_mm256_loadu_ps(p)); }
INLINE v8d d_add(v8d a, v8d b) { return _mm512_add_pd(a, b); }
INLINE v8d d_sub(v8d a, v8d b) { return _mm512_sub_pd(a, b); }
INLINE v8d d_mul(v8d a, v8d b) { return _mm512_mul_pd(a, b); }
INLINE v8d d_div(v8d a, v8d b) { return _mm512_div_pd(a, b); }
INLINE v8d d_fma(v8d a, v8d b, v8d c) { return _mm512_fmadd_pd(a, b, c); }
INLINE v8d d_max(v8d a, v8d b) { return _mm512_max_pd(a, b); }
INLINE v8d d_min(v8d a, v8d b) { return _mm512_min_pd(a, b); }
INLINE void d_store(double *p, v8d a) { _mm512_storeu_pd(p, a); }
// a < b ? 0 : c
INLINE v8d d_zero_below(v8d a, v8d b, v8d c) {
  return _mm512_maskz_mov_pd(_mm512_cmp_pd_mask(a, b, _CMP_NLT_UQ), c);
}
// 2^n from t = n + 1.5*2^52
INLINE v8d d_pow2(v8d t) {
  __m512i n = _mm512_sub_epi64(_mm512_castpd_si512(t), _mm512_set1_epi64(0x4338000000000000));
  return _mm512_castsi512_pd(_mm512_slli_epi64(_mm512_add_epi64(n, _mm512_set1_epi64(1023)), 52));
}
