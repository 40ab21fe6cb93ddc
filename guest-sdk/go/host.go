package bpf

import (
	"encoding/binary"
	"fmt"
	"time"
	"unsafe"
)

// PossibleCPUs is the number of CPUs for which per-CPU values are kept.
func PossibleCPUs() int { return int(abiPossibleCPUs()) }

// Version is a version of Linux.
type Version struct{ Major, Minor, Patch uint32 }

// String is 6.1.0.
func (v Version) String() string { return fmt.Sprintf("%d.%d.%d", v.Major, v.Minor, v.Patch) }

// KernelVersion is the version of Linux.
func KernelVersion() Version {
	return get(func() { abiKernelVersion(ret) },
		func() Version { return Version{u32(0), u32(4), u32(8)} })
}

// BootEpoch is when bpf_ktime_get_boot_ns() was 0.
func BootEpoch() time.Time { return datetime(abiBootEpoch) }

// MonotonicEpoch is when bpf_ktime_get_ns() was 0.
func MonotonicEpoch() time.Time { return datetime(abiMonotonicEpoch) }

func datetime(ask func(unsafe.Pointer)) time.Time {
	return get(func() { ask(ret) }, func() time.Time {
		return time.Unix(int64(u64(0)), int64(u32(8)))
	})
}

// Symbol is a place in the kernel.
type Symbol struct {
	// Name is empty for an address in no symbol.
	Name string
	// Offset is bytes behind the start of the symbol.
	Offset uint64
	// Module is empty for the kernel itself.
	Module string
}

const (
	// addressesMax is the contract's bound.
	addressesMax = 65536
	// symbolsMax is how many are resolved at a time, so that they fit into an arena: names have 512
	// bytes at most, those of modules 64.
	symbolsMax = 1024
)

// KernelSymbols returns the symbol of each address, of which there may be 65536.
func KernelSymbols(addresses []uint64) ([]Symbol, error) {
	if len(addresses) > addressesMax {
		return nil, &Error{
			Code:    ErrLimitExceeded,
			Message: fmt.Sprintf("resolve %d addresses: 65536 are the most", len(addresses)),
		}
	}
	symbols := make([]Symbol, 0, len(addresses))
	for len(addresses) > 0 {
		some := addresses[:min(len(addresses), symbolsMax)]
		addresses = addresses[len(some):]
		bytes := make([]byte, 0, 8*len(some))
		for _, address := range some {
			bytes = binary.LittleEndian.AppendUint64(bytes, address)
		}
		found, err := ask(func() { abiResolveKernel(bytesAt(bytes), uint32(len(bytes)), ret) },
			func() []Symbol { return items(listAt(4), 40, symbol) })
		if err != nil {
			return nil, err
		}
		symbols = append(symbols, found...)
	}
	return symbols, nil
}

func symbol(i item) Symbol {
	if !i.flag(0) {
		return Symbol{}
	}
	found := Symbol{Name: i.text(8), Offset: i.u64(16)}
	if i.flag(24) {
		found.Module = i.text(28)
	}
	return found
}

// KernelAddress returns the address of a kernel symbol; false: there is none.
func KernelAddress(name string) (uint64, bool, error) {
	var isThere bool
	address, err := askAt(8,
		func() { abiKernelAddress(textAt(name), uint32(len(name)), ret) },
		func() uint64 {
			isThere = u8(8) != 0
			return u64(16)
		})
	if err != nil || !isThere {
		return 0, false, err
	}
	return address, true, nil
}
