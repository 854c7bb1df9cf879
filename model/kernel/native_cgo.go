//go:build cgo && (amd64 || arm64)

package kernel

/*
#cgo CFLAGS: -O3 -std=c11
#cgo !windows LDFLAGS: -lm
#cgo noescape lk_mul
#cgo nocallback lk_mul
#cgo noescape lk_mul_narrow
#cgo nocallback lk_mul_narrow
#cgo noescape lk_attend
#cgo nocallback lk_attend
#cgo noescape lk_rms_norm
#cgo nocallback lk_rms_norm
#cgo noescape lk_silu_mul
#cgo nocallback lk_silu_mul
#cgo noescape lk_gelu_mul
#cgo nocallback lk_gelu_mul
#cgo noescape lk_xielu
#cgo nocallback lk_xielu
#cgo noescape lk_rope
#cgo nocallback lk_rope
#cgo noescape lk_add_scaled
#cgo nocallback lk_add_scaled
#cgo noescape lk_add
#cgo nocallback lk_add
#cgo noescape lk_multiply
#cgo nocallback lk_multiply
#cgo noescape lk_softmax_part
#cgo nocallback lk_softmax_part
#cgo noescape lk_softcap
#cgo nocallback lk_softcap
#cgo noescape lk_divide
#cgo nocallback lk_divide
#cgo nocallback lk_fma_burst

#include "kern.h"

// The forms of the kernels, from the slowest; BEST is the last that the processor has.
enum { BEST, PORTABLE, AVX2, AVX512 };

static int lk_best(void) {
#if defined(__x86_64__)
	if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return PORTABLE;
	int wide = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
	           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
	return wide ? AVX512 : AVX2;
#else
	return PORTABLE;
#endif
}

#if defined(__x86_64__)
#define CALL(form, f, ...)                                     \
	((form ? form : lk_best()) == AVX512 ? f##_avx512(__VA_ARGS__) \
	 : (form ? form : lk_best()) == AVX2 ? f##_avx2(__VA_ARGS__)   \
	                                     : f##_portable(__VA_ARGS__))
#else
#define CALL(form, f, ...) f##_portable(__VA_ARGS__)
#endif

static void lk_mul(int form, int fmt, float *y, size_t ldy, const float *x, size_t ldx, int M, int K, int n0, int n1,
                   const uint8_t *panels, size_t panel_size, int shift, int bias, int nested, int zero, size_t head,
                   const float *values, float *scratch) {
	groups g = {shift, bias, nested, zero, head, values};
	mul_args a = {y, ldy, x, ldx, M, K, n0, n1, fmt, panels, panel_size, g, scratch};
	CALL(form, mul, &a);
}
static void lk_mul_narrow(int form, int fmt, float *y, size_t ldy, const float *x, size_t ldx, int M, int K, int n0, int n1,
                          const uint8_t *panels, size_t panel_size, int add, float scale) {
	mul_args a = {y, ldy, x, ldx, M, K, n0, n1, fmt, panels, panel_size};
	CALL(form, mul_narrow, &a, add, scale);
}
static void lk_attend(int form, float *out, size_t ldo, const float *q, size_t ldq, int R, int G, int hd,
                      const attend_row *rows, size_t koff, size_t voff, float scale, float *scratch) {
	attend_args a = {out, ldo, q, ldq, R, G, hd, rows, koff, voff, scale, scratch};
	CALL(form, attend, &a);
}
static void lk_rms_norm(int form, float *dst, const float *x, const float *weight, size_t n, float eps) {
	CALL(form, rms_norm, dst, x, weight, n, eps);
}
static void lk_silu_mul(int form, float *gate, const float *up, size_t n) { CALL(form, silu_mul, gate, up, n); }
static void lk_gelu_mul(int form, float *gate, const float *up, size_t n) { CALL(form, gelu_mul, gate, up, n); }
static void lk_xielu(int form, float *x, size_t n, float ap, float an, float beta, float eps) {
	CALL(form, xielu, x, n, ap, an, beta, eps);
}
static void lk_rope(int form, float *x, size_t n, size_t hd, const float *cos, const float *sin, size_t half) {
	CALL(form, rope, x, n, hd, cos, sin, half);
}
static void lk_add_scaled(int form, float *y, const float *t, size_t n, float scale) { CALL(form, add_scaled, y, t, n, scale); }
static void lk_add(int form, float *y, const float *t, size_t n) { CALL(form, add, y, t, n); }
static void lk_multiply(int form, float *y, const float *t, size_t n) { CALL(form, multiply, y, t, n); }
static float lk_softmax_part(int form, const float *x, size_t n, int32_t *at, double *sum) {
	return CALL(form, softmax_part, x, n, at, sum);
}
static void lk_softcap(int form, float *x, size_t n, float cap) { CALL(form, softcap, x, n, cap); }
static void lk_divide(int form, float *x, size_t n, float by) { CALL(form, divide, x, n, by); }
static double lk_fma_burst(int form, size_t n) { return CALL(form, fma_burst, n); }
*/
import "C"

import (
	"runtime"
	"unsafe"
)

// native calls the C kernels of one path; the zero value calls the best that the
// processor has.
type native struct{ path C.int }

// paths are the names of the paths that this processor has, the best one last.
func paths() []string {
	if runtime.GOARCH == "arm64" {
		return []string{"neon"}
	}
	return []string{"portable", "avx2", "avx512"}[:C.lk_best()]
}

