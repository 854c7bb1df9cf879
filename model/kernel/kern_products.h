// Products of rows and weights. Part of kern_body.h.
//
// Where weights are codes with a scale, a sum is made of pieces: the products of
// the codes of a group of columns are summed, and the sum times the scale, and the
// sum of x in these columns times the bias, are added to what came before.

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

// Whether weights are codes with a scale; the columns that share one; and whether
// they share a bias.
INLINE int is_scaled(int fmt) { return fmt > BF16; }

INLINE int piece_columns(int fmt, const groups *g) { return fmt >= CODES2 ? 1 << g->shift : 32; }

INLINE int has_bias(int fmt, const groups *g) { return fmt == Q4_1 || (fmt >= CODES2 && g->bias); }

typedef struct { v16 d, m; } scales;

// scales_of gives the scales and biases of the piece from column k of a panel on,
// of which the block is at p.
INLINE scales scales_of(int fmt, const groups *g, const uint8_t *panel, const uint8_t *p, int k) {
  scales s = {v_zero(), v_zero()};
  if (fmt < CODES2) {
    s.d = v_f16(p);
    if (fmt == Q4_1) s.m = v_f16(p + 32);
    return s;
  }
  const size_t both = 1 + g->bias;
  const size_t n = 256 >> g->shift;
  p = panel + (g->nested ? (size_t)(k / 256) * (64 + 16 * n) * both : (size_t)(k >> g->shift) * 64 * both);
  s.d = v_load((const float *)p);
  if (g->bias) s.m = v_load((const float *)p + 16);
  if (!g->nested) return s;
  p += 64 * both + (size_t)(k % 256 >> g->shift) * 16 * both;
  s.d = v_mul(s.d, v_i8(p));
  if (g->bias) s.m = v_mul(s.m, v_i8(p + 16));
  return s;
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
INLINE v16 step(int fmt, const uint8_t *p, v16i *u, int j, int c, const tables *t) {
  const int per_word = word_columns(fmt);
  if (per_word > 1 && c % per_word == 0) *u = words(fmt, p, fmt == CODES6 ? c : j + c);
  return code(fmt, p, *u, per_word > 1 ? c : j + c, t);
}

// last gives column j of a block that is not whole.
INLINE v16 last(int fmt, const uint8_t *p, int j, const tables *t) {
  v16i u = {0};
  if (fmt != BF16) return code(fmt, p, u, j, t);
  u = v_words(p + 64 * (j / 2));
  return j & 1 ? v_high16(u) : v_low16(u);
}

// Formats whose blocks need not be whole.
INLINE int has_last(int fmt) { return fmt <= BF16 || fmt == FLOAT8; }

// The codes of a panel, and the block of column k, the first of one.
INLINE const uint8_t *block_at(int fmt, const groups *g, const uint8_t *panel, int k) {
  return panel + (fmt >= CODES2 ? g->head : 0) + (size_t)(k / block_columns(fmt)) * block_bytes(fmt);
}

// sum_pieces gives the sums [M][ld] of x in pieces of n columns.
FN static void sum_pieces(const float *x, size_t ldx, int M, int K, int n, float *sums, size_t ld) {
  for (int i = 0; i < M; i++, x += ldx, sums += ld) {
    for (int k = 0; k < K; k += n) {
      const int end = K - k < n ? K : k + n;
      v16 a = v_zero();
      int j = k;
      for (; j + 16 <= end; j += 16) a = v_add(a, v_load(x + j));
      if (j < end) {
        float t[16] = {0};
        memcpy(t, x + j, (end - j) * sizeof(float));
        a = v_add(a, v_load(t));
      }
      sums[k / n] = v_sum(a);
    }
  }
}

// accumulate adds one column w of panel n to the sums of MR rows by NP panels.
INLINE void accumulate(int MR, int NP, int n, const float *x, size_t ldx, v16 w, v16 *acc) {
  UNROLL for (int i = 0; i < MR; i++) acc[i * NP + n] = v_fma(v_set1(x[i * ldx]), w, acc[i * NP + n]);
}

// add_piece adds what was summed of a piece of panel n, of which these are the
// scales and, where there are biases, the sums of x.
INLINE void add_piece(int MR, int NP, int n, const scales *s, int bias, const float *sums, size_t ldsums, const v16 *part, v16 *acc) {
  UNROLL for (int i = 0; i < MR; i++) acc[i * NP + n] = v_fma(s->d, part[i * NP + n], acc[i * NP + n]);
  if (bias)
    UNROLL for (int i = 0; i < MR; i++) acc[i * NP + n] = v_fma(s->m, v_set1(sums[i * ldsums]), acc[i * NP + n]);
}

// The processor fetches ahead within a page only, and not far enough where much
// is computed for each byte; where little is, it does better alone.
enum { AHEAD = 2048 };
INLINE int prefetches(int fmt, int MR) { return fmt >= Q8_0 || (fmt != F32 && MR > 2); }

// A product of few rows computes MR rows by NP panels of 16 columns over all of
// K, widening in registers. Several panels keep enough sums in flight for one or
// two rows.
INLINE void few(int fmt, int MR, int NP, int K, const float *restrict x, size_t ldx, const groups *g, const uint8_t *restrict panel,
                size_t panel_size, const float *restrict sums, size_t ldsums, float *restrict y, size_t ldy) {
  const int block = block_columns(fmt), columns = step_columns(fmt), piece = is_scaled(fmt) ? piece_columns(fmt, g) : K;
  const size_t bytes = block_bytes(fmt), step_bytes = (bytes - scale_bytes(fmt)) / block * columns;
  const tables t = {v_values_at(g->values), g->zero};
  const uint8_t *p = block_at(fmt, g, panel, 0);
  v16 acc[MAX_SUMS], part[MAX_SUMS];
  UNROLL for (int i = 0; i < MR * NP; i++) acc[i] = v_zero();
  for (int k0 = 0; k0 < K; k0 += piece, sums++) {
    const uint8_t *p0 = p;
    v16 *to = is_scaled(fmt) ? part : acc;
    const int end = K - k0 < piece ? K : k0 + piece;
    int k = k0;
    if (is_scaled(fmt)) UNROLL for (int i = 0; i < MR * NP; i++) part[i] = v_zero();
    for (; k + block <= end; k += block, p += bytes) {
      // Behind the end of these panels come the next ones.
      const uint8_t *ahead = p + AHEAD + ((K - k) / block * bytes < AHEAD ? (NP - 1) * panel_size : 0);
      for (int j = 0; j < block; j += columns) {
        v16i u[4];
        if (prefetches(fmt, MR))
          UNROLL for (int n = 0; n < NP; n++)
            UNROLL for (size_t o = 0; o < step_bytes; o += 64) v_prefetch(ahead + n * panel_size + step_bytes / columns * j + o);
        UNROLL for (int c = 0; c < columns; c++)
          UNROLL for (int n = 0; n < NP; n++)
            accumulate(MR, NP, n, x + k + j + c, ldx, step(fmt, p + n * panel_size + scale_bytes(fmt), &u[n], j, c, &t), to);
      }
    }
    if (has_last(fmt))
      for (int j = 0; k < end; k++, j++)
        UNROLL for (int n = 0; n < NP; n++) accumulate(MR, NP, n, x + k, ldx, last(fmt, p + n * panel_size, j, &t), to);
    if (!is_scaled(fmt)) break;
    UNROLL for (int n = 0; n < NP; n++) {
      const scales s = scales_of(fmt, g, panel + n * panel_size, p0 + n * panel_size, k0);
      add_piece(MR, NP, n, &s, has_bias(fmt, g), sums, ldsums, part, acc);
    }
  }
  UNROLL for (int i = 0; i < MR; i++)
    UNROLL for (int n = 0; n < NP; n++) v_store(y + i * ldy + 16 * n, acc[i * NP + n]);
}

// The pieces of a row, the last perhaps short.
INLINE int pieces(const mul_args *a) {
  const int n = piece_columns(a->fmt, &a->g);
  return (a->K + n - 1) / n;
}

typedef void (*few_fn)(const mul_args *, const float *, const uint8_t *, size_t, const float *, float *, size_t);
#define FEW_FN(fmt, MR, NP)                                                                                               \
  FN static __attribute__((noinline)) void few_##fmt##_##MR##_##NP(const mul_args *a, const float *x, const uint8_t *p, size_t next, \
                                                            const float *sums, float *y, size_t ldy) {                    \
    few(fmt, MR, NP, a->K, x, a->ldx, &a->g, p, next, sums, pieces(a), y, ldy);                                           \
  }
