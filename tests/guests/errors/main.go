// Has calls fail and prints what the errors say.
package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"eunomia.dev/bpf"
	_ "eunomia.dev/bpf/command"
	. "eunomia.dev/tests"
)

func main() {
	objects := bpf.ListObjects()
	slices.Sort(objects)
	fmt.Println("objects", Quoted(objects))
	_, err := bpf.Open("nothing")
	show("object", err, "nothing", "bad", "good")
	show("verifier", Get(bpf.Open("bad")).Load(), "bad", "wild", "R")

	object := Get(bpf.Open("good"))
	_, err = object.Program("nothing")
	show("program", err, "nothing", "good", "anywhere")
	_, err = object.Map("nothing")
	show("map", err, "nothing", "good", "single")
	_, err = object.GlobalBytes("nothing")
	show("global", err, "nothing")
	Must(object.Load())
	single(Get(object.Map("single")))

	anywhere := Get(object.Program("anywhere"))
	_, err = anywhere.AttachTo(bpf.Target("tracepoint", "sched", "no_such_tracepoint"))
	show("tracepoint", err, "anywhere", "no_such_tracepoint")
	_, err = anywhere.AttachTo("tracepoint")
	show("text", err, "tracepoint")
	_, err = object.Map(strings.Repeat("x", 256))
	show("a name of 256 bytes", err, "xxx")
	_, err = object.Map(strings.Repeat("x", 257))
	show("of 257", err, "257", "256")
}

func single(single *bpf.RawMap) {
	_, _, err := single.Lookup([]byte{1})
	show("key", err, "single")
	one, two := []byte{1, 1, 1, 1}, []byte{2, 2, 2, 2}
	Must(single.Update(one, one, bpf.Any))
	show("full", single.Update(two, two, bpf.Any), "single")
	show("there", single.Update(one, two, bpf.NoExist), "single")
	show("not there", single.Update(two, two, bpf.Exist), "single")
}

// show prints what programs decide on, and whether people learn what they need.
func show(what string, err error, words ...string) {
	var failure *bpf.Error
	if !errors.As(err, &failure) {
		fmt.Printf("%s: ok\n", what)
		return
	}
	fmt.Printf("%s: %s, errno %d\n", what, Code(err), failure.Errno)
	for _, word := range words {
		if !strings.Contains(failure.Message, word) {
			fmt.Printf("  does not say `%s`: %s\n", word, failure.Message)
		}
	}
}
