// Works with maps in slots of maps.
package main

import (
	"encoding/binary"
	"fmt"
	"strings"

	"eunomia.dev/bpf"
	_ "eunomia.dev/bpf/command"
	. "eunomia.dev/tests"
)

func main() {
	object := Get(bpf.Open(ObjectName))
	Must(object.Load())
	slots := Get(object.Map("slots"))
	first := Get(bpf.OpenMap(object, MapFirst))
	Must(first.Update(1, 11, bpf.Any))
	fmt.Println("declared slot:", Get(slots.LookupInner(key(0))) != nil)
	look(object, 0, 1)
	fmt.Println("empty slot:", Get(slots.LookupInner(key(1))) == nil)
	look(object, 1, 1)
	created(object, slots, first)
	named(object, first.Raw())
	refused(object, slots, first.Raw())
}

func key(number uint32) []byte { return binary.LittleEndian.AppendUint32(nil, number) }

func some(value uint32, isThere bool, err error) string {
	Must(err)
	return Some(value, isThere)
}

func created(object *bpf.Object, slots *bpf.RawMap, first *bpf.Map[uint32, uint32]) {
	inner := bpf.Typed[uint32, uint32](Get(slots.CreateInner()))
	info := inner.Raw().Info()
	fmt.Println("created:", info.TypeName, info.KeySize, info.MaxEntries)
	Must(inner.Update(1, 22, bpf.Any))
	Must(slots.UpdateInner(key(1), inner.Raw(), bpf.Any))
	inner.Close()
	look(object, 1, 1)
	found := bpf.Typed[uint32, uint32](Get(slots.LookupInner(key(1))))
	fmt.Println("found again:", some(found.Lookup(1)))
	Must(found.Update(2, 33, bpf.Any))
	look(object, 1, 2)
	Must(slots.UpdateInner(key(1), first.Raw(), bpf.Any))
	look(object, 1, 1)
	fmt.Println("taken out of its slot:", Some(some(found.Lookup(2)), true))
}

func named(object *bpf.Object, first *bpf.RawMap) {
	named := Get(object.Map("named"))
	fmt.Println("not there:", Get(named.LookupInner(key(7))) == nil)
	Must(named.UpdateInner(key(7), first, bpf.NoExist))
	fmt.Println("there:", Result(named.UpdateInner(key(7), first, bpf.NoExist)))
	found := bpf.Typed[uint32, uint32](Get(named.LookupInner(key(7))))
	fmt.Println("by name:", Some(some(found.Lookup(1)), true))
	fmt.Println("delete:", Get(named.Delete(key(7))), Get(named.Delete(key(7))))
}

func refused(object *bpf.Object, slots, first *bpf.RawMap) {
	plain := Get(object.Map("plain"))
	_, lookup := plain.LookupInner(key(0))
	_, create := plain.CreateInner()
	words := []string{
		Result(lookup), Result(create), Result(plain.UpdateInner(key(0), first, bpf.Any)),
	}
	fmt.Printf("no map of maps: [%s]\n", strings.Join(words, ", "))
	fmt.Println("of another shape:", Result(slots.UpdateInner(key(2), plain, bpf.Any)))
	fmt.Println("behind the last:", Result(slots.UpdateInner(key(3), first, bpf.Any)))
}

// look has the program look up a key in a slot.
func look(object *bpf.Object, slot, inner uint32) {
	context := binary.LittleEndian.AppendUint32(key(slot), inner)
	outcome := Get(Get(object.Program("look")).TestRun(bpf.RunInput{Context: context}))
	fmt.Printf("the program looks in [%d, %d]: %d, %d\n", slot, inner, outcome.ReturnValue,
		Get(bpf.GetGlobal(object, GlobalFound)))
}
