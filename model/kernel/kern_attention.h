// Attention. Part of kern_body.h.

// add_values adds p_j v_j for j in [j0, j1) to one query's sums.
FN static void add_values(const float *p, int j0, int j1, const float *v, int hd, float *acc) {
  for (int j = j0; j < j1; j++) {
    v16 pj = v_set1(p[j]);
    int d = 0;
    for (; d + 16 <= hd; d += 16) v_store(acc + d, v_fma(pj, v_load(v + (size_t)j * hd + d), v_load(acc + d)));
    if (d < hd) {
      size_t n = (hd - d) * sizeof(float);
      float tv[16] = {0}, ta[16] = {0};
      memcpy(tv, v + (size_t)j * hd + d, n);
      memcpy(ta, acc + d, n);
      v_store(ta, v_fma(pj, v_load(tv), v_load(ta)));
      memcpy(acc + d, ta, n);
    }
  }
}

FN static void scale_row(float *x, int n, float c) {
  v16 v = v_set1(c);
  int d = 0;
  for (; d + 16 <= n; d += 16) v_store(x + d, v_mul(v_load(x + d), v));
  for (; d < n; d++) x[d] *= c;
}

INLINE float exp1(float x) {
  float t[16];
  v_store(t, v_exp(v_set1(x)));
  return t[0];
}

// softmax turns one query's scores s of the lanes [j0, j1) of a block into
// weights, and rescales its sums where the maximum grows.
FN static void softmax(float *s, int j0, int j1, float scale, float *m, float *l, float *acc, int hd) {
  v16 a = v_mul(v_load(s), v_set1(scale));
  int whole = j0 == 0 && j1 == 16;
  if (!whole) {
    v_store(s, a);
    for (int j = 0; j < 16; j++)
      if (j < j0 || j >= j1) s[j] = -INFINITY;
    a = v_load(s);
  }
  float next = v_largest(a);
  next = next > *m ? next : *m;
  float c = 1;
  if (!(next == *m && next - next == 0)) {  // else c = exp(0) = 1, which changes nothing
    c = exp1(*m - next);
    scale_row(acc, hd, c);
    *m = next;
  }
  a = v_exp(v_sub(a, v_set1(next)));
  v_store(s, a);
  if (!whole) {
    for (int j = 0; j < 16; j++)
      if (j < j0 || j >= j1) s[j] = 0;
    a = v_load(s);
  }
  v_store(l, v_fma(v_load(l), v_set1(c), a));
}

FN static void attend_some(const attend_args *a, int t0, int n) {
  const int hd = a->hd;
  float *q = a->scratch, *acc = q + (size_t)QC * hd, *s = acc + (size_t)QC * hd, *l = s + QC * 16, *m = l + QC * 16;
  int lo[QC], hi[QC], from = INT32_MAX, to = 0;
  memset(acc, 0, (size_t)n * hd * sizeof(float));
  memset(l, 0, n * 16 * sizeof(float));
  for (int i = 0; i < n; i++) {
    int r = (t0 + i) / a->G, g = (t0 + i) % a->G;
    memcpy(q + (size_t)i * hd, a->q + r * a->ldq + (size_t)g * hd, hd * sizeof(float));
    m[i] = -INFINITY;
    lo[i] = a->first ? a->first[r] : 0;
    hi[i] = a->nkeys[r];
    if (lo[i] >= hi[i]) {
      lo[i] = hi[i] = 0;
      continue;
    }
    if (lo[i] < from) from = lo[i];
    if (hi[i] > to) to = hi[i];
  }
  for (int b = from / 16; b * 16 < to; b++) {
    const float *block = (const float *)a->blocks[b - a->b0];
    const float *keys = block + a->koff, *values = block + a->voff;
    // The queries [i0, i1) include all that see this block.
    int i0 = 0, i1 = n;
    while (i0 < n && (hi[i0] <= b * 16 || lo[i0] >= b * 16 + 16)) i0++;
    while (i1 > i0 && (hi[i1 - 1] <= b * 16 || lo[i1 - 1] >= b * 16 + 16)) i1--;
    if (i0 == i1) continue;
    tiles(i1 - i0, 1, hd, q + (size_t)i0 * hd, hd, keys, 16, 0, s + 16 * i0, 16, 0);
    int whole = 1;
    for (int i = i0; i < i1; i++) {
      int j0 = lo[i] > b * 16 ? lo[i] - b * 16 : 0, j1 = hi[i] < b * 16 + 16 ? hi[i] - b * 16 : 16;
      if (j0 != 0 || j1 != 16) whole = 0;
      if (j0 < j1) softmax(s + 16 * i, j0, j1, a->scale, m + i, l + 16 * i, acc + (size_t)i * hd, hd);
    }
    if (whole && hd % 16 == 0) {
      for (int d = 0, np; d < hd; d += 16 * np) {
        np = d + 16 * TILE_PANELS <= hd ? TILE_PANELS : 1;
        tiles(i1 - i0, np, 16, s + 16 * i0, 16, values + d, hd, 16, acc + (size_t)i0 * hd + d, hd, 1);
      }
      continue;
    }
    for (int i = i0; i < i1; i++) {
      int j0 = lo[i] > b * 16 ? lo[i] - b * 16 : 0, j1 = hi[i] < b * 16 + 16 ? hi[i] - b * 16 : 16;
      add_values(s + 16 * i, j0, j1, values, hd, acc + (size_t)i * hd);
    }
  }
  for (int i = 0; i < n; i++) {
    int r = (t0 + i) / a->G, g = (t0 + i) % a->G;
    float *o = a->out + r * a->ldo + (size_t)g * hd, *row = acc + (size_t)i * hd;
    if (lo[i] < hi[i]) scale_row(row, hd, 1.0f / v_sum(v_load(l + 16 * i)));
    memcpy(o, row, hd * sizeof(float));
  }
}

FN void NAME(attend)(const attend_args *a) {
  for (int t = 0; t < a->R * a->G; t += QC) {
    int n = a->R * a->G - t < QC ? a->R * a->G - t : QC;
    attend_some(a, t, n);
  }
}
