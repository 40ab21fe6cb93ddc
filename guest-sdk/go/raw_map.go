package bpf

// Flags of updates: the kernel's numbers.
const (
	Any     = 0
	NoExist = 1
	Exist   = 2
	Lock    = 4
)

// RawMap is a map whose keys and values are bytes.
type RawMap struct {
	handle int32
	// entryBytes is how much a key with its value has; 0: not asked for yet.
	entryBytes int
}

// Map finds a map by its name.
func (o *Object) Map(name string) (*RawMap, error) {
	return newMap(ask(
		func() { abiObjectMap(o.handle, textAt(name), uint32(len(name)), ret) }, takeHandle))
}

func newMap(handle int32, err error) (*RawMap, error) {
	if err != nil {
		return nil, err
	}
	return &RawMap{handle: handle}, nil
}

// Close closes the handle.
func (m *RawMap) Close() { abiMapDrop(m.handle) }

// MapInfo describes a map.
type MapInfo struct {
	Name string
	// Type is the number of `enum bpf_map_type`, TypeName its name as libbpf prints it.
	Type     uint32
	TypeName string
	KeySize  uint32
	// ValueSize is that of one value, UserValueSize that of the values of all CPUs.
	ValueSize, UserValueSize uint32
	MaxEntries               uint32
	Flags                    uint32
	KeyType, ValueType       TypeID
	Extra                    uint64
	// PinName is the name it is shared under, if IsPinned.
	PinName  string
	IsPinned bool
	// Frozen ones cannot be changed from user space any more.
	Frozen bool
	// ID is the kernel's; 0 before load.
	ID uint32
}

const mapInfoBytes = 80

func mapInfo(i item) MapInfo {
	info := MapInfo{
		Name: i.text(0), Type: i.u32(8), TypeName: i.text(12), KeySize: i.u32(20),
		ValueSize: i.u32(24), UserValueSize: i.u32(28), MaxEntries: i.u32(32), Flags: i.u32(36),
		KeyType: TypeID(i.u32(40)), ValueType: TypeID(i.u32(44)), Extra: i.u64(48),
		IsPinned: i.flag(56), Frozen: i.flag(68), ID: i.u32(72),
	}
	if info.IsPinned {
		info.PinName = i.text(60)
	}
	return info
}

// sizeOfEntry is how much a key with its value has.
func (m *RawMap) sizeOfEntry() int {
	if m.entryBytes == 0 {
		info := m.Info()
		size := int(info.KeySize) + int(info.UserValueSize)
		if info.ID == 0 {
			// It may change before load.
			return size
		}
		m.entryBytes = max(size, 1)
	}
	return m.entryBytes
}

// Info describes the map.
func (m *RawMap) Info() MapInfo {
	return get(func() { abiMapInfo(m.handle, ret) }, func() MapInfo { return mapInfo(item{ret}) })
}

// SetMaxEntries sets the number of entries; before load, as are the following.
func (m *RawMap) SetMaxEntries(entries uint32) error {
	return call(func() { abiMapSetMaxEntries(m.handle, entries, ret) })
}

// SetValueSize sets the size of a value, for arrays whose last member is flexible.
func (m *RawMap) SetValueSize(bytes uint32) error {
	return call(func() { abiMapSetValueSize(m.handle, bytes, ret) })
}

// SetMapType sets the type as a number of `enum bpf_map_type`.
func (m *RawMap) SetMapType(mapType uint32) error {
	return call(func() { abiMapSetMapType(m.handle, mapType, ret) })
}

// SetAutocreate says whether Load creates the map at all.
func (m *RawMap) SetAutocreate(create bool) error {
	return call(func() { abiMapSetAutocreate(m.handle, flag(create), ret) })
}

// SetPinName shares the map under this name.
func (m *RawMap) SetPinName(name string) error {
	return call(func() { abiMapSetPinName(m.handle, textAt(name), uint32(len(name)), ret) })
}

// Lookup returns a copy of the value of a key; false: there is no such key.
func (m *RawMap) Lookup(key []byte) ([]byte, bool, error) { return m.LookupWith(key, Any) }

// LookupWith is Lookup with flags: Lock.
func (m *RawMap) LookupWith(key []byte, flags uint64) ([]byte, bool, error) {
	return found(askLarge(m.sizeOfEntry(), func() {
		abiMapLookup(m.handle, bytesAt(key), uint32(len(key)), flags, ret)
	}, takeSome))
}

// LookupAndDelete takes a value out; queues and stacks have empty keys.
func (m *RawMap) LookupAndDelete(key []byte) ([]byte, bool, error) {
	return found(askLarge(m.sizeOfEntry(), func() {
		abiMapLookupAndDelete(m.handle, bytesAt(key), uint32(len(key)), 0, ret)
	}, takeSome))
}

// NextKey returns the key after this one, or the first one after nil; false at the end.
func (m *RawMap) NextKey(key []byte) ([]byte, bool, error) {
	return found(ask(func() {
		abiMapNextKey(m.handle, flag(key != nil), bytesAt(key), uint32(len(key)), ret)
	}, takeSome))
}

