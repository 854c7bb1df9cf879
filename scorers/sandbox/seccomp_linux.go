package sandbox

import (
	"errors"
	"os"
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Offsets in struct seccomp_data, little-endian.
const (
	dataCall = 0
	dataArch = 4
	dataArgs = 16 // six of eight bytes each
)

const (
	denied      = unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)
	unknownCall = unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS)
	tmpfileFlag = 0x400000 // __O_TMPFILE, the bit that O_DIRECTORY does not have
)

// deniedCalls are refused whatever their arguments: network, other processes,
// new namespaces and mounts, metadata of files (which Landlock does not
// guard), executables made in memory, and kernel interfaces that a simulator
// has no business with.
func deniedCalls() []uint32 {
	return append([]uint32{
		unix.SYS_SOCKET, unix.SYS_SOCKETPAIR, unix.SYS_CONNECT, unix.SYS_BIND, unix.SYS_LISTEN, unix.SYS_ACCEPT, unix.SYS_ACCEPT4,
		unix.SYS_PTRACE, unix.SYS_PROCESS_VM_READV, unix.SYS_PROCESS_VM_WRITEV, unix.SYS_PROCESS_MADVISE, unix.SYS_KCMP,
		unix.SYS_PIDFD_OPEN, unix.SYS_PIDFD_GETFD, unix.SYS_PIDFD_SEND_SIGNAL, unix.SYS_RT_SIGQUEUEINFO, unix.SYS_RT_TGSIGQUEUEINFO,
		unix.SYS_UNSHARE, unix.SYS_SETNS, unix.SYS_MOUNT, unix.SYS_UMOUNT2, unix.SYS_PIVOT_ROOT, unix.SYS_CHROOT,
		unix.SYS_MOVE_MOUNT, unix.SYS_OPEN_TREE, unix.SYS_FSOPEN, unix.SYS_FSMOUNT, unix.SYS_FSCONFIG, unix.SYS_FSPICK, unix.SYS_MOUNT_SETATTR,
		unix.SYS_NAME_TO_HANDLE_AT, unix.SYS_OPEN_BY_HANDLE_AT,
		unix.SYS_FCHMOD, unix.SYS_FCHMODAT, unix.SYS_FCHMODAT2, unix.SYS_FCHOWN, unix.SYS_FCHOWNAT, unix.SYS_TRUNCATE, unix.SYS_UTIMENSAT,
		unix.SYS_SETXATTR, unix.SYS_LSETXATTR, unix.SYS_FSETXATTR, unix.SYS_REMOVEXATTR, unix.SYS_LREMOVEXATTR, unix.SYS_FREMOVEXATTR,
		unix.SYS_MEMFD_CREATE, unix.SYS_MEMFD_SECRET, unix.SYS_EXECVEAT,
		unix.SYS_IO_URING_SETUP, unix.SYS_IO_URING_ENTER, unix.SYS_IO_URING_REGISTER,
		unix.SYS_BPF, unix.SYS_PERF_EVENT_OPEN, unix.SYS_USERFAULTFD, unix.SYS_KEYCTL, unix.SYS_ADD_KEY, unix.SYS_REQUEST_KEY,
		unix.SYS_INIT_MODULE, unix.SYS_FINIT_MODULE, unix.SYS_DELETE_MODULE, unix.SYS_KEXEC_LOAD, unix.SYS_REBOOT, unix.SYS_SWAPON, unix.SYS_SWAPOFF,
		unix.SYS_SHMGET, unix.SYS_SHMAT, unix.SYS_MSGGET, unix.SYS_SEMGET, unix.SYS_MQ_OPEN,
		unix.SYS_QUOTACTL, unix.SYS_ACCT, unix.SYS_SYSLOG, unix.SYS_SETTIMEOFDAY, unix.SYS_CLOCK_SETTIME, unix.SYS_ADJTIMEX, unix.SYS_CLOCK_ADJTIME,
		unix.SYS_SETHOSTNAME, unix.SYS_SETDOMAINNAME, unix.SYS_FANOTIFY_INIT, unix.SYS_INOTIFY_INIT1, unix.SYS_SETPRIORITY,
	}, oldCalls()...)
}

// program assembles a filter in the kernel's classic BPF.
type program []unix.SockFilter

func (p *program) add(code uint16, k uint32, yes, no uint8) {
	*p = append(*p, unix.SockFilter{Code: code, Jt: yes, Jf: no, K: k})
}
func (p *program) load(offset uint32)   { p.add(unix.BPF_LD|unix.BPF_W|unix.BPF_ABS, offset, 0, 0) }
func (p *program) result(action uint32) { p.add(unix.BPF_RET|unix.BPF_K, action, 0, 0) }

