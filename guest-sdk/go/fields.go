package bpf

import (
	"encoding/binary"
	"math"
)

// Scalar is the type of a field's values.
type Scalar uint8

// The types, in the order of the contract.
const (
	Boolean Scalar = iota
	U8
	U16
	U32
	U64
	S8
	S16
	S32
	S64
	F32
	F64
	TextScalar
	BytesScalar
)

// Cardinality is how many values a field has in a row.
type Cardinality uint8

// The cardinalities, in the order of the contract.
const (
	One Cardinality = iota
	Optional
	Repeated
)

// Hint says how a field or table may be shown: docs/output.md lists them.
type Hint struct{ Key, Value string }

// Field is a field of a table that TableFromFields makes.
type Field struct {
	Name        string
	Type        Scalar
	Cardinality Cardinality
	Hints       []Hint
}

// Bool puts a value of type Boolean; so do the following for theirs.
func (r *Row) Bool(value bool) *Row { return r.U8(uint8(flag(value))) }

// U8 puts a value.
func (r *Row) U8(value uint8) *Row {
	r.bytes = append(r.bytes, value)
	return r
}

// U16 puts a value.
func (r *Row) U16(value uint16) *Row {
	r.bytes = binary.LittleEndian.AppendUint16(r.bytes, value)
	return r
}

// U32 puts a value.
func (r *Row) U32(value uint32) *Row {
	r.bytes = binary.LittleEndian.AppendUint32(r.bytes, value)
	return r
}

// U64 puts a value.
func (r *Row) U64(value uint64) *Row {
	r.bytes = binary.LittleEndian.AppendUint64(r.bytes, value)
	return r
}

// S8 puts a value.
func (r *Row) S8(value int8) *Row { return r.U8(uint8(value)) }

// S16 puts a value.
func (r *Row) S16(value int16) *Row { return r.U16(uint16(value)) }

// S32 puts a value.
func (r *Row) S32(value int32) *Row { return r.U32(uint32(value)) }

// S64 puts a value.
func (r *Row) S64(value int64) *Row { return r.U64(uint64(value)) }

// F32 puts a value.
func (r *Row) F32(value float32) *Row { return r.U32(math.Float32bits(value)) }

// F64 puts a value.
func (r *Row) F64(value float64) *Row { return r.U64(math.Float64bits(value)) }

// Text puts a value of type TextScalar.
func (r *Row) Text(value string) *Row {
	r.U32(uint32(len(value)))
	r.bytes = append(r.bytes, value...)
	return r
}

// Bytes puts a value of type BytesScalar or TextScalar.
func (r *Row) Bytes(value []byte) *Row {
	r.U32(uint32(len(value)))
	r.bytes = append(r.bytes, value...)
	return r
}

// None leaves an optional field empty.
func (r *Row) None() *Row { return r.U8(0) }

// Some says that the value of an optional field follows.
func (r *Row) Some() *Row { return r.U8(1) }

// Count says how many values of a repeated field follow.
func (r *Row) Count(values int) *Row { return r.U32(uint32(values)) }
