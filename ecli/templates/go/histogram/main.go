// Shows a histogram of what the BPF program measures, each second.
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

// The names ObjectName, MapLives... are generated from probe.bpf.c.
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
	table, err := bpf.TableFromBTF("lives", object, "histogram")
	if err != nil {
		return err
	}
	if err := table.AddHint("slots", "histogram", "log2"); err != nil {
		return err
	}
	if err := table.AddHint("slots", "unit", "usecs"); err != nil {
		return err
	}

	lives, err := bpf.OpenMap(object, MapLives)
	if err != nil {
		return err
	}
	if _, err := object.Attach(); err != nil {
		return err
	}
	for {
		// False when the operator asks to stop.
		goesOn := bpf.Sleep(interval)
		histogram, isThere, err := lives.Lookup(0)
		if err != nil {
			return err
		}
		if isThere {
			if err := bpf.Push(table, &histogram); err != nil {
				return err
			}
			if err := table.EndOfInterval(); err != nil {
				return err
			}
		}
		if !goesOn {
			return nil
		}
	}
}
