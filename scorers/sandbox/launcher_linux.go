package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	statusFD   = 3
	stageReady = "ready"
)

// ChildMain is the launcher: it confines this process and becomes the program.
// It does not return. Whatever goes wrong is said on the status socket; the
// program is then not run.
func ChildMain() {
	if which, is := strings.CutPrefix(os.Args[2], keeperArgument); is {
		keeperMain(candidates(which))
	}
	runtime.LockOSThread() // Landlock, seccomp and no_new_privs belong to a thread, and execve keeps this one's
	debug.SetGCPercent(-1)
	var l launch
	err := json.Unmarshal([]byte(os.Args[2]), &l)
	stage := "settings"
	if err == nil {
		stage, err = confine(l)
	}
	tell(report{Stage: stage, Error: fmt.Sprint(err)}, -1)
	os.Exit(125)
}

// tell sends a report, and a descriptor with it unless fd is -1.
func tell(r report, fd int) error {
	data, err := json.Marshal(r)
	if err != nil {
		return err
	}
	var rights []byte
	if fd >= 0 {
		rights = unix.UnixRights(fd)
	}
	return unix.Sendmsg(statusFD, data, rights, nil, 0)
}

// confine returns only where something went wrong: the stage, and why.
func confine(l launch) (string, error) {
	if err := unix.CloseRange(statusFD, ^uint(0)>>1, unix.CLOSE_RANGE_CLOEXEC); err != nil && !errors.Is(err, unix.EINVAL) {
		for fd := statusFD; fd < 1024; fd++ { // before Linux 5.11
			unix.CloseOnExec(fd)
		}
	}
	work := l.Work
	if l.Form.Namespaces {
		if stage, err := enterRoot(l); err != nil {
			return stage, err
		}
		work = "/w"
	}
	if err := unix.Chdir(work); err != nil {
		return "enter working directory", err
	}
	if stage, err := dropPrivileges(l); err != nil {
		return stage, err
	}
	if err := unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0); err != nil { // cleared by a change of user
		return "parent death signal", err
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return "no_new_privs", err
	}
	rep, listener := report{Stage: stageReady}, -1
	var err error
	if !l.Form.Unsafe {
		if rep.Landlock, err = restrictFiles(l, work); err != nil {
			return "landlock", err
		}
		listener, err = filterCalls(!l.Form.Namespaces)
		switch {
		case err == nil:
			rep.Seccomp = true
		case !l.Form.Namespaces:
			return "seccomp", err
		default:
			listener = -1 // the namespaces hold without it
		}
	}
	if l.Probe {
		rep.Leaks = lookAround(rep)
	}
	// Everything that the last steps need is made before: after them nothing may be allocated.
	var argv, envv []*byte
	var program *byte
	if !l.Probe {
		if program, err = syscall.BytePtrFromString(l.Program); err != nil {
			return "program", err
		}
		if argv, err = syscall.SlicePtrFromStrings(append([]string{l.Program}, l.Args...)); err != nil {
			return "arguments", err
		}
		own := []string{"HOME=" + work}
		if l.Home {
			own = []string{"HOME=" + l.home(), "TMPDIR=" + l.home()}
		}
		if envv, err = syscall.SlicePtrFromStrings(append(own, l.Env...)); err != nil {
			return "environment", err
		}
	}
	limits := resourceLimits(l.Limits)
	if err := tell(rep, listener); err != nil {
		return "report", err
	}
	if l.Probe {
		os.Exit(0)
	}
	for i := range limits {
		if _, _, e := syscall.RawSyscall6(unix.SYS_PRLIMIT64, 0, limits[i].resource, uintptr(unsafe.Pointer(&limits[i].value)), 0, 0, 0); e != 0 {
			return "limits", e
		}
	}
	_, _, e := syscall.RawSyscall(unix.SYS_EXECVE, uintptr(unsafe.Pointer(program)), uintptr(unsafe.Pointer(&argv[0])), uintptr(unsafe.Pointer(&envv[0])))
	return "run " + l.Program, e
}

type limit struct {
	resource uintptr
	value    unix.Rlimit
}

func resourceLimits(l Limits) []limit {
	out := []limit{}
	for _, r := range []struct {
		resource int
		value    int64
	}{
		{unix.RLIMIT_CORE, 0},
		{unix.RLIMIT_MEMLOCK, 0},
		{unix.RLIMIT_MSGQUEUE, 0},
		{unix.RLIMIT_STACK, 8 << 20},
		{unix.RLIMIT_FSIZE, l.FileSize},
		{unix.RLIMIT_NOFILE, int64(l.OpenFiles)},
		{unix.RLIMIT_CPU, int64(2*seconds(l.CPU)/time.Second) + 1}, // in reserve: watchCPU is exact
		{unix.RLIMIT_NPROC, int64(l.Processes)},
		{unix.RLIMIT_AS, l.Memory},
	} {
		out = append(out, limit{uintptr(r.resource), unix.Rlimit{Cur: uint64(r.value), Max: uint64(r.value)}})
	}
	return out
}

