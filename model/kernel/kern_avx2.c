//go:build amd64

#include "kern.h"
#include "simd_avx2.h"
#include "simd_pair.h"
#include "kern_body.h"
