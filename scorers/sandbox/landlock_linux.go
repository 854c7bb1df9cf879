package sandbox

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Rights that apply to files; the kernel refuses the others in a file's rule.
const (
	landlockRead  = unix.LANDLOCK_ACCESS_FS_READ_FILE
	landlockRun   = unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_EXECUTE
	landlockWrite = unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_WRITE_FILE | unix.LANDLOCK_ACCESS_FS_TRUNCATE
	landlockList  = unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_READ_DIR
	landlockTemp  = landlockList | landlockWrite | unix.LANDLOCK_ACCESS_FS_MAKE_REG | unix.LANDLOCK_ACCESS_FS_REMOVE_FILE
	landlockHome  = landlockTemp | unix.LANDLOCK_ACCESS_FS_MAKE_DIR | unix.LANDLOCK_ACCESS_FS_REMOVE_DIR
)

// restrictFiles confines this thread, and what it executes, by Landlock. It
// returns the ABI in use, 0 where the kernel has none.
//
// Source: https://docs.kernel.org/userspace-api/landlock.html
func restrictFiles(l launch, work string) (int, error) {
	r, _, e := syscall.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if e == unix.ENOSYS || e == unix.EOPNOTSUPP || e == unix.EPERM {
		if l.Form.Namespaces {
			return 0, nil
		}
		return 0, fmt.Errorf("not in this kernel: %w", e)
	}
	if e != 0 {
		return 0, e
	}
	abi := int(r)
	handled := uint64(unix.LANDLOCK_ACCESS_FS_MAKE_SYM<<1 - 1) // ABI 1: all up to MAKE_SYM
	size := uintptr(8)
	attr := unix.LandlockRulesetAttr{}
	if abi >= 2 {
		handled |= unix.LANDLOCK_ACCESS_FS_REFER
	}
	if abi >= 3 {
		handled |= unix.LANDLOCK_ACCESS_FS_TRUNCATE
	}
	if abi >= 4 {
		attr.Handled_access_net = unix.LANDLOCK_ACCESS_NET_BIND_TCP | unix.LANDLOCK_ACCESS_NET_CONNECT_TCP
		size = 16
	}
	if abi >= 5 {
		handled |= unix.LANDLOCK_ACCESS_FS_IOCTL_DEV
	}
	if abi >= 6 {
		attr.Scoped = unix.LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET | unix.LANDLOCK_SCOPE_SIGNAL
		size = 24
	}
	attr.Handled_access_fs = handled
	set, _, e := syscall.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&attr)), size, 0)
	if e != 0 {
		return 0, fmt.Errorf("create rules: %w", e)
	}
	defer unix.Close(int(set))

	allow := func(path string, access uint64) error {
		fd, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
		if err != nil {
			return fmt.Errorf("rule for %s: %w", path, err)
		}
		defer unix.Close(fd)
		// struct landlock_path_beneath_attr is packed: 12 bytes, which Go's form begins with.
		rule := unix.LandlockPathBeneathAttr{Allowed_access: access & handled, Parent_fd: int32(fd)}
		if _, _, e := syscall.Syscall6(unix.SYS_LANDLOCK_ADD_RULE, set, unix.LANDLOCK_RULE_PATH_BENEATH, uintptr(unsafe.Pointer(&rule)), 0, 0, 0); e != 0 {
			return fmt.Errorf("rule for %s: %w", path, e)
		}
		return nil
	}
	type rule struct {
		path   string
		access uint64
	}
	rules := []rule{{work, landlockList}}
	for _, name := range l.Outputs {
		rules = append(rules, rule{filepath.Join(work, name), landlockWrite})
	}
	switch {
	case l.Home:
		rules = append(rules, rule{l.home(), landlockHome})
	case l.Form.Namespaces:
		rules = append(rules, rule{"/tmp", landlockTemp}) // the private one
	}
	for _, path := range l.Read {
		switch info, err := os.Stat(path); {
		case err != nil:
			return 0, err
		case path == l.Program || path == l.Interp:
			rules = append(rules, rule{path, landlockRun})
		case info.IsDir():
			rules = append(rules, rule{path, landlockList})
		default:
			rules = append(rules, rule{path, landlockRead})
		}
	}
	for _, r := range rules {
		if err := allow(r.path, r.access); err != nil {
			return 0, err
		}
	}
	if _, _, e := syscall.Syscall(unix.SYS_LANDLOCK_RESTRICT_SELF, set, 0, 0); e != 0 {
		return 0, fmt.Errorf("restrict: %w", e)
	}
	return abi, nil
}
