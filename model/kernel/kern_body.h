// The kernels, written once over the vectors of simd_*.h. Included by one file
// for each instruction set.
//
// Products and sums are contracted only where fma is written: cgo compiles with
// -std=c11, in which GCC contracts nothing, and clang obeys the pragma.
#ifdef __clang__
#pragma STDC FP_CONTRACT OFF
#endif
#ifdef __clang__
#define UNROLL _Pragma("unroll")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif
#include <math.h>
#include <string.h>
#include "kern_rows.h"
#include "kern_vocab.h"
#include "kern_products.h"
#include "kern_lowrank.h"
#include "kern_attention.h"
#include "kern_probe.h"
