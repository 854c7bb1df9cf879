//go:build amd64 || arm64

#include "kern.h"
#include "simd_portable.h"
#include "simd_pair.h"
#include "kern_body.h"