#define FEW_ENTRY(fmt, MR, NP) [MR][NP] = few_##fmt##_##MR##_##NP,

#define FORMATS_OF(F)                                                                                                 \
  F(F32) F(F16) F(BF16) F(Q8_0) F(Q4_0) F(Q4_1) F(CODES2) F(CODES4) F(CODES6) F(CODES8) F(FLOAT8)
#define FEW_FNS(fmt) FEWS(FEW_FN, fmt)
FORMATS_OF(FEW_FNS)
// Of each format and number of rows, for so many panels that lie next bytes apart.
#define FEW_ENTRIES(fmt) [fmt] = {FEWS(FEW_ENTRY, fmt)},
static const few_fn few_fns[FORMATS][FEW_ROWS + 1][5] = {FORMATS_OF(FEW_ENTRIES)};

// few_rows multiplies rows without a copy of widened weights: FEW_ROWS or fewer
// at a time, in parts of equal height, by the panels that are in the cache since
// the first of these parts.
FN static void few_rows(const mul_args *a) {
  const int parts = (a->M + FEW_ROWS - 1) / FEW_ROWS, wide = FEW_PANELS(a->M / parts);
  if (has_bias(a->fmt, &a->g)) sum_pieces(a->x, a->ldx, a->M, a->K, piece_columns(a->fmt, &a->g), a->scratch, pieces(a));
  for (int n = a->n0, next; n < a->n1; n = next) {
    int whole = (a->n1 - n) / 16, panels = wide;
    if (wide == 4 && FEW_THREE && whole >= 3 && whole % 4) panels = 3;  // threes and fours make any number but 1, 2 and 5
    if (whole < panels && a->n1 % 16 == 0 && a->n1 - 16 * panels >= a->n0) {
      n = a->n1 - 16 * panels;  // some are computed again
      whole = panels;
    }
    if (whole < panels) whole = 0;
    next = n + (whole ? 16 * panels : 16);
    const uint8_t *p = a->panels + (size_t)(n / 16) * a->panel_size;
    for (int part = 0, m0 = 0; part < parts; part++) {
      const int M = (a->M - m0 + parts - part - 1) / (parts - part), step = FEW_PANELS(M) == wide ? panels : FEW_PANELS(M);
      const float *x = a->x + m0 * a->ldx, *sums = a->scratch + (size_t)m0 * pieces(a);
      float *y = a->y + m0 * a->ldy + n;
      m0 += M;
      if (whole) {
        for (int i = 0; i < panels; i += step)
          few_fns[a->fmt][M][step](a, x, p + i * a->panel_size, a->panel_size, sums, y + 16 * i, a->ldy);
        continue;
      }
      // One panel is computed as many times at once.
      float t[FEW_ROWS * 64];
      few_fns[a->fmt][M][FEW_PANELS(M)](a, x, p, 0, sums, t, 64);
      const int left = a->n1 - n < 16 ? a->n1 - n : 16;
      for (int r = 0; r < M; r++) memcpy(y + r * a->ldy, t + 64 * r, left * sizeof(float));
    }
  }
}

