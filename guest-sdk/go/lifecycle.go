package bpf

import (
	"fmt"
	"os"
	"runtime"
	"time"
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
		if runtime.NumGoroutine() > 1 {
			time.Sleep(min(rest, waitSlice))
			continue
		}
		if err := waitForStopWithin(min(rest, waitSliceLong)); err != nil {
			return false
		}
	}
	return false
}

// WaitForStop waits until the operator asks the guest to stop. Other goroutines run.
func WaitForStop() {
	const hour = time.Hour
	for Sleep(hour) {
	}
}

func waitForStopWithin(duration time.Duration) error {
	var poller Poller
	defer poller.Close()
	poller.Add(Stop)
	poller.After(duration)
	_, err := poller.Wait()
	return err
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
