package env

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"path"
	"slices"
	"strconv"
	"strings"
)

// What Linux says of itself in /proc, /sys and /etc. The file system is a
// parameter, so that tests bring their own machines.

const maxProcFile = 8 << 20 // /proc/cpuinfo of a large server has half a megabyte

// readText returns a file, as far as it is not absurdly long.
func readText(root fs.FS, name string) (string, error) {
	file, err := root.Open(name)
	if err != nil {
		return "", err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxProcFile))
	return string(text), err
}

// osVersion returns the name of the distribution.
func osVersion(osRelease string) string {
	for line := range strings.Lines(osRelease) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), "PRETTY_NAME="); ok {
			if plain, err := strconv.Unquote(value); err == nil {
				value = plain
			}
			return strings.Trim(value, "'")
		}
	}
	return Unknown
}

// cpuInfo returns the processor's model and its features, from /proc/cpuinfo.
func cpuInfo(text string) (model string, features []string) {
	fields := map[string]string{} // of the first processor
	lines := bufio.NewScanner(strings.NewReader(text))
	lines.Buffer(nil, maxProcFile)
	for lines.Scan() {
		key, value, ok := strings.Cut(lines.Text(), ":")
		key = strings.TrimSpace(key)
		if _, seen := fields[key]; ok && !seen {
			fields[key] = strings.TrimSpace(value)
		}
	}
	model = Unknown
	for _, key := range []string{"model name", "cpu model", "Model Name", "cpu"} { // x86, MIPS, LoongArch, POWER
		if fields[key] != "" {
			model = fields[key]
			break
		}
	}
	if implementer := fields["CPU implementer"]; model == Unknown && implementer != "" {
		model = fmt.Sprintf("ARM implementer %s, part %s, variant %s", implementer, fields["CPU part"], fields["CPU variant"])
	}
	features = []string{}
	for flag := range strings.FieldsSeq(fields["flags"] + " " + fields["Features"]) {
		if name, ok := kernelFeature(flag); ok && !slices.Contains(features, name) {
			features = append(features, name)
		}
	}
	slices.Sort(features)
	return model, features
}

// kernelFeature reports whether arithmetic kernels care for a flag of the
// processor, and what it is called here.
func kernelFeature(flag string) (string, bool) {
	switch flag {
	case "asimd":
		return "neon", true
	case "sse4_1", "sse4_2", "avx", "avx2", "avx_vnni", "avx_vnni_int8", "avx_ne_convert", "avx_ifma", "fma", "f16c",
		"neon", "asimddp", "asimdhp", "asimdfhm", "i8mm", "bf16", "sve", "sve2", "svei8mm", "svebf16", "sme":
		return flag, true
	}
	if strings.HasPrefix(flag, "avx512") || strings.HasPrefix(flag, "avx10") || strings.HasPrefix(flag, "amx") {
		return flag, true
	}
	return "", false
}

// physicalCores counts the cores below /sys/devices/system/cpu.
func physicalCores(root fs.FS) (int, error) {
	ids, err := fs.Glob(root, "sys/devices/system/cpu/cpu[0-9]*/topology/core_id")
	if err != nil {
		return 0, err
	}
	cores := map[string]bool{}
	for _, name := range ids {
		core, err := readText(root, name)
		if err != nil {
			continue // switched off
		}
		pack, err := readText(root, path.Join(path.Dir(name), "physical_package_id"))
		if err != nil {
			continue
		}
		cores[strings.TrimSpace(pack)+" "+strings.TrimSpace(core)] = true
	}
	if len(cores) == 0 {
		return 0, errors.New("no topology in /sys")
	}
	return len(cores), nil
}

// memInfo returns total and available memory in bytes, from /proc/meminfo.
func memInfo(text string) (total, available uint64, err error) {
	total, err = memField(text, "MemTotal")
	if err != nil {
		return 0, 0, err
	}
	available, err = memField(text, "MemAvailable")
	return total, available, err
}