#ifdef TILES
// decode widens the columns [k0, k0+n) of a panel to w [n][16], k0 a multiple of
// KC, and the scales and biases of their pieces to s [pieces][2][16].
INLINE void decode(int fmt, const groups *g, const uint8_t *panel, int k0, int n, float *w, float *s) {
  const int block = block_columns(fmt), columns = step_columns(fmt), piece = piece_columns(fmt, g);
  const tables t = {v_values_at(g->values), g->zero};
  const uint8_t *p = block_at(fmt, g, panel, k0);
  if (is_scaled(fmt))
    for (int k = 0; k < n; k += piece, s += 32) {
      const scales of = scales_of(fmt, g, panel, block_at(fmt, g, panel, k0 + k), k0 + k);
      v_store(s, of.d);
      v_store(s + 16, of.m);
    }
  int k = 0;
  for (; k + block <= n; k += block, p += block_bytes(fmt)) {
    for (int j = 0; j < block; j += columns, w += 16 * columns) {
      v16i u;
      UNROLL for (int c = 0; c < columns; c++) v_store(w + 16 * c, step(fmt, p + scale_bytes(fmt), &u, j, c, &t));
    }
  }
  if (has_last(fmt))
    for (int j = 0; k < n; k++, j++, w += 16) v_store(w, last(fmt, p, j, &t));
}

