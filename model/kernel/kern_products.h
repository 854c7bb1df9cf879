// Products of rows and weights. Part of kern_body.h.

// A tile computes MR rows by NP panels of 16 columns: y (+)= x w, where the
// panels of w are [K][ldw], next floats apart.
typedef void (*tile_fn)(int K, const float *x, size_t ldx, const float *w, size_t ldw, size_t next, float *y, size_t ldy,
                        int more);
#define TILE(MR, NP)                                                                                           \
  FN static __attribute__((noinline)) void tile_##MR##_##NP(int K, const float *restrict x, size_t ldx,        \
                                                            const float *restrict w, size_t ldw, size_t next,  \
                                                            float *restrict y, size_t ldy, int more) {         \
    v16 acc[MR * NP];                                                                                          \
    UNROLL for (int i = 0; i < MR; i++)                                                                        \
      UNROLL for (int n = 0; n < NP; n++) acc[i * NP + n] = more ? v_load(y + i * ldy + 16 * n) : v_zero();    \
    for (int k = 0; k < K; k++) {                                                                              \
      v16 b[NP];                                                                                               \
      UNROLL for (int n = 0; n < NP; n++) b[n] = v_load(w + n * next);                                         \
      UNROLL for (int i = 0; i < MR; i++) {                                                                    \
        v16 v = v_set1(x[i * ldx + k]);                                                                        \
        UNROLL for (int n = 0; n < NP; n++) acc[i * NP + n] = v_fma(v, b[n], acc[i * NP + n]);                 \
      }                                                                                                        \
      w += ldw;                                                                                                \
    }                                                                                                          \
    UNROLL for (int i = 0; i < MR; i++)                                                                        \
      UNROLL for (int n = 0; n < NP; n++) v_store(y + i * ldy + 16 * n, acc[i * NP + n]);                      \
  }
TILES(TILE)
#define TILE_ENTRY(MR, NP) [NP][MR] = tile_##MR##_##NP,
static const tile_fn tile_fns[TILE_PANELS + 1][TILE_ROWS + 1] = {TILES(TILE_ENTRY)};

FN static void tiles(int M, int NP, int K, const float *x, size_t ldx, const float *w, size_t ldw, size_t next, float *y,
                     size_t ldy, int more) {
  // Rows in tiles of equal height: one more than TILE_ROWS are two halves.
  for (int left = (M + TILE_ROWS - 1) / TILE_ROWS; M > 0; left--) {
    int mr = (M + left - 1) / left;
    tile_fns[NP][mr](K, x, ldx, w, ldw, next, y, ldy, more);
    x += mr * ldx;
    y += mr * ldy;
    M -= mr;
  }
}

// A format gives the bytes of 32 columns of a panel, the state that a block of
// 32 columns needs (scales), and the widening of columns k and k+1 of it.
typedef struct { v16 d, m; } scales;

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
  scales s = {v_zero(), v_zero()};
  if (fmt >= Q8_0) s.d = v_f16(p);
  if (fmt == Q4_1) s.m = v_f16(p + 32);
  return s;
}

// widen1 gives one column of the formats without blocks.
INLINE v16 widen1(int fmt, const uint8_t *p, int k) {
  switch (fmt) {
  case F32: return v_load((const float *)p + 16 * k);
  case F16: return v_f16(p + 32 * k);
  default: return v_bf16(p + 32 * k);
  }
}

// widen2 gives columns k and k+1 (k even) of the block at p.
INLINE void widen2(int fmt, const uint8_t *p, int k, const scales *s, v16 w[2]) {
  switch (fmt) {
  case Q8_0:
    UNROLL for (int j = 0; j < 2; j++) w[j] = v_mul(s->d, v_i8(p + 32 + 16 * (k + j)));
    break;
  case Q4_0:
    v_nibbles(p + 32 + 8 * k, w);
    UNROLL for (int j = 0; j < 2; j++) w[j] = v_mul(s->d, v_sub(w[j], v_set1(8.0f)));
    break;
  case Q4_1:  // d*q is exact, so that this fma rounds as the sum does
    v_nibbles(p + 64 + 8 * k, w);
    UNROLL for (int j = 0; j < 2; j++) w[j] = v_fma(s->d, w[j], s->m);
    break;
  default:
    UNROLL for (int j = 0; j < 2; j++) w[j] = widen1(fmt, p, k + j);
  }
}

