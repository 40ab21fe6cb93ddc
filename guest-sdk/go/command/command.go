// Package command makes a guest a command, which the host runs once: import it for its effect. What
// it runs is main.
package command

import (
	_ "unsafe" // for go:linkname

	"eunomia.dev/bpf"
)

//go:linkname mainMain main.main
func mainMain()

//go:wasmexport wasi:cli/run@0.2.12#run
func run() int32 {
	mainMain()
	if err := bpf.Flush(); err != nil {
		bpf.Fail(err)
	}
	return 0
}
