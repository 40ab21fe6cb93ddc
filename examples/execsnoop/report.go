package main

import (
	"bytes"
	"errors"
	"unsafe"

	"eunomia.dev/bpf"
)

// cutMark stands for the arguments that were not kept.
const cutMark = "..."

// report is the rows that are shown.
type report struct {
	row *bpf.Row
	// epochNs is the time from which the kernel counts the time of events.
	epochNs uint64
}

func newReport(options *options) (*report, error) {
	hint := func(key, value string) bpf.Hint { return bpf.Hint{Key: key, Value: value} }
	isHidden := "true"
	if options.time {
		isHidden = "false"
	}
	fields := []bpf.Field{
		{Name: "time", Type: bpf.U64,
			Hints: []bpf.Hint{hint("format", "time-ns"), hint("hidden", isHidden)}},
		{Name: "event", Type: bpf.TextScalar, Hints: []bpf.Hint{hint("width", "5")}},
		{Name: "pid", Type: bpf.U32, Hints: []bpf.Hint{hint("width", "7")}},
		{Name: "ppid", Type: bpf.U32, Hints: []bpf.Hint{hint("width", "7")}},
		{Name: "uid", Type: bpf.U32, Hints: []bpf.Hint{hint("width", "5")}},
		{Name: "comm", Type: bpf.TextScalar, Hints: []bpf.Hint{hint("width", "15")}},
		{Name: "code", Type: bpf.U32, Cardinality: bpf.Optional,
			Hints: []bpf.Hint{hint("width", "4")}},
		{Name: "signal", Type: bpf.U32, Cardinality: bpf.Optional,
			Hints: []bpf.Hint{hint("format", "signal"), hint("width", "7")}},
		{Name: "duration", Type: bpf.U64, Cardinality: bpf.Optional,
			Hints: []bpf.Hint{hint("format", "duration-ns")}},
		{Name: "file", Type: bpf.TextScalar, Cardinality: bpf.Optional,
			Hints: []bpf.Hint{hint("width", "20")}},
		{Name: "arguments", Type: bpf.TextScalar, Cardinality: bpf.Repeated},
	}
	table, err := bpf.TableFromFields("processes", fields...)
	if err != nil {
		return nil, err
	}
	return &report{table.Row(), uint64(bpf.BootEpoch().UnixNano())}, nil
}

func (r *report) push(record []byte) error {
	if len(record) < EventTailOffset {
		return errors.New("a record is too short")
	}
	event, text := (*Event)(unsafe.Pointer(unsafe.SliceData(record))), record[EventTailOffset:]
	if event.Kind != EVENT_EXEC {
		return r.pushExit(event)
	}
	if uint32(len(text)) < event.FileBytes {
		return errors.New("a record ends in its file name")
	}
	return r.pushExec(event, text[:event.FileBytes], text[event.FileBytes:])
}

func (r *report) pushExec(event *Event, file, arguments []byte) error {
	row := r.begin("exec", event)
	row.None().None().None()
	row.Some().Bytes(withoutNUL(file))
	words := withoutNUL(arguments)
	count := bytes.Count(words, nul) + 1
	isCut := event.ArgumentBytes < event.ArgumentBytesTotal
	if isCut {
		count++
	}
	row.Count(count)
	for word := range bytes.SplitSeq(words, nul) {
		row.Bytes(word)
	}
	if isCut {
		row.Text(cutMark)
	}
	return row.Push()
}

func (r *report) pushExit(event *Event) error {
	row := r.begin("exit", event)
	if signal := event.ExitStatus & 0x7f; signal == 0 {
		row.Some().U32(event.ExitStatus >> 8).None()
	} else {
		row.None().Some().U32(signal)
	}
	row.Some().U64(event.DurationNs)
	row.None().Count(0)
	return row.Push()
}

// begin puts what all rows have.
func (r *report) begin(what string, event *Event) *bpf.Row {
	row := r.row
	row.U64(r.epochNs + event.TimeNs).Text(what).U32(event.Pid).U32(event.Ppid).U32(event.Uid)
	// What is no UTF-8 the host replaces.
	return row.Text(event.CommString())
}

var nul = []byte{0}

func withoutNUL(text []byte) []byte { return bytes.TrimSuffix(text, nul) }
