// Bursts that measure the machine. Part of kern_body.h.

// fma_burst does n steps of 192 multiplications and additions in registers; its
// result depends on all of them.
FN double NAME(fma_burst)(size_t n) {
  float start[16];
  for (int j = 0; j < 16; j++) start[j] = 1 + j;
  v16 acc[MAX_SUMS], x = v_set1(1.0000001f), c = v_set1(1e-9f);
  UNROLL for (int i = 0; i < MAX_SUMS; i++) acc[i] = v_mul(v_load(start), v_set1(i));
  for (size_t k = 0; k < n * 12 / MAX_SUMS; k++) {
    UNROLL for (int i = 0; i < MAX_SUMS; i++) acc[i] = v_fma(acc[i], x, c);
  }
  UNROLL for (int i = 1; i < MAX_SUMS; i++) acc[0] = v_add(acc[0], acc[i]);
  return v_sum(acc[0]);
}
