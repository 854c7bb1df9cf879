// Attention. Part of kern_body.h.

// A group is GROUP keys in BLOCKS blocks, for which sums are rescaled once.
enum { GROUP = 64, BLOCKS = GROUP / 16 };

// v_exp2 is 2^x for -126 <= x <= 0, and 2^-126 below.
INLINE v16 v_exp2(v16 x) {
  x = v_max(v_set1(-126.0f), x);
  v16 t = v_add(x, v_set1(0x1.8p23f));
  v16 r = v_sub(x, v_sub(t, v_set1(0x1.8p23f)));
  v16 p = v_set1(1.5326462744e-4f);
  p = v_fma(p, r, v_set1(1.3390806271e-3f));
  p = v_fma(p, r, v_set1(9.6185058355e-3f));
  p = v_fma(p, r, v_set1(5.5503599346e-2f));
  p = v_fma(p, r, v_set1(2.4022647738e-1f));
  p = v_fma(p, r, v_set1(6.9314718246e-1f));
  p = v_fma(p, r, v_set1(1.0f));
  return v_mul(p, v_pow2(v_int(t)));
}

// A tile of scores: MR queries q [][hd] by the keys of NP blocks. While it reads
// them, the second cache fetches those of the blocks ahead: a long context has 1.5
// times the speed of fetching to the first cache, or not at all.
typedef void (*score_fn)(int hd, const float *q, const float *const *k, const float *const *ahead, float *s);
#define SCORE_TILE(MR, NP)                                                                                             \
  FN static __attribute__((noinline)) void score_##MR##_##NP(int hd, const float *restrict q, const float *const *k,   \
                                                             const float *const *ahead, float *restrict s) {           \
    const float *kn[NP], *an[NP];                                                                                      \
    v16 acc[MR * NP];                                                                                                  \
    UNROLL for (int n = 0; n < NP; n++) kn[n] = k[n], an[n] = ahead[n];                                                \
    UNROLL for (int i = 0; i < MR * NP; i++) acc[i] = v_zero();                                                        \
    for (int d = 0; d < hd; d++) {                                                                                     \
      v16 b[NP];                                                                                                       \
      UNROLL for (int n = 0; n < NP; n++) {                                                                            \
        b[n] = v_load(kn[n] + 16 * (size_t)d);                                                                         \
        __builtin_prefetch(an[n] + 16 * (size_t)d, 0, 2);                                                              \
      }                                                                                                                \
      UNROLL for (int i = 0; i < MR; i++) {                                                                            \
        v16 v = v_set1(q[(size_t)i * hd + d]);                                                                         \
        UNROLL for (int n = 0; n < NP; n++) acc[i * NP + n] = v_fma(v, b[n], acc[i * NP + n]);                         \
      }                                                                                                                \
    }                                                                                                                  \
    UNROLL for (int i = 0; i < MR; i++)                                                                                \
      UNROLL for (int n = 0; n < NP; n++) v_store(s + GROUP * i + 16 * n, acc[i * NP + n]);                            \
  }
ATTEND_TILES(SCORE_TILE)

// A tile of sums: acc = acc c, and then the weights p [MR][GROUP] of the keys
// [j0, j1) times NP vectors of their values, whose rows are ldv floats apart.
typedef void (*sum_fn)(const float *p, int j0, int j1, const float *const *v, const float *const *ahead, size_t ldv,
                       const float *c, float *acc, size_t ldacc);
