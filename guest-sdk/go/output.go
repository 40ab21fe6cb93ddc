package bpf

import (
	"encoding/binary"
	"unsafe"
)

// Table is a kind of row that the host shows as the operator chose.
type Table struct {
	handle  int32
	pending []byte
}

// pendingBytesMax is how many bytes of rows are gathered before they are handed on.
const pendingBytesMax = 64 << 10

// tables have rows that were gathered.
var tables []*Table

// TableFromBTF makes a table of rows that are structs of the object, named as in its C source.
func TableFromBTF(name string, o *Object, typeName string) (*Table, error) {
	err := call(func() {
		abiTableFromBTF(textAt(name), uint32(len(name)), o.handle, textAt(typeName),
			uint32(len(typeName)), ret)
	})
	if err != nil {
		return nil, err
	}
	table := &Table{handle: int32(u32(4))}
	tables = append(tables, table)
	return table, nil
}

// AddHint adds a hint to a field, or with an empty name to the table: docs/output.md lists them.
func (t *Table) AddHint(field, key, value string) error {
	hint := [4]uint32{
		uint32(uintptr(textAt(key))), uint32(len(key)),
		uint32(uintptr(textAt(value))), uint32(len(value)),
	}
	return call(func() {
		abiTableAddHints(t.handle, textAt(field), uint32(len(field)), unsafe.Pointer(&hint), 1, ret)
	})
}

// Push emits a row, when the guest waits or many are together.
func Push[T any](t *Table, row *T) error { return t.PushBytes(bytesOf(row)) }

// PushBytes emits the bytes of a row.
func (t *Table) PushBytes(row []byte) error {
	if len(t.pending)+len(row) > pendingBytesMax {
		if err := t.handOn(); err != nil {
			return err
		}
	}
	t.pending = binary.LittleEndian.AppendUint32(t.pending, uint32(len(row)))
	t.pending = append(t.pending, 0, 0, 0, 0)
	t.pending = append(t.pending, row...)
	for len(t.pending)%8 != 0 {
		t.pending = append(t.pending, 0)
	}
	return nil
}

// EmitBatch emits all records of a batch as they are.
func (t *Table) EmitBatch(batch Batch) error {
	if err := t.handOn(); err != nil {
		return err
	}
	return t.emit(batch.records)
}

// EndOfInterval says that the rows of one interval are complete.
func (t *Table) EndOfInterval() error {
	if err := t.handOn(); err != nil {
		return err
	}
	return call(func() { abiTableEndOfInterval(t.handle, ret) })
}

func (t *Table) handOn() error {
	rows := t.pending
	t.pending = t.pending[:0]
	return t.emit(rows)
}

func (t *Table) emit(rows []byte) error {
	if len(rows) == 0 {
		return nil
	}
	return call(func() { abiTableEmit(t.handle, bytesAt(rows), uint32(len(rows)), ret) })
}

func flushBeforeWait() error {
	for _, table := range tables {
		if err := table.handOn(); err != nil {
			return err
		}
	}
	return nil
}

// Flush hands on what was gathered, and has it shown now.
func Flush() error {
	if err := flushBeforeWait(); err != nil {
		return err
	}
	return call(func() { abiOutputFlush(ret) })
}

// ReportLost counts events that were lost before the guest saw them.
func ReportLost(count uint64) { abiReportLost(count) }
