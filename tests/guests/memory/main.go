// Reads and writes the memory of arrays and of global data.
package main

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"eunomia.dev/bpf"
	_ "eunomia.dev/bpf/command"
	. "eunomia.dev/tests"
)

// callBytesMax is how much one call reads.
const callBytesMax = 1 << 20

func main() {
	object := Get(bpf.Open(ObjectName))
	Must(object.Load())
	bump := Get(object.Program("bump"))
	shared := Get(bpf.OpenMap(object, MapShared))
	array(shared, bump)

	bss := Get(object.Map(".bss"))
	offset := uint64(0)
	for _, global := range object.Globals() {
		if global.Name == "counter" {
			offset = uint64(global.Offset)
		}
	}
	fmt.Println(".bss:", List(Get(bss.ReadMemory(offset, 8))))
	Must(bss.WriteMemory(offset, binary.LittleEndian.AppendUint64(nil, 100)))
	Get(bump.TestRun(bpf.RunInput{}))
	fmt.Println("as global:", Get(bpf.GetGlobal(object, GlobalCounter)))
	constant := Get(object.Map(".rodata"))
	fmt.Println("initialized:", List(Get(Get(object.Map(".data")).ReadMemory(0, 4))))
	fmt.Println("constant:", List(Get(constant.ReadMemory(0, 4))))
	fmt.Println("constant:", Code(constant.WriteMemory(0, []byte{0})))
}

func array(shared *bpf.Map[uint32, uint32], bump *bpf.Program) {
	memory := shared.Raw()
	Must(shared.Update(1, 0x0102, bpf.Any))
	Must(memory.WriteMemory(16, binary.LittleEndian.AppendUint32(nil, 40)))
	Get(bump.TestRun(bpf.RunInput{}))
	fmt.Println("elements 1 and 2:", List(Get(memory.ReadMemory(8, 16))))
	some := func(value uint32, isThere bool, err error) string {
		Must(err)
		return Some(value, isThere)
	}
	fmt.Println("as entries:", some(shared.Lookup(1)), some(shared.Lookup(2)))
	fmt.Println("nothing:", List(Get(memory.ReadMemory(8, 0))))
	fmt.Println("most:", len(Get(memory.ReadMemory(0, callBytesMax))))
	_, err := memory.ReadMemory(0, callBytesMax+1)
	fmt.Println("more:", Code(err))
	Must(memory.WriteMemory(8, bytes.Repeat([]byte{7}, callBytesMax)))
	fmt.Println("most written:", List(Get(memory.ReadMemory(callBytesMax+7, 2))))
	const end = 140_000 * 8
	fmt.Println("last byte:", List(Get(memory.ReadMemory(end-1, 1))))
	_, err = memory.ReadMemory(end-1, 2)
	fmt.Println("over the end:", Code(err))
	fmt.Println("written over the end:", Code(memory.WriteMemory(end-1, []byte{0, 0})))
}
