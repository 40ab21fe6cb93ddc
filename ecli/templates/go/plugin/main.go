// Shows events and how many there are a second; the host drives it.
package main

import (
	"time"

	"eunomia.dev/bpf"
	"eunomia.dev/bpf/plugin"
)

func init() { plugin.Register(&starts{}) }

// The host drives; this is never called.
func main() {}

// The names ObjectName, MapEvents, Event... are generated from probe.bpf.c.
type starts struct {
	object *bpf.Object
	events *bpf.Table
	rates  *bpf.Table
	// Since the last tick, and in all.
	count, total uint64
}

func (s *starts) Start(driver *plugin.Driver) error {
	var err error
	if s.object, err = bpf.Open(ObjectName); err != nil {
		return err
	}
	if err := s.object.Load(); err != nil {
		return err
	}
	if _, err := driver.AddRingBuffer(s.object, MapEvents); err != nil {
		return err
	}
	if err := driver.SetTick(time.Second); err != nil {
		return err
	}
	if s.events, err = bpf.TableFromBTF("events", s.object, "event"); err != nil {
		return err
	}
	if err := s.events.AddHint("time_ns", "format", "time-boot-ns"); err != nil {
		return err
	}
	s.rates, err = bpf.TableFromFields("rates",
		bpf.Field{Name: "count", Type: bpf.U64}, bpf.Field{Name: "total", Type: bpf.U64})
	if err != nil {
		return err
	}
	_, err = s.object.Attach()
	return err
}

func (s *starts) OnEvents(_ uint32, batch bpf.Batch) error {
	for range bpf.Records[Event](batch) {
		s.count++
	}
	return s.events.EmitBatch(batch)
}

func (s *starts) OnTick() error {
	s.total += s.count
	if err := s.rates.Row().U64(s.count).U64(s.total).Push(); err != nil {
		return err
	}
	s.count = 0
	return s.rates.EndOfInterval()
}

func (s *starts) Stop() error {
	lost, err := bpf.GetGlobal(s.object, GlobalLostEvents)
	if err != nil {
		return err
	}
	bpf.ReportLost(lost)
	return nil
}
