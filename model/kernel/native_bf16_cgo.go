//go:build cgo && amd64

package kernel

/*
#cgo noescape lk_mul16
#cgo nocallback lk_mul16
#cgo noescape lk_round16
#cgo nocallback lk_round16

#include "bf16.h"


static int lk_has16(void) {
	return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
	       __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bf16");
}

static void lk_mul16(float *y, size_t ldy, const uint16_t *x, size_t ldx, int M, int pairs, int n0, int n1,
                     const uint8_t *panels, size_t panel_size) {
	mul16_args a = {y, ldy, x, ldx, M, pairs, n0, n1, panels, panel_size};
	mul16_bf16(&a);
}
static void lk_round16(const float *x, int K, uint16_t *to) { round16_bf16(x, K, to); }
*/
import "C"

import "unsafe"

// HasBF16 reports whether --arithmetic bf16 runs on this processor: it needs
// AVX512_BF16.
func HasBF16() bool { return C.lk_has16() != 0 }

func (native) round16(x []float32, to []byte) {
	C.lk_round16((*C.float)(unsafe.SliceData(x)), C.int(len(x)), (*C.uint16_t)(unsafe.Pointer(unsafe.SliceData(to))))
}

func (native) mul16(m *Matrix, y []float32, ldy int, rows []byte, M, n0, n1 int) {
	C.lk_mul16((*C.float)(unsafe.SliceData(y)), C.size_t(ldy), (*C.uint16_t)(unsafe.Pointer(unsafe.SliceData(rows))),
		C.size_t(rowForm{kind: rowsBF16}.bytes(m.cols)/2), C.int(M), C.int((m.cols+1)/2), C.int(n0), C.int(n1),
		(*C.uint8_t)(unsafe.SliceData(m.data)), C.size_t(m.panelSize))
}
