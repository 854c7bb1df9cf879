// Statistics over the vocabulary. Part of kern_body.h.

INLINE v8d d_exp(v8d x) {
  const v8d low = d_set1(-708.0);
  v8d in = x;
  x = d_max(low, x);
  v8d t = d_fma(x, d_set1(1.44269504088896340736), d_set1(0x1.8p52));
  v8d f = d_sub(t, d_set1(0x1.8p52));
  v8d r = d_fma(f, d_set1(-6.93147180369123816490e-01), x);
  r = d_fma(f, d_set1(-1.90821492927058770002e-10), r);
  v8d q = d_set1(1.0 / 39916800);
  q = d_fma(q, r, d_set1(1.0 / 3628800));
  q = d_fma(q, r, d_set1(1.0 / 362880));
  q = d_fma(q, r, d_set1(1.0 / 40320));
  q = d_fma(q, r, d_set1(1.0 / 5040));
  q = d_fma(q, r, d_set1(1.0 / 720));
  q = d_fma(q, r, d_set1(1.0 / 120));
  q = d_fma(q, r, d_set1(1.0 / 24));
  q = d_fma(q, r, d_set1(1.0 / 6));
  q = d_fma(q, r, d_set1(0.5));
  q = d_fma(q, r, d_set1(1.0));
  q = d_fma(q, r, d_set1(1.0));
  return d_zero_below(in, low, d_mul(q, d_pow2(t)));
}

// softcap is x = cap*tanh(x/cap) with tanh(t) = 1 - 2/(exp(2t) + 1) in doubles.
INLINE void softcap8(float *x, v8d cap) {
  v8d t = d_mul(d_set1(2.0), d_div(d_from(x), cap));
  v8d e = d_exp(d_min(d_set1(708.0), t)), one = d_set1(1.0);
  double y[8];
  d_store(y, d_mul(cap, d_sub(one, d_div(d_set1(2.0), d_add(e, one)))));
  for (int j = 0; j < 8; j++) x[j] = (float)y[j];
}

FN void NAME(softcap)(float *x, size_t n, float cap) {
  v8d c = d_set1(cap);
  size_t i = 0;
  for (; i + 8 <= n; i += 8) softcap8(x + i, c);
  if (i < n) {
    float t[8] = {0};
    memcpy(t, x + i, (n - i) * sizeof(float));
    softcap8(t, c);
    memcpy(x + i, t, (n - i) * sizeof(float));
  }
}

FN void NAME(divide)(float *x, size_t n, float by) {
  v16 d = v_set1(by);
  size_t i = 0;
  for (; i + 16 <= n; i += 16) v_store(x + i, v_div(v_load(x + i), d));
  for (; i < n; i++) x[i] /= by;
}

// 16 terms of the sum of exp, into the lanes of p.
INLINE void add_exp(const float *x, v16 m, v8d p[2]) {
  float e[16];
  v_store(e, v_exp(v_sub(v_load(x), m)));
  for (int j = 0; j < 2; j++) p[j] = d_add(p[j], d_from(e + 8 * j));
}

// softmax_part returns the largest value of x, with its index and the sum of
// exp(x - largest).
FN float NAME(softmax_part)(const float *x, size_t n, int32_t *at, double *sum) {
  float m = -INFINITY;
  size_t i = 0, stretch = 0;  // where m was first seen, within 64
  v16 vm = v_set1(m);
  for (; i + 64 <= n; i += 64) {
    v16 a = vm;
    for (int j = 0; j < 4; j++) a = v_max(v_load(x + i + 16 * j), a);  // a where x is NaN
    if (!v_any_above(a, vm)) continue;
    m = v_largest(a);
    vm = v_set1(m);
    stretch = i;
  }
  for (; i < n; i++) {
    if (!(x[i] > m)) continue;
    m = x[i];
    stretch = i;
  }
  *at = -1;
  v16 from = v_zero();
  if (m > -INFINITY) {
    while (x[stretch] != m) stretch++;
    *at = (int32_t)stretch;
    from = v_set1(m);
  }
  v8d p[2] = {d_set1(0), d_set1(0)};
  for (i = 0; i + 16 <= n; i += 16) add_exp(x + i, from, p);
  if (i < n) {  // a lane without an element adds exp(-Inf), which is 0
    float t[16];
    for (int j = 0; j < 16; j++) t[j] = -INFINITY;
    memcpy(t, x + i, (n - i) * sizeof(float));
    add_exp(t, from, p);
  }
  double s[16];
  for (int j = 0; j < 2; j++) d_store(s + 8 * j, p[j]);
  for (int h = 8; h > 0; h /= 2)
    for (int j = 0; j < h; j++) s[j] += s[j + h];
  *sum = s[0];
  return m;
}
