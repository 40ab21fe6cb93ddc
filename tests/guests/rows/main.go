// Emits rows of structs and of declared fields.
package main

import (
	"fmt"
	"math"
	"strings"
	"unsafe"

	"eunomia.dev/bpf"
	_ "eunomia.dev/bpf/command"
	. "eunomia.dev/tests"
)

const (
	// hintsMax is how many hints a field may have.
	hintsMax = 64
	// fieldsMax is how many fields a table may have.
	fieldsMax = 256
)

func main() {
	object := Get(bpf.Open(ObjectName))
	Must(object.Load())
	events := Get(bpf.TableFromBTF("events", object, "event"))
	Must(events.AddHint("comm", "width", "16"))
	Must(events.AddHint("place.y", "hidden", "true"))
	Must(events.AddHint("", "title", "Events"))
	fmt.Println("a hint for no field:", Code(events.AddHint("nothing", "width", "1")))

	ring := Get(object.RingBuffer(MapEvents))
	Get(Get(object.Program("emit")).TestRun(bpf.RunInput{}))
	Must(events.EmitBatch(Get(ring.TryNext())))
	longer := make([]byte, unsafe.Sizeof(Event{})+8)
	longer[0] = 3
	Must(events.PushBytes(longer))
	Must(bpf.Flush())
	fmt.Println("a late hint:", Code(events.AddHint("comm", "width", "8")))
	Must(events.EndOfInterval())

	fields()
	limits()
	bpf.ReportLost(3)
	Must(bpf.Flush())
	order()
}

// order emits rows of two tables that nobody flushes.
func order() {
	number := bpf.Field{Name: "number", Type: bpf.U8}
	one := Get(bpf.TableFromFields("one", number))
	two := Get(bpf.TableFromFields("two", number))
	for i, table := range []*bpf.Table{two, one, two} {
		Must(table.PushBytes([]byte{byte(i + 1)}))
	}
}

func fields() {
	table := Get(bpf.TableFromFields("fields",
		bpf.Field{Name: "flag", Type: bpf.Boolean},
		bpf.Field{Name: "tiny", Type: bpf.U8},
		bpf.Field{Name: "signed", Type: bpf.S64},
		bpf.Field{Name: "unsigned", Type: bpf.U64},
		bpf.Field{Name: "ratio", Type: bpf.F64},
		bpf.Field{Name: "text", Type: bpf.TextScalar, Hints: []bpf.Hint{{Key: "width", Value: "12"}}},
		bpf.Field{Name: "bytes", Type: bpf.BytesScalar},
		bpf.Field{Name: "maybe", Type: bpf.U32, Cardinality: bpf.Optional},
		bpf.Field{Name: "many", Type: bpf.TextScalar, Cardinality: bpf.Repeated},
	))
	row := table.Row()
	for number := range uint8(2) {
		row.Bool(number == 1).U8(number).S64(math.MinInt64).U64(math.MaxUint64).F64(0.5)
		row.Text("\"quoted\", ä").Bytes([]byte{0, 255})
		if number == 1 {
			row.Some().U32(7)
			row.Count(3).Text("a").Text("").Text("c")
		} else {
			row.None().Count(0)
		}
		Must(row.Push())
	}
	Must(table.EndOfInterval())
}

// limits: as much as is allowed, and one more.
func limits() {
	field := func(number int) bpf.Field {
		return bpf.Field{Name: fmt.Sprint("f", number), Type: bpf.U8}
	}
	many := func(name string, count int) error {
		all := make([]bpf.Field, count)
		for i := range all {
			all[i] = field(i)
		}
		_, err := bpf.TableFromFields(name, all...)
		return err
	}
	fmt.Println("256 fields:", Code(many("most_fields", fieldsMax)))
	fmt.Println("257 fields:", Code(many("more_fields", fieldsMax+1)))
	hinted := func(name string, hints ...bpf.Hint) error {
		one := field(0)
		one.Hints = hints
		_, err := bpf.TableFromFields(name, one)
		return err
	}
	hints := make([]bpf.Hint, hintsMax+1)
	for i := range hints {
		hints[i].Key = fmt.Sprint("h", i)
	}
	fmt.Println("64 hints:", Code(hinted("most_hints", hints[:hintsMax]...)))
	fmt.Println("65 hints:", Code(hinted("more_hints", hints...)))
	long := func(bytes int) bpf.Hint {
		return bpf.Hint{Key: strings.Repeat("k", bytes), Value: strings.Repeat("v", bytes)}
	}
	fmt.Println("a hint of 256 bytes:", Code(hinted("long_hint", long(256))))
	fmt.Println("of 257:", Code(hinted("longer_hint", long(257))))
}
