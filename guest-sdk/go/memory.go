package bpf

import (
	"sync"
	"unsafe"
)

// Lists that the host returns go to an arena: memory for them is asked for with cabi_realloc during
// the call. Nothing may be allocated on Go's heap there, since that can start a collection or make
// the heap grow, which read a clock, and the component model forbids to call out of cabi_realloc.
// What is returned is copied out of the arena, or borrowed until the next call for the same source.

// arena is memory that is used again for every call. It only grows before calls.
type arena struct {
	memory []uint64
	used   uintptr
}

// listBytesMax is the bytes of lists that nearly all calls return at most: 1 MiB of the contract's,
// and what is around it. Before calls that may return more, the arena is made larger.
const listBytesMax = 1<<20 + 128<<10

var (
	// scratch is for results that are copied at once.
	scratch = &arena{memory: scratchMemory[:]}
	// scratchMemory takes no room until it is used.
	scratchMemory [listBytesMax / 8]uint64
	// landing is the arena of the call that is running.
	landing *arena
	// lasting is for what is asked for outside of our calls: WASI keeps a few pages, and a plugin gets
	// its batches here.
	lasting [3 << 20 / 2]byte
	// lastingUsed counts its bytes.
	lastingUsed uintptr
)

// calls lets one goroutine at a time make a call and read what it returned: whatever allocates
// meanwhile may let others run.
var calls sync.Mutex

func newArena(bytes int) *arena {
	return &arena{memory: make([]uint64, (bytes+7)/8)}
}

// Without growth of the stack, for which the runtime might turn to something else.
//
//go:wasmexport cabi_realloc
//go:nosplit
func cabiRealloc(old unsafe.Pointer, oldBytes, align, bytes uint32) unsafe.Pointer {
	start, used, room := uintptr(unsafe.Pointer(&lasting)), &lastingUsed, uintptr(len(lasting))
	if landing != nil {
		start = uintptr(unsafe.Pointer(unsafe.SliceData(landing.memory)))
		used, room = &landing.used, uintptr(len(landing.memory))*8
	}
	offset := (*used + uintptr(align) - 1) &^ (uintptr(align) - 1)
	if offset+uintptr(bytes) > room {
		// An address where nothing is: the host ends the guest, and says that it was for this.
		return unsafe.Pointer(^uintptr(7) >> 32)
	}
	*used = offset + uintptr(bytes)
	return unsafe.Pointer(start + offset)
}

// begin makes lists land in an arena that is empty from now on.
func (a *arena) begin() {
	a.used = 0
	landing = a
}

// end makes lists land in no arena.
func (a *arena) end() {
	landing = nil
}

// reserve makes room for a list of so many bytes and what is around it.
func (a *arena) reserve(bytes int) {
	const around = 4096
	if len(a.memory)*8 < bytes+around {
		a.memory = make([]uint64, (bytes+around)/8+1)
	}
}

// textAt and bytesAt are where the bytes of a string or slice start.
func textAt(text string) unsafe.Pointer   { return unsafe.Pointer(unsafe.StringData(text)) }
func bytesAt(bytes []byte) unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(bytes)) }

// result is where the host writes what does not fit into a number.
var result [32]uint64

var ret = unsafe.Pointer(&result)

func u8(offset uintptr) uint8   { return *(*uint8)(unsafe.Add(ret, offset)) }
func u32(offset uintptr) uint32 { return *(*uint32)(unsafe.Add(ret, offset)) }
func u64(offset uintptr) uint64 { return *(*uint64)(unsafe.Add(ret, offset)) }

// listAt is the list at this offset of the result.
func listAt(offset uintptr) list { return list{u32(offset), u32(offset + 4)} }

// list is how the host returns a list or a string.
type list struct {
	data  uint32
	count uint32
}

// bytes are borrowed from the arena.
func (l list) bytes() []byte {
	if l.count == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(uintptr(l.data))), l.count)
}

func (l list) text() string { return string(l.bytes()) }

func (l list) copied() []byte { return append([]byte(nil), l.bytes()...) }

// items reads the items of a list, which lie so many bytes apart.
func items[T any](l list, size uintptr, read func(item) T) []T {
	all := make([]T, l.count)
	for i := range all {
		all[i] = read(item{unsafe.Pointer(uintptr(l.data) + uintptr(i)*size)})
	}
	return all
}

// item is one of a list, or the result itself.
type item struct{ at unsafe.Pointer }

func (i item) u8(offset uintptr) uint8   { return *(*uint8)(unsafe.Add(i.at, offset)) }
func (i item) u32(offset uintptr) uint32 { return *(*uint32)(unsafe.Add(i.at, offset)) }
func (i item) u64(offset uintptr) uint64 { return *(*uint64)(unsafe.Add(i.at, offset)) }
func (i item) flag(offset uintptr) bool  { return i.u8(offset) != 0 }
func (i item) list(offset uintptr) list  { return list{i.u32(offset), i.u32(offset + 4)} }
func (i item) text(offset uintptr) string {
	return i.list(offset).text()
}
