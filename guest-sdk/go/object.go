// Package bpf is the user-space half of an eBPF tool, as a sandboxed WebAssembly guest of ecli. It
// opens the BPF object of its image, loads and attaches it, and reads what its programs write. What
// a call does is said in full in the contract, wit/.
//
// Import one of the packages command (the guest drives: main) and plugin (the host drives).
package bpf

import (
	"fmt"
	"strings"
	"unsafe"
)

// Object is an opened BPF object of the image.
type Object struct{ handle int32 }

// Open opens an object by its name; "" is the default one.
func Open(name string) (*Object, error) {
	if err := call(func() { abiObjectOpen(textAt(name), uint32(len(name)), ret) }); err != nil {
		return nil, err
	}
	return &Object{int32(u32(4))}, nil
}

// Load creates the maps and has the programs verified.
func (o *Object) Load() error { return call(func() { abiObjectLoad(o.handle, ret) }) }

// Close releases the object; it is unloaded when nothing that was made from it is left.
func (o *Object) Close() { abiObjectDrop(o.handle) }

// Attach attaches every program to where its section says.
func (o *Object) Attach() ([]*Link, error) {
	if err := call(func() { abiObjectAttach(o.handle, ret) }); err != nil {
		return nil, err
	}
	bytes := listAt(4)
	links := make([]*Link, bytes.count)
	for i := range links {
		at := unsafe.Pointer(uintptr(bytes.data) + uintptr(i)*4)
		links[i] = &Link{*(*int32)(at)}
	}
	return links, nil
}

// Global names a global variable of type T; `ecli build` generates constants of it.
type Global[T any] string

// SetGlobal sets a variable; constants before load only.
func SetGlobal[T any](o *Object, name Global[T], value T) error {
	bytes := unsafe.Slice((*byte)(unsafe.Pointer(&value)), unsafe.Sizeof(value))
	return o.SetGlobalBytes(string(name), bytes)
}

// GetGlobal reads a variable.
func GetGlobal[T any](o *Object, name Global[T]) (T, error) {
	var value T
	bytes, err := o.GlobalBytes(string(name))
	if err != nil {
		return value, err
	}
	return value, read(bytes, &value)
}

// SetGlobalBytes sets a variable of exactly this size.
func (o *Object) SetGlobalBytes(name string, value []byte) error {
	return call(func() {
		abiObjectSetGlobal(o.handle, textAt(name), uint32(len(name)), bytesAt(value),
			uint32(len(value)), ret)
	})
}

// GlobalBytes reads a variable.
func (o *Object) GlobalBytes(name string) ([]byte, error) {
	err := call(func() { abiObjectGetGlobal(o.handle, textAt(name), uint32(len(name)), ret) })
	if err != nil {
		return nil, err
	}
	return append([]byte(nil), listAt(4).bytes()...), nil
}

// read copies bytes into a value of the same size.
func read[T any](bytes []byte, value *T) error {
	if size := unsafe.Sizeof(*value); uintptr(len(bytes)) != size {
		return &Error{
			Code:    ErrInvalidArgument,
			Message: fmt.Sprintf("read a value: it has %d bytes, its type %d", len(bytes), size),
		}
	}
	*value = *(*T)(unsafe.Pointer(unsafe.SliceData(bytes)))
	return nil
}

// Program is a BPF program of an object.
type Program struct{ handle int32 }

// Program finds a program by its name.
func (o *Object) Program(name string) (*Program, error) {
	err := call(func() { abiObjectProgram(o.handle, textAt(name), uint32(len(name)), ret) })
	if err != nil {
		return nil, err
	}
	return &Program{int32(u32(4))}, nil
}

// SetAutoload says whether Load also loads this program.
func (p *Program) SetAutoload(load bool) error {
	return call(func() { abiProgramSetAutoload(p.handle, flag(load), ret) })
}

// SetAutoattach says whether Object.Attach also attaches it.
func (p *Program) SetAutoattach(attach bool) error {
	return call(func() { abiProgramSetAutoattach(p.handle, flag(attach), ret) })
}

// SetAttachTarget chooses the kernel function that a BTF-typed program is verified against.
func (p *Program) SetAttachTarget(function string) error {
	return call(func() {
		abiProgramSetAttachTarget(p.handle, textAt(function), uint32(len(function)), ret)
	})
}

func flag(is bool) int32 {
	if is {
		return 1
	}
	return 0
}

// Attach attaches to where the section says.
func (p *Program) Attach() (*Link, error) { return p.attach(0, "") }

// AttachTo attaches to a target in the text form of `ecli run --attach`: see Target.
func (p *Program) AttachTo(target string) (*Link, error) { return p.attach(1, target) }

func (p *Program) attach(isSome int32, target string) (*Link, error) {
	const text = 20
	err := call(func() {
		abiProgramAttach(p.handle, isSome, text, int64(uintptr(textAt(target))),
			int64(len(target)), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, ret)
	})
	if err != nil {
		return nil, err
	}
	return &Link{int32(u32(4))}, nil
}

// Target writes a target: Target("uprobe", "/bin/bash", "readline"), Target("xdp", "eth0"). What
// has a meaning in the text form is escaped in the fields.
func Target(kind string, fields ...string) string {
	escape := strings.NewReplacer(`\`, `\\`, ":", `\:`, "@", `\@`, ",", `\,`, "+", `\+`,
		"*", `\*`, "?", `\?`)
	for _, field := range fields {
		kind += ":" + escape.Replace(field)
	}
	return kind
}

// RunInput is what a program gets when it is run by hand.
type RunInput struct {
	Data, Context []byte
	Repeat, Flags uint32
	// CPU is where it runs, if OnCPU.
	CPU       uint32
	OnCPU     bool
	BatchSize uint32
}

// RunOutput is what it left.
type RunOutput struct {
	ReturnValue   uint32
	Data, Context []byte
	DurationNs    uint32
}

// TestRun runs the program now; the only way to run SEC("syscall") programs.
func (p *Program) TestRun(input RunInput) (*RunOutput, error) {
	err := call(func() {
		abiProgramTestRun(p.handle, bytesAt(input.Data), uint32(len(input.Data)),
			bytesAt(input.Context), uint32(len(input.Context)), input.Repeat, input.Flags,
			flag(input.OnCPU), input.CPU, input.BatchSize, ret)
	})
	if err != nil {
		return nil, err
	}
	return &RunOutput{
		ReturnValue: u32(4),
		Data:        append([]byte(nil), listAt(8).bytes()...),
		Context:     append([]byte(nil), listAt(16).bytes()...),
		DurationNs:  u32(24),
	}, nil
}

// Link is an attached program. It stays attached until Close or the guest's end.
type Link struct{ handle int32 }

// Close detaches.
func (l *Link) Close() { abiLinkDrop(l.handle) }

// Keep leaves it attached until the guest ends, also after Close.
func (l *Link) Keep() { abiLinkKeep(l.handle) }

// Detach detaches and says how that went.
func (l *Link) Detach() error { return call(func() { abiLinkDetach(l.handle, ret) }) }
