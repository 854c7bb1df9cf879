package env

import (
	"math"
	"os"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"testing/fstest"
	"unicode/utf8"
)

func machine(files ...string) fstest.MapFS {
	root := fstest.MapFS{}
	for i := 0; i < len(files); i += 2 {
		root[files[i]] = &fstest.MapFile{Data: []byte(files[i+1])}
	}
	return root
}

const (
	cpuX86 = "processor\t: 0\nmodel\t\t: 1\nmodel name\t: AMD EPYC\nflags\t\t: fpu sse sse4_1 avx2 fma f16c avx512f avx512_bf16 amx_tile\n\n" +
		"processor\t: 1\nmodel name\t: other\nflags\t\t: avx\n"
	cpuARM = "processor\t: 0\nBogoMIPS\t: 50.00\nFeatures\t: fp asimd evtstrm asimdhp asimddp sve i8mm\nCPU implementer\t: 0x41\nCPU variant\t: 0x1\nCPU part\t: 0xd40\n"
	mem    = "MemTotal:       24681000 kB\nMemFree:        100 kB\nMemAvailable:   20000000 kB\n"
)

func TestDescribeLinux(t *testing.T) {
	for _, tt := range []struct {
		name string
		root fstest.MapFS
		want Environment
	}{
		{
			"x86", machine(
				"etc/os-release", "NAME=\"x\"\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n",
				"proc/sys/kernel/osrelease", "6.1.0\n",
				"proc/cpuinfo", cpuX86,
				"proc/meminfo", mem,
				"proc/self/cgroup", "0::/slice/job\n",
				"sys/fs/cgroup/slice/memory.max", "1073741824\n",
				"sys/devices/system/cpu/cpu0/topology/core_id", "0\n",
				"sys/devices/system/cpu/cpu0/topology/physical_package_id", "0\n",
				"sys/devices/system/cpu/cpu1/topology/core_id", "0\n",
				"sys/devices/system/cpu/cpu1/topology/physical_package_id", "0\n",
				"sys/devices/system/cpu/cpu2/topology/core_id", "0\n",
				"sys/devices/system/cpu/cpu2/topology/physical_package_id", "1\n",
				"sys/devices/system/cpu/cpufreq/topology/core_id", "9\n",
			),
			Environment{
				OS:     OS{Version: "Debian GNU/Linux 12 (bookworm)", Kernel: "6.1.0"},
				CPU:    CPU{Model: "AMD EPYC", Cores: ptr(2), Features: []string{"amx_tile", "avx2", "avx512_bf16", "avx512f", "f16c", "fma", "sse4_1"}},
				Memory: Memory{Total: ptr[uint64](24681000 << 10), Limit: ptr[uint64](1 << 30)},
			},
		},
		{
			"ARM", machine("usr/lib/os-release", "PRETTY_NAME='Alpine'", "proc/cpuinfo", cpuARM),
			Environment{
				OS:  OS{Version: "Alpine"},
				CPU: CPU{Model: "ARM implementer 0x41, part 0xd40, variant 0x1", Features: []string{"asimddp", "asimdhp", "i8mm", "neon", "sve"}},
			},
		},
		{"nothing", machine(), Environment{}},
	} {
		var got Environment
		if describeLinux(&got, tt.root); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s:\n got %+v\nwant %+v", tt.name, got, tt.want)
		}
	}
}

