// The products of a low-rank update: few rows of an adapter's own. Part of
// kern_body.h.

// narrow computes MR rows by NP panels of 16 columns over all of K, in the order
// of mul. The products are y, or, where add says so, what add_scaled adds to y.
INLINE void narrow(int fmt, int MR, int NP, const mul_args *a, int add, float scale, const float *x, int n, float *y, size_t ldy) {
  const uint8_t *p = a->panels + (size_t)(n / 16) * a->panel_size;
  static const float no_values[16];
  const tables t = {v_values_at(no_values), 0};
  v16 acc[6];
  UNROLL for (int i = 0; i < MR * NP; i++) acc[i] = v_zero();
  const size_t pair = fmt == F32 ? 128 : 64;      // bytes of two columns
  const uint8_t *after = p + NP * a->panel_size;  // an update has many short panels
  for (int k = 0; k < a->K; k += 2, p += pair, after += NP * pair) {
    v16i u[NP];
    if (add)
      UNROLL for (size_t o = 0; o < NP * pair; o += 64) v_prefetch(after + o);
    UNROLL for (int c = 0; c < 2; c++) {
      if (k + c == a->K) break;
      v16 w[NP];
      UNROLL for (int j = 0; j < NP; j++) w[j] = step(fmt, p + j * a->panel_size, &u[j], 0, c, &t);
      UNROLL for (int i = 0; i < MR; i++) {
        v16 v = v_set1(x[i * a->ldx + k + c]);
        UNROLL for (int j = 0; j < NP; j++) acc[i * NP + j] = v_fma(v, w[j], acc[i * NP + j]);
      }
    }
  }
  const v16 s = v_set1(scale);
  UNROLL for (int i = 0; i < MR; i++) {
    UNROLL for (int j = 0; j < NP; j++) {
      float *to = y + i * ldy + 16 * j;
      v16 d = acc[i * NP + j];
      if (add) {
        v16 old = v_load(to);
        d = v_if_zero(d, old, v_fma(s, d, old));
      }
      v_store(to, d);
    }
  }
}

typedef void (*narrow_fn)(const mul_args *, int, float, const float *, int, float *, size_t);

// Rows by panels: six sums at most, which all vectors have registers for.
#define NARROW(F, fmt) \
  F(fmt, 1, 1) F(fmt, 1, 2) F(fmt, 1, 3) F(fmt, 1, 4) F(fmt, 2, 1) F(fmt, 2, 2) F(fmt, 2, 3) F(fmt, 3, 1) F(fmt, 3, 2) \
  F(fmt, 4, 1) F(fmt, 5, 1) F(fmt, 6, 1)
#define NARROW_FN(fmt, MR, NP)                                                                              \
  FN static __attribute__((noinline)) void narrow_##fmt##_##MR##_##NP(const mul_args *a, int add, float scale, \
                                                                      const float *x, int n, float *y, size_t ldy) { \
    narrow(fmt, MR, NP, a, add, scale, x, n, y, ldy);                                                       \
  }
#define NARROW_ENTRY(fmt, MR, NP) [fmt][MR][NP] = narrow_##fmt##_##MR##_##NP,
NARROW(NARROW_FN, F32) NARROW(NARROW_FN, F16) NARROW(NARROW_FN, BF16)
static const narrow_fn narrows[3][7][5] = {NARROW(NARROW_ENTRY, F32) NARROW(NARROW_ENTRY, F16) NARROW(NARROW_ENTRY, BF16)};

FN void NAME(mul_narrow)(const mul_args *a, int add, float scale) {
  static const int widest[7] = {0, 4, 3, 2, 1, 1, 1};
  const float *x = a->x;
  float *y = a->y;
  for (int left = (a->M + 5) / 6, M = a->M; left > 0; left--) {
    const int mr = (M + left - 1) / left;
    for (int n = a->n0, np; n < a->n1; n += 16 * np) {
      np = (a->n1 - n) / 16;
      if (np >= 1) {
        if (np > widest[mr]) np = widest[mr];
        narrows[a->fmt][mr][np](a, add, scale, x, n, y + n, a->ldy);
        continue;
      }
      np = 1;
      float t[6 * 16] = {0};
      const size_t bytes = (a->n1 - n) * sizeof(float);
      for (int i = 0; i < mr; i++) memcpy(t + 16 * i, y + i * a->ldy + n, bytes);
      narrows[a->fmt][mr][1](a, add, scale, x, n, t, 16);
      for (int i = 0; i < mr; i++) memcpy(y + i * a->ldy + n, t + 16 * i, bytes);
    }
    x += mr * a->ldx;
    y += mr * a->ldy;
    M -= mr;
  }
}