// decode widens the columns [k0, k0+n) of a panel to w [n][16].
INLINE void decode(int fmt, const uint8_t *p, int k0, int n, float *w) {
  int k = 0;
  p += (size_t)(k0 / 32) * block_bytes(fmt);
  for (; k + 32 <= n; k += 32) {
    scales s = block_scales(fmt, p);
    for (int j = 0; j < 32; j += 2, w += 32) {
      v16 v[2];
      widen2(fmt, p, j, &s, v);
      v_store(w, v[0]);
      v_store(w + 16, v[1]);
    }
    p += block_bytes(fmt);
  }
  if (fmt <= BF16)
    for (int j = 0; k < n; k++, j++, w += 16) v_store(w, widen1(fmt, p, j));
}

// A product of few rows computes MR rows by NP panels of 16 columns over all of
// K, widening in registers. Several panels keep enough sums in flight for one or
// two rows. accumulate adds one column w of panel n to the sums.
INLINE void accumulate(int MR, int NP, int n, const float *x, size_t ldx, v16 w, v16 *acc) {
  UNROLL for (int i = 0; i < MR; i++) acc[i * NP + n] = v_fma(v_set1(x[i * ldx]), w, acc[i * NP + n]);
}

INLINE void few(int fmt, int MR, int NP, int K, const float *restrict x, size_t ldx, const uint8_t *restrict p,
                size_t panel_size, float *restrict y, size_t ldy) {
  v16 acc[MAX_SUMS];
  UNROLL for (int i = 0; i < MR * NP; i++) acc[i] = v_zero();
  int k = 0;
  for (; k + 32 <= K; k += 32) {
    scales s[4];
    UNROLL for (int n = 0; n < NP; n++) s[n] = block_scales(fmt, p + n * panel_size);
    for (int j = 0; j < 32; j += 2) {
      UNROLL for (int n = 0; n < NP; n++) {
        v16 w[2];
        widen2(fmt, p + n * panel_size, j, &s[n], w);
        UNROLL for (int c = 0; c < 2; c++) accumulate(MR, NP, n, x + k + j + c, ldx, w[c], acc);
      }
    }
    p += block_bytes(fmt);
  }
  if (fmt <= BF16)
    for (int j = 0; k < K; k++, j++)
      UNROLL for (int n = 0; n < NP; n++) accumulate(MR, NP, n, x + k, ldx, widen1(fmt, p + n * panel_size, j), acc);
  UNROLL for (int i = 0; i < MR; i++)
    UNROLL for (int n = 0; n < NP; n++) v_store(y + i * ldy + 16 * n, acc[i * NP + n]);
}

// ---- matrices of codes ----

// group_scales gives the scales and biases of the group that column k of a panel
// is in. Without biases they are -0, which changes nothing that it is added to.
INLINE scales group_scales(const groups *g, const uint8_t *panel, int k) {
  const size_t both = 1 + g->bias;
  const uint8_t *p;
  if (g->nested) {
    const size_t n = 256 >> g->shift;
    p = panel + (size_t)(k / 256) * (64 + 16 * n) * both;
  } else {
    p = panel + (size_t)(k >> g->shift) * 64 * both;
  }
  scales s = {v_load((const float *)p), v_set1(-0.0f)};
  if (g->bias) s.m = v_load((const float *)p + 16);
  if (g->nested) {
    p += 64 * both + (size_t)(k % 256 >> g->shift) * 16 * both;
    s.d = v_mul(s.d, v_i8(p));
    if (g->bias) s.m = v_mul(s.m, v_i8(p + 16));
  }
  return s;
}

INLINE v16 scaled(v16 q, const scales *s) { return v_add(v_mul(s->d, q), s->m); }

