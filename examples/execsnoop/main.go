// Shows every program that starts and every process that ends.
package main

import (
	"errors"
	"fmt"

	"eunomia.dev/bpf"
	_ "eunomia.dev/bpf/command"
)

func main() {
	if err := snoop(); err != nil {
		bpf.Fail(err)
	}
}

func snoop() error {
	options, err := parse()
	if err != nil {
		return err
	}
	object, err := bpf.Open(ObjectName)
	if err != nil {
		return err
	}
	if err := configure(object, options); err != nil {
		return err
	}
	if err := object.Load(); err != nil {
		return err
	}
	events, err := object.RingBuffer(MapEvents)
	if err != nil {
		return err
	}
	report, err := newReport(options)
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
		for record := range batch.Records() {
			if err := report.push(record.Payload); err != nil {
				return err
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

// configure: what is filtered out here never leaves the kernel.
func configure(object *bpf.Object, options *options) error {
	events, err := object.Map(string(MapEvents))
	if err != nil {
		return err
	}
	defer events.Close()
	onExit, err := object.Program("on_exit")
	if err != nil {
		return err
	}
	uid := error(nil)
	if options.hasUID {
		uid = bpf.SetGlobal(object, GlobalFilterUid, options.uid)
	}
	err = errors.Join(
		uid,
		bpf.SetGlobal(object, GlobalFilterPid, options.pid),
		bpf.SetGlobal(object, GlobalFilterPpid, options.parent),
		bpf.SetGlobal(object, GlobalFilterComm, options.name),
		bpf.SetGlobal(object, GlobalDurationNsMin, options.durationNsMin),
		bpf.SetGlobal(object, GlobalIncludeForks, options.forks),
		bpf.SetGlobal(object, GlobalArgumentBytesMax, options.argumentBytesMax),
		events.SetMaxEntries(options.bufferBytes),
		// Whoever does not look at ends does not pay for them.
		onExit.SetAutoload(!options.starts),
	)
	if err != nil {
		return fmt.Errorf("configure: %w", err)
	}
	return nil
}
