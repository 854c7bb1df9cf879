//go:build !linux

package env

import (
	"errors"
	"runtime"

	"golang.org/x/sys/cpu"
)

var errUnknown = errors.New("unknown on " + runtime.GOOS)

// goFeatures returns the features that Go has found, under Linux' names.
func goFeatures() []string {
	found := []string{}
	for _, f := range []struct {
		name string
		has  bool
	}{
		{"asimddp", cpu.ARM64.HasASIMDDP},
		{"asimdfhm", cpu.ARM64.HasASIMDFHM},
		{"asimdhp", cpu.ARM64.HasASIMDHP},
		{"avx", cpu.X86.HasAVX},
		{"avx2", cpu.X86.HasAVX2},
		{"avx512_bf16", cpu.X86.HasAVX512BF16},
		{"avx512_vnni", cpu.X86.HasAVX512VNNI},
		{"avx512bw", cpu.X86.HasAVX512BW},
		{"avx512dq", cpu.X86.HasAVX512DQ},
		{"avx512f", cpu.X86.HasAVX512F},
		{"avx512vl", cpu.X86.HasAVX512VL},
		{"fma", cpu.X86.HasFMA},
		{"neon", runtime.GOARCH == "arm64"},
		{"sse4_1", cpu.X86.HasSSE41},
		{"sse4_2", cpu.X86.HasSSE42},
		{"sve", cpu.ARM64.HasSVE},
	} {
		if f.has {
			found = append(found, f.name)
		}
	}
	return found
}
