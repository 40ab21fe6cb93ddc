package bpf

import "fmt"

// ErrorCode says why an operation failed: error-code of wit/errors.wit. It is an error itself, for
// errors.Is(err, bpf.ErrNotFound).
type ErrorCode uint8

// The codes, in the order of the contract.
const (
	ErrDeniedByPolicy ErrorCode = iota
	ErrPermissionDenied
	ErrNotFound
	ErrAlreadyExists
	ErrInvalidArgument
	ErrInvalidState
	ErrNotSupported
	ErrRejected
	ErrLimitExceeded
	ErrOutOfMemory
	ErrBusy
	ErrTryAgain
	ErrInterrupted
	ErrClosed
	ErrOther
)

var codeNames = [...]string{
	"denied-by-policy", "permission-denied", "not-found", "already-exists", "invalid-argument",
	"invalid-state", "not-supported", "rejected", "limit-exceeded", "out-of-memory", "busy",
	"try-again", "interrupted", "closed", "other",
}

// Error is the code's name in wit/errors.wit.
func (c ErrorCode) Error() string {
	if int(c) < len(codeNames) {
		return codeNames[c]
	}
	return fmt.Sprintf("error code %d", uint8(c))
}

// Error is a failure that a guest can expect and handle.
type Error struct {
	Code ErrorCode
	// Errno is the kernel's, 0 when no system call failed.
	Errno uint32
	// Message names the operation and the object; for people.
	Message string
}

// Error is the message.
func (e *Error) Error() string { return e.Message }

// Unwrap is the code.
func (e *Error) Unwrap() error { return e.Code }

// outcome is the error of the call that has just returned, if its first byte says that it has one;
// the error lies at payload.
func outcome(payload uintptr) error {
	if u8(0) == 0 {
		return nil
	}
	return &Error{
		Code:    ErrorCode(u8(payload)),
		Errno:   u32(payload + 4),
		Message: listAt(payload + 8).text(),
	}
}

// call makes a call that returns an error or nothing.
func call(run func()) error {
	_, err := ask(run, func() struct{} { return struct{}{} })
	return err
}

// ask makes a call that returns an error or what take reads; both lie at 4, as they do in results
// that hold no 64-bit number.
func ask[T any](run func(), take func() T) (T, error) { return askAt(4, run, take) }

func askAt[T any](payload uintptr, run func(), take func() T) (taken T, err error) {
	calls.Lock()
	defer calls.Unlock()
	scratch.begin()
	run()
	scratch.end()
	if err := outcome(payload); err != nil {
		return taken, err
	}
	return take(), nil
}

// askLarge is ask for a call that returns a list of so many bytes.
func askLarge[T any](bytes int, run func(), take func() T) (T, error) {
	calls.Lock()
	scratch.reserve(bytes)
	calls.Unlock()
	return ask(run, take)
}

// get makes a call that cannot fail.
func get[T any](run func(), take func() T) T {
	calls.Lock()
	defer calls.Unlock()
	scratch.begin()
	run()
	scratch.end()
	return take()
}

// takeHandle reads a handle.
func takeHandle() int32 { return int32(u32(4)) }
