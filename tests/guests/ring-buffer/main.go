// Reads a ring buffer in every way.
package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"eunomia.dev/bpf"
	_ "eunomia.dev/bpf/command"
)

// Longer than the program takes to write its late record.
const patience = 10 * time.Second

func main() {
	if err := ringBuffer(); err != nil {
		bpf.Fail(err)
	}
}

func ringBuffer() error {
	object, err := bpf.Open(ObjectName)
	if err != nil {
		return err
	}
	if err := object.Load(); err != nil {
		return err
	}
	ring, err := object.RingBuffer(MapEvents)
	if err != nil {
		return err
	}
	if _, err := object.RingBuffer(MapEvents); errors.Is(err, bpf.ErrBusy) {
		fmt.Println("second reader: Err(ErrorCode::Busy)")
	}
	fmt.Println("nothing yet:", size(ring.TryNext()) == 0)
	fmt.Println("time is up:", size(ring.NextWithin(5*time.Millisecond)) == 0)
	for _, part := range []func(*bpf.Object, *bpf.RingBuffer) error{echo, pieces, full, late} {
		if err := part(object, ring); err != nil {
			return err
		}
	}
	ring.Close()
	ring, err = object.RingBuffer(MapEvents)
	if err != nil {
		return err
	}
	fmt.Println("a new reader finds", ring.Available(), "bytes")
	return nil
}

// size is that of a batch, -1 for an error.
func size(batch bpf.Batch, err error) int {
	if err != nil {
		return -1
	}
	return len(batch.Bytes())
}

func count(batch bpf.Batch) int {
	records := 0
	for range bpf.Records[Event](batch) {
		records++
	}
	return records
}

// fill runs the program that writes records, of which some discarded; returns how many fitted.
func fill(object *bpf.Object, records, discarded uint32) uint32 {
	context := binary.LittleEndian.AppendUint32(nil, records)
	return run(object, "fill", binary.LittleEndian.AppendUint32(context, discarded))
}

func run(object *bpf.Object, name string, context []byte) uint32 {
	program, err := object.Program(name)
	if err != nil {
		bpf.Fail(err)
	}
	output, err := program.TestRun(bpf.RunInput{Context: context})
	if err != nil {
		bpf.Fail(err)
	}
	return output.ReturnValue
}

// echo prints what the program wrote, discarded records left out.
func echo(object *bpf.Object, ring *bpf.RingBuffer) error {
	fmt.Println("echo: wrote", fill(object, 5, 2))
	fmt.Println("available", ring.Available())
	batch, err := ring.Next()
	if err != nil {
		return err
	}
	fmt.Println("batch of", len(batch.Bytes()), "bytes")
	for event := range bpf.Records[Event](batch) {
		fmt.Println(" ", event.Number, event.TextString())
	}
	fmt.Println("available while held", ring.Available())
	ring.Release()
	fmt.Println("available after", ring.Available())
	return nil
}

// pieces reads a record at a time, however few bytes were asked for.
func pieces(object *bpf.Object, ring *bpf.RingBuffer) error {
	fill(object, 3, 0)
	for _, bytes := range []int{1, 24, 47} {
		ring.SetBatchBytesMax(bytes)
		fmt.Printf("of at most %d bytes: %d\n", bytes, size(ring.TryNext()))
	}
	fmt.Println("and then:", size(ring.TryNext()) == 0)
	ring.SetBatchBytesMax(1 << 20)
	return nil
}

// full: more than the ring holds is lost; what is read leaves room.
func full(object *bpf.Object, ring *bpf.RingBuffer) error {
	fmt.Println("full: wrote", fill(object, 5000, 0), "of 5000")
	fmt.Println("no room:", fill(object, 1, 0))
	records, batches, largest := 0, "no", 0
	for {
		batch, err := ring.TryNext()
		if err != nil {
			return err
		}
		if len(batch.Bytes()) == 0 {
			break
		}
		if records > 0 {
			batches = "several"
		}
		records += count(batch)
		largest = max(largest, len(batch.Bytes()))
	}
	fmt.Println("read", records, "in", batches, "batches")
	fmt.Println("none above half of the ring:", largest <= 32*1024)
	fmt.Println("room again:", fill(object, 1, 0))
	batch, err := ring.TryNext()
	fmt.Println("read", count(batch))
	return err
}

// late waits for a record, in the call and with a time-out.
func late(object *bpf.Object, ring *bpf.RingBuffer) error {
	ring.Release()
	run(object, "fill_later", nil)
	batch, err := ring.Next()
	if err != nil {
		return err
	}
	for event := range bpf.Records[Event](batch) {
		fmt.Println("late:", event.Number, event.TextString())
	}
	ring.Release()
	fmt.Println("the timer is first:", size(ring.NextWithin(5*time.Millisecond)) == 0)
	run(object, "fill_later", nil)
	batch, err = ring.NextWithin(patience)
	fmt.Println("the record is first:", len(batch.Bytes()) > 0)
	fmt.Println("still ready:", ring.Available() > 0)
	fmt.Println("read", count(batch))
	return err
}