typedef void (*decode_fn)(const groups *, const uint8_t *, int, int, float *, float *);
#define DECODE_FN(fmt)                                                                                                 \
  FN static __attribute__((noinline)) void decode_##fmt(const groups *g, const uint8_t *panel, int k, int n, float *w, float *s) { \
    decode(fmt, g, panel, k, n, w, s);                                                                                 \
  }
FORMATS_OF(DECODE_FN)
#define DECODE_ENTRY(fmt) [fmt] = decode_##fmt,
static const decode_fn decode_fns[FORMATS] = {FORMATS_OF(DECODE_ENTRY)};

// A tile computes MR rows by NP panels of 16 widened columns: y (+)= x w, where
// the panels of w are [K][16], next floats apart, and so are their scales, if
// there are some.
typedef struct {
  int K, piece, bias, more;
  const float *w, *s;
  size_t next, next_s, ldsums;  // of the sums of x, ldsums a row
} tile_args;

INLINE void tile(int MR, int NP, int scaled, const tile_args *restrict a, const float *restrict x, size_t ldx, const float *restrict sums,
                 float *restrict y, size_t ldy) {
  v16 acc[MAX_SUMS], part[MAX_SUMS], *to = scaled ? part : acc;
  const float *restrict w = a->w;
  const int K = a->K;
  UNROLL for (int i = 0; i < MR; i++)
    UNROLL for (int n = 0; n < NP; n++) acc[i * NP + n] = a->more ? v_load(y + i * ldy + 16 * n) : v_zero();
  for (int k = 0, at = 0; k < K; at++) {
    const int end = !scaled || K - k < a->piece ? K : k + a->piece;
    if (scaled) UNROLL for (int i = 0; i < MR * NP; i++) part[i] = v_zero();
    for (; k + 2 <= end; k += 2, w += 32)
      UNROLL for (int c = 0; c < 2; c++)
        UNROLL for (int n = 0; n < NP; n++) accumulate(MR, NP, n, x + k + c, ldx, v_load(w + n * a->next + 16 * c), to);
    if (end == K)  // pieces but the last are of even length
      for (; k < end; k++, w += 16)
        UNROLL for (int n = 0; n < NP; n++) accumulate(MR, NP, n, x + k, ldx, v_load(w + n * a->next), to);
    if (scaled)
      UNROLL for (int n = 0; n < NP; n++) {
        const float *p = a->s + n * a->next_s + 32 * at;
        const scales s = {v_load(p), v_load(p + 16)};
        add_piece(MR, NP, n, &s, a->bias, sums + at, a->ldsums, part, acc);
      }
  }
  UNROLL for (int i = 0; i < MR; i++)
    UNROLL for (int n = 0; n < NP; n++) v_store(y + i * ldy + 16 * n, acc[i * NP + n]);
}

typedef void (*tile_fn)(const tile_args *, const float *, size_t, const float *, float *, size_t);
#define TILE(MR, NP)                                                                                                             \
  FN static __attribute__((noinline)) void tile_##MR##_##NP(const tile_args *a, const float *x, size_t ldx, const float *sums,     \
                                                            float *y, size_t ldy) {                                                \
    tile(MR, NP, 0, a, x, ldx, sums, y, ldy);                                                                                    \
  }                                                                                                                              \
  FN static __attribute__((noinline)) void tile_scaled_##MR##_##NP(const tile_args *a, const float *x, size_t ldx, const float *sums, \
                                                                   float *y, size_t ldy) {                                         \
    tile(MR, NP, 1, a, x, ldx, sums, y, ldy);                                                                                    \
  }
TILES(TILE)
#define TILE_ENTRY(MR, NP) [NP][MR] = {tile_##MR##_##NP, tile_scaled_##MR##_##NP},
static const tile_fn tile_fns[TILE_PANELS + 1][TILE_ROWS + 1][2] = {TILES(TILE_ENTRY)};

