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
// run, timers included. The longer piece is for guests without other goroutines, where only what
// time.AfterFunc starts would be late.
const (
	waitSlice     = 10 * time.Millisecond
	waitSliceLong = 100 * time.Millisecond
)

func slice() time.Duration {
	if runtime.NumGoroutine() > 1 {
		return waitSlice
	}
	return waitSliceLong
}

// batchBytesMax is what one read returns at most, but for a single record that is longer.
const batchBytesMax = 256 << 10

// arenaSlack is room for what a host may return beyond that.
const arenaSlack = 4096

// onMap finds a map for as long as a call needs it.
func (o *Object) onMap(name string, use func(m *RawMap) (int32, error)) (int32, error) {
	m, err := o.Map(name)
	if err != nil {
		return 0, err
	}
	defer m.Close()
	return use(m)
}

// RingBuffer is the one reader of a ring buffer.
type RingBuffer struct {
	handle   int32
	arena    *arena
	held     uint32
	bytesMax uint32
}

// recordBytesMax is what the longest record may have. A ring buffer of more bytes could hold longer
// ones, for which memory would have to be kept.
const recordBytesMax = 4 << 20

// RingBuffer starts reading.
func (o *Object) RingBuffer(name RingBufferName) (*RingBuffer, error) {
	var bytes int
	handle, err := o.onMap(string(name), func(m *RawMap) (int32, error) {
		bytes = int(m.Info().MaxEntries)
		return ask(func() { abiRingOpen(m.handle, ret) }, takeHandle)
	})
	if err != nil {
		return nil, err
	}
	arena := newArena(min(bytes, recordBytesMax) + arenaSlack)
	return &RingBuffer{handle, arena, 0, batchBytesMax}, nil
}

// SetBatchBytesMax says how many bytes a batch has at most.
func (r *RingBuffer) SetBatchBytesMax(bytes int) {
	r.bytesMax = uint32(max(1, min(bytes, 1<<20)))
}

// TryNext frees the last batch and returns what is there, perhaps nothing.
func (r *RingBuffer) TryNext() (Batch, error) { return r.read(0) }

func (r *RingBuffer) read(timeout time.Duration) (Batch, error) {
	calls.Lock()
	defer calls.Unlock()
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

func (r *RingBuffer) subscribe() int32 { return abiRingSubscribe(r.handle) }

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
		piece := slice()
		if timeout >= 0 {
			piece = min(piece, timeout-time.Since(start))
			if piece <= 0 {
				return Batch{}, nil
			}
		}
		// Others run until they wait for something.
		runtime.Gosched()
		batch, err = read(piece)
		if err != nil || !batch.isEmpty() {
			return batch, err
		}
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
	handle, err := o.onMap(string(name), func(m *RawMap) (int32, error) {
		return ask(func() { abiPerfOpen(m.handle, uint32(pagesPerCPU), ret) }, takeHandle)
	})
	if err != nil {
		return nil, err
	}
	return &PerfBuffer{handle, newArena(batchBytesMax + arenaSlack), 0}, nil
}

func (p *PerfBuffer) read(timeout time.Duration) (Batch, error) {
	calls.Lock()
	defer calls.Unlock()
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

func (p *PerfBuffer) subscribe() int32 { return abiPerfSubscribe(p.handle) }

// UserRingBuffer is the one writer of a user ring buffer, from the guest to the kernel.
type UserRingBuffer struct{ handle int32 }

// UserRingBuffer starts writing.
func (o *Object) UserRingBuffer(name UserRingBufferName) (*UserRingBuffer, error) {
	handle, err := o.onMap(string(name), func(m *RawMap) (int32, error) {
		return ask(func() { abiUserRingOpen(m.handle, ret) }, takeHandle)
	})
	if err != nil {
		return nil, err
	}
	return &UserRingBuffer{handle}, nil
}

// TryWrite submits the records of a batch for which there is room, and takes them out of it.
func (u *UserRingBuffer) TryWrite(batch *BatchBuilder) error { return u.write(batch, 0) }

// Write submits the records of a batch, in order, waiting for room. What is left in the batch when
// it returns, the operator's request to stop has kept from being written.
func (u *UserRingBuffer) Write(batch *BatchBuilder) error { return u.writeWithin(batch, -1) }

// WriteWithin is Write with a time-out.
func (u *UserRingBuffer) WriteWithin(batch *BatchBuilder, timeout time.Duration) error {
	return u.writeWithin(batch, timeout)
}

func (u *UserRingBuffer) writeWithin(batch *BatchBuilder, timeout time.Duration) error {
	if err := flushBeforeWait(); err != nil {
		return err
	}
	start := time.Now()
	for {
		piece := slice()
		if timeout >= 0 {
			piece = max(0, min(piece, timeout-time.Since(start)))
		}
		isLast := piece == 0 || StopRequested()
		runtime.Gosched()
		if err := u.write(batch, piece); err != nil || len(batch.records) == 0 || isLast {
			return err
		}
	}
}

func (u *UserRingBuffer) write(batch *BatchBuilder, timeout time.Duration) error {
	records := batch.records
	written, err := ask(func() {
		abiUserRingWrite(u.handle, bytesAt(records), uint32(len(records)), 1, int64(timeout), ret)
	}, takeCount)
	if err != nil {
		return err
	}
	batch.records = append(records[:0], records[written:]...)
	return nil
}

// Close ends writing.
func (u *UserRingBuffer) Close() { abiUserRingDrop(u.handle) }

func (u *UserRingBuffer) subscribe() int32 { return abiUserRingSubscribe(u.handle) }
