package bpf

import (
	"fmt"
	"unsafe"
)

// PerCpuMapName names a map with a value for each CPU; `ecli build` generates constants of it.
type PerCpuMapName[K, V any] string

// PerCPUMap is a map that keeps a value for each CPU.
type PerCPUMap[K comparable, V any] struct{ raw *RawMap }

// OpenPerCPUMap finds a map by its typed name.
func OpenPerCPUMap[K comparable, V any](
	o *Object, name PerCpuMapName[K, V],
) (*PerCPUMap[K, V], error) {
	raw, err := o.Map(string(name))
	if err != nil {
		return nil, err
	}
	return &PerCPUMap[K, V]{raw}, nil
}

// Raw is the same map without types.
func (m *PerCPUMap[K, V]) Raw() *RawMap { return m.raw }

// Close closes the handle.
func (m *PerCPUMap[K, V]) Close() { m.raw.Close() }

// Lookup returns the value of each CPU; false: there is no such key.
func (m *PerCPUMap[K, V]) Lookup(key K) ([]V, bool, error) {
	return perCPU[V](m.raw.Lookup(bytesOf(&key)))
}

// LookupAndDelete takes the values of a key out.
func (m *PerCPUMap[K, V]) LookupAndDelete(key K) ([]V, bool, error) {
	return perCPU[V](m.raw.LookupAndDelete(bytesOf(&key)))
}

func perCPU[V any](bytes []byte, ok bool, err error) ([]V, bool, error) {
	if err != nil || !ok {
		return nil, false, err
	}
	values, err := unpack[V](bytes)
	return values, err == nil, err
}

// Update sets the value of each CPU: as many as PossibleCPUs.
func (m *PerCPUMap[K, V]) Update(key K, values []V, flags uint64) error {
	return m.raw.Update(bytesOf(&key), pack(nil, values), flags)
}

// UpdateBatch sets many entries; how many were set.
func (m *PerCPUMap[K, V]) UpdateBatch(keys []K, values [][]V, flags uint64) (int, error) {
	var bytes []byte
	for _, each := range values {
		bytes = pack(bytes, each)
	}
	return m.raw.UpdateBatch(bytesOfAll(keys), bytes, flags)
}

// Delete removes a key; whether it was there.
func (m *PerCPUMap[K, V]) Delete(key K) (bool, error) { return m.raw.Delete(bytesOf(&key)) }

// Each calls a function with every entry, in the kernel's order, until it returns false.
func (m *PerCPUMap[K, V]) Each(visit func(key K, values []V) bool) error {
	return walkPerCPU(m.raw.Iterate, visit)
}

// DrainEach is Each, and removes what it visits; more is removed if it is left early.
func (m *PerCPUMap[K, V]) DrainEach(visit func(key K, values []V) bool) error {
	return walkPerCPU(m.raw.Drain, visit)
}

// All returns every entry.
func (m *PerCPUMap[K, V]) All() (map[K][]V, error) { return collect(m.Each) }

// Drain removes every entry and returns them.
func (m *PerCPUMap[K, V]) Drain() (map[K][]V, error) { return collect(m.DrainEach) }

func walkPerCPU[K, V any](open func() (*Cursor, error), visit func(K, []V) bool) error {
	var key K
	return walkBytes(open, func(keyBytes, valueBytes []byte) (bool, error) {
		if err := read(keyBytes, &key); err != nil {
			return false, err
		}
		values, err := unpack[V](valueBytes)
		if err != nil {
			return false, err
		}
		return visit(key, values), nil
	})
}

// strideOf is how far the values of two CPUs lie apart.
func strideOf[V any]() int {
	var sample V
	return (int(unsafe.Sizeof(sample)) + 7) &^ 7
}

func unpack[V any](bytes []byte) ([]V, error) {
	stride := strideOf[V]()
	if stride == 0 || len(bytes)%stride != 0 {
		return nil, &Error{
			Code: ErrInvalidArgument,
			Message: fmt.Sprintf("read values of each CPU: %d bytes are no values of %d",
				len(bytes), stride),
		}
	}
	values := make([]V, len(bytes)/stride)
	for i := range values {
		copy(bytesOf(&values[i]), bytes[i*stride:])
	}
	return values, nil
}

func pack[V any](bytes []byte, values []V) []byte {
	for i := range values {
		value := bytesOf(&values[i])
		bytes = append(bytes, value...)
		bytes = append(bytes, make([]byte, strideOf[V]()-len(value))...)
	}
	return bytes
}
