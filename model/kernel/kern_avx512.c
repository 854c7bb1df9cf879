//go:build amd64

#include "kern.h"
#include "simd_avx512.h"
#include "kern_body.h"
