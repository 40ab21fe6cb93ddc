// Reads a ring buffer that is full, as often as the first argument says, and prints a line a round:
// nanoseconds of reading, records, the sum of their numbers.
package main

import (
	"fmt"
	"os"
	"strconv"
	"time"

	"eunomia.dev/bpf"
	_ "eunomia.dev/bpf/command"
)

func main() {
	if err := flood(); err != nil {
		bpf.Fail(err)
	}
}

func flood() error {
	rounds := 1
	if len(os.Args) > 1 {
		var err error
		if rounds, err = strconv.Atoi(os.Args[1]); err != nil {
			return err
		}
	}
	object, err := bpf.Open(ObjectName)
	if err != nil {
		return err
	}
	if err := object.Load(); err != nil {
		return err
	}
	events, err := object.RingBuffer(MapEvents)
	if err != nil {
		return err
	}
	fill, err := object.Program("fill")
	if err != nil {
		return err
	}
	for range rounds {
		if _, err := fill.TestRun(bpf.RunInput{}); err != nil {
			return err
		}
		start := time.Now()
		var records, sum uint64
		for {
			batch, err := events.TryNext()
			if err != nil {
				return err
			}
			if len(batch.Bytes()) == 0 {
				break
			}
			for event := range bpf.Records[Event](batch) {
				records++
				sum += event.Number
			}
		}
		fmt.Println(time.Since(start).Nanoseconds(), records, sum)
	}
	return nil
}