func memField(text, name string) (uint64, error) {
	for line := range strings.Lines(text) {
		value, ok := strings.CutPrefix(line, name+":")
		if !ok {
			continue
		}
		number, unit, _ := strings.Cut(strings.TrimSpace(value), " ")
		kilobytes, err := strconv.ParseUint(number, 10, 54)
		if err != nil || unit != "kB" {
			return 0, fmt.Errorf("/proc/meminfo: %s is %q, want a number of kB", name, strings.TrimSpace(value))
		}
		return kilobytes << 10, nil
	}
	return 0, fmt.Errorf("/proc/meminfo: no %s", name)
}

// groupMemory is what the control groups of this process leave it, in bytes.
type groupMemory struct {
	limit, available uint64 // of the strictest group; math.MaxUint64 without limit
}

// controlGroupMemory looks at the group of this process and all above it. Memory
// that holds files may be had back, so it counts as available.
func controlGroupMemory(root fs.FS) groupMemory {
	m := groupMemory{limit: math.MaxUint64, available: math.MaxUint64}
	groups, err := readText(root, "proc/self/cgroup")
	if err != nil {
		return m
	}
	for line := range strings.Lines(groups) {
		// "0::/a/b" is version 2, "7:memory:/a/b" version 1.
		fields := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(fields) != 3 {
			continue
		}
		switch {
		case fields[0] == "0" && fields[1] == "":
			m.narrow(root, "sys/fs/cgroup", fields[2], "memory.max", "memory.current", "inactive_file")
		case slices.Contains(strings.Split(fields[1], ","), "memory"):
			m.narrow(root, "sys/fs/cgroup/memory", fields[2], "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
		}
	}
	return m
}

// narrow takes the limits of a group and of all above it into account. In a
// container the group may be mounted as the root, and is then found there.
func (m *groupMemory) narrow(root fs.FS, mount, group, limitFile, usageFile, reclaimable string) {
	for group = path.Clean("/" + group); ; group = path.Dir(group) {
		folder := path.Join(mount, group)
		limit, err := readNumber(root, path.Join(folder, limitFile))
		if err == nil && limit < 1<<60 { // version 1 says "no limit" with a large number
			m.limit = min(m.limit, limit)
			if usage, err := readNumber(root, path.Join(folder, usageFile)); err == nil {
				usage -= min(usage, statField(root, path.Join(folder, "memory.stat"), reclaimable))
				m.available = min(m.available, limit-min(limit, usage))
			}
		}
		if group == "/" {
			return
		}
	}
}

func readNumber(root fs.FS, name string) (uint64, error) {
	text, err := readText(root, name)
	if err != nil {
		return 0, err
	}
	return strconv.ParseUint(strings.TrimSpace(text), 10, 64) // "max" is an error, that is no limit
}

// statField returns a line "name number" of a file, or 0.
func statField(root fs.FS, file, name string) uint64 {
	text, err := readText(root, file)
	if err != nil {
		return 0
	}
	for line := range strings.Lines(text) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			n, err := strconv.ParseUint(strings.TrimSpace(value), 10, 64)
			if err != nil {
				return 0
			}
			return n
		}
	}
	return 0
}

// availableMemory returns what can be used without swapping, in bytes: of the
// machine, and of the control groups.
func availableMemory(root fs.FS) (uint64, error) {
	text, err := readText(root, "proc/meminfo")
	if err != nil {
		return 0, err
	}
	_, available, err := memInfo(text)
	if err != nil {
		return 0, err
	}
	return min(available, controlGroupMemory(root).available), nil
}

// describeLinux fills in what the files of root say.
func describeLinux(e *Environment, root fs.FS) {
	for _, name := range []string{"etc/os-release", "usr/lib/os-release"} {
		if text, err := readText(root, name); err == nil {
			e.OS.Version = osVersion(text)
			break
		}
	}
	if text, err := readText(root, "proc/sys/kernel/osrelease"); err == nil {
		e.OS.Kernel = strings.TrimSpace(text)
	}
	if text, err := readText(root, "proc/cpuinfo"); err == nil {
		e.CPU.Model, e.CPU.Features = cpuInfo(text)
	}
	if cores, err := physicalCores(root); err == nil {
		e.CPU.Cores = &cores
	}
	if text, err := readText(root, "proc/meminfo"); err == nil {
		if total, _, err := memInfo(text); err == nil {
			e.Memory.Total = &total
		}
	}
	if limit := controlGroupMemory(root).limit; limit != math.MaxUint64 {
		e.Memory.Limit = &limit
	}
}
