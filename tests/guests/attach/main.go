// Attaches programs; the first argument says how.
package main

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"eunomia.dev/bpf"
	_ "eunomia.dev/bpf/command"
	. "eunomia.dev/tests"
)

func main() {
	how := ""
	if len(os.Args) > 1 {
		how = os.Args[1]
	}
	switch how {
	case "all":
		all()
	case "given":
		given()
	default:
		oneByOne()
	}
}

// all attaches every program whose section, or the operator, says where.
func all() {
	object := Get(bpf.Open(ObjectName))
	Must(Get(object.Program("on_call")).SetAutoattach(false))
	if err := object.Load(); err != nil {
		fmt.Printf("load: %s: %v\n", Code(err), err)
		return
	}
	links := Get(object.Attach())
	slices.SortFunc(links, func(a, b *bpf.Link) int {
		return strings.Compare(a.Info().Name, b.Info().Name)
	})
	hasMany := false
	for _, link := range links {
		show(link)
		hasMany = hasMany || len(link.Info().Targets) > 1
	}
	if hasMany {
		_, err := Get(object.Program("on_exec")).Attach()
		fmt.Println("again:", Code(err))
	}
}

var fork = bpf.Target("tracepoint", "sched", "sched_process_fork")

// given attaches to the guest's own target, unless the operator gave one.
func given() {
	object := Get(bpf.Open(ObjectName))
	Must(object.Load())
	program := Get(object.Program("anywhere"))
	link := Get(program.AttachTo(fork))
	show(link)
	Must(link.Detach())
	_, err := program.AttachTo(fork)
	fmt.Println("again:", Code(err))
}

func oneByOne() {
	object := Get(bpf.Open(ObjectName))
	leftOut := Get(object.Program("left_out"))
	fmt.Println("left out:", !leftOut.Info().Autoload)
	Must(object.Load())
	_, err := leftOut.Attach()
	fmt.Println("attach what was left out:", Code(err))
	anywhere := Get(object.Program("anywhere"))
	_, err = anywhere.Attach()
	fmt.Println("nowhere:", Code(err))
	raw := bpf.Target("raw_tracepoint", "sys_enter")
	_, err = anywhere.AttachTo(raw)
	fmt.Println("of another kind:", Code(err))

	counted(object)
	exit := bpf.Target("tracepoint", "sched", "sched_process_exit")
	for _, target := range []string{fork, exit} {
		link := Get(anywhere.AttachTo(target))
		show(link)
		link.Close()
	}
	onCall := Get(object.Program("on_call"))
	first, second := Get(onCall.AttachTo(raw)), Get(onCall.Attach())
	fmt.Println("twice:", !slices.Equal(first.Info().IDs, second.Info().IDs))
	first.Close()
	second.Close()
	replaced(Get(object.Program("pass")), Get(object.Program("pass_too")))

	jumps := Get(object.Map("jumps"))
	Must(onCall.StoreIn(jumps, 1))
	fmt.Println("stored; beyond the end:", Code(onCall.StoreIn(jumps, 2)))
	Get(onCall.Attach()).Keep()
	fmt.Println("kept")
}

// counted: a link holds the program; closing or detaching it ends that.
func counted(object *bpf.Object) {
	program := Get(object.Program("on_call"))
	link := Get(program.Attach())
	show(link)
	fmt.Println("while attached:", isCalled(object))
	Must(link.Detach())
	fmt.Println("detached:", isCalled(object))
	link = Get(program.Attach())
	fmt.Println("attached again:", isCalled(object))
	link.Close()
	fmt.Println("dropped:", isCalled(object))
	link = Get(program.Attach())
	link.Keep()
	link.Close()
	fmt.Println("kept:", isCalled(object))
}

// isCalled says whether system calls of the host are counted: running a program is one.
func isCalled(object *bpf.Object) bool {
	choose := Get(object.Program("choose"))
	Get(choose.TestRun(bpf.RunInput{}))
	before := Get(bpf.GetGlobal(object, GlobalCalls))
	Get(choose.TestRun(bpf.RunInput{}))
	return Get(bpf.GetGlobal(object, GlobalCalls)) > before
}

// replaced: one program takes the place of another without a gap.
func replaced(pass, passToo *bpf.Program) {
	target := bpf.Target("xdp", "lo", "generic")
	link := Get(pass.AttachTo(target))
	show(link)
	_, err := passToo.AttachTo(target)
	fmt.Println("occupied:", Code(err))
	Must(passToo.ReplaceIn(link))
	show(link)
	Must(link.Detach())
	link = Get(passToo.AttachTo(target))
	fmt.Println("free again:", link.Info().Name)
	link.Close()
}

func show(link *bpf.Link) {
	info := link.Info()
	fmt.Printf("%s: type %d at %s, listed %t\n", info.Name, info.Type, Quoted(info.Targets),
		len(info.IDs) > 0)
}
