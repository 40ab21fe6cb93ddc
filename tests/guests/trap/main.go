// Traps while it holds a loaded object: says so, then reads where there is no memory, since a panic
// of Go is an exit.
package main

import (
	"fmt"
	"unsafe"

	"eunomia.dev/bpf"
	_ "eunomia.dev/bpf/command"
	. "eunomia.dev/tests"
)

func main() {
	object := Get(bpf.Open(ObjectName))
	Must(object.Load())
	Must(bpf.SetGlobal(object, GlobalMark, 1))
	fmt.Println("mark", Get(bpf.GetGlobal(object, GlobalMark)))
	var nowhere uintptr = 0xfffffff0
	fmt.Println(*(*uint64)(unsafe.Pointer(nowhere)))
}
