// Writes a user ring buffer in every way.
package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"time"

	"eunomia.dev/bpf"
	_ "eunomia.dev/bpf/command"
	. "eunomia.dev/tests"
)

const (
	// headerBytes of the buffer a record needs beside its payload.
	headerBytes = 8
	ringBytes   = 4096
)

func main() {
	object := Get(bpf.Open(ObjectName))
	Must(object.Load())
	commands := Get(object.UserRingBuffer(MapCommands))
	_, err := object.UserRingBuffer(MapCommands)
	fmt.Println("second writer:", Result(err))

	var batch bpf.BatchBuilder
	Must(commands.Write(&batch))
	fmt.Println("an empty batch is written")
	for word := range uint32(3) {
		bpf.PushValue(&batch, word+1)
	}
	Must(commands.Write(&batch))
	fmt.Println("written:", len(batch.Bytes()) == 0)
	take(object, 10)

	// 16 bytes each: 256 of them fill the buffer.
	for word := range uint32(300) {
		bpf.PushValue(&batch, word)
	}
	Must(commands.TryWrite(&batch))
	fmt.Println("left without room:", len(batch.Bytes()), "bytes")
	Must(commands.WriteWithin(&batch, 5*time.Millisecond))
	fmt.Println("left when the time is up:", len(batch.Bytes()), "bytes")
	fmt.Println("ready:", bpf.IsReady(commands))
	take(object, 1)
	fmt.Println("ready:", bpf.IsReady(commands))
	Must(commands.TryWrite(&batch))
	fmt.Println("left:", len(batch.Bytes()), "bytes")
	take(object, 1000)
	Must(commands.Write(&batch))
	fmt.Println("left:", len(batch.Bytes()), "bytes")
	take(object, 1000)

	commands.Close()
	largest(object)
}

// largest writes the largest record that fits, alone.
func largest(object *bpf.Object) {
	commands := Get(object.UserRingBuffer(MapCommands))
	var batch bpf.BatchBuilder
	batch.Push(bytes.Repeat([]byte{1}, ringBytes-headerBytes))
	Must(commands.Write(&batch))
	fmt.Println("largest written:", len(batch.Bytes()) == 0)
	bpf.PushValue(&batch, uint32(1))
	batch.Push(bytes.Repeat([]byte{1}, ringBytes-headerBytes+1))
	err := commands.Write(&batch)
	fmt.Printf("one byte more: %s, kept %t\n", Result(err), len(batch.Bytes()) > 0)
	take(object, 10)

	// 4000 bytes do not fit beside 1000.
	batch = bpf.BatchBuilder{}
	batch.Push(make([]byte, 1000))
	batch.Push(make([]byte, 4000))
	Must(commands.TryWrite(&batch))
	fmt.Println("ready for 4000 bytes:", bpf.IsReady(commands))
	batch = bpf.BatchBuilder{}
	batch.Push(make([]byte, 8))
	Must(commands.TryWrite(&batch))
	fmt.Println("ready after a write that fitted:", bpf.IsReady(commands))
	take(object, 10)
}

func take(object *bpf.Object, records uint32) {
	context := binary.LittleEndian.AppendUint32(nil, records)
	Get(Get(object.Program("take")).TestRun(bpf.RunInput{Context: context}))
	fmt.Printf("taken %d, sum %d\n", Get(bpf.GetGlobal(object, GlobalTaken)),
		Get(bpf.GetGlobal(object, GlobalSum)))
}