// takeSome copies bytes that may be absent; then they are nil.
func takeSome() []byte {
	if u8(4) == 0 {
		return nil
	}
	return append([]byte{}, listAt(8).bytes()...)
}

func found(bytes []byte, err error) ([]byte, bool, error) { return bytes, bytes != nil, err }

// Update sets the value of a key.
func (m *RawMap) Update(key, value []byte, flags uint64) error {
	return call(func() {
		abiMapUpdate(m.handle, bytesAt(key), uint32(len(key)), bytesAt(value), uint32(len(value)),
			flags, ret)
	})
}

// Delete removes a key; whether it was there.
func (m *RawMap) Delete(key []byte) (bool, error) {
	return ask(func() { abiMapDelete(m.handle, bytesAt(key), uint32(len(key)), ret) },
		func() bool { return u8(4) != 0 })
}

// UpdateBatch sets entries that are laid end to end; how many were set.
func (m *RawMap) UpdateBatch(keys, values []byte, flags uint64) (int, error) {
	return ask(func() {
		abiMapUpdateBatch(m.handle, bytesAt(keys), uint32(len(keys)), bytesAt(values),
			uint32(len(values)), flags, ret)
	}, takeCount)
}

// DeleteBatch removes keys; how many were there.
func (m *RawMap) DeleteBatch(keys []byte) (int, error) {
	return ask(func() { abiMapDeleteBatch(m.handle, bytesAt(keys), uint32(len(keys)), ret) },
		takeCount)
}

func takeCount() int { return int(u32(4)) }

// LookupInner returns the map in a slot of a map of maps; nil: there is none.
func (m *RawMap) LookupInner(key []byte) (*RawMap, error) {
	return ask(func() { abiMapLookupInner(m.handle, bytesAt(key), uint32(len(key)), ret) },
		func() *RawMap {
			if u8(4) == 0 {
				return nil
			}
			return &RawMap{handle: int32(u32(8))}
		})
}

// UpdateInner puts a map into a slot of a map of maps.
func (m *RawMap) UpdateInner(key []byte, inner *RawMap, flags uint64) error {
	return call(func() {
		abiMapUpdateInner(m.handle, bytesAt(key), uint32(len(key)), inner.handle, flags, ret)
	})
}

// CreateInner makes a map in the shape that this map of maps declares for its slots.
func (m *RawMap) CreateInner() (*RawMap, error) {
	return newMap(ask(func() { abiMapCreateInner(m.handle, ret) }, takeHandle))
}

// ReadMemory copies from the memory of an array that is mapped, without a system call.
func (m *RawMap) ReadMemory(offset uint64, bytes int) ([]byte, error) {
	return ask(func() { abiMapReadMemory(m.handle, offset, uint32(bytes), ret) },
		func() []byte { return listAt(4).copied() })
}

// WriteMemory writes to the memory of such an array.
func (m *RawMap) WriteMemory(offset uint64, bytes []byte) error {
	return call(func() {
		abiMapWriteMemory(m.handle, offset, bytesAt(bytes), uint32(len(bytes)), ret)
	})
}

// Freeze forbids further changes from user space, for good.
func (m *RawMap) Freeze() error { return call(func() { abiMapFreeze(m.handle, ret) }) }

// Cursor is a walk over a map.
type Cursor struct {
	handle int32
	arena  *arena
}

// spareArena is that of the last cursor that was closed.
var spareArena *arena

// Iterate walks over all entries.
func (m *RawMap) Iterate() (*Cursor, error) {
	return m.cursor(ask(func() { abiMapIterate(m.handle, ret) }, takeHandle))
}

// Drain is like Iterate, and what is returned is also removed.
func (m *RawMap) Drain() (*Cursor, error) {
	return m.cursor(ask(func() { abiMapDrain(m.handle, ret) }, takeHandle))
}

func (m *RawMap) cursor(handle int32, err error) (*Cursor, error) {
	if err != nil {
		return nil, err
	}
	cursor := &Cursor{handle, spareArena}
	spareArena = nil
	if cursor.arena == nil {
		cursor.arena = newArena(listBytesMax)
	}
	cursor.arena.reserve(m.sizeOfEntry())
	return cursor, nil
}

// Next returns further entries, borrowed until the next call: keys and values laid end to end, and
// how many they are; 0 at the end.
func (c *Cursor) Next(entriesMax int) (keys, values []byte, count int, err error) {
	calls.Lock()
	defer calls.Unlock()
	c.arena.begin()
	abiCursorNext(c.handle, uint32(entriesMax), ret)
	c.arena.end()
	if err := outcome(4); err != nil {
		return nil, nil, 0, err
	}
	return listAt(8).bytes(), listAt(16).bytes(), int(u32(4)), nil
}

// Close ends the walk. What it returned is not to be used any more.
func (c *Cursor) Close() {
	abiCursorDrop(c.handle)
	spareArena = c.arena
}
