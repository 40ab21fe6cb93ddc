// Traps while it holds a loaded object: says so, then panics.
package main

import (
	"fmt"

	"eunomia.dev/bpf"
	_ "eunomia.dev/bpf/command"
	. "eunomia.dev/tests"
)

func main() {
	object := Get(bpf.Open(ObjectName))
	Must(object.Load())
	Must(bpf.SetGlobal(object, GlobalMark, 1))
	fmt.Println("mark", Get(bpf.GetGlobal(object, GlobalMark)))
	panic("as it was asked to")
}
