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

// What a format stores: blocks of so many columns, each of so many bytes a
// panel, at their start the scales; and how many columns a word of 32 bits holds
// (where it is 1, columns are read without words).
INLINE int block_columns(int fmt) { return fmt < CODES2 ? 32 : 16; }

INLINE size_t scale_bytes(int fmt) { return fmt == Q8_0 || fmt == Q4_0 ? 32 : fmt == Q4_1 ? 64 : 0; }

INLINE size_t block_bytes(int fmt) {
  switch (fmt) {
  case F32: return 32 * 64;
  case F16: case BF16: return 32 * 32;
  case Q8_0: case Q4_0: case Q4_1: return scale_bytes(fmt) + (fmt == Q8_0 ? 32 * 16 : 32 * 8);
  case CODES2: return 16 * 4;
  case CODES4: return 16 * 8;
  case CODES6: return 16 * 12;
  default: return 16 * 16;
  }
}

INLINE int word_columns(int fmt) {
  switch (fmt) {
  case BF16: return 2;
  case CODES6: return 4;
  case Q4_0: case Q4_1: case CODES4: return 8;
  case CODES2: return 16;
  default: return 1;
  }
}

// words gives the words of 16 rows that hold column k and those after it, k a
// multiple of word_columns, of the block whose codes are at p.
INLINE v16i words(int fmt, const uint8_t *p, int k) {
  if (fmt == CODES6) return v_six(v_words(p + 64 * (k / 8)), v_words(p + 128), k / 4);
  return v_words(p + 64 * (k / word_columns(fmt)));
}

// What stays for all of a product: the values of codes of 4 bits, and what is
// subtracted of codes of 6 bits.
typedef struct {
  v_values values;
  int zero;
} tables;

// code gives column k, of which u are the words, before it is scaled.
INLINE v16 code(int fmt, const uint8_t *p, v16i u, int k, const tables *t) {
  const int c = k % word_columns(fmt);
  switch (fmt) {
  case F32: return v_load((const float *)p + 16 * k);
  case F16: return v_f16(p + 32 * k);
  case BF16: return c ? v_high16(u) : v_low16(u);
  case Q8_0: return v_i8(p + 16 * k);
  case Q4_0: return v_nibble(u, 4 * c, 8);
  case Q4_1: return v_nibble(u, 4 * c, 0);
  case CODES2: return v_two(u, 2 * c);
  case CODES4: return v_lookup(u, 4 * c, t->values);
  case CODES6: return v_low6(u, 8 * c, t->zero);
  case CODES8: return v_u8(p + 16 * k);
  default: return v_float8(p + 16 * k);
  }
}

typedef struct { v16 d, m; } scales;

// Where fused, one fma gives the bits of product and sum: products are exact, or
// there is no bias but the -0 of group_scales.
INLINE v16 scaled(int fmt, int fused, v16 q, const scales *s) {
  if (fmt <= BF16) return q;
  if (fmt == Q8_0 || fmt == Q4_0) return v_mul(s->d, q);
  return fused ? v_fma(s->d, q, s->m) : v_add(v_mul(s->d, q), s->m);
}

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

// next_scales makes s those of column k, the first of the block at p.
INLINE void next_scales(int fmt, const groups *g, const uint8_t *panel, const uint8_t *p, int k, scales *s) {
  if (fmt >= CODES2) {
    if ((k & ((1 << g->shift) - 1)) == 0) *s = group_scales(g, panel, k);
  } else if (fmt >= Q8_0) {
    s->d = v_f16(p);
    if (fmt == Q4_1) s->m = v_f16(p + 32);
  }
}

// Columns that are widened in one go: whole words, and a line of the cache where
// words are not used.
INLINE int step_columns(int fmt) {
  switch (fmt) {
  case F32: case F16: return 2;
  case Q8_0: case CODES8: case FLOAT8: return 4;
  case CODES6: return 16;
  default: return word_columns(fmt);
  }
}

// step gives column j+c, of which c is a constant, of the block whose codes are
// at p; u keeps the words from one to the next.
INLINE v16 step(int fmt, int fused, const uint8_t *p, v16i *u, int j, int c, const tables *t, const scales *s) {
  const int per_word = word_columns(fmt);
  if (per_word > 1 && c % per_word == 0) *u = words(fmt, p, fmt == CODES6 ? c : j + c);
  return scaled(fmt, fused, code(fmt, p, *u, per_word > 1 ? c : j + c, t), s);
}

