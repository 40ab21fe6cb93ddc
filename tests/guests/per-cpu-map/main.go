// Works with values of each CPU; prints nothing that depends on how many there are.
package main

import (
	"fmt"
	"slices"

	"eunomia.dev/bpf"
	_ "eunomia.dev/bpf/command"
	. "eunomia.dev/tests"
)

func main() {
	object := Get(bpf.Open(ObjectName))
	Must(object.Load())
	counted(object)
	words(object)
}

func counted(object *bpf.Object) {
	cpus := bpf.PossibleCPUs()
	counts := Get(bpf.OpenPerCPUMap(object, MapCounts))
	info := counts.Raw().Info()
	fmt.Println("value", info.ValueSize, "bytes")
	fmt.Println("8 bytes for each CPU:", int(info.UserValueSize) == 8*cpus)

	program := Get(object.Program("count"))
	for range 3 {
		Get(program.TestRun(bpf.RunInput{OnCPU: true}))
	}
	values, _, err := counts.Lookup(1)
	Must(err)
	fmt.Println("a value for each CPU:", len(values) == cpus)
	sum := uint64(0)
	for _, value := range values {
		sum += value
	}
	fmt.Printf("on CPU 0: %d, in all: %d\n", values[0], sum)

	for cpu := range values {
		values[cpu] = uint64(cpu) + 5
	}
	Must(counts.Update(0, values, bpf.Any))
	again, _, err := counts.Lookup(0)
	Must(err)
	fmt.Println("each CPU's own:", slices.Equal(values, again))
	Must(counts.Each(func(key uint32, values []uint64) bool {
		fmt.Printf("%d: first %s\n", key, Some(values[0], true))
		return true
	}))
	short := counts.Raw().Update(make([]byte, 4), make([]byte, 4), bpf.Any)
	fmt.Println("one CPU's value:", Result(short))
}

func words(object *bpf.Object) {
	words := Get(bpf.OpenPerCPUMap(object, MapWords))
	cpus := bpf.PossibleCPUs()
	fmt.Println("padded to 8 bytes:", int(words.Raw().Info().UserValueSize) == 8*cpus)
	all := func(value uint32) []uint32 { return slices.Repeat([]uint32{value}, cpus) }
	Must(words.Update(7, all(3), bpf.NoExist))
	values, isThere, err := words.Lookup(7)
	Must(err)
	fmt.Println("all set:", isThere && slices.Equal(values, all(3)))
	keys := []uint32{1, 2}
	fmt.Println("set in a batch:",
		Get(words.UpdateBatch(keys, [][]uint32{all(1), all(2)}, bpf.Any)))
	values, isThere, err = words.LookupAndDelete(2)
	Must(err)
	fmt.Println("taken:", Some(values[0], isThere))
	drained := Get(words.Drain())
	shown := make([]string, 0, len(drained))
	for key, values := range drained {
		shown = append(shown, fmt.Sprintf("(%d, %d)", key, values[0]))
	}
	slices.Sort(shown)
	fmt.Println("drained:", List(shown))
}
