// Vectors of 16 floats and 8 doubles as pairs of the halves that simd_avx2.h and
// simd_portable.h define: h_* of 8 floats, e_* of 4 doubles.
typedef struct { v8 a, b; } v16;
typedef struct { v8i a, b; } v16i;
typedef struct { v4d a, b; } v8d;

// Rows and panels of a tile, and of a product of few rows: 16 registers of AVX2
// hold 6 vectors of 16 sums.
enum { TILE_ROWS = 6, TILE_PANELS = 1, FEW_ROWS = 6, MAX_SUMS = 6 };
#define TILES(T) T(1, 1) T(2, 1) T(3, 1) T(4, 1) T(5, 1) T(6, 1)
#define FEWS(F, fmt) F(fmt, 1, 4) F(fmt, 2, 2) F(fmt, 3, 2) F(fmt, 4, 1) F(fmt, 5, 1) F(fmt, 6, 1)
#define FEW_PANELS(M) ((M) == 1 ? 4 : (M) <= 3 ? 2 : 1)
enum { FEW_THREE = 0 };
#define FEW_MOST(fmt) FEW_ROWS

// Rows and panels of a tile of attention.
enum { ATTEND_ROWS = 6, ATTEND_PANELS = 4 };
#define ATTEND_TILES(T) T(1, 1) T(2, 1) T(3, 1) T(4, 1) T(5, 1) T(6, 1) T(1, 2) T(2, 2) T(3, 2) T(1, 4)

INLINE v16 v_load(const float *p) { return (v16){h_load(p), h_load(p + 8)}; }
INLINE void v_store(float *p, v16 x) { h_store(p, x.a); h_store(p + 8, x.b); }
INLINE v16 v_set1(float x) { return (v16){h_set1(x), h_set1(x)}; }
INLINE v16 v_zero(void) { return (v16){h_zero(), h_zero()}; }
INLINE v16 v_add(v16 x, v16 y) { return (v16){h_add(x.a, y.a), h_add(x.b, y.b)}; }
INLINE v16 v_sub(v16 x, v16 y) { return (v16){h_sub(x.a, y.a), h_sub(x.b, y.b)}; }
INLINE v16 v_mul(v16 x, v16 y) { return (v16){h_mul(x.a, y.a), h_mul(x.b, y.b)}; }
INLINE v16 v_div(v16 x, v16 y) { return (v16){h_div(x.a, y.a), h_div(x.b, y.b)}; }
INLINE v16 v_fma(v16 x, v16 y, v16 z) { return (v16){h_fma(x.a, y.a, z.a), h_fma(x.b, y.b, z.b)}; }
INLINE v16 v_neg(v16 x) { return (v16){h_neg(x.a), h_neg(x.b)}; }
INLINE v16 v_max(v16 x, v16 y) { return (v16){h_max(x.a, y.a), h_max(x.b, y.b)}; }
INLINE v16 v_min(v16 x, v16 y) { return (v16){h_min(x.a, y.a), h_min(x.b, y.b)}; }
INLINE v16 v_if_pos(v16 x, v16 y, v16 z) { return (v16){h_if_pos(x.a, y.a, z.a), h_if_pos(x.b, y.b, z.b)}; }
INLINE v16 v_if_zero(v16 x, v16 y, v16 z) { return (v16){h_if_zero(x.a, y.a, z.a), h_if_zero(x.b, y.b, z.b)}; }
INLINE int v_any_above(v16 x, v16 y) { return h_any_above(x.a, y.a) || h_any_above(x.b, y.b); }
INLINE v16i v_int(v16 t) { return (v16i){h_int(t.a), h_int(t.b)}; }
INLINE v16 v_pow2(v16i n) { return (v16){h_pow2(n.a), h_pow2(n.b)}; }
INLINE v16i v_half(v16i n) { return (v16i){h_half(n.a), h_half(n.b)}; }
INLINE v16i v_isub(v16i x, v16i y) { return (v16i){h_isub(x.a, y.a), h_isub(x.b, y.b)}; }
INLINE float v_sum(v16 x) { return h_sum16(x.a, x.b); }
INLINE float v_largest(v16 x) { return h_max16(x.a, x.b); }
INLINE v16 v_f16(const uint8_t *p) { return (v16){h_f16(p), h_f16(p + 16)}; }
INLINE v16 v_bf16(const uint8_t *p) { return (v16){h_bf16(p), h_bf16(p + 16)}; }
INLINE v16 v_i8(const uint8_t *p) { return (v16){h_i8(p), h_i8(p + 8)}; }
INLINE v16 v_u8(const uint8_t *p) { return (v16){h_u8(p), h_u8(p + 8)}; }
INLINE v16i v_words(const uint8_t *p) { return (v16i){h_words(p), h_words(p + 32)}; }
INLINE v16 v_low16(v16i u) { return (v16){h_low16(u.a), h_low16(u.b)}; }
INLINE v16 v_high16(v16i u) { return (v16){h_high16(u.a), h_high16(u.b)}; }
INLINE v16 v_field(v16i u, int s, int bits, int zero) { return (v16){h_field(u.a, s, bits, zero), h_field(u.b, s, bits, zero)}; }
INLINE v16 v_two(v16i u, int s) { return v_field(u, s, 2, 0); }
INLINE v16 v_nibble(v16i u, int s, int zero) { return v_field(u, s, 4, zero); }
INLINE v16 v_low6(v16i u, int s, int zero) { return v_field(u, s, 6, zero); }
INLINE v16 v_lookup(v16i u, int s, v_values t) { return (v16){h_lookup(u.a, s, t), h_lookup(u.b, s, t)}; }
INLINE v16i v_six(v16i low, v16i high, int part) { return (v16i){h_six(low.a, high.a, part), h_six(low.b, high.b, part)}; }
INLINE v16 v_float8(const uint8_t *p) {
  v8 w[2];
  h_float8(p, w);
  return (v16){w[0], w[1]};
}
INLINE v8d d_set1(double x) { return (v8d){e_set1(x), e_set1(x)}; }
INLINE v8d d_from(const float *p) { return (v8d){e_from(p), e_from(p + 4)}; }
INLINE v8d d_add(v8d x, v8d y) { return (v8d){e_add(x.a, y.a), e_add(x.b, y.b)}; }
INLINE v8d d_sub(v8d x, v8d y) { return (v8d){e_sub(x.a, y.a), e_sub(x.b, y.b)}; }
INLINE v8d d_mul(v8d x, v8d y) { return (v8d){e_mul(x.a, y.a), e_mul(x.b, y.b)}; }
INLINE v8d d_div(v8d x, v8d y) { return (v8d){e_div(x.a, y.a), e_div(x.b, y.b)}; }
INLINE v8d d_fma(v8d x, v8d y, v8d z) { return (v8d){e_fma(x.a, y.a, z.a), e_fma(x.b, y.b, z.b)}; }
INLINE v8d d_max(v8d x, v8d y) { return (v8d){e_max(x.a, y.a), e_max(x.b, y.b)}; }
INLINE v8d d_min(v8d x, v8d y) { return (v8d){e_min(x.a, y.a), e_min(x.b, y.b)}; }
INLINE void d_store(double *p, v8d x) { e_store(p, x.a); e_store(p + 4, x.b); }
INLINE v8d d_zero_below(v8d x, v8d y, v8d z) { return (v8d){e_zero_below(x.a, y.a, z.a), e_zero_below(x.b, y.b, z.b)}; }
INLINE v8d d_pow2(v8d t) { return (v8d){e_pow2(t.a), e_pow2(t.b)}; }
