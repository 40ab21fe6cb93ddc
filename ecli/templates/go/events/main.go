// Shows the events that the BPF program reports.
package main

import (
	"os"
	"strings"

	"eunomia.dev/bpf"
	_ "eunomia.dev/bpf/command"
)

func main() {
	if err := show(); err != nil {
		bpf.Fail(err)
	}
}

// The names ObjectName, MapEvents, Event... are generated from probe.bpf.c.
func show() error {
	// Only processes with this in their name.
	wanted := ""
	if len(os.Args) > 1 {
		wanted = os.Args[1]
	}
	object, err := bpf.Open(ObjectName)
	if err != nil {
		return err
	}
	if err := object.Load(); err != nil {
		return err
	}
	table, err := bpf.TableFromBTF("events", object, "event")
	if err != nil {
		return err
	}
	for _, hint := range [][3]string{
		{"time_ns", "format", "time-boot-ns"},
		{"time_ns", "title", "TIME"},
		{"pid", "width", "7"},
		{"uid", "width", "5"},
	} {
		if err := table.AddHint(hint[0], hint[1], hint[2]); err != nil {
			return err
		}
	}

	events, err := object.RingBuffer(MapEvents)
	if err != nil {
		return err
	}
	links, err := object.Attach()
	if err != nil {
		return err
	}
	for {
		batch, err := events.Next()
		if err != nil {
			return err
		}
		if len(batch.Bytes()) == 0 {
			// The operator asks to stop, and everything is read.
			break
		}
		if bpf.StopRequested() {
			// Detach, so that there is an end to what is to be read.
			for _, link := range links {
				link.Close()
			}
			links = nil
		}
		for event := range bpf.Records[Event](batch) {
			if strings.Contains(event.CommString(), wanted) {
				if err := bpf.Push(table, event); err != nil {
					return err
				}
			}
		}
	}
	lost, err := bpf.GetGlobal(object, GlobalLostEvents)
	if err != nil {
		return err
	}
	bpf.ReportLost(lost)
	return nil
}
