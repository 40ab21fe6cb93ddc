// Reads and sets global variables.
package main

import (
	"fmt"
	"slices"
	"strings"

	"eunomia.dev/bpf"
	_ "eunomia.dev/bpf/command"
	. "eunomia.dev/tests"
)

func main() {
	object := Get(bpf.Open(ObjectName))
	before(object)
	if err := object.Load(); err != nil {
		fmt.Println(Code(err))
		bpf.Fail(err)
	}
	after(object)
}

func before(object *bpf.Object) {
	listed := object.Globals()
	slices.SortFunc(listed, func(a, b bpf.GlobalInfo) int { return strings.Compare(a.Name, b.Name) })
	for _, global := range listed {
		if global.Section == "license" {
			continue
		}
		fmt.Printf("%s in %s: %d bytes, constant %t, typed %t\n", global.Name, global.Section,
			global.Size, global.Constant, global.Type != 0)
	}
	limits := func() string {
		return fmt.Sprint(Get(bpf.GetGlobal(object, GlobalLimit)), " ",
			Get(bpf.GetGlobal(object, GlobalTotal)))
	}
	fmt.Println("initial:", limits())
	Must(bpf.SetGlobal(object, GlobalLimit, 5))
	Must(bpf.SetGlobal(object, GlobalTotal, 200))
	var name [16]byte
	copy(name[:], "guest")
	Must(bpf.SetGlobal(object, GlobalName, name))
	fmt.Println("set:", limits())
}

func after(object *bpf.Object) {
	total := func() uint64 { return Get(bpf.GetGlobal(object, GlobalTotal)) }
	fmt.Println("loaded:", Get(bpf.GetGlobal(object, GlobalLimit)), total())
	name := Get(bpf.GetGlobal(object, GlobalName))
	fmt.Printf("name %s, kind %s\n", bpf.Text(name[:]), List(Get(object.GlobalBytes("kind"))))
	work := Get(object.Program("work"))
	Get(work.TestRun(bpf.RunInput{}))
	fmt.Printf("seen %d, total %d\n", Get(bpf.GetGlobal(object, GlobalSeen)), total())
	Must(bpf.SetGlobal(object, GlobalTotal, 0))
	Get(work.TestRun(bpf.RunInput{}))
	fmt.Println("from 0:", total())
	both := func() {
		pair := Get(bpf.GetGlobal(object, GlobalBoth))
		fmt.Printf("struct Pair { left: %d, right: %d }\n", pair.Left, pair.Right)
	}
	both()
	Must(bpf.SetGlobal(object, GlobalBoth, Pair{Left: 3, Right: 4}))
	both()
	fmt.Println("a constant after load:", Result(bpf.SetGlobal(object, GlobalLimit, 6)))
	fmt.Println("half of a value:", Result(object.SetGlobalBytes("total", make([]byte, 4))))
}
