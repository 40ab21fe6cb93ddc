package bpf

import "encoding/binary"

// A record batch starts each record with its length and an auxiliary word.
const recordHead = 8

// appendHead begins a record of so many bytes.
func appendHead(batch []byte, bytes int) []byte {
	batch = binary.LittleEndian.AppendUint32(batch, uint32(bytes))
	return append(batch, 0, 0, 0, 0)
}

// appendPadding ends a record.
func appendPadding(batch []byte) []byte {
	for len(batch)%8 != 0 {
		batch = append(batch, 0)
	}
	return batch
}

// BatchBuilder gathers records for the kernel.
type BatchBuilder struct{ records []byte }

// Push adds a record.
func (b *BatchBuilder) Push(payload []byte) {
	b.records = appendPadding(append(appendHead(b.records, len(payload)), payload...))
}

// PushValue adds a record that is a value.
func PushValue[T any](b *BatchBuilder, value T) { b.Push(bytesOf(&value)) }

// Bytes are the records that were not yet written.
func (b *BatchBuilder) Bytes() []byte { return b.records }
