package bpf

import "unsafe"

// Names of maps with the types of their keys and values; `ecli build` generates constants of them.
type (
	MapName[K, V any]       string
	PerCpuMapName[K, V any] string
)

// Flags of updates: the kernel's numbers.
const (
	Any     = 0
	NoExist = 1
	Exist   = 2
	Lock    = 4
)

// RawMap is a map whose keys and values are bytes.
type RawMap struct{ handle int32 }

// Map finds a map by its name.
func (o *Object) Map(name string) (*RawMap, error) {
	err := call(func() { abiObjectMap(o.handle, textAt(name), uint32(len(name)), ret) })
	if err != nil {
		return nil, err
	}
	return &RawMap{int32(u32(4))}, nil
}

// Close closes the handle.
func (m *RawMap) Close() { abiMapDrop(m.handle) }

// SetMaxEntries sets the number of entries; before load.
func (m *RawMap) SetMaxEntries(entries uint32) error {
	return call(func() { abiMapSetMaxEntries(m.handle, entries, ret) })
}

// Lookup returns a copy of the value of a key; false: there is no such key.
func (m *RawMap) Lookup(key []byte) ([]byte, bool, error) {
	err := call(func() { abiMapLookup(m.handle, bytesAt(key), uint32(len(key)), 0, ret) })
	return found(err)
}

// LookupAndDelete takes a value out; queues and stacks have empty keys.
func (m *RawMap) LookupAndDelete(key []byte) ([]byte, bool, error) {
	err := call(func() { abiMapLookupAndDelete(m.handle, bytesAt(key), uint32(len(key)), 0, ret) })
	return found(err)
}

func found(err error) ([]byte, bool, error) {
	if err != nil || u8(4) == 0 {
		return nil, false, err
	}
	return append([]byte(nil), listAt(8).bytes()...), true, nil
}

// Update sets the value of a key.
func (m *RawMap) Update(key, value []byte, flags uint64) error {
	return call(func() {
		abiMapUpdate(m.handle, bytesAt(key), uint32(len(key)), bytesAt(value), uint32(len(value)),
			flags, ret)
	})
}

// Delete removes a key; whether it was there.
func (m *RawMap) Delete(key []byte) (bool, error) {
	err := call(func() { abiMapDelete(m.handle, bytesAt(key), uint32(len(key)), ret) })
	return err == nil && u8(4) != 0, err
}

// UpdateBatch sets entries that are laid end to end; how many were set.
func (m *RawMap) UpdateBatch(keys, values []byte, flags uint64) (int, error) {
	err := call(func() {
		abiMapUpdateBatch(m.handle, bytesAt(keys), uint32(len(keys)), bytesAt(values),
			uint32(len(values)), flags, ret)
	})
	if err != nil {
		return 0, err
	}
	return int(u32(4)), nil
}

// DeleteBatch removes keys; how many were there.
func (m *RawMap) DeleteBatch(keys []byte) (int, error) {
	err := call(func() { abiMapDeleteBatch(m.handle, bytesAt(keys), uint32(len(keys)), ret) })
	if err != nil {
		return 0, err
	}
	return int(u32(4)), nil
}

// Cursor is a walk over a map.
type Cursor struct {
	handle int32
	arena  *arena
}

// cursorBytes is room for one step: 1 MiB of keys and values.
const cursorBytes = 1<<20 + 64<<10

// Iterate walks over all entries.
func (m *RawMap) Iterate() (*Cursor, error) {
	return newCursor(call(func() { abiMapIterate(m.handle, ret) }))
}

// Drain is like Iterate, and what is returned is also removed.
func (m *RawMap) Drain() (*Cursor, error) {
	return newCursor(call(func() { abiMapDrain(m.handle, ret) }))
}

func newCursor(err error) (*Cursor, error) {
	if err != nil {
		return nil, err
	}
	return &Cursor{int32(u32(4)), newArena(cursorBytes)}, nil
}

// Next returns further entries, borrowed until the next call: keys and values laid end to end, and
// how many they are; 0 at the end.
func (c *Cursor) Next(entriesMax int) (keys, values []byte, count int, err error) {
	c.arena.begin()
	abiCursorNext(c.handle, uint32(entriesMax), ret)
	c.arena.end()
	if err := outcome(4); err != nil {
		return nil, nil, 0, err
	}
	return listAt(8).bytes(), listAt(16).bytes(), int(u32(4)), nil
}

// Close ends the walk.
func (c *Cursor) Close() { abiCursorDrop(c.handle) }

// Map is a map whose keys and values have types.
type Map[K comparable, V any] struct{ raw *RawMap }

// OpenMap finds a map by its typed name.
func OpenMap[K comparable, V any](o *Object, name MapName[K, V]) (*Map[K, V], error) {
	raw, err := o.Map(string(name))
	if err != nil {
		return nil, err
	}
	return &Map[K, V]{raw}, nil
}

// Raw is the same map without types.
func (m *Map[K, V]) Raw() *RawMap { return m.raw }

func bytesOf[T any](value *T) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(value)), unsafe.Sizeof(*value))
}

// Lookup returns the value of a key; false: there is no such key.
func (m *Map[K, V]) Lookup(key K) (V, bool, error) {
	var value V
	bytes, ok, err := m.raw.Lookup(bytesOf(&key))
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

// All returns every entry; Drain also removes them.
func (m *Map[K, V]) All() (map[K]V, error) { return collect[K, V](m.raw.Iterate()) }

// Drain removes every entry and returns them.
func (m *Map[K, V]) Drain() (map[K]V, error) { return collect[K, V](m.raw.Drain()) }

func collect[K comparable, V any](cursor *Cursor, err error) (map[K]V, error) {
	if err != nil {
		return nil, err
	}
	defer cursor.Close()
	all := map[K]V{}
	var key K
	var value V
	keySize, valueSize := int(unsafe.Sizeof(key)), int(unsafe.Sizeof(value))
	for {
		keys, values, count, err := cursor.Next(0)
		if err != nil || count == 0 {
			return all, err
		}
		for i := range count {
			if err := read(keys[i*keySize:(i+1)*keySize], &key); err != nil {
				return nil, err
			}
			if err := read(values[i*valueSize:(i+1)*valueSize], &value); err != nil {
				return nil, err
			}
			all[key] = value
		}
	}
}
