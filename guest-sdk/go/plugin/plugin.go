// Package plugin makes a guest a plugin, which the host drives: call Register in an init function.
package plugin

import (
	"errors"
	"runtime"
	"time"
	"unsafe"

	"eunomia.dev/bpf"
)

// Handler is what the host calls, one method at a time. An error ends the plugin.
type Handler interface {
	// Start opens, loads, attaches, and registers with the driver.
	Start(driver *Driver) error
	// OnEvents gets a batch from a source, borrowed for the call.
	OnEvents(source uint32, batch bpf.Batch) error
	// OnTick is called at the interval that Start has chosen.
	OnTick() error
	// Stop is the last call.
	Stop() error
}

// Driver is what a plugin asks its host to drive.
type Driver struct{}

var handler Handler

// Register says which handler the host drives.
func Register(h Handler) { handler = h }

// AddRingBuffer has records delivered to OnEvents; the number names the source.
func (*Driver) AddRingBuffer(o *bpf.Object, name bpf.RingBufferName) (uint32, error) {
	return bpf.DriveRingBuffer(o, name, abiAddRingBuffer)
}

// AddPerfBuffer is the same for a perf event array, with so many pages for each CPU (0: 64).
func (*Driver) AddPerfBuffer(
	o *bpf.Object, name bpf.PerfEventArrayName, pagesPerCPU int,
) (uint32, error) {
	return bpf.DrivePerfBuffer(o, name, pagesPerCPU, abiAddPerfBuffer)
}

// SetTick has OnTick called at this interval.
func (*Driver) SetTick(interval time.Duration) error {
	return bpf.DriveTick(interval, abiSetTick)
}

//go:wasmimport eunomia:bpf/driver@0.1.0 add-ring-buffer
func abiAddRingBuffer(buffer int32, ret unsafe.Pointer)

//go:wasmimport eunomia:bpf/driver@0.1.0 add-perf-buffer
func abiAddPerfBuffer(buffer int32, ret unsafe.Pointer)

//go:wasmimport eunomia:bpf/driver@0.1.0 set-tick
func abiSetTick(interval int64, ret unsafe.Pointer)

// answer is a result<_, error> for the host, which reads it before the next call.
var answer struct {
	isError uint32
	code    uint32
	errno   uint32
	message uint32
	bytes   uint32
}

// message keeps the text that answer points to.
var message string

func reply(err error) unsafe.Pointer {
	if flushed := bpf.Flush(); err == nil {
		err = flushed
	}
	// Other goroutines get their turn between two calls of the host.
	runtime.Gosched()
	answer.isError = 0
	if err != nil {
		code, errno := bpf.ErrOther, uint32(0)
		var failure *bpf.Error
		if errors.As(err, &failure) {
			code, errno = failure.Code, failure.Errno
		}
		message = err.Error()
		answer.isError = 1
		answer.code = uint32(code)
		answer.errno = errno
		answer.message = uint32(uintptr(unsafe.Pointer(unsafe.StringData(message))))
		answer.bytes = uint32(len(message))
	}
	return unsafe.Pointer(&answer)
}

//go:wasmexport eunomia:bpf/handler@0.1.0#start
func start() unsafe.Pointer {
	if handler == nil {
		return reply(errors.New("the plugin registered no handler"))
	}
	return reply(handler.Start(&Driver{}))
}

//go:wasmexport eunomia:bpf/handler@0.1.0#on-events
func onEvents(source uint32, records unsafe.Pointer, bytes uint32, lost uint64) unsafe.Pointer {
	batch := bpf.LentBatch(records, bytes, lost)
	err := handler.OnEvents(source, batch)
	bpf.FreeLent(records, bytes)
	return reply(err)
}

//go:wasmexport eunomia:bpf/handler@0.1.0#on-tick
func onTick() unsafe.Pointer { return reply(handler.OnTick()) }

//go:wasmexport eunomia:bpf/handler@0.1.0#stop
func stop() unsafe.Pointer { return reply(handler.Stop()) }
