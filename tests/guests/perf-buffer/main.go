// Reads a perf event array.
package main

import (
	"encoding/binary"
	"fmt"
	"time"

	"eunomia.dev/bpf"
	_ "eunomia.dev/bpf/command"
	. "eunomia.dev/tests"
)

func main() {
	object := Get(bpf.Open(ObjectName))
	Must(object.Load())
	for _, pages := range []int{1, 4096, 8192, 3} {
		opened, err := object.PerfBuffer(MapEvents, pages)
		fmt.Printf("%d pages: %s\n", pages, Result(err))
		if err == nil {
			opened.Close()
		}
	}
	perf := Get(object.PerfBuffer(MapEvents, 1))
	_, err := object.PerfBuffer(MapEvents, 0)
	fmt.Println("second reader:", Result(err))
	fmt.Println("nothing yet:", isNothing(perf.TryNext()))
	fmt.Println("time is up:", isNothing(perf.NextWithin(5*time.Millisecond)))

	output(object, 3)
	batch := Get(perf.Next())
	fmt.Println("lost", batch.Lost)
	for record := range batch.Records() {
		number := binary.LittleEndian.Uint32(record.Payload)
		fmt.Printf("on CPU %d: Some(%d), %d bytes\n", record.CPU, number, len(record.Payload))
	}
	losses(object, perf)
	fmt.Println("all is read:", isNothing(perf.TryNext()))
}

func isNothing(batch bpf.Batch, err error) bool {
	Must(err)
	return len(batch.Bytes()) == 0 && batch.Lost == 0
}

// losses: more than a page holds; how many fit is the kernel's to say.
func losses(object *bpf.Object, perf *bpf.PerfBuffer) {
	fmt.Println("nothing left:", isNothing(perf.TryNext()))
	output(object, 20)
	read, lost := uint64(0), uint64(0)
	count := func() {
		for {
			batch := Get(perf.TryNext())
			if isNothing(batch, nil) {
				return
			}
			for range bpf.Records[Event](batch) {
				read++
			}
			lost += batch.Lost
		}
	}
	count()
	// The kernel tells of losses with the next record that fits.
	output(object, 1)
	count()
	fmt.Printf("read some: %t, lost some: %t, in all %d\n", read > 5, lost > 5, read+lost)
}

func output(object *bpf.Object, records uint32) {
	Must(bpf.SetGlobal(object, GlobalRecords, records))
	program := Get(object.Program("output"))
	Get(program.TestRun(bpf.RunInput{OnCPU: true}))
}