// filter returns the program. Landlock mode has no private /tmp, so there a
// request for an unnamed temporary file goes to the listener.
func filter(pid uint32, temporaryFiles bool) program {
	const (
		equal = unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K
		atOr  = unix.BPF_JMP | unix.BPF_JGE | unix.BPF_K
		bits  = unix.BPF_JMP | unix.BPF_JSET | unix.BPF_K
	)
	var p program
	p.load(dataArch)
	p.add(equal, auditArch, 1, 0)
	p.result(unix.SECCOMP_RET_KILL_PROCESS)
	p.load(dataCall)
	p.add(atOr, 0x40000000, 0, 1) // the x32 twin of amd64
	p.result(unix.SECCOMP_RET_KILL_PROCESS)
	p.add(equal, unix.SYS_CLONE3, 0, 1) // its flags are out of reach; libc falls back to clone
	p.result(unknownCall)
	p.add(equal, unix.SYS_OPENAT2, 0, 1)
	p.result(unknownCall)
	for _, nr := range deniedCalls() {
		p.add(equal, nr, 0, 1)
		p.result(denied)
	}
	// Threads, but no processes.
	p.add(equal, unix.SYS_CLONE, 0, 4)
	p.load(dataArgs)
	p.add(bits, unix.CLONE_THREAD, 0, 1)
	p.result(unix.SECCOMP_RET_ALLOW)
	p.result(denied)
	// Signals and limits of itself only.
	for _, nr := range []uint32{unix.SYS_KILL, unix.SYS_TKILL, unix.SYS_TGKILL} {
		p.add(equal, nr, 0, 4)
		p.load(dataArgs)
		p.add(equal, pid, 0, 1)
		p.result(unix.SECCOMP_RET_ALLOW)
		p.result(denied)
	}
	p.add(equal, unix.SYS_PRLIMIT64, 0, 5)
	p.load(dataArgs)
	p.add(equal, 0, 1, 0)
	p.add(equal, pid, 0, 1)
	p.result(unix.SECCOMP_RET_ALLOW)
	p.result(denied)
	if temporaryFiles {
		for _, c := range openCalls() {
			p.add(equal, c.number, 0, 4)
			p.load(dataArgs + 8*c.flags)
			p.add(bits, tmpfileFlag, 0, 1)
			p.result(unix.SECCOMP_RET_USER_NOTIF)
			p.result(unix.SECCOMP_RET_ALLOW)
		}
	}
	p.result(unix.SECCOMP_RET_ALLOW)
	return p
}

// openCall is a system call that opens files, and which argument has the flags.
type openCall struct{ number, flags uint32 }

// filterCalls installs the filter on this thread. It returns the listener's
// descriptor, or -1 where temporaryFiles is not set.
//
// Source: seccomp(2), seccomp_unotify(2).
func filterCalls(temporaryFiles bool) (int, error) {
	if auditArch == 0 {
		return -1, errors.New("no filter for " + runtime.GOARCH)
	}
	p := filter(uint32(os.Getpid()), temporaryFiles)
	prog := unix.SockFprog{Len: uint16(len(p)), Filter: &p[0]}
	flags := uintptr(0)
	if temporaryFiles {
		flags = unix.SECCOMP_FILTER_FLAG_NEW_LISTENER
	}
	r, _, e := syscall.RawSyscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, flags, uintptr(unsafe.Pointer(&prog)))
	runtime.KeepAlive(p)
	if e != 0 {
		return -1, e
	}
	if temporaryFiles {
		return int(r), nil
	}
	return -1, nil
}

// Structures of seccomp_unotify(2).
type notification struct {
	id        uint64
	pid       uint32
	flags     uint32
	call      int32
	arch      uint32
	ip        uint64
	arguments [6]uint64
}

type notificationAnswer struct {
	id    uint64
	value int64
	errno int32
	flags uint32
}

type notificationFile struct {
	id       uint64
	flags    uint32
	source   uint32
	target   uint32
	newFlags uint32
}

// maxTemporaryFiles of one run; tmpfile() fails after that.
const maxTemporaryFiles = 16

// serveTemporaryFiles answers the program's requests for unnamed temporary
// files (tmpfile(3) opens /tmp with O_TMPFILE) with files made below dir, until
// the program ends. So /tmp of the host stays out of reach.
func serveTemporaryFiles(listener int, dir string) {
	for served := 0; ; {
		fds := []unix.PollFd{{Fd: int32(listener), Events: unix.POLLIN}}
		if _, err := unix.Poll(fds, -1); errors.Is(err, unix.EINTR) {
			continue
		} else if err != nil || fds[0].Revents&unix.POLLIN == 0 {
			return
		}
		var n notification
		if e := ioctl(listener, unix.SECCOMP_IOCTL_NOTIF_RECV, unsafe.Pointer(&n)); e == unix.EINTR || e == unix.ENOENT {
			continue
		} else if e != 0 {
			return
		}
		errno := unix.EMFILE
		if served < maxTemporaryFiles {
			served++
			if errno = giveFile(listener, n.id, dir); errno == 0 {
				continue
			}
		}
		answer := notificationAnswer{id: n.id, errno: -int32(errno)}
		ioctl(listener, unix.SECCOMP_IOCTL_NOTIF_SEND, unsafe.Pointer(&answer)) // fails only where the program is gone
	}
}

func giveFile(listener int, id uint64, dir string) syscall.Errno {
	f, err := os.CreateTemp(dir, "tmpfile-")
	if err != nil {
		return unix.ENOSPC
	}
	defer f.Close()
	os.Remove(f.Name())
	add := notificationFile{id: id, flags: unix.SECCOMP_ADDFD_FLAG_SEND, source: uint32(f.Fd())}
	return ioctl(listener, unix.SECCOMP_IOCTL_NOTIF_ADDFD, unsafe.Pointer(&add))
}

func ioctl(fd int, request uintptr, arg unsafe.Pointer) syscall.Errno {
	_, _, e := syscall.Syscall(unix.SYS_IOCTL, uintptr(fd), request, uintptr(arg))
	return e
}