func TestAvailableMemory(t *testing.T) {
	const gib = 1 << 30
	for _, tt := range []struct {
		name  string
		files []string
		want  uint64 // 0 for an error
	}{
		{"machine", nil, 20000000 << 10},
		{"no limit", []string{"proc/self/cgroup", "0::/a", "sys/fs/cgroup/a/memory.max", "max\n"}, 20000000 << 10},
		{"version 2", []string{
			"proc/self/cgroup", "0::/a/b\n",
			"sys/fs/cgroup/a/b/memory.max", "4294967296", "sys/fs/cgroup/a/b/memory.current", "1073741824",
		}, 3 * gib},
		{"files can be had back", []string{
			"proc/self/cgroup", "0::/a\n",
			"sys/fs/cgroup/a/memory.max", "4294967296", "sys/fs/cgroup/a/memory.current", "2147483648",
			"sys/fs/cgroup/a/memory.stat", "anon 5\ninactive_file 1073741824\n",
		}, 3 * gib},
		{"parent is stricter", []string{
			"proc/self/cgroup", "0::/a/b\n",
			"sys/fs/cgroup/a/b/memory.max", "4294967296", "sys/fs/cgroup/a/b/memory.current", "0",
			"sys/fs/cgroup/a/memory.max", "2147483648", "sys/fs/cgroup/a/memory.current", "1073741824",
		}, gib},
		{"over the limit", []string{
			"proc/self/cgroup", "0::/\n", "sys/fs/cgroup/memory.max", "5", "sys/fs/cgroup/memory.current", "7",
		}, math.MaxUint64}, // nothing
		{"version 1", []string{
			"proc/self/cgroup", "9:cpu:/x\n4:memory:/a\n0::/\n",
			"sys/fs/cgroup/memory/a/memory.limit_in_bytes", "3221225472", "sys/fs/cgroup/memory/a/memory.usage_in_bytes", "1073741824",
			"sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712", "sys/fs/cgroup/memory/memory.usage_in_bytes", "9",
		}, 2 * gib},
		{"group outside of the mount", []string{
			"proc/self/cgroup", "0::/../../host/x\n", "sys/fs/cgroup/memory.max", "2147483648", "sys/fs/cgroup/memory.current", "0",
		}, 2 * gib},
		{"bad meminfo", []string{"proc/meminfo", "MemTotal: 1 kB\nMemAvailable: lots\n"}, 0},
		{"old meminfo", []string{"proc/meminfo", "MemTotal: 1 kB\n"}, 0},
	} {
		root := machine(append([]string{"proc/meminfo", mem}, tt.files...)...)
		got, err := availableMemory(root)
		want := tt.want
		if want == math.MaxUint64 {
			want = 0
		}
		if got != want || (err != nil) != (tt.want == 0) {
			t.Errorf("%s: got %d, %v, want %d", tt.name, got, err, want)
		}
	}
}

func TestThisMachine(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("needs Linux")
	}
	var e Environment
	describeLinux(&e, os.DirFS("/"))
	if e.OS.Kernel == "" || e.CPU.Model == "" || e.Memory.Total == nil {
		t.Errorf("got %+v", e)
	}
	if n, err := MemoryAvailable(); err != nil || n == 0 || n > *e.Memory.Total {
		t.Errorf("available memory %d, %v, total %d", n, err, *e.Memory.Total)
	}
}

// Whatever the files hold, reading them ends well.
func FuzzLinux(f *testing.F) {
	f.Add(cpuX86, mem, "0::/a/b\n", "1073741824\n")
	f.Add(cpuARM, "MemAvailable: 99999999999999999999 kB\nMemTotal: 18014398509481984 kB", "4:memory,x:/../..\n::\n", "max")
	f.Add("flags:\n:\nmodel name:", "MemTotal:", "0::"+strings.Repeat("/x", 50), "18446744073709551615")
	f.Fuzz(func(t *testing.T, cpuinfo, meminfo, cgroup, number string) {
		root := machine("proc/cpuinfo", cpuinfo, "proc/meminfo", meminfo, "proc/self/cgroup", cgroup, "etc/os-release", cpuinfo,
			"sys/fs/cgroup/memory.max", number, "sys/fs/cgroup/memory.current", number, "sys/fs/cgroup/memory.stat", meminfo)
		var e Environment
		describeLinux(&e, root)
		if m := controlGroupMemory(root); m.available > m.limit {
			t.Errorf("available %d of a limit of %d", m.available, m.limit)
		}
		if n, err := availableMemory(root); err != nil && n != 0 {
			t.Errorf("got %d with error %v", n, err)
		}
		if version, ok := versionLine([]byte(cpuinfo)); ok && (!utf8.ValidString(version) || len(version) > maxVersion+len("…") || strings.ContainsAny(version, "\x00\x1b\n")) {
			t.Errorf("version %q", version)
		}
	})
}
