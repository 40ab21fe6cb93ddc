package bpf

import "unsafe"

// Lists that the host returns go to an arena: memory for them is asked for with cabi_realloc during
// the call, where nothing may be allocated on Go's heap, since a collection that starts there reads
// a clock, which the component model forbids inside of cabi_realloc. What is returned is copied out
// of the arena, or borrowed until the next call for the same source.

// arena is memory that is used again for every call. It only grows outside of calls.
type arena struct {
	memory []uint64
	used   uintptr
}

// Bytes of a list that a host returns in most calls; more makes it start again.
const arenaBytes = 64 << 10

var (
	// scratch is for results that are copied at once.
	scratch = newArena(arenaBytes)
	// landing is the arena of the call that is running.
	landing *arena
	// lasting is for what is asked for outside of our calls: WASI keeps a few pages, and a plugin gets
	// its batches here.
	lasting [3 << 20 / 2]byte
	// lastingUsed counts its bytes.
	lastingUsed uintptr
)

func newArena(bytes int) *arena {
	return &arena{memory: make([]uint64, (bytes+7)/8)}
}

//go:wasmexport cabi_realloc
func cabiRealloc(old unsafe.Pointer, oldBytes, align, bytes uint32) unsafe.Pointer {
	if landing == nil {
		start := (lastingUsed + uintptr(align) - 1) &^ (uintptr(align) - 1)
		if start+uintptr(bytes) > uintptr(len(lasting)) {
			return overflow(bytes)
		}
		lastingUsed = start + uintptr(bytes)
		return unsafe.Pointer(uintptr(unsafe.Pointer(&lasting)) + start)
	}
	start := (landing.used + uintptr(align) - 1) &^ (uintptr(align) - 1)
	if start+uintptr(bytes) > uintptr(len(landing.memory))*8 {
		return overflow(bytes)
	}
	landing.used = start + uintptr(bytes)
	return unsafe.Add(unsafe.Pointer(unsafe.SliceData(landing.memory)), start)
}

// overflow keeps what did not fit. It may end the guest, if a collection starts just then, which is
// why arenas are made large enough for what calls usually return.
var overflowed [8][]uint64
var overflows int

func overflow(bytes uint32) unsafe.Pointer {
	memory := make([]uint64, (bytes+7)/8)
	overflowed[overflows%len(overflowed)] = memory
	overflows++
	return unsafe.Pointer(unsafe.SliceData(memory))
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

// reserve makes room for lists of so many bytes in all.
func (a *arena) reserve(bytes int) {
	if len(a.memory)*8 < bytes {
		a.memory = make([]uint64, (bytes+7)/8)
	}
}

// textAt and bytesAt are where the bytes of a string or slice start.
func textAt(text string) unsafe.Pointer   { return unsafe.Pointer(unsafe.StringData(text)) }
func bytesAt(bytes []byte) unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(bytes)) }

// result is where the host writes what does not fit into a number. One for all calls: there is one
// thread, and no other Go code runs during a call.
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

func (l list) text() string {
	return string(l.bytes())
}
