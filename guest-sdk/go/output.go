package bpf

import (
	"runtime"
	"unsafe"
)

// Table is a kind of row that the host shows as the operator chose.
type Table struct {
	handle  int32
	pending []byte
}

// pendingBytesMax is how many bytes of rows are gathered before they are handed on.
const pendingBytesMax = 64 << 10

// gathering is the table that has rows which were gathered; of several the order would be lost.
var gathering *Table

// TableFromBTF makes a table of rows that are structs of the object, named as in its C source.
func TableFromBTF(name string, o *Object, typeName string) (*Table, error) {
	return newTable(ask(func() {
		abiTableFromBTF(textAt(name), uint32(len(name)), o.handle, textAt(typeName),
			uint32(len(typeName)), ret)
	}, takeHandle))
}

// TableFromFields makes a table of rows of declared fields.
func TableFromFields(name string, fields ...Field) (*Table, error) {
	lowered := make([]abiField, len(fields))
	for i, field := range fields {
		hints := lowerHints(field.Hints)
		lowered[i] = abiField{
			lowerText(field.Name), uint8(field.Type), uint8(field.Cardinality), 0,
			list{uint32(uintptr(unsafe.Pointer(unsafe.SliceData(hints)))), uint32(len(hints))},
		}
		// Addresses alone do not keep it.
		defer runtime.KeepAlive(hints)
	}
	defer runtime.KeepAlive(fields)
	return newTable(ask(func() {
		abiTableFromFields(textAt(name), uint32(len(name)),
			unsafe.Pointer(unsafe.SliceData(lowered)), uint32(len(lowered)), ret)
	}, takeHandle))
}

func newTable(handle int32, err error) (*Table, error) {
	if err != nil {
		return nil, err
	}
	return &Table{handle: handle}, nil
}

// Close ends the table, after what was gathered.
func (t *Table) Close() error {
	err := t.handOn()
	if gathering == t {
		gathering = nil
	}
	abiTableDrop(t.handle)
	return err
}

// AddHint adds a hint to a field, or with an empty name to the table: docs/output.md lists them.
func (t *Table) AddHint(field, key, value string) error {
	hints := lowerHints([]Hint{{key, value}})
	defer runtime.KeepAlive(key)
	defer runtime.KeepAlive(value)
	return call(func() {
		abiTableAddHints(t.handle, textAt(field), uint32(len(field)),
			unsafe.Pointer(unsafe.SliceData(hints)), 1, ret)
	})
}

// Push emits a row, when the guest waits or many are together.
func Push[T any](t *Table, row *T) error { return t.PushBytes(bytesOf(row)) }

// PushBytes emits the bytes of a row.
func (t *Table) PushBytes(row []byte) error {
	if err := t.makeRoom(len(row)); err != nil {
		return err
	}
	t.pending = appendPadding(append(appendHead(t.pending, len(row)), row...))
	return nil
}

func (t *Table) makeRoom(bytes int) error {
	if gathering != t {
		if err := flushBeforeWait(); err != nil {
			return err
		}
		gathering = t
	}
	if len(t.pending)+recordHead+bytes > pendingBytesMax {
		return t.handOn()
	}
	return nil
}

// EmitBatch emits all records of a batch as they are.
func (t *Table) EmitBatch(batch Batch) error {
	if err := flushBeforeWait(); err != nil {
		return err
	}
	return t.emit(batch.records)
}

// EndOfInterval says that the rows of one interval are complete.
func (t *Table) EndOfInterval() error {
	if err := flushBeforeWait(); err != nil {
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
	table := gathering
	if table == nil {
		return nil
	}
	gathering = nil
	return table.handOn()
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

// Lists inside of records have addresses of 32 bits.
type (
	abiHint  struct{ key, value list }
	abiField struct {
		name              list
		kind, cardinality uint8
		_                 uint16
		hints             list
	}
)

func lowerText(text string) list {
	return list{uint32(uintptr(textAt(text))), uint32(len(text))}
}

func lowerHints(hints []Hint) []abiHint {
	lowered := make([]abiHint, len(hints))
	for i, hint := range hints {
		lowered[i] = abiHint{lowerText(hint.Key), lowerText(hint.Value)}
	}
	return lowered
}

// Row is a row of declared fields under construction: its values are put in the order of the
// fields, then Push emits it.
type Row struct {
	table *Table
	bytes []byte
}

// Row begins a row of a table that TableFromFields made.
func (t *Table) Row() *Row { return &Row{table: t} }

// Push emits the row, when the guest waits or many are together. The row is empty then, and can be
// used for the next one.
func (r *Row) Push() error {
	err := r.table.PushBytes(r.bytes)
	r.bytes = r.bytes[:0]
	return err
}