#define SUM_TILE(MR, NP)                                                                                               \
  FN static __attribute__((noinline)) void sum_##MR##_##NP(const float *restrict p, int j0, int j1,                    \
                                                           const float *const *v, const float *const *ahead,           \
                                                           size_t ldv, const float *c, float *restrict acc, size_t ldacc) { \
    v16 a[MR * NP];                                                                                                    \
    UNROLL for (int i = 0; i < MR; i++)                                                                                \
      UNROLL for (int n = 0; n < NP; n++) a[i * NP + n] = v_mul(v_load(acc + i * ldacc + 16 * n), v_set1(c[i]));       \
    while (j0 < j1) {                                                                                                  \
      const float *row = v[j0 / 16] + (j0 % 16) * ldv, *next = ahead[j0 / 16] + (j0 % 16) * ldv;                       \
      for (int end = j0 / 16 * 16 + 16 < j1 ? j0 / 16 * 16 + 16 : j1; j0 < end; j0++, row += ldv, next += ldv) {       \
        v16 b[NP];                                                                                                     \
        UNROLL for (int n = 0; n < NP; n++) {                                                                          \
          b[n] = v_load(row + 16 * n);                                                                                 \
          __builtin_prefetch(next + 16 * n, 0, 2);                                                                     \
        }                                                                                                              \
        UNROLL for (int i = 0; i < MR; i++) {                                                                          \
          v16 w = v_set1(p[GROUP * i + j0]);                                                                           \
          UNROLL for (int n = 0; n < NP; n++) a[i * NP + n] = v_fma(w, b[n], a[i * NP + n]);                           \
        }                                                                                                              \
      }                                                                                                                \
    }                                                                                                                  \
    UNROLL for (int i = 0; i < MR; i++)                                                                                \
      UNROLL for (int n = 0; n < NP; n++) v_store(acc + i * ldacc + 16 * n, a[i * NP + n]);                            \
  }
ATTEND_TILES(SUM_TILE)
#define SCORE_ENTRY(MR, NP) [NP][MR] = score_##MR##_##NP,
#define SUM_ENTRY(MR, NP) [NP][MR] = sum_##MR##_##NP,
static const score_fn score_fns[ATTEND_PANELS + 1][ATTEND_ROWS + 1] = {ATTEND_TILES(SCORE_ENTRY)};
static const sum_fn sum_fns[ATTEND_PANELS + 1][ATTEND_ROWS + 1] = {ATTEND_TILES(SUM_ENTRY)};

INLINE const uintptr_t *list(const attend_row *row) { return (const uintptr_t *)row->blocks; }

// What some queries of a call have come to.
typedef struct {
  const attend_args *a;
  int pad;                          // hd up to a multiple of 16
  float *q, *acc, *s, *l, *tail;    // [QC][hd], [QC][pad], [QC][GROUP], [QC][16], [GROUP][16]
  float m[QC], next[QC], c[QC];     // largest score before and with this group; 2^(m-next)
  const attend_row *row[QC];
  int lo[QC], hi[QC];               // keys of this group that a query sees
} attend_state;

// next_tile is the height of the next of tiles of equal height, tile_panels its
// width where left panels are left.
INLINE int next_tile(int left) {
  const int tiles = (left + ATTEND_ROWS - 1) / ATTEND_ROWS;
  return (left + tiles - 1) / tiles;
}

INLINE int tile_panels(int rows, int left) {
  int np = left < ATTEND_PANELS ? left : ATTEND_PANELS;
  while (!sum_fns[np][rows]) np--;
  return np;
}

// weigh turns the scores of query i into weights, 0 where it does not see a key.
FN static void weigh(attend_state *t, int i) {
  float *s = t->s + GROUP * i;
  const int lo = t->lo[i], hi = t->hi[i];
  v16 next = v_set1(t->next[i]), sum = v_zero();
  for (int b = lo / 16 * 16; b < hi; b += 16) {
    v16 p = v_exp2(v_sub(v_load(s + b), next));
    v_store(s + b, p);
    if (b < lo || b + 16 > hi) {
      for (int j = b; j < b + 16; j++)
        if (j < lo || j >= hi) s[j] = 0;
      p = v_load(s + b);
    }
    sum = v_add(sum, p);
  }
  float *l = t->l + 16 * i;
  v_store(l, v_fma(v_load(l), v_set1(t->c[i]), sum));
}

// largest gives the largest of query i's scores and of what it had before.
FN static float largest(attend_state *t, int i) {
  float *s = t->s + GROUP * i;
  const int lo = t->lo[i], hi = t->hi[i];
  v16 m = v_set1(t->m[i]);
  for (int b = lo / 16 * 16; b < hi; b += 16) {
    if (b < lo || b + 16 > hi)
      for (int j = b; j < b + 16; j++)
        if (j < lo || j >= hi) s[j] = -INFINITY;
    m = v_max(v_load(s + b), m);
  }
  return v_largest(m);
}

