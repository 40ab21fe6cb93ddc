// Shows what the BPF program has counted since the last time, each second.
package main

import (
	"os"
	"strconv"
	"time"

	"eunomia.dev/bpf"
	_ "eunomia.dev/bpf/command"
)

func main() {
	if err := show(); err != nil {
		bpf.Fail(err)
	}
}

// The names ObjectName, MapCounts... are generated from probe.bpf.c.
func show() error {
	interval := time.Second
	if len(os.Args) > 1 {
		seconds, err := strconv.ParseUint(os.Args[1], 10, 32)
		if err != nil {
			return err
		}
		interval = time.Duration(seconds) * time.Second
	}
	object, err := bpf.Open(ObjectName)
	if err != nil {
		return err
	}
	if err := object.Load(); err != nil {
		return err
	}
	table, err := bpf.TableFromBTF("counts", object, "count")
	if err != nil {
		return err
	}
	// The host sorts and cuts the rows of an interval.
	if err := table.AddHint("", "sort", "-switches,pid"); err != nil {
		return err
	}
	if err := table.AddHint("", "limit", "10"); err != nil {
		return err
	}

	counts, err := bpf.OpenMap(object, MapCounts)
	if err != nil {
		return err
	}
	if _, err := object.Attach(); err != nil {
		return err
	}
	for {
		// False when the operator asks to stop.
		goesOn := bpf.Sleep(interval)
		// Takes the entries out of the map, many at a time.
		taken, err := counts.Drain()
		if err != nil {
			return err
		}
		for _, count := range taken {
			if err := bpf.Push(table, &count); err != nil {
				return err
			}
		}
		if err := table.EndOfInterval(); err != nil {
			return err
		}
		if !goesOn {
			return nil
		}
	}
}