// codes2 gives columns k+2*part and the next (k a multiple of 4) of the 16 whose
// codes are at p.
INLINE void codes2(int fmt, const uint8_t *p, int k, int part, v_values t, int zero, const scales *s, v16 w[2]) {
  const uint8_t *nibbles = p + 8 * k + 16 * part;
  switch (fmt) {
  case CODES2: v_codes2(p + 4 * k, part, w); break;
  case CODES4: v_codes4(nibbles, t, w); break;
  case CODES6: v_codes6(nibbles, p + 128 + 4 * k, part, zero, w); break;
  case CODES8:
    UNROLL for (int j = 0; j < 2; j++) w[j] = v_u8(p + 16 * (k + 2 * part + j));
    break;
  default:
    UNROLL for (int j = 0; j < 2; j++) w[j] = v_float8(p + 16 * (k + 2 * part + j));
  }
  UNROLL for (int j = 0; j < 2; j++) w[j] = scaled(w[j], s);
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
      UNROLL for (int part = 0; part < 2; part++, w += 32) {
        v16 v[2];
        codes2(fmt, p, j, part, t, g->zero, &s, v);
        v_store(w, v[0]);
        v_store(w + 16, v[1]);
      }
    }
  }
  if (fmt == FLOAT8 && k < n) {  // of FLOAT8 a row may have any number
    if ((k & (group - 1)) == 0) s = group_scales(g, panel, k0 + k);
    for (; k < n; k++, p += 16, w += 16) v_store(w, scaled(v_float8(p), &s));
  }
}

// few_groups is few for matrices of codes.
INLINE void few_groups(int fmt, int MR, int NP, int K, const float *restrict x, size_t ldx, const groups *g,
                       const uint8_t *restrict panel, size_t panel_size, float *restrict y, size_t ldy) {
  const size_t bytes = block_bytes(fmt) / 2;
  const uint8_t *p = panel + g->head;
  const v_values t = v_values_at(g->values);
  const int group = 1 << g->shift, zero = g->zero;
  v16 acc[MAX_SUMS];
  scales s[4];
  UNROLL for (int i = 0; i < MR * NP; i++) acc[i] = v_zero();
  int k = 0;
  for (; k + 16 <= K; k += 16, p += bytes) {
    if ((k & (group - 1)) == 0) UNROLL for (int n = 0; n < NP; n++) s[n] = group_scales(g, panel + n * panel_size, k);
    for (int j = 0; j < 16; j += 4) {
      UNROLL for (int n = 0; n < NP; n++) {
        UNROLL for (int part = 0; part < 2; part++) {
          v16 w[2];
          codes2(fmt, p + n * panel_size, j, part, t, zero, &s[n], w);
          UNROLL for (int c = 0; c < 2; c++) accumulate(MR, NP, n, x + k + j + 2 * part + c, ldx, w[c], acc);
        }
      }
    }
  }
  if (fmt == FLOAT8 && k < K) {
    if ((k & (group - 1)) == 0) UNROLL for (int n = 0; n < NP; n++) s[n] = group_scales(g, panel + n * panel_size, k);
    for (; k < K; k++, p += 16)
      UNROLL for (int n = 0; n < NP; n++)
        accumulate(MR, NP, n, x + k, ldx, scaled(v_float8(p + n * panel_size), &s[n]), acc);
  }
  UNROLL for (int i = 0; i < MR; i++)
    UNROLL for (int n = 0; n < NP; n++) v_store(y + i * ldy + 16 * n, acc[i * NP + n]);
}

typedef void (*few_fn)(const mul_args *, const uint8_t *, float *, size_t);
typedef void (*decode_fn)(const groups *, const uint8_t *, int, int, float *);

// One format's functions: few[NP][MR], and decode.
typedef struct {
  few_fn few[5][FEW_ROWS + 1];
  decode_fn decode;
} format_fns;

#define FEW_FN(fmt, MR, NP)                                                                                \
  FN static __attribute__((noinline)) void few_##fmt##_##MR##_##NP(const mul_args *a, const uint8_t *p, float *y, size_t ldy) { \
    if (fmt < CODES2)                                                                                      \
      few(fmt, MR, NP, a->K, a->x, a->ldx, p, a->panel_size, y, ldy);                                      \
    else                                                                                                   \
      few_groups(fmt, MR, NP, a->K, a->x, a->ldx, &a->g, p, a->panel_size, y, ldy);                        \
  }
