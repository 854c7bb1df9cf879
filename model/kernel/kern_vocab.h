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

FN float NAME(max_sum_exp)(const float *x, size_t n, double *sum) {
  float m = -INFINITY;
  size_t i = 0;
  if (n >= 32) {
    v16 a = v_set1(-INFINITY), b = a;
    for (; i + 32 <= n; i += 32) {  // v_max(x, a) is a where x is NaN
      a = v_max(v_load(x + i), a);
      b = v_max(v_load(x + i + 16), b);
    }
    m = v_largest(v_max(a, b));
  }
  for (; i < n; i++) m = x[i] > m ? x[i] : m;
  v8d dm = d_set1(m), p[2];
  for (int j = 0; j < 2; j++) p[j] = d_set1(0);
  for (i = 0; i + 16 <= n; i += 16) {
    UNROLL for (int j = 0; j < 2; j++) p[j] = d_add(p[j], d_exp(d_sub(d_from(x + i + 8 * j), dm)));
  }
  double s[16];
  for (int j = 0; j < 2; j++) d_store(s + 8 * j, p[j]);
  if (i < n) {
    float t[16] = {0};
    double e[16];
    memcpy(t, x + i, (n - i) * sizeof(float));
    for (int j = 0; j < 2; j++) d_store(e + 8 * j, d_exp(d_sub(d_from(t + 8 * j), dm)));
    for (size_t j = 0; i + j < n; j++) s[j] += e[j];
  }
  for (int h = 8; h > 0; h /= 2)
    for (int j = 0; j < h; j++) s[j] += s[j + h];
  *sum = s[0];
  return m;
}
