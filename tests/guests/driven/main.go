// A plugin with two sources and ticks; its first argument says where it goes wrong, if anywhere.
package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"time"

	"eunomia.dev/bpf"
	"eunomia.dev/bpf/plugin"
	. "eunomia.dev/tests"
)

func init() { plugin.Register(&driven{}) }

func main() {}

// driven writes records at each tick and adds up what arrives.
type driven struct {
	how     string
	object  *bpf.Object
	sources [2]uint32
	sums    [2]uint32
	ticks   int
}

func (d *driven) Start(driver *plugin.Driver) error {
	if len(os.Args) > 1 {
		d.how = os.Args[1]
	}
	fmt.Println("start")
	switch d.how {
	case "help":
		fmt.Println("usage: driven")
		bpf.RequestStop()
	case "exit-in-start":
		bpf.Exit(9)
	case "fail-in-start":
		return asked("start")
	}
	d.object = Get(bpf.Open(ObjectName))
	if err := d.object.Load(); err != nil {
		return err
	}
	if d.how == "limits" {
		limits(driver)
	}
	d.sources[0] = Get(driver.AddRingBuffer(d.object, MapEvents))
	d.sources[1] = Get(driver.AddRingBuffer(d.object, MapOthers))
	fmt.Println("sources differ:", d.sources[0] != d.sources[1])
	if err := driver.SetTick(2 * time.Millisecond); err != nil {
		return err
	}
	// Delivered before the first tick.
	return d.produce(5)
}

func (d *driven) OnEvents(source uint32, batch bpf.Batch) error {
	if d.how == "fail-in-events" {
		return asked("on-events")
	}
	for i, known := range d.sources {
		if known == source {
			for word := range bpf.Records[uint32](batch) {
				d.sums[i] += *word
			}
			d.sums[i] += uint32(batch.Lost)
			return nil
		}
	}
	return fmt.Errorf("events of %d", source)
}

func (d *driven) OnTick() error {
	d.ticks++
	if d.ticks <= 3 {
		fmt.Println("tick", d.ticks)
		if err := d.produce(10); err != nil {
			return err
		}
	}
	if d.how == "fail-in-tick" {
		return asked("on-tick")
	}
	if d.ticks == 4 && d.how != "until-asked" {
		bpf.RequestStop()
	}
	return nil
}

func (d *driven) Stop() error {
	fmt.Println("stop: sums", List(d.sums[:]))
	if d.how == "fail-in-stop" {
		return asked("stop")
	}
	return nil
}

func (d *driven) produce(records uint32) error {
	program, err := d.object.Program("produce")
	if err != nil {
		return err
	}
	_, err = program.TestRun(bpf.RunInput{Context: binary.LittleEndian.AppendUint32(nil, records)})
	return err
}

// limits tries the shortest tick.
func limits(driver *plugin.Driver) {
	short := driver.SetTick(999_999 * time.Nanosecond)
	fmt.Println("less than a millisecond:", Result(short))
	Must(driver.SetTick(time.Millisecond))
	fmt.Println("a millisecond: ok")
}

func asked(place string) error { return errors.New("it was asked to fail in " + place) }
