// Runs an iterator program over a map.
package main

import (
	"fmt"
	"io"

	"eunomia.dev/bpf"
	_ "eunomia.dev/bpf/command"
	. "eunomia.dev/tests"
)

func main() {
	object := Get(bpf.Open(ObjectName))
	Must(object.Load())
	numbers := Get(bpf.OpenMap(object, MapNumbers))
	for key := range uint32(3) {
		Must(numbers.Update(key, key+4, bpf.Any))
	}
	link := Get(Get(object.Program("list_numbers")).AttachTo("iterator:map=numbers"))
	info := link.Info()
	fmt.Printf("%s at %s\n", info.Name, Quoted(info.Targets))
	show(Get(io.ReadAll(Get(link.Iterate()))))
	fmt.Println("once more, in small pieces")
	output := Get(link.Iterate())
	var all []byte
	for {
		var piece [5]byte
		count, err := output.Read(piece[:])
		all = append(all, piece[:count]...)
		if err == io.EOF {
			break
		}
		Must(err)
	}
	show(all)

	rest := Get(link.Iterate())
	link.Close()
	fmt.Println("the link is gone, what is being read stays:")
	show(Get(io.ReadAll(rest)))

	other := Get(Get(object.Program("no_iterator")).Attach())
	_, err := other.Iterate()
	fmt.Println("no iterator:", Result(err))
}

// show prints records of a key and a value.
func show(records []byte) {
	for len(records) > 0 {
		record := records[:min(8, len(records))]
		fmt.Println(" ", List(record))
		records = records[len(record):]
	}
}
