//go:build !linux

package jaegertest

import "syscall"

func endsWithParent() *syscall.SysProcAttr { return nil }
