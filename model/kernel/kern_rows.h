// Functions of one row. Part of kern_body.h.

INLINE v16 exp_reduce(v16 x, v16i *n) {
  v16 t = v_fma(x, v_set1(1.44269504088896341f), v_set1(0x1.8p23f));
  *n = v_int(t);
  v16 f = v_sub(t, v_set1(0x1.8p23f));
  v16 r = v_fma(f, v_set1(-0.693359375f), x);
  r = v_fma(f, v_set1(2.12194440e-4f), r);
  v16 q = v_set1(1.9875691500e-4f);
  q = v_fma(q, r, v_set1(1.3981999507e-3f));
  q = v_fma(q, r, v_set1(8.3334519073e-3f));
  q = v_fma(q, r, v_set1(4.1665795894e-2f));
  q = v_fma(q, r, v_set1(1.6666665459e-1f));
  q = v_fma(q, r, v_set1(5.0000001201e-1f));
  return v_fma(q, v_mul(r, r), r);
}

INLINE v16 v_exp(v16 x) {
  v16i n;
  x = v_max(v_set1(-104.0f), x);
  x = v_min(v_set1(89.0f), x);
  v16 p = v_add(v_set1(1.0f), exp_reduce(x, &n));
  v16i half = v_half(n);
  return v_mul(v_mul(p, v_pow2(half)), v_pow2(v_isub(n, half)));
}

INLINE v16 v_expm1_low(v16 x) {
  v16i n;
  v16 e = exp_reduce(v_max(v_set1(-87.0f), x), &n), s = v_pow2(n);
  return v_fma(s, e, v_sub(s, v_set1(1.0f)));
}

// ---- rows ---------------------------------------------------------------------

// A function of rows handles its tail in a padded copy.

FN void NAME(rms_norm)(float *dst, const float *x, const float *weight, size_t n, float eps) {
  v16 a = v_zero();
  size_t i = 0;
  for (; i + 16 <= n; i += 16) {
    v16 u = v_load(x + i);
    a = v_fma(u, u, a);
  }
  if (i < n) {  // a lane without an element adds 0*0, which keeps its sum
    float t[16] = {0};
    memcpy(t, x + i, (n - i) * sizeof(float));
    v16 u = v_load(t);
    a = v_fma(u, u, a);
  }
  float mean = v_sum(a) / (float)n;
  float inv = 1.0f / sqrtf(mean + eps);
  v16 vi = v_set1(inv);
  i = 0;
  if (weight) {
    for (; i + 16 <= n; i += 16) v_store(dst + i, v_mul(v_mul(v_load(x + i), vi), v_load(weight + i)));
    for (; i < n; i++) dst[i] = (x[i] * inv) * weight[i];
  } else {
    for (; i + 16 <= n; i += 16) v_store(dst + i, v_mul(v_load(x + i), vi));
    for (; i < n; i++) dst[i] = x[i] * inv;
  }
}

// EACH applies expression e of vectors a (from y) and b (from t) to y.
#define EACH(y, t, n, e)                                   \
  size_t i = 0;                                            \
  for (; i + 16 <= n; i += 16) {                             \
    v16 a = v_load(y + i), b = v_load(t + i);               \
    v_store(y + i, e);                                     \
  }                                                        \
  if (i < n) {                                             \
    float ta[16] = {0}, tb[16] = {0};                        \
    memcpy(ta, y + i, (n - i) * sizeof(float));            \
    memcpy(tb, t + i, (n - i) * sizeof(float));            \
    v16 a = v_load(ta), b = v_load(tb);                     \
    v_store(ta, e);                                        \
    memcpy(y + i, ta, (n - i) * sizeof(float));            \
    (void)b;                                               \
  }

INLINE v16 v_gate(v16 g, v16 arg, v16 up) { return v_mul(v_div(g, v_add(v_set1(1.0f), v_exp(arg))), up); }

INLINE v16 v_gelu(v16 g, v16 up) {
  v16 u = v_fma(v_mul(g, g), v_mul(v_set1(0.044715f), g), g);
  return v_gate(g, v_mul(v_set1(-1.5957691216057308f), u), up);
}

INLINE v16 v_xielu(v16 x, v16 ap, v16 an, v16 beta, v16 eps) {
  v16 b = v_mul(beta, x);
  v16 low = v_min(eps, x);
  return v_if_pos(x, v_fma(ap, v_mul(x, x), b), v_fma(an, v_sub(v_expm1_low(low), x), b));
}

FN void NAME(silu_mul)(float *gate, const float *up, size_t n) { EACH(gate, up, n, v_gate(a, v_neg(a), b)) }
FN void NAME(gelu_mul)(float *gate, const float *up, size_t n) { EACH(gate, up, n, v_gelu(a, b)) }
FN void NAME(add)(float *y, const float *t, size_t n) { EACH(y, t, n, v_add(a, b)) }
FN void NAME(multiply)(float *y, const float *t, size_t n) { EACH(y, t, n, v_mul(a, b)) }
FN void NAME(add_scaled)(float *y, const float *t, size_t n, float scale) {
  v16 s = v_set1(scale);
  EACH(y, t, n, v_if_zero(b, a, v_fma(s, b, a)))
}
FN void NAME(xielu)(float *x, size_t n, float ap, float an, float beta, float eps) {
  v16 vp = v_set1(ap), vn = v_set1(an), vb = v_set1(beta), ve = v_set1(eps);
  EACH(x, x, n, v_xielu(a, vp, vn, vb, ve))
}

FN void NAME(rope)(float *x, size_t n, size_t hd, const float *cos, const float *sin, size_t half) {
  for (float *h = x; h < x + n; h += hd) {
    float *h2 = h + half;
    size_t i = 0;
    for (; i + 16 <= half; i += 16) {
      v16 a = v_load(h + i), b = v_load(h2 + i), c = v_load(cos + i), s = v_load(sin + i);
      v_store(h + i, v_fma(v_neg(b), s, v_mul(a, c)));
      v_store(h2 + i, v_fma(a, s, v_mul(b, c)));
    }
    if (i < half) {
      size_t m = (half - i) * sizeof(float);
      float ta[16] = {0}, tb[16] = {0}, tc[16] = {0}, ts[16] = {0};
      memcpy(ta, h + i, m);
      memcpy(tb, h2 + i, m);
      memcpy(tc, cos + i, m);
      memcpy(ts, sin + i, m);
      v16 a = v_load(ta), b = v_load(tb), c = v_load(tc), s = v_load(ts);
      v_store(ta, v_fma(v_neg(b), s, v_mul(a, c)));
      v_store(tb, v_fma(a, s, v_mul(b, c)));
      memcpy(h + i, ta, m);
      memcpy(h2 + i, tb, m);
    }
  }
}
