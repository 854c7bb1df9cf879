package sandbox

import "golang.org/x/sys/unix"

const auditArch = unix.AUDIT_ARCH_AARCH64

// oldCalls are those that newer architectures do not have.
func oldCalls() []uint32 { return nil }

func openCalls() []openCall { return []openCall{{unix.SYS_OPENAT, 2}} }
