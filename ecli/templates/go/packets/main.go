// Shows the packets that the BPF program has counted, each second. The first argument is where it
// counts: `{{target}}` unless it says another place.
package main

import (
	"os"
	"time"

	"eunomia.dev/bpf"
	_ "eunomia.dev/bpf/command"
)

const interval = time.Second

func main() {
	if err := show(); err != nil {
		bpf.Fail(err)
	}
}

// The names ObjectName, MapTraffics... are generated from probe.bpf.c.
func show() error {
	target := "{{target}}"
	if len(os.Args) > 1 {
		target = os.Args[1]
	}
	object, err := bpf.Open(ObjectName)
	if err != nil {
		return err
	}
	if err := object.Load(); err != nil {
		return err
	}
	table, err := bpf.TableFromBTF("traffic", object, "traffic")
	if err != nil {
		return err
	}
	for _, hint := range [][3]string{
		{"bytes", "format", "bytes"},
		// Each interval shows the same entries anew.
		{"", "rows", "totals"},
		{"", "sort", "protocol"},
	} {
		if err := table.AddHint(hint[0], hint[1], hint[2]); err != nil {
			return err
		}
	}

	traffics, err := bpf.OpenMap(object, MapTraffics)
	if err != nil {
		return err
	}
	program, err := object.Program("on_packet")
	if err != nil {
		return err
	}
	if _, err := program.AttachTo(target); err != nil {
		return err
	}
	for {
		// False when the operator asks to stop.
		goesOn := bpf.Sleep(interval)
		all, err := traffics.All()
		if err != nil {
			return err
		}
		for _, traffic := range all {
			if err := bpf.Push(table, &traffic); err != nil {
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