// sum_keys adds the values of the keys [j0, j1) to the sums of queries [i0, i1).
FN static void sum_keys(attend_state *t, int i0, int i1, int j0, int j1, const float *const *v, const float *const *ahead,
                        const float *c) {
  const int hd = t->a->hd;
  const float *p = t->s + GROUP * i0, *vd[BLOCKS], *ad[BLOCKS];
  float *acc = t->acc + (size_t)i0 * t->pad;
  int d = 0;
  for (int np; d + 16 <= hd; d += 16 * np) {
    np = tile_panels(i1 - i0, (hd - d) / 16);
    for (int b = j0 / 16; b < (j1 + 15) / 16; b++) vd[b] = v[b] + d, ad[b] = ahead[b] + d;
    sum_fns[np][i1 - i0](p, j0, j1, vd, ad, hd, c, acc + d, t->pad);
  }
  if (d == hd) return;
  for (int j = j0; j < j1; j++) memcpy(t->tail + 16 * j, v[j / 16] + (size_t)(j % 16) * hd + d, (hd - d) * sizeof(float));
  for (int b = 0; b < BLOCKS; b++) vd[b] = t->tail + 256 * b;
  sum_fns[1][i1 - i0](p, j0, j1, vd, vd, 16, c, acc + d, t->pad);
}

// sum_tile adds the values of the group to the sums of the queries [i0, i1), a
// tile: first the keys that only some see, then those that all see, then the rest.
// The queries of a row see the same.
FN static void sum_tile(attend_state *t, int i0, int i1, const float *const *v, const float *const *ahead) {
  static const float ones[ATTEND_ROWS] = {1, 1, 1, 1, 1, 1};
  const float *c = t->c + i0;
  int least = GROUP, lo = 0, hi = GROUP, most = 0;
  for (int i = i0; i < i1; i++) {
    if (t->lo[i] < least) least = t->lo[i];
    if (t->lo[i] > lo) lo = t->lo[i];
    if (t->hi[i] < hi) hi = t->hi[i];
    if (t->hi[i] > most) most = t->hi[i];
  }
  const int common = lo < hi;
  if (!common) lo = GROUP;
  if (least < lo) {
    for (int i = i0, j; i < i1; i = j) {
      for (j = i + 1; j < i1 && t->row[j] == t->row[i]; j++) {}
      sum_keys(t, i, j, t->lo[i], t->hi[i] < lo ? t->hi[i] : lo, v, ahead, t->c + i);
    }
    c = ones;
  }
  if (!common) return;
  sum_keys(t, i0, i1, lo, hi, v, ahead, c);
  if (hi == most) return;
  for (int i = i0, j; i < i1; i = j) {
    for (j = i + 1; j < i1 && t->row[j] == t->row[i]; j++) {}
    if (hi < t->hi[i]) sum_keys(t, i, j, hi, t->hi[i], v, ahead, ones);
  }
}

// attend_group lets the queries [i0, i1), of which each sees a key of the group
// from block b0 on, attend to it. Their blocks are the same.
FN static void attend_group(attend_state *t, int i0, int i1, int b0) {
  const attend_args *a = t->a;
  const float *k[BLOCKS], *v[BLOCKS], *kahead[BLOCKS], *vahead[BLOCKS];
  const attend_row *longest = t->row[i0];
  int from = GROUP, to = 0;
  for (int i = i0; i < i1; i++) {
    if (t->lo[i] < from) from = t->lo[i];
    if (t->hi[i] > to) to = t->hi[i], longest = t->row[i];
  }
  for (int b = from / 16; b * 16 < to; b++) {
    const int next = b0 + b + BLOCKS;
    const float *block = (const float *)list(longest)[b0 + b];
    const float *ahead = 16 * next < longest->keys ? (const float *)list(longest)[next] : block;
    k[b] = block + a->koff;
    v[b] = block + a->voff;
    kahead[b] = ahead + a->koff;
    vahead[b] = ahead + a->voff;
  }
  for (int i = i0, n; i < i1; i += n) {
    n = next_tile(i1 - i);
    from = GROUP, to = 0;
    for (int j = i; j < i + n; j++) {
      if (t->lo[j] < from) from = t->lo[j];
      if (t->hi[j] > to) to = t->hi[j];
    }
    for (int b = from / 16, np; b * 16 < to; b += np) {
      np = tile_panels(n, (to + 15) / 16 - b);
      score_fns[np][n](a->hd, t->q + (size_t)i * a->hd, k + b, kahead + b, t->s + GROUP * i + 16 * b);
    }
  }
  for (int i = i0; i < i1; i++) t->next[i] = largest(t, i);
  for (int i = i0; i < i1; i += 16) {
    float x[16] = {0};
    const int n = i1 - i < 16 ? i1 - i : 16;
    for (int j = 0; j < n; j++) x[j] = t->m[i + j] - t->next[i + j];
    v_store(x, v_exp2(v_load(x)));
    memcpy(t->c + i, x, n * sizeof(float));
    memcpy(t->m + i, t->next + i, n * sizeof(float));
  }
  for (int i = i0; i < i1; i++) weigh(t, i);
  for (int i = i0, n; i < i1; i += n) {
    n = next_tile(i1 - i);
    sum_tile(t, i, i + n, v, vahead);
  }
}

