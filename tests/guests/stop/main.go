// Waits in every way and is asked to stop, or asks itself.
package main

import (
	"errors"
	"fmt"
	"os"
	"time"

	"eunomia.dev/bpf"
	_ "eunomia.dev/bpf/command"
	. "eunomia.dev/tests"
)

func main() {
	how := ""
	if len(os.Args) > 1 {
		how = os.Args[1]
	}
	object := Get(bpf.Open(ObjectName))
	Must(object.Load())
	fmt.Println("asked:", bpf.StopRequested())
	switch how {
	case "read", "read-within":
		read(object, how)
	case "poll":
		poll(object)
	case "sleep":
		fmt.Println("waiting")
		fmt.Println("slept:", bpf.Sleep(time.Hour))
	case "write":
		write(object)
	case "itself":
		bpf.RequestStop()
		bpf.WaitForStop()
	case "timers":
		timers()
	case "exit":
		bpf.Exit(3)
	case "exit-255":
		bpf.Exit(255)
	case "fail":
		bpf.Fail(errors.New("it was asked to fail"))
	default:
		bpf.Fail(errors.New("no such case"))
	}
	fmt.Println("asked:", bpf.StopRequested())
	fmt.Println("stop is ready:", bpf.StopRequested() == bpf.IsReady(bpf.Stop))
}

func produce(object *bpf.Object) { Get(Get(object.Program("produce")).TestRun(bpf.RunInput{})) }

// read: what arrives before the end is still read; from then on nothing is waited for.
func read(object *bpf.Object, how string) {
	ring := Get(object.RingBuffer(MapEvents))
	produce(object)
	next := ring.Next
	if how == "read-within" {
		next = func() (bpf.Batch, error) { return ring.NextWithin(time.Hour) }
	}
	said := false
	for {
		words := wordsOf(Get(next()))
		if len(words) == 0 {
			break
		}
		fmt.Println("read", List(words))
		if !said {
			fmt.Println("waiting")
			said = true
		}
	}
	produce(object)
	last := wordsOf(Get(ring.Next()))
	fmt.Println("left over:", Some(len(last), len(last) > 0))
	fmt.Println("and then:", len(wordsOf(Get(ring.Next()))) == 0)
}

func wordsOf(batch bpf.Batch) []uint32 {
	var words []uint32
	for word := range bpf.Records[uint32](batch) {
		words = append(words, *word)
	}
	return words
}

func poll(object *bpf.Object) {
	ring := Get(object.RingBuffer(MapEvents))
	var poller bpf.Poller
	stop, events := poller.Add(bpf.Stop), poller.Add(ring)
	hour := poller.After(time.Hour)
	fmt.Println("waiting")
	ready := Get(poller.Wait())
	fmt.Printf("stop %t, timer %t\n", ready.Has(stop), ready.Has(hour))
	fmt.Println("buffers too:", Get(poller.Wait()).Has(events))
}

// write fills a buffer that nobody drains.
func write(object *bpf.Object) {
	commands := Get(object.UserRingBuffer(MapCommands))
	var batch bpf.BatchBuilder
	for word := range uint32(257) {
		bpf.PushValue(&batch, word)
	}
	fmt.Println("waiting")
	Must(commands.Write(&batch))
	fmt.Println("left", len(batch.Bytes()), "bytes")
	fmt.Println("ready:", bpf.IsReady(commands))
}

func timers() {
	fmt.Println("slept:", bpf.Sleep(2*time.Millisecond))
	var poller bpf.Poller
	stop := poller.Add(bpf.Stop)
	tick, end := poller.Every(2*time.Millisecond), poller.After(20*time.Millisecond)
	ticks := 0
	for {
		ready := Get(poller.Wait())
		if ready.Has(tick) {
			ticks++
		}
		if ready.Has(end) {
			fmt.Println("stop", ready.Has(stop))
			break
		}
	}
	fmt.Printf("several ticks: %t, not too many: %t\n", ticks > 1, ticks <= 10)
	var nothing bpf.Poller
	_, err := nothing.Wait()
	fmt.Println("nothing to wait for:", Result(err))
}
