package bpf

import "unsafe"

// MapName names a map with the types of its keys and values; `ecli build` generates constants.
type MapName[K, V any] string

// Map is a map whose keys and values have types. Queues, stacks and bloom filters have keys of no
// bytes: struct{}.
type Map[K comparable, V any] struct{ raw *RawMap }

// OpenMap finds a map by its typed name.
func OpenMap[K comparable, V any](o *Object, name MapName[K, V]) (*Map[K, V], error) {
	raw, err := o.Map(string(name))
	if err != nil {
		return nil, err
	}
	return &Map[K, V]{raw}, nil
}

// Typed gives a map types, for instance one from a map of maps.
func Typed[K comparable, V any](raw *RawMap) *Map[K, V] { return &Map[K, V]{raw} }

// Raw is the same map without types.
func (m *Map[K, V]) Raw() *RawMap { return m.raw }

// Close closes the handle.
func (m *Map[K, V]) Close() { m.raw.Close() }

// Lookup returns the value of a key; false: there is no such key.
func (m *Map[K, V]) Lookup(key K) (V, bool, error) { return m.LookupWith(key, Any) }

// LookupWith is Lookup with flags: Lock.
func (m *Map[K, V]) LookupWith(key K, flags uint64) (V, bool, error) {
	return typed[V](m.raw.LookupWith(bytesOf(&key), flags))
}

// LookupAndDelete takes a value out.
func (m *Map[K, V]) LookupAndDelete(key K) (V, bool, error) {
	return typed[V](m.raw.LookupAndDelete(bytesOf(&key)))
}

func typed[V any](bytes []byte, ok bool, err error) (value V, _ bool, _ error) {
	if err != nil || !ok {
		return value, false, err
	}
	return value, true, read(bytes, &value)
}

// Update sets the value of a key.
func (m *Map[K, V]) Update(key K, value V, flags uint64) error {
	return m.raw.Update(bytesOf(&key), bytesOf(&value), flags)
}

// Delete removes a key; whether it was there.
func (m *Map[K, V]) Delete(key K) (bool, error) { return m.raw.Delete(bytesOf(&key)) }

// UpdateBatch sets many entries; how many were set.
func (m *Map[K, V]) UpdateBatch(keys []K, values []V, flags uint64) (int, error) {
	return m.raw.UpdateBatch(bytesOfAll(keys), bytesOfAll(values), flags)
}

// DeleteBatch removes many keys; how many were there.
func (m *Map[K, V]) DeleteBatch(keys []K) (int, error) {
	return m.raw.DeleteBatch(bytesOfAll(keys))
}

// bytesOfAll is the memory of values that lie end to end.
func bytesOfAll[T any](values []T) []byte {
	var sample T
	start := (*byte)(unsafe.Pointer(unsafe.SliceData(values)))
	return unsafe.Slice(start, len(values)*int(unsafe.Sizeof(sample)))
}

// Push adds a value: to the end of a queue, on top of a stack, to a bloom filter.
func (m *Map[K, V]) Push(value V) error { return m.raw.Update(nil, bytesOf(&value), Any) }

// Pop takes the first value of a queue or the top of a stack.
func (m *Map[K, V]) Pop() (V, bool, error) { return typed[V](m.raw.LookupAndDelete(nil)) }

// Peek looks at the first value of a queue or the top of a stack.
func (m *Map[K, V]) Peek() (V, bool, error) { return typed[V](m.raw.Lookup(nil)) }

// MayContain says whether a value may be in a bloom filter: false is certain, true is not.
func (m *Map[K, V]) MayContain(value V) (bool, error) {
	_, is, err := m.raw.Lookup(bytesOf(&value))
	return is, err
}

// Each calls a function with every entry, in the kernel's order, until it returns false.
func (m *Map[K, V]) Each(visit func(key K, value V) bool) error {
	return walk(m.raw.Iterate, visit)
}

// DrainEach is Each, and removes what it visits; more is removed if it is left early.
func (m *Map[K, V]) DrainEach(visit func(key K, value V) bool) error {
	return walk(m.raw.Drain, visit)
}

// All returns every entry.
func (m *Map[K, V]) All() (map[K]V, error) { return collect(m.Each) }

// Drain removes every entry and returns them.
func (m *Map[K, V]) Drain() (map[K]V, error) { return collect(m.DrainEach) }

func collect[K comparable, V any](each func(func(K, V) bool) error) (map[K]V, error) {
	all := map[K]V{}
	err := each(func(key K, value V) bool {
		all[key] = value
		return true
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}

func walk[K, V any](open func() (*Cursor, error), visit func(K, V) bool) error {
	var key K
	var value V
	return walkBytes(open, func(keyBytes, valueBytes []byte) (bool, error) {
		// The keys of queues and stacks are left out.
		if len(keyBytes) > 0 {
			if err := read(keyBytes, &key); err != nil {
				return false, err
			}
		}
		if err := read(valueBytes, &value); err != nil {
			return false, err
		}
		return visit(key, value), nil
	})
}

// walkBytes visits the entries of a map until it is told to end.
func walkBytes(open func() (*Cursor, error), visit func(key, value []byte) (bool, error)) error {
	cursor, err := open()
	if err != nil {
		return err
	}
	defer cursor.Close()
	for {
		keys, values, count, err := cursor.Next(0)
		if err != nil || count == 0 {
			return err
		}
		keySize, valueSize := len(keys)/count, len(values)/count
		for i := range count {
			goOn, err := visit(keys[i*keySize:(i+1)*keySize], values[i*valueSize:(i+1)*valueSize])
			if err != nil || !goOn {
				return err
			}
		}
	}
}
