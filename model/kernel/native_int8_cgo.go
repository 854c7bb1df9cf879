//go:build cgo && (amd64 || arm64)

package kernel

/*
#cgo noescape lk_mul8
#cgo nocallback lk_mul8
#cgo noescape lk_quantize8
#cgo nocallback lk_quantize8

#include "int8.h"

// The forms of native_cgo.go. There, AVX512 does not imply VNNI.
enum { BEST, PORTABLE, AVX2, AVX512 };

static int lk_best8(int form) {
#if defined(__x86_64__)
	int avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
	int vnni = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
	           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vnni");
	int best = vnni ? AVX512 : avx2 ? AVX2 : PORTABLE;
	return form == BEST || form > best ? best : form;
#else
	return PORTABLE;
#endif
}

#if defined(__x86_64__)
#define CALL8(form, f, ...)                            \
	(lk_best8(form) == AVX512 ? f##_vnni(__VA_ARGS__)  \
	 : lk_best8(form) == AVX2 ? f##_avx2(__VA_ARGS__)  \
	                          : f##_portable(__VA_ARGS__))
#else
#define CALL8(form, f, ...) f##_portable(__VA_ARGS__)
#endif

static void lk_mul8(int form, float *y, size_t ldy, const uint8_t *x, size_t ldx, int M, int K, int n0, int n1,
                    const uint8_t *panels, size_t panel_size, size_t head, int bits, int halves, int bias, int kind, float *scratch) {
	mul8_args a = {y, ldy, x, ldx, M, K, n0, n1, panels, panel_size, head, bits, halves, bias, kind, scratch};
	CALL8(form, mul8, &a);
}
static void lk_quantize8(int form, const float *x, int K, int zero, int halves, uint8_t *to) {
	CALL8(form, quantize8, x, K, zero, halves, to);
}
*/
import "C"

import "unsafe"

// Int8Path names the code that --arithmetic int8 runs: "vnni", "avx2", "neon" or
// "portable". All give the same bits.
func Int8Path() string {
	switch {
	case Path() == "neon":
		return "neon"
	case C.lk_best8(C.BEST) == C.AVX512:
		return "vnni"
	case C.lk_best8(C.BEST) == C.AVX2:
		return "avx2"
	}
	return "portable"
}

func (c native) quantize8(x []float32, zero, halves int, to []byte) {
	C.lk_quantize8(C.int(c.path), (*C.float)(unsafe.SliceData(x)), C.int(len(x)), C.int(zero), C.int(halves), (*C.uint8_t)(unsafe.SliceData(to)))
}

func (c native) mul8(m *Matrix, p *int8Panels, y []float32, ldy int, rows []byte, M, n0, n1 int, s *Scratch) {
	scratch := s.floats(C.MUL8_SCRATCH / 4)
	C.lk_mul8(C.int(c.path), (*C.float)(unsafe.SliceData(y)), C.size_t(ldy), (*C.uint8_t)(unsafe.SliceData(rows)), C.size_t(p.rows().bytes(m.cols)),
		C.int(M), C.int(m.cols), C.int(n0), C.int(n1), (*C.uint8_t)(unsafe.SliceData(m.data)), C.size_t(m.panelSize), C.size_t(p.head),
		C.int(p.bits), C.int(p.halves), C.int(p.bias), C.int(p.kind), (*C.float)(unsafe.SliceData(scratch)))
}
