// Looks at the machine; prints nothing that differs between them.
package main

import (
	"fmt"
	"slices"
	"time"

	"eunomia.dev/bpf"
	_ "eunomia.dev/bpf/command"
	. "eunomia.dev/tests"
)

// addressesMax is how many addresses one call takes.
const addressesMax = 65_536

func main() {
	fmt.Println("CPUs:", bpf.PossibleCPUs() >= 1)
	fmt.Println("Linux:", bpf.KernelVersion().Major >= 5)
	monotonic, boot := bpf.MonotonicEpoch(), bpf.BootEpoch()
	start := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	fmt.Println("started after 2020:", List([]bool{monotonic.After(start), boot.After(start)}))
	// Suspended time is in the one and not in the other.
	fmt.Println("the boot comes first:", !boot.After(monotonic.Add(time.Second)))
	apart := monotonic.Sub(bpf.MonotonicEpoch()).Abs()
	fmt.Println("the same each time:", apart < time.Second)

	object := Get(bpf.Open(ObjectName))
	Must(object.Load())
	Get(Get(object.Program("look")).TestRun(bpf.RunInput{}))
	now := monotonic.Add(time.Duration(Get(bpf.GetGlobal(object, GlobalNowNs))))
	fmt.Println("the program's time is after it:", !now.Before(monotonic))
	symbols()
}

func symbols() {
	address, isThere, err := bpf.KernelAddress("vfs_read")
	Must(err)
	if !isThere {
		fmt.Println("the kernel has no vfs_read")
	}
	nothing, isThere, err := bpf.KernelAddress("no such symbol")
	Must(err)
	fmt.Println("no symbol:", Some(nothing, isThere))
	for _, symbol := range Get(bpf.KernelSymbols([]uint64{address, address + 4, 1})) {
		if symbol.Name == "" {
			fmt.Println("in no symbol")
			continue
		}
		module := Some(symbol.Module, symbol.Module != "")
		fmt.Printf("%s+%#x of %s\n", symbol.Name, symbol.Offset, module)
	}
	fmt.Println("none:", len(Get(bpf.KernelSymbols(nil))))
	most := Get(bpf.KernelSymbols(slices.Repeat([]uint64{address}, addressesMax)))
	count := 0
	for _, symbol := range most {
		if symbol.Name != "" {
			count++
		}
	}
	fmt.Println("most:", count)
	_, err = bpf.KernelSymbols(slices.Repeat([]uint64{address}, addressesMax+1))
	fmt.Println("more:", Result(err))
}