// nativePath is a path of paths by its place.
func nativePath(i int) native { return native{C.int(i + 1)} }

// Scratch is working memory of one goroutine. The zero value is ready; it grows
// to what is needed and keeps it.
type Scratch struct {
	f    []float32
	rows []C.attend_row
	preparedRows
}

// ScratchFloats is how many floats a Scratch grows to.
func ScratchFloats(headDim int) int64 { return max(C.MUL_SCRATCH, attendScratch(int64(headDim))) }

// Path names the code that runs: "avx512", "avx2", "neon", or "portable" where
// the processor has none of them. All give the same bits.
func Path() string {
	p := paths()
	return p[len(p)-1]
}

// cf is the address of a float slice, for C.
func cf(x []float32) *C.float { return (*C.float)(unsafe.Pointer(unsafe.SliceData(x))) }

func (c native) mul(m *Matrix, y []float32, ldy int, x []float32, ldx, M, n0, n1 int, s *Scratch) {
	scratch := s.floats(max(C.MUL_SCRATCH, m.pieces()))
	C.lk_mul(c.path, C.int(m.format), cf(y), C.size_t(ldy), cf(x), C.size_t(ldx), C.int(M), C.int(m.cols), C.int(n0), C.int(n1),
		(*C.uint8_t)(unsafe.SliceData(m.data)), C.size_t(m.panelSize),
		C.int(m.shift), C.int(m.bias), C.int(m.nested), C.int(m.groups.Zero), C.size_t(m.head),
		cf(m.values[:]), cf(scratch))
}

func (c native) mulNarrow(m *Matrix, y []float32, ldy int, x []float32, ldx, M, n0, n1 int, add bool, scale float32) {
	sum := C.int(0)
	if add {
		sum = 1
	}
	C.lk_mul_narrow(c.path, C.int(m.format), cf(y), C.size_t(ldy), cf(x), C.size_t(ldx), C.int(M), C.int(m.cols), C.int(n0), C.int(n1),
		(*C.uint8_t)(unsafe.SliceData(m.data)), C.size_t(m.panelSize), sum, C.float(scale))
}

// attendScratch is ATTEND_SCRATCH.
func attendScratch(headDim int64) int64 { return C.QC*(2*headDim+16+64+16) + 64*16 }

// attend gives C the addresses of the lists of addresses, as numbers too: see Blocks.
func (c native) attend(out []float32, ldo int, q []float32, ldq, G int, kv KV, rows []Row, scale float32, s *Scratch) {
	scratch := s.floats(int(attendScratch(int64(kv.HeadDim))))
	s.rows = s.rows[:0]
	for _, r := range rows {
		list := unsafe.Pointer(unsafe.SliceData(r.Blocks.addresses))
		s.rows = append(s.rows, C.attend_row{blocks: C.uintptr_t(uintptr(list)), first: C.int32_t(r.First), keys: C.int32_t(r.Keys)})
	}
	C.lk_attend(c.path, cf(out), C.size_t(ldo), cf(q), C.size_t(ldq), C.int(len(rows)), C.int(G), C.int(kv.HeadDim),
		unsafe.SliceData(s.rows), C.size_t(kv.K), C.size_t(kv.V), C.float(scale), cf(scratch))
	runtime.KeepAlive(rows)
}

func (c native) rmsNorm(dst, x, weight []float32, eps float32) {
	C.lk_rms_norm(c.path, cf(dst), cf(x), cf(weight), C.size_t(len(x)), C.float(eps))
}

func (c native) siluMul(gate, up []float32) {
	C.lk_silu_mul(c.path, cf(gate), cf(up), C.size_t(len(gate)))
}

func (c native) geluMul(gate, up []float32) {
	C.lk_gelu_mul(c.path, cf(gate), cf(up), C.size_t(len(gate)))
}

func (c native) xielu(x []float32, alphaP, alphaN, beta, eps float32) {
	C.lk_xielu(c.path, cf(x), C.size_t(len(x)), C.float(alphaP), C.float(alphaN), C.float(beta), C.float(eps))
}

func (c native) rope(x []float32, headDim int, cos, sin []float32) {
	C.lk_rope(c.path, cf(x), C.size_t(len(x)), C.size_t(headDim), cf(cos), cf(sin), C.size_t(len(cos)))
}

func (c native) addScaled(y, t []float32, scale float32) {
	C.lk_add_scaled(c.path, cf(y), cf(t), C.size_t(len(y)), C.float(scale))
}

func (c native) add(y, t []float32) { C.lk_add(c.path, cf(y), cf(t), C.size_t(len(y))) }

func (c native) multiply(y, t []float32) { C.lk_multiply(c.path, cf(y), cf(t), C.size_t(len(y))) }

func (c native) softmaxPart(x []float32) SoftmaxPart {
	var at C.int32_t
	var sum C.double
	m := C.lk_softmax_part(c.path, cf(x), C.size_t(len(x)), &at, &sum)
	return SoftmaxPart{Max: float32(m), At: int32(at), Sum: float64(sum)}
}

func (c native) softcap(x []float32, cap float32) {
	C.lk_softcap(c.path, cf(x), C.size_t(len(x)), C.float(cap))
}

func (c native) divide(x []float32, by float32) {
	C.lk_divide(c.path, cf(x), C.size_t(len(x)), C.float(by))
}

func (c native) fmaBurst(n int) float64 { return float64(C.lk_fma_burst(c.path, C.size_t(n))) }