// last gives column j of a block that is not whole.
INLINE v16 last(int fmt, int fused, const uint8_t *p, int j, const tables *t, const scales *s) {
  v16i u = {0};
  if (fmt != BF16) return scaled(fmt, fused, code(fmt, p, u, j, t), s);
  u = v_words(p + 64 * (j / 2));
  return j & 1 ? v_high16(u) : v_low16(u);
}

// Formats whose blocks need not be whole.
INLINE int has_last(int fmt) { return fmt <= BF16 || fmt == FLOAT8; }

// decode widens the columns [k0, k0+n) of a panel to w [n][16], k0 a multiple of
// 256.
INLINE void decode(int fmt, int fused, const groups *g, const uint8_t *panel, int k0, int n, float *w) {
  const int block = block_columns(fmt), columns = step_columns(fmt);
  const tables t = {v_values_at(g->values), g->zero};
  const uint8_t *p = panel + (fmt >= CODES2 ? g->head : 0) + (size_t)(k0 / block) * block_bytes(fmt);
  scales s = {v_zero(), v_zero()};
  int k = 0;
  for (; k + block <= n; k += block, p += block_bytes(fmt)) {
    next_scales(fmt, g, panel, p, k0 + k, &s);
    for (int j = 0; j < block; j += columns, w += 16 * columns) {
      v16i u;
      UNROLL for (int c = 0; c < columns; c++) v_store(w + 16 * c, step(fmt, fused, p + scale_bytes(fmt), &u, j, c, &t, &s));
    }
  }
  if (!has_last(fmt) || k == n) return;
  next_scales(fmt, g, panel, p, k0 + k, &s);
  for (int j = 0; k < n; k++, j++, w += 16) v_store(w, last(fmt, fused, p, j, &t, &s));
}

// A product of few rows computes MR rows by NP panels of 16 columns over all of
// K, widening in registers. Several panels keep enough sums in flight for one or
// two rows. accumulate adds one column w of panel n to the sums.
INLINE void accumulate(int MR, int NP, int n, const float *x, size_t ldx, v16 w, v16 *acc) {
  UNROLL for (int i = 0; i < MR; i++) acc[i * NP + n] = v_fma(v_set1(x[i * ldx]), w, acc[i * NP + n]);
}

// The processor fetches ahead within a page only, and not far enough where much
// is computed for each byte; where little is, it does better alone.
enum { AHEAD = 2048 };
INLINE int prefetches(int fmt, int MR) { return fmt >= Q8_0 || (fmt != F32 && MR > 2); }

INLINE void few(int fmt, int MR, int NP, int K, const float *restrict x, size_t ldx, const groups *g,
                const uint8_t *restrict panel, size_t panel_size, float *restrict y, size_t ldy) {
  const int block = block_columns(fmt), columns = step_columns(fmt);
  const size_t bytes = block_bytes(fmt), step_bytes = (bytes - scale_bytes(fmt)) / block * columns;
  const tables t = {v_values_at(g->values), g->zero};
  const uint8_t *p = panel + (fmt >= CODES2 ? g->head : 0);
  v16 acc[MAX_SUMS];
  scales s[4];
  UNROLL for (int i = 0; i < MR * NP; i++) acc[i] = v_zero();
  int k = 0;
  for (; k + block <= K; k += block, p += bytes) {
    UNROLL for (int n = 0; n < NP; n++) next_scales(fmt, g, panel + n * panel_size, p + n * panel_size, k, &s[n]);
    // Behind the end of these panels come the next ones.
    const uint8_t *ahead = p + AHEAD + ((K - k) / block * bytes < AHEAD ? (NP - 1) * panel_size : 0);
    for (int j = 0; j < block; j += columns) {
      v16i u[4];
      if (prefetches(fmt, MR))
        UNROLL for (int n = 0; n < NP; n++)
          UNROLL for (size_t o = 0; o < step_bytes; o += 64) v_prefetch(ahead + n * panel_size + step_bytes / columns * j + o);
      UNROLL for (int c = 0; c < columns; c++)
        UNROLL for (int n = 0; n < NP; n++)
          accumulate(MR, NP, n, x + k + j + c, ldx, step(fmt, 1, p + n * panel_size + scale_bytes(fmt), &u[n], j, c, &t, &s[n]), acc);
    }
  }
  if (has_last(fmt) && k < K) {
    UNROLL for (int n = 0; n < NP; n++) next_scales(fmt, g, panel + n * panel_size, p + n * panel_size, k, &s[n]);
    for (int j = 0; k < K; k++, j++)
      UNROLL for (int n = 0; n < NP; n++) accumulate(MR, NP, n, x + k, ldx, last(fmt, 1, p + n * panel_size, j, &t, &s[n]), acc);
  }
  UNROLL for (int i = 0; i < MR; i++)
    UNROLL for (int n = 0; n < NP; n++) v_store(y + i * ldy + 16 * n, acc[i * NP + n]);
}

