// Package bpf is the user-space half of an eBPF tool, as a sandboxed WebAssembly guest of ecli. It
// opens the BPF object of its image, loads and attaches it, and reads what its programs write. What
// a call does is said in full in the contract, wit/.
//
// Import one of the packages command (the guest drives: main) and plugin (the host drives).
package bpf

import (
	"fmt"
	"unsafe"
)

// ListObjects returns the names of the objects in this image, the default one first.
func ListObjects() []string {
	return get(func() { abiListObjects(ret) }, func() []string { return texts(listAt(0)) })
}

func texts(l list) []string {
	return items(l, 8, func(i item) string { return i.text(0) })
}

// Object is an opened BPF object of the image.
type Object struct{ handle int32 }

// Open opens an object by its name; "" is the default one.
func Open(name string) (*Object, error) {
	handle, err := ask(func() { abiObjectOpen(textAt(name), uint32(len(name)), ret) }, takeHandle)
	if err != nil {
		return nil, err
	}
	return &Object{handle}, nil
}

// Load creates the maps and has the programs verified.
func (o *Object) Load() error { return call(func() { abiObjectLoad(o.handle, ret) }) }

// Close releases the object; it is unloaded when nothing that was made from it is left.
func (o *Object) Close() { abiObjectDrop(o.handle) }

// Attach attaches every program to where its section says.
func (o *Object) Attach() ([]*Link, error) {
	return ask(func() { abiObjectAttach(o.handle, ret) }, func() []*Link {
		return items(listAt(4), 4, func(i item) *Link { return &Link{int32(i.u32(0))} })
	})
}

// AttachStructOps registers a struct_ops map.
func (o *Object) AttachStructOps(m *RawMap) (*Link, error) {
	return newLink(ask(func() { abiObjectAttachStructOps(o.handle, m.handle, ret) }, takeHandle))
}

// Programs describes every program of the object.
func (o *Object) Programs() []ProgramInfo {
	return get(func() { abiObjectPrograms(o.handle, ret) }, func() []ProgramInfo {
		return items(listAt(0), programInfoBytes, programInfo)
	})
}

// Maps describes every map, those of global data included.
func (o *Object) Maps() []MapInfo {
	return get(func() { abiObjectMaps(o.handle, ret) }, func() []MapInfo {
		return items(listAt(0), mapInfoBytes, mapInfo)
	})
}

// GlobalInfo describes a global variable.
type GlobalInfo struct {
	Name string
	// Section is also the name of the map that holds it.
	Section      string
	Offset, Size uint32
	Type         TypeID
	// Constant ones cannot be set after load.
	Constant bool
}

// Globals describes every global variable.
func (o *Object) Globals() []GlobalInfo {
	return get(func() { abiObjectGlobals(o.handle, ret) }, func() []GlobalInfo {
		return items(listAt(0), 32, func(i item) GlobalInfo {
			return GlobalInfo{
				i.text(0), i.text(8), i.u32(16), i.u32(20), TypeID(i.u32(24)), i.flag(28),
			}
		})
	})
}

// Global names a global variable of type T; `ecli build` generates constants of it.
type Global[T any] string

// SetGlobal sets a variable; constants before load only.
func SetGlobal[T any](o *Object, name Global[T], value T) error {
	return o.SetGlobalBytes(string(name), bytesOf(&value))
}

// GetGlobal reads a variable.
func GetGlobal[T any](o *Object, name Global[T]) (T, error) {
	var value T
	bytes, err := o.globalBytes(string(name), int(unsafe.Sizeof(value)))
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
	size := 0
	for _, global := range o.Globals() {
		if global.Name == name {
			size = int(global.Size)
		}
	}
	return o.globalBytes(name, size)
}

func (o *Object) globalBytes(name string, size int) ([]byte, error) {
	return askLarge(size,
		func() { abiObjectGetGlobal(o.handle, textAt(name), uint32(len(name)), ret) },
		func() []byte { return listAt(4).copied() })
}

// read copies bytes into a value of the same size.
func read[T any](bytes []byte, value *T) error {
	size := unsafe.Sizeof(*value)
	if uintptr(len(bytes)) != size {
		return &Error{
			Code:    ErrInvalidArgument,
			Message: fmt.Sprintf("read a value: it has %d bytes, its type %d", len(bytes), size),
		}
	}
	copy(bytesOf(value), bytes)
	return nil
}

// bytesOf is the memory of a value.
func bytesOf[T any](value *T) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(value)), unsafe.Sizeof(*value))
}