// same_blocks tells whether two queries see the group from block b0 on in the
// same blocks.
FN static int same_blocks(const attend_state *t, int i, int j, int b0) {
  const attend_row *x = t->row[i], *y = t->row[j];
  if (x->blocks == y->blocks) return 1;
  const int from = t->lo[i] / 16, to = (t->hi[i] + 15) / 16;
  if (t->lo[j] / 16 != from || (t->hi[j] + 15) / 16 != to) return 0;
  return memcmp(list(x) + b0 + from, list(y) + b0 + from, (to - from) * sizeof(uintptr_t)) == 0;
}

FN static void attend_some(const attend_args *a, int t0, int n) {
  attend_state t = {.a = a, .pad = (a->hd + 15) / 16 * 16};
  t.q = a->scratch;
  t.acc = t.q + (size_t)QC * a->hd;
  t.s = t.acc + (size_t)QC * t.pad;
  t.l = t.s + QC * GROUP;
  t.tail = t.l + QC * 16;
  memset(t.acc, 0, (size_t)n * t.pad * sizeof(float));
  memset(t.l, 0, n * 16 * sizeof(float));
  int from = INT32_MAX, to = 0;
  for (int i = 0; i < n; i++) {
    const attend_row *row = t.row[i] = a->rows + (t0 + i) / a->G;
    const float *q = a->q + (t0 + i) / a->G * a->ldq + (size_t)((t0 + i) % a->G) * a->hd;
    for (int d = 0; d < a->hd; d++) t.q[(size_t)i * a->hd + d] = q[d] * a->scale;
    t.m[i] = -INFINITY;
    if (row->first >= row->keys) continue;
    if (row->first < from) from = row->first;
    if (row->keys > to) to = row->keys;
  }
  for (int g = from / GROUP * GROUP; g < to; g += GROUP) {
    for (int i = 0; i < n; i++) {
      const attend_row *row = t.row[i];
      t.lo[i] = row->first > g ? row->first - g : 0;
      t.hi[i] = row->keys < g + GROUP ? row->keys - g : GROUP;
    }
    for (int i = 0, j; i < n; i = j) {
      j = i + 1;
      if (t.lo[i] >= t.hi[i]) continue;
      while (j < n && t.lo[j] < t.hi[j] && same_blocks(&t, i, j, g / 16)) j++;
      attend_group(&t, i, j, g / 16);
    }
  }
  for (int i = 0; i < n; i++) {
    float *o = a->out + (t0 + i) / a->G * a->ldo + (size_t)((t0 + i) % a->G) * a->hd, *acc = t.acc + (size_t)i * t.pad;
    const float inv = t.row[i]->first < t.row[i]->keys ? 1.0f / v_sum(v_load(t.l + 16 * i)) : 0;
    for (int d = 0; d < t.pad; d += 16) v_store(acc + d, v_mul(v_load(acc + d), v_set1(inv)));
    memcpy(o, acc, a->hd * sizeof(float));
  }
}

FN void NAME(attend)(const attend_args *a) {
  for (int t = 0; t < a->R * a->G; t += QC) {
    int n = a->R * a->G - t < QC ? a->R * a->G - t : QC;
    attend_some(a, t, n);
  }
}
