package bpf

import (
	"runtime"
	"time"
)

// Names of buffers; `ecli build` generates constants of them.
type (
	RingBufferName     string
	PerfEventArrayName string
	UserRingBufferName string
)

// A host call that waits holds up all goroutines: waits are cut into pieces, between which others
// run, timers included.
const waitSlice = 10 * time.Millisecond

// batchBytesMax is what one read returns at most, but for a single record that is longer.
const batchBytesMax = 256 << 10

// RingBuffer is the one reader of a ring buffer.
type RingBuffer struct {
	handle   int32
	arena    *arena
	held     uint32
	bytesMax uint32
}

// RingBuffer starts reading.
func (o *Object) RingBuffer(name RingBufferName) (*RingBuffer, error) {
	m, err := o.Map(string(name))
	if err != nil {
		return nil, err
	}
	defer m.Close()
	if err := call(func() { abiRingOpen(m.handle, ret) }); err != nil {
		return nil, err
	}
	return &RingBuffer{int32(u32(4)), newArena(batchBytesMax + 4096), 0, batchBytesMax}, nil
}

// SetBatchBytesMax says how many bytes a batch has at most.
func (r *RingBuffer) SetBatchBytesMax(bytes int) {
	r.bytesMax = uint32(max(1, min(bytes, 1<<20)))
	r.arena.reserve(int(r.bytesMax) + 4096)
}

// TryNext frees the last batch and returns what is there, perhaps nothing.
func (r *RingBuffer) TryNext() (Batch, error) { return r.read(0) }

func (r *RingBuffer) read(timeout time.Duration) (Batch, error) {
	consumed := r.held
	r.held = 0
	r.arena.begin()
	abiRingRead(r.handle, consumed, r.bytesMax, 1, int64(timeout), ret)
	r.arena.end()
	if err := outcome(4); err != nil {
		return Batch{}, err
	}
	records := listAt(4)
	r.held = records.count
	return Batch{records: records.bytes()}, nil
}

// Next frees the last batch and waits for the next one. It returns an empty one when the operator
// has asked the guest to stop and everything is read.
func (r *RingBuffer) Next() (Batch, error) { return wait(r.read, -1) }

// NextWithin is Next with a time-out, after which the batch is empty too.
func (r *RingBuffer) NextWithin(timeout time.Duration) (Batch, error) {
	return wait(r.read, timeout)
}

// Release frees the last batch without reading on.
func (r *RingBuffer) Release() {
	if r.held > 0 {
		abiRingConsume(r.handle, r.held)
		r.held = 0
	}
}

// Available is the number of bytes between the kernel's position and the reader's.
func (r *RingBuffer) Available() uint64 { return abiRingAvailable(r.handle) }

// Close ends reading.
func (r *RingBuffer) Close() { abiRingDrop(r.handle) }

// wait reads until there is something, the time is up, or the operator wants the guest to stop.
func wait(read func(time.Duration) (Batch, error), timeout time.Duration) (Batch, error) {
	batch, err := read(0)
	if err != nil || !batch.isEmpty() || timeout == 0 {
		return batch, err
	}
	if err := flushBeforeWait(); err != nil {
		return Batch{}, err
	}
	start := time.Now()
	for !StopRequested() {
		slice := waitSlice
		if timeout >= 0 {
			slice = min(slice, timeout-time.Since(start))
			if slice <= 0 {
				return Batch{}, nil
			}
		}
		batch, err = read(slice)
		if err != nil || !batch.isEmpty() {
			return batch, err
		}
		runtime.Gosched()
	}
	return read(0)
}

func (b Batch) isEmpty() bool { return len(b.records) == 0 && b.Lost == 0 }

// PerfBuffer is the one reader of a perf event array.
type PerfBuffer struct {
	handle int32
	arena  *arena
	held   uint32
}

// PerfBuffer starts reading, with so many pages for each CPU (0: 64).
func (o *Object) PerfBuffer(name PerfEventArrayName, pagesPerCPU int) (*PerfBuffer, error) {
	m, err := o.Map(string(name))
	if err != nil {
		return nil, err
	}
	defer m.Close()
	if err := call(func() { abiPerfOpen(m.handle, uint32(pagesPerCPU), ret) }); err != nil {
		return nil, err
	}
	return &PerfBuffer{int32(u32(4)), newArena(batchBytesMax + 128<<10), 0}, nil
}

func (p *PerfBuffer) read(timeout time.Duration) (Batch, error) {
	consumed := p.held
	p.held = 0
	p.arena.begin()
	abiPerfRead(p.handle, consumed, batchBytesMax, 1, int64(timeout), ret)
	p.arena.end()
	// A batch has a u64: everything behind the first byte starts at 8.
	if err := outcome(8); err != nil {
		return Batch{}, err
	}
	records := listAt(8)
	p.held = records.count
	return Batch{records: records.bytes(), Lost: u64(16)}, nil
}

// TryNext, Next and NextWithin are like those of RingBuffer.
func (p *PerfBuffer) TryNext() (Batch, error) { return p.read(0) }

// Next waits for the next batch.
func (p *PerfBuffer) Next() (Batch, error) { return wait(p.read, -1) }

// NextWithin is Next with a time-out.
func (p *PerfBuffer) NextWithin(timeout time.Duration) (Batch, error) {
	return wait(p.read, timeout)
}

// Close ends reading.
func (p *PerfBuffer) Close() { abiPerfDrop(p.handle) }