// enterRoot builds a root directory of the named files only and moves into it.
func enterRoot(l launch) (string, error) {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return "make mounts private", err
	}
	if err := unix.Mount("tmpfs", l.Root, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "size=1m,nr_inodes=8192,mode=0755"); err != nil {
		return "mount root", err
	}
	work, scratch := filepath.Join(l.Root, "w"), filepath.Join(l.Root, "tmp")
	for _, d := range []string{work, scratch} {
		if err := os.Mkdir(d, 0o755); err != nil {
			return "working directory", err
		}
	}
	// First of all mounts: a file to read may lie below /tmp.
	size := fmt.Sprintf("size=%d,nr_inodes=%d,mode=0755", l.Limits.Scratch, 256+2*len(l.Read))
	if err := unix.Mount("tmpfs", scratch, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, size); err != nil {
		return "mount /tmp", err
	}
	for _, k := range l.Links {
		at := filepath.Join(l.Root, k.Path)
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			return "link " + k.Path, err
		}
		if err := os.Symlink(k.Target, at); err != nil && !errors.Is(err, os.ErrExist) {
			return "link " + k.Path, err
		}
	}
	for _, path := range l.Read {
		if err := bind(path, filepath.Join(l.Root, path)); err != nil {
			return "bind " + path, err
		}
	}
	if err := bind(l.Work, work); err != nil {
		return "bind working directory", err
	}
	const closed = unix.MOUNT_ATTR_RDONLY | unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NODEV
	if err := unix.MountSetattr(unix.AT_FDCWD, l.Root, unix.AT_RECURSIVE, &unix.MountAttr{Attr_set: closed}); err != nil {
		return "make root read-only", err
	}
	const writable = unix.MOUNT_ATTR_NOEXEC | unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NODEV
	if err := unix.MountSetattr(unix.AT_FDCWD, work, 0, &unix.MountAttr{Attr_set: writable}); err != nil {
		return "working directory", err
	}
	for _, name := range l.Outputs {
		at := filepath.Join(work, name)
		if err := unix.Mount(filepath.Join(l.Work, name), at, "", unix.MS_BIND, ""); err != nil {
			return "bind output " + name, err
		}
		if err := unix.MountSetattr(unix.AT_FDCWD, at, 0, &unix.MountAttr{Attr_set: writable}); err != nil {
			return "bind output " + name, err
		}
	}
	if err := unix.MountSetattr(unix.AT_FDCWD, scratch, 0, &unix.MountAttr{Attr_clr: unix.MOUNT_ATTR_RDONLY}); err != nil {
		return "make /tmp writable", err
	}
	if err := unix.Sethostname([]byte("sandbox")); err != nil {
		return "host name", err
	}
	if err := unix.Chdir(l.Root); err != nil {
		return "enter root", err
	}
	if err := unix.PivotRoot(".", "."); err != nil { // stacks the old root on the new
		return "pivot root", err
	}
	if err := unix.Unmount(".", unix.MNT_DETACH); err != nil {
		return "leave old root", err
	}
	return "", nil
}

// bind mounts a file or folder of the host at a path of the new root.
func bind(source, at string) error {
	info, err := os.Stat(source)
	if err != nil {
		return err
	}
	if info.IsDir() {
		err = os.MkdirAll(at, 0o755)
	} else if err = os.MkdirAll(filepath.Dir(at), 0o755); err == nil {
		var f *os.File
		if f, err = os.OpenFile(at, os.O_CREATE|os.O_WRONLY, 0o444); err == nil {
			err = f.Close()
		}
	}
	if err != nil {
		return err
	}
	return unix.Mount(source, at, "", unix.MS_BIND|unix.MS_REC, "")
}

// dropPrivileges gives up root, where we are, and every capability.
func dropPrivileges(l launch) (string, error) {
	for c := uintptr(0); c < 64; c++ {
		if err := unix.Prctl(unix.PR_CAPBSET_DROP, c, 0, 0, 0); err != nil {
			break // EINVAL: past the last; EPERM: we have none
		}
	}
	if !l.Form.Namespaces && l.Form.HostID >= 0 {
		id := uintptr(l.Form.HostID)
		if _, _, e := syscall.RawSyscall(unix.SYS_SETGROUPS, 0, 0, 0); e != 0 {
			return "drop groups", e
		}
		if _, _, e := syscall.RawSyscall(unix.SYS_SETRESGID, id, id, id); e != 0 {
			return "drop group", e
		}
		if _, _, e := syscall.RawSyscall(unix.SYS_SETRESUID, id, id, id); e != 0 {
			return "drop user", e
		}
	}
	if err := unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0); err != nil {
		return "drop ambient capabilities", err
	}
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var none [2]unix.CapUserData
	if err := unix.Capset(&header, &none[0]); err != nil {
		return "drop capabilities", err
	}
	return "", nil
}

// lookAround says what the confined process can do and should not.
func lookAround(r report) []string {
	leaks := []string{}
	for _, path := range []string{"/etc/passwd", "/proc/self/status", "/usr", "/dev/null"} {
		if f, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0); err == nil {
			unix.Close(f)
			leaks = append(leaks, "read "+path)
		}
	}
	for _, path := range []string{"written", "/written", "/tmp/../written", "/var/tmp/lorabench-written"} {
		if f, err := unix.Open(path, unix.O_WRONLY|unix.O_CREAT|unix.O_CLOEXEC, 0o600); err == nil {
			unix.Close(f)
			unix.Unlink(path)
			leaks = append(leaks, "write "+path)
		}
	}
	if r.Seccomp {
		if f, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0); err == nil {
			unix.Close(f)
			leaks = append(leaks, "open a socket")
		}
	}
	if err := unix.Kill(os.Getppid(), 0); err == nil && os.Getppid() != 0 {
		leaks = append(leaks, "signal its parent")
	}
	return leaks
}
