package main

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"unsafe"
)

// openTerminal returns both ends of a terminal of that size.
func openTerminal(width, height uint16) (outer, inner *os.File, err error) {
	if outer, err = os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0); err != nil {
		return nil, nil, err
	}
	var number, locked int32
	size := struct{ rows, cols, x, y uint16 }{rows: height, cols: width}
	err = errors.Join(
		control(outer, syscall.TIOCGPTN, unsafe.Pointer(&number)),
		control(outer, syscall.TIOCSPTLCK, unsafe.Pointer(&locked)),
		control(outer, syscall.TIOCSWINSZ, unsafe.Pointer(&size)))
	if err == nil {
		inner, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	}
	if err != nil {
		return nil, nil, errors.Join(err, outer.Close())
	}
	return outer, inner, nil
}

// control asks the driver of a terminal. It does not use f.Fd, which would make reads
// block for good.
func control(f *os.File, request uintptr, argument unsafe.Pointer) error {
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var errno syscall.Errno
	if err := raw.Control(func(fd uintptr) { _, _, errno = syscall.Syscall(syscall.SYS_IOCTL, fd, request, uintptr(argument)) }); err != nil {
		return err
	}
	if errno != 0 {
		return errno
	}
	return nil
}

// ownTerminal makes standard input the terminal that a process is controlled by.
func ownTerminal() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 0}
}
