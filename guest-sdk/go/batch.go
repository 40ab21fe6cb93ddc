package bpf

import (
	"bytes"
	"encoding/binary"
	"iter"
	"unsafe"
)

// Batch is many records in one piece of memory, borrowed until the next read of the same source.
type Batch struct {
	records []byte
	// Lost counts records that the kernel dropped before these; perf event arrays only.
	Lost uint64
}

// Record is one record, borrowed from its batch.
type Record struct {
	Payload []byte
	// CPU is the one that produced it; perf event arrays only.
	CPU uint32
}

// A record of a batch has a head: its length with this bit, and a word of its own.
const head, discarded = 8, 1 << 30

// Bytes is the batch as it came: records in the kernel's format, see wit/errors.wit.
func (b Batch) Bytes() []byte { return b.records }

// Records steps through the records that were not discarded.
func (b Batch) Records() iter.Seq[Record] {
	return func(yield func(Record) bool) {
		rest := b.records
		for len(rest) >= head {
			word := binary.LittleEndian.Uint32(rest)
			size := int(word & (discarded - 1))
			if size > len(rest)-head {
				return
			}
			record := Record{rest[head : head+size : head+size], binary.LittleEndian.Uint32(rest[4:])}
			if word&discarded == 0 && !yield(record) {
				return
			}
			rest = rest[min(len(rest), head+(size+7)&^7):]
		}
	}
}

// Records steps through the records of a batch as values of type T, which `ecli build` generates.
// They are borrowed: copy what is to be kept. A record that is too short for its type ends it.
func Records[T any](batch Batch) iter.Seq[*T] {
	return func(yield func(*T) bool) {
		var sample T
		// One loop, of which the compiler makes a loop in the caller, and two checks a record.
		start, end := unsafe.Pointer(unsafe.SliceData(batch.records)), uintptr(len(batch.records))
		for at := uintptr(0); at+head <= end; {
			word := *(*uint32)(unsafe.Add(start, at))
			size := uintptr(word & (discarded - 1))
			payload := at + head
			if payload+size > end {
				return
			}
			at = payload + (size+7)&^7
			if word&discarded != 0 {
				continue
			}
			if size < unsafe.Sizeof(sample) || !yield((*T)(unsafe.Add(start, payload))) {
				return
			}
		}
	}
}

// Text is C text: what is before the first NUL.
func Text(text []byte) string {
	if end := bytes.IndexByte(text, 0); end >= 0 {
		text = text[:end]
	}
	return string(text)
}

// Bits reads a bit field: for generated code.
func Bits(record unsafe.Pointer, offset, size uint32) uint64 {
	var value uint64
	for bit := uint32(0); bit < size; bit++ {
		at := offset + bit
		set := *(*byte)(unsafe.Add(record, at/8)) >> (at % 8) & 1
		value |= uint64(set) << bit
	}
	return value
}

// SignedBits reads a signed bit field: for generated code.
func SignedBits(record unsafe.Pointer, offset, size uint32) int64 {
	unused := 64 - size
	return int64(Bits(record, offset, size)<<unused) >> unused
}
