package bpf

import (
	"fmt"
	"os"
	"time"
	"unsafe"
)

// StopRequested says whether the operator has asked the guest to stop.
func StopRequested() bool { return abiStopRequested() != 0 }

// RequestStop stops as though the operator had asked.
func RequestStop() { abiRequestStop() }

// Sleep sleeps; false when the operator asked the guest to stop meanwhile. Other goroutines run.
func Sleep(duration time.Duration) bool {
	if err := flushBeforeWait(); err != nil {
		return false
	}
	end := time.Now().Add(duration)
	for !StopRequested() {
		rest := time.Until(end)
		if rest <= 0 {
			return true
		}
		time.Sleep(min(rest, waitSlice))
	}
	return false
}

// Exit ends the guest at once.
func Exit(code uint8) {
	// Nobody is left to hear that it failed.
	_ = flushBeforeWait()
	abiExit(int32(code))
}

// Fail prints an error and ends the guest with exit code 1.
func Fail(err error) {
	_ = flushBeforeWait()
	fmt.Fprintf(os.Stderr, "error: %v\n", err)
	Exit(1)
}

// PossibleCPUs is the number of CPUs for which per-CPU values are kept.
func PossibleCPUs() int { return int(abiPossibleCPUs()) }

// BootEpoch is when bpf_ktime_get_boot_ns() was 0.
func BootEpoch() time.Time { return datetime(abiBootEpoch) }

// MonotonicEpoch is when bpf_ktime_get_ns() was 0.
func MonotonicEpoch() time.Time { return datetime(abiMonotonicEpoch) }

func datetime(ask func(unsafe.Pointer)) time.Time {
	ask(ret)
	return time.Unix(int64(u64(0)), int64(u32(8)))
}
