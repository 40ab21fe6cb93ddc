package bpf

import (
	"time"
	"unsafe"
)

// What package plugin needs of this one, and guests do not.

// LentBatch is the batch that the host passes to a plugin: for package plugin.
func LentBatch(records unsafe.Pointer, bytes uint32, lost uint64) Batch {
	if bytes == 0 {
		return Batch{Lost: lost}
	}
	return Batch{records: unsafe.Slice((*byte)(records), bytes), Lost: lost}
}

// FreeLent makes the memory of the lent batch room for the next one: for package plugin.
func FreeLent(records unsafe.Pointer, bytes uint32) {
	if bytes == 0 {
		return
	}
	start := uintptr(records) - uintptr(unsafe.Pointer(&lasting))
	// Unless something else has come to lie behind it.
	if start+uintptr(bytes) == lastingUsed {
		lastingUsed = start
	}
}

// DriveRingBuffer hands a ring buffer to the host: for package plugin.
func DriveRingBuffer(
	o *Object, name RingBufferName, add func(int32, unsafe.Pointer),
) (uint32, error) {
	buffer, err := o.RingBuffer(name)
	if err != nil {
		return 0, err
	}
	return drive(buffer.handle, add)
}

// DrivePerfBuffer hands a perf event array to the host: for package plugin.
func DrivePerfBuffer(
	o *Object, name PerfEventArrayName, pagesPerCPU int, add func(int32, unsafe.Pointer),
) (uint32, error) {
	buffer, err := o.PerfBuffer(name, pagesPerCPU)
	if err != nil {
		return 0, err
	}
	return drive(buffer.handle, add)
}

// drive gives a handle away: it is the host's from now on, also when the call fails.
func drive(handle int32, add func(int32, unsafe.Pointer)) (uint32, error) {
	return ask(func() { add(handle, ret) }, func() uint32 { return u32(4) })
}

// DriveTick sets the interval of ticks: for package plugin.
func DriveTick(interval time.Duration, set func(int64, unsafe.Pointer)) error {
	return call(func() { set(int64(interval), ret) })
}