typedef void (*few_fn)(const mul_args *, const float *, const uint8_t *, size_t, float *, size_t);
typedef void (*decode_fn)(const groups *, const uint8_t *, int, int, float *);

// One format's functions: few[MR], each for FEW_PANELS(MR) panels that lie next
// bytes apart, and decode.
typedef struct {
  few_fn few[FEW_ROWS + 1];
  decode_fn decode;
} format_fns;

#define FEW_FN(fmt, MR, NP)                                                                                               \
  FN static __attribute__((noinline)) void few_##fmt##_##MR(const mul_args *a, const float *x, const uint8_t *p, size_t next, \
                                                            float *y, size_t ldy) {                                       \
    few(fmt, MR, NP, a->K, x, a->ldx, &a->g, p, next, y, ldy);                                                            \
  }
#define FEW_ENTRY(fmt, MR, NP) [MR] = few_##fmt##_##MR,
#define FORMAT(fmt)                                                                                                       \
  FEWS(FEW_FN, fmt)                                                                                                       \
  FN static __attribute__((noinline)) void decode_##fmt(const groups *g, const uint8_t *panel, int k, int n, float *w) { \
    if (fmt < CODES2 || g->fused)                                                                                        \
      decode(fmt, 1, g, panel, k, n, w);                                                                                 \
    else                                                                                                                 \
      decode(fmt, 0, g, panel, k, n, w);                                                                                 \
  }
FORMAT(F32) FORMAT(F16) FORMAT(BF16) FORMAT(Q8_0) FORMAT(Q4_0) FORMAT(Q4_1)
FORMAT(CODES2) FORMAT(CODES4) FORMAT(CODES6) FORMAT(CODES8) FORMAT(FLOAT8)
#define FNS(fmt) [fmt] = {{FEWS(FEW_ENTRY, fmt)}, decode_##fmt}
static const format_fns formats[FORMATS] = {FNS(F32),    FNS(F16),    FNS(BF16),   FNS(Q8_0),   FNS(Q4_0),   FNS(Q4_1),
                                            FNS(CODES2), FNS(CODES4), FNS(CODES6), FNS(CODES8), FNS(FLOAT8)};

// few_rows multiplies rows without a copy of widened weights: FEW_ROWS or fewer
// at a time, in parts of equal height, by the panels that are in the cache since
// the first of these parts.
FN static void few_rows(const mul_args *a) {
  const int parts = (a->M + FEW_ROWS - 1) / FEW_ROWS, most = (a->M + parts - 1) / parts, wide = FEW_PANELS(most);
  for (int n = a->n0; n < a->n1;) {
    const uint8_t *p = a->panels + (size_t)(n / 16) * a->panel_size;
    const int whole = n + 16 * wide <= a->n1;
    for (int part = 0, m0 = 0; part < parts; part++) {
      const int M = (a->M - m0 + parts - part - 1) / (parts - part);
      const float *x = a->x + m0 * a->ldx;
      float *y = a->y + m0 * a->ldy + n;
      m0 += M;
      for (int i = 0, step = FEW_PANELS(M); i < (whole ? wide : 1); i += step) {
        if (whole) {
          formats[a->fmt].few[M](a, x, p + i * a->panel_size, a->panel_size, y + 16 * i, a->ldy);
          continue;
        }
        // One panel is left, or some: the first is computed as many times at once.
        float t[FEW_ROWS * 64];
        formats[a->fmt].few[M](a, x, p, 0, t, 64);
        const int left = a->n1 - n < 16 ? a->n1 - n : 16;
        for (int r = 0; r < M; r++) memcpy(y + r * a->ldy, t + 64 * r, left * sizeof(float));
      }
    }
    n += whole ? 16 * wide : 16;
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
  if (a->M <= FEW_MOST(a->fmt) && (a->fmt < CODES2 || a->g.fused)) {
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