#define FEW_ENTRY(fmt, MR, NP) [NP][MR] = few_##fmt##_##MR##_##NP,
#define FORMAT(fmt)                                                                                        \
  FEWS(FEW_FN, fmt)                                                                                        \
  FN static __attribute__((noinline)) void decode_##fmt(const groups *g, const uint8_t *panel, int k, int n, float *w) { \
    if (fmt < CODES2)                                                                                      \
      decode(fmt, panel, k, n, w);                                                                         \
    else                                                                                                   \
      decode_groups(fmt, g, panel, k, n, w);                                                               \
  }
FORMAT(F32) FORMAT(F16) FORMAT(BF16) FORMAT(Q8_0) FORMAT(Q4_0) FORMAT(Q4_1)
FORMAT(CODES2) FORMAT(CODES4) FORMAT(CODES6) FORMAT(CODES8) FORMAT(FLOAT8)
#define FNS(fmt) [fmt] = {{FEWS(FEW_ENTRY, fmt)}, decode_##fmt}
static const format_fns formats[FORMATS] = {FNS(F32),    FNS(F16),    FNS(BF16),   FNS(Q8_0),   FNS(Q4_0),  FNS(Q4_1),
                                            FNS(CODES2), FNS(CODES4), FNS(CODES6), FNS(CODES8), FNS(FLOAT8)};

// few_rows multiplies up to FEW_ROWS rows.
FN static void few_rows(const mul_args *a) {
  const format_fns *f = &formats[a->fmt];
  const int M = a->M, wide = FEW_PANELS(M);
  for (int n = a->n0; n < a->n1;) {
    const uint8_t *p = a->panels + (size_t)(n / 16) * a->panel_size;
    if (n + 16 * wide <= a->n1) {
      f->few[wide][M](a, p, a->y + n, a->ldy);
      n += 16 * wide;
      continue;
    }
    if (n + 16 <= a->n1) {
      f->few[1][M](a, p, a->y + n, a->ldy);
    } else {
      float t[FEW_ROWS * 16];
      f->few[1][M](a, p, t, 16);
      for (int i = 0; i < M; i++) memcpy(a->y + i * a->ldy + n, t + 16 * i, (a->n1 - n) * sizeof(float));
    }
    n += 16;
  }
}

// panels multiplies M rows xs [M][XS] by the columns [k, k+K) of NP panels from
// column n on.
FN static void panels(const mul_args *a, int M, int NP, int k, int K, int n, const float *xs, float *y) {
  const uint8_t *p = a->panels + (size_t)(n / 16) * a->panel_size;
  float *ws = a->scratch + MC * XS, *ys = ws + KC * 16 * TILE_PANELS;
  const float *w = ws;
  size_t next = KC * 16;
  if (a->fmt == F32) {
    w = (const float *)p + (size_t)k * 16;
    next = a->panel_size / sizeof(float);
  } else {
    for (int i = 0; i < NP; i++) formats[a->fmt].decode(&a->g, p + i * a->panel_size, k, K, ws + i * next);
  }
  if (n + 16 * NP <= a->n1) {
    tiles(M, NP, K, xs, XS, w, 16, next, y + n, a->ldy, k > 0);
    return;
  }
  size_t bytes = (a->n1 - n) * sizeof(float);
  if (k > 0)
    for (int i = 0; i < M; i++) memcpy(ys + 16 * i, y + i * a->ldy + n, bytes);
  tiles(M, 1, K, xs, XS, w, 16, next, ys, 16, k > 0);
  for (int i = 0; i < M; i++) memcpy(y + i * a->ldy + n, ys + 16 * i, bytes);
}

FN void NAME(mul)(const mul_args *a) {
  if (a->M <= FEW_ROWS) {
    few_rows(a);
    return;
  }
  float *xs = a->scratch;
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
      int K = a->K - k < KC ? a->K - k : KC;
      for (int i = 0; i < M; i++) memcpy(xs + (size_t)i * XS, x + i * a->ldx + k, K * sizeof(float));
      for (int n = a->n0, np; n < a->n1; n += 16 * np) {
        np = n + 16 * TILE_PANELS <= a->n1 ? TILE_PANELS : 1;
        panels(a, M, np, k, K, n, xs, y);
      }
    }
  }
}