// tiles are M rows in tiles of equal height: one row more than TILE_ROWS are two
// halves.
FN static void tiles(const tile_args *a, int scaled, int M, int NP, const float *x, size_t ldx, const float *sums, float *y, size_t ldy) {
  for (int left = (M + TILE_ROWS - 1) / TILE_ROWS; M > 0; left--) {
    const int mr = (M + left - 1) / left;
    tile_fns[NP][mr][scaled](a, x, ldx, sums, y, ldy);
    x += mr * ldx;
    y += mr * ldy;
    sums += mr * a->ldsums;
    M -= mr;
  }
}

// part_of_rows multiplies the columns [k, k+K) of the rows by all panels.
FN static void part_of_rows(const mul_args *a, int k, int K) {
  const float *x = a->x + k;
  float *y = a->y;
  const int scaled = is_scaled(a->fmt), piece = piece_columns(a->fmt, &a->g);
  float *sums = a->scratch, *ws = sums + SUMS, *ss = ws + KC * 16 * TILE_PANELS, *ys = ss + KC * 2 * TILE_PANELS;
  tile_args t = {K, piece, has_bias(a->fmt, &a->g), k > 0, ws, ss, KC * 16, KC * 2, KC / 16};
  if (t.bias) sum_pieces(x, a->ldx, a->M, K, piece, sums, t.ldsums);
  for (int n = a->n0, NP; n < a->n1; n += 16 * NP) {
    NP = n + 16 * TILE_PANELS <= a->n1 ? TILE_PANELS : 1;
    const uint8_t *p = a->panels + (size_t)(n / 16) * a->panel_size;
    if (a->fmt == F32) {
      t.w = (const float *)p + (size_t)k * 16;
      t.next = a->panel_size / sizeof(float);
    } else {
      for (int i = 0; i < NP; i++) decode_fns[a->fmt](&a->g, p + i * a->panel_size, k, K, ws + i * t.next, ss + i * t.next_s);
    }
    if (n + 16 * NP <= a->n1) {
      tiles(&t, scaled, a->M, NP, x, a->ldx, sums, y + n, a->ldy);
      continue;
    }
    const size_t bytes = (a->n1 - n) * sizeof(float);
    if (k > 0)
      for (int i = 0; i < a->M; i++) memcpy(ys + 16 * i, y + i * a->ldy + n, bytes);
    tiles(&t, scaled, a->M, 1, x, a->ldx, sums, ys, 16);
    for (int i = 0; i < a->M; i++) memcpy(y + i * a->ldy + n, ys + 16 * i, bytes);
  }
}

// tiled_rows multiplies rows by panels that are widened first.
FN static void tiled_rows(const mul_args *a) {
  if (a->K == 0)
    for (int i = 0; i < a->M; i++) memset(a->y + i * a->ldy + a->n0, 0, (a->n1 - a->n0) * sizeof(float));
  for (int k = 0; k < a->K; k += KC) part_of_rows(a, k, a->K - k < KC ? a->K - k : KC);
}
#endif

// few_most is how many rows few_rows takes at once: as the cache holds, and as
// there is scratch for their sums of x, which one row always has.
FN static int few_most(const mul_args *a) {
  const int most = FEW_MOST(a->fmt);
  if (!has_bias(a->fmt, &a->g) || (size_t)most * pieces(a) <= SUMS) return most;
  return pieces(a) <= SUMS ? SUMS / pieces(a) : 1;
}

FN void NAME(mul)(const mul_args *a) {
  int most = few_most(a);
#ifdef TILES
  const int tiled = a->M > most;
  if (tiled) most = MC;
  void (*rows)(const mul_args *) = tiled ? tiled_rows : few_rows;
#else
  void (*rows)(const mul_args *) = few_rows;
#endif
  // Chunks of rows of equal height.
  const int parts = (a->M + most - 1) / most;
  for (int part = 0, m0 = 0; part < parts; part++) {
    mul_args c = *a;
    c.M = (a->M - m0 + parts - part - 1) / (parts - part);
    c.x += m0 * a->ldx;
    c.y += m0 * a->ldy;
    rows(&c);
    m0 += c.M;
  }
}
