package bpf

import (
	"time"
	"unsafe"
)

// What package plugin needs of this one, and guests do not.

// lentFrom is how much of the lasting memory was used before the first batch was lent.
var lentFrom uintptr

// LentBatch is the batch that the host passes to a plugin: for package plugin.
func LentBatch(records unsafe.Pointer, bytes uint32, lost uint64) Batch {
	if bytes == 0 {
		return Batch{Lost: lost}
	}
	return Batch{records: unsafe.Slice((*byte)(records), bytes), Lost: lost}
}

// FreeLent makes the memory of the lent batch room for the next one: for package plugin.
func FreeLent() { lastingUsed = lentFrom }

// DriveRingBuffer hands a ring buffer to the host: for package plugin.
func DriveRingBuffer(
	o *Object, name RingBufferName, add func(int32, unsafe.Pointer),
) (uint32, error) {
	buffer, err := o.RingBuffer(name)
	if err != nil {
		return 0, err
	}
	// The handle is the host's from now on.
	if err := call(func() { add(buffer.handle, ret) }); err != nil {
		return 0, err
	}
	lentFrom = lastingUsed
	return u32(4), nil
}

// DriveTick sets the interval of ticks: for package plugin.
func DriveTick(interval time.Duration, set func(int64, unsafe.Pointer)) error {
	return call(func() { set(int64(interval), ret) })
}
