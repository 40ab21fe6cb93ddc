// Works with maps of every kind.
package main

import (
	"bytes"
	"fmt"
	"slices"

	"eunomia.dev/bpf"
	_ "eunomia.dev/bpf/command"
	. "eunomia.dev/tests"
)

func main() {
	object := Get(bpf.Open(ObjectName))
	large := Get(bpf.OpenMap(object, MapLarge)).Raw()
	fmt.Println("declared entries:", large.Info().MaxEntries)
	// Room for a batch of the most bytes that one call takes.
	Must(large.SetMaxEntries(300_000))
	Must(object.Load())
	hash(object)
	array(object)
	keyless(object)
	routes(object)
	locked(object)
	entries(object)
	frozen(object)
}

func (p Pair) String() string {
	return fmt.Sprintf("Pair { left: %d, right: %d }", p.Left, p.Right)
}

// some is what a look-up found, which must not fail.
func some[V any](value V, isThere bool, err error) string {
	Must(err)
	return Some(value, isThere)
}

func hash(object *bpf.Object) {
	m := Get(bpf.OpenMap(object, MapSmall))
	info := m.Raw().Info()
	fmt.Println("hash:", info.Name, info.TypeName, info.KeySize, info.ValueSize)
	fmt.Println("entries", info.MaxEntries, "id", info.ID != 0)
	pair := func(left, right uint32) Pair { return Pair{Left: left, Right: right} }
	fmt.Println("missing:", some(m.Lookup(1)))
	Must(m.Update(1, pair(10, 11), bpf.NoExist))
	fmt.Println("found:", some(m.Lookup(1)))
	fmt.Println("there:", Code(m.Update(1, pair(0, 0), bpf.NoExist)))
	fmt.Println("not there:", Code(m.Update(2, pair(0, 0), bpf.Exist)))
	Must(m.Update(1, pair(20, 21), bpf.Exist))
	fmt.Println("changed:", some(m.Lookup(1)))
	for key := range uint32(3) {
		Must(m.Update(key+2, pair(key+2, key+2), bpf.Any))
	}
	fmt.Println("full:", Code(m.Update(5, pair(5, 5), bpf.Any)))
	fmt.Println("full, but there:", Code(m.Update(4, pair(4, 5), bpf.Any)))
	fmt.Println("delete:", Get(m.Delete(2)), Get(m.Delete(2)))
	fmt.Println("take:", some(m.LookupAndDelete(3)), some(m.LookupAndDelete(3)))

	var keys [][]byte
	key, isThere, err := m.Raw().NextKey(nil)
	for ; isThere; key, isThere, err = m.Raw().NextKey(key) {
		keys = append(keys, key)
	}
	Must(err)
	slices.SortFunc(keys, bytes.Compare)
	shown := make([]string, len(keys))
	for i, key := range keys {
		shown[i] = List(key)
	}
	fmt.Println("keys:", List(shown))
	_, isThere, err = m.Raw().NextKey([]byte{9, 9, 9, 9})
	Must(err)
	fmt.Println("from a key that is gone:", isThere)
}

func array(object *bpf.Object) {
	m := Get(bpf.OpenMap(object, MapArray))
	Must(m.Update(3, 33, bpf.Any))
	var all []string
	Must(m.Each(func(key, value uint32) bool {
		all = append(all, fmt.Sprintf("(%d, %d)", key, value))
		return true
	}))
	fmt.Println("array:", List(all))
	fmt.Println("behind the end:", some(m.Lookup(4)))
	fmt.Println("update behind the end:", Code(m.Update(4, 0, bpf.Any)))
	fmt.Println("new:", Code(m.Update(3, 0, bpf.NoExist)))
	_, err := m.Delete(3)
	fmt.Println("delete:", Code(err))
	_, err = m.Drain()
	fmt.Println("drain:", Code(err))
	fmt.Println("last key:", some(m.Raw().NextKey([]byte{3, 0, 0, 0})))
}

func keyless(object *bpf.Object) {
	queue, stack := Get(bpf.OpenMap(object, MapQueue)), Get(bpf.OpenMap(object, MapStack))
	fmt.Println("queue: empty", some(queue.Peek()), some(queue.Pop()))
	for value := range uint32(3) {
		Must(queue.Push(value + 1))
		Must(stack.Push(value + 1))
	}
	fmt.Println("full:", Code(queue.Push(4)), Code(stack.Push(4)))
	fmt.Println("first in:", some(queue.Peek()), some(queue.Pop()))
	fmt.Println("last in:", some(stack.Peek()), some(stack.Pop()))
	for _, m := range []struct {
		name string
		*bpf.Map[struct{}, uint32]
	}{{"queue", queue}, {"stack", stack}} {
		var rest []uint32
		Must(m.DrainEach(func(_ struct{}, value uint32) bool {
			rest = append(rest, value)
			return true
		}))
		fmt.Printf("drained %s: %s\n", m.name, List(rest))
	}
	_, err := queue.All()
	fmt.Println("walk over a queue:", Code(err))

	bloom := Get(bpf.OpenMap(object, MapBloom))
	Must(bloom.Push(7))
	fmt.Println("bloom:", Get(bloom.MayContain(7)))
	_, _, err = bloom.Pop()
	fmt.Println("pop:", Code(err))
}

func (p Prefix) String() string {
	return fmt.Sprintf("Prefix { bits: %d, address: %s }", p.Bits, List(p.Address[:]))
}

func routes(object *bpf.Object) {
	m := Get(bpf.OpenMap(object, MapRoutes))
	prefix := func(bits uint32, address [4]uint8) Prefix {
		return Prefix{Bits: bits, Address: address}
	}
	Must(m.Update(prefix(8, [4]uint8{10}), 8, bpf.Any))
	Must(m.Update(prefix(16, [4]uint8{10, 1}), 16, bpf.Any))
	for _, address := range [][4]uint8{{10, 1, 2, 3}, {10, 2, 2, 3}, {11, 0, 0, 0}} {
		fmt.Printf("route of %s: %s\n", List(address[:]), some(m.Lookup(prefix(32, address))))
	}
	long := prefix(33, [4]uint8{})
	fmt.Println("too many bits:", some(m.Lookup(long)))
	fmt.Println("set too many bits:", Code(m.Update(long, 0, bpf.Any)))
	type route struct {
		prefix Prefix
		value  uint32
	}
	var found []route
	Must(m.Each(func(key Prefix, value uint32) bool {
		found = append(found, route{key, value})
		return true
	}))
	slices.SortFunc(found, func(a, b route) int { return int(a.prefix.Bits) - int(b.prefix.Bits) })
	shown := make([]string, len(found))
	for i, route := range found {
		shown[i] = fmt.Sprintf("(%v, %d)", route.prefix, route.value)
	}
	fmt.Println("routes:", List(shown))
	_, err := m.Drain()
	fmt.Println("drain:", Code(err))
	fmt.Println("delete:", Get(m.Delete(prefix(8, [4]uint8{10}))))
	fmt.Println("no route:", some(m.Lookup(prefix(32, [4]uint8{10, 2, 2, 3}))))
}

func locked(object *bpf.Object) {
	m := Get(bpf.OpenMap(object, MapLocked))
	Must(m.Update(1, Guarded{Count: 5}, bpf.Lock|bpf.NoExist))
	value, isThere, err := m.LookupWith(1, bpf.Lock)
	Must(err)
	fmt.Println("locked:", Some(value.Count, isThere))
	_, _, err = Get(bpf.OpenMap(object, MapSmall)).LookupWith(1, bpf.Lock)
	fmt.Println("no lock:", Code(err))
}

// callBytesMax is the bytes of keys or values that one call takes.
const callBytesMax = 1 << 20

// entries works with many entries at once.
func entries(object *bpf.Object) {
	m := Get(bpf.OpenMap(object, MapLarge))
	const count = callBytesMax / 8
	keys, values := make([]uint32, count), make([]uint64, count)
	for i := range count {
		keys[i], values[i] = uint32(i), uint64(i)
	}
	fmt.Println("most values in a batch:", Get(m.UpdateBatch(keys, values, bpf.Any)))
	_, err := m.UpdateBatch(make([]uint32, count+1), make([]uint64, count+1), bpf.Any)
	fmt.Println("one more:", Code(err))
	fmt.Println("an empty batch:", Get(m.UpdateBatch(nil, nil, bpf.Any)))
	fmt.Println("set where they are:", Get(m.UpdateBatch(keys[:2], values[:2], bpf.NoExist)))

	cursor := Get(m.Raw().Iterate())
	var limits [3]int
	for i, entriesMax := range []int{1, 10, 0} {
		_, _, limits[i], err = cursor.Next(entriesMax)
		Must(err)
	}
	cursor.Close()
	// Up to 10: the kernel returns whole buckets of the hash table.
	few := limits[1] >= 1 && limits[1] <= 10
	fmt.Printf("a step of 1: %d, of 10: %t, of all: %t\n", limits[0], few, limits[2] > 10)
	fmt.Println("within 1 MiB:", limits[2]*12 <= callBytesMax)

	walked, steps := 0, 0
	cursor = Get(m.Raw().Iterate())
	for {
		_, _, count, err := cursor.Next(0)
		Must(err)
		if count == 0 {
			break
		}
		walked += count
		steps++
	}
	cursor.Close()
	sum := uint64(0)
	Must(m.Each(func(_ uint32, value uint64) bool {
		sum += value
		return true
	}))
	fmt.Printf("walked over %d, sum %d, several steps: %t\n", walked, sum, steps > 1)
	deleted(m, keys)
}

func deleted(m *bpf.Map[uint32, uint64], keys []uint32) {
	odd := slices.DeleteFunc(slices.Clone(keys), func(key uint32) bool { return key%2 == 0 })
	fmt.Println("deleted", Get(m.DeleteBatch(odd)))
	fmt.Println("deleted again", Get(m.DeleteBatch(odd[:1000])))
	fmt.Println("deleted where they are", Get(m.DeleteBatch(keys[:10])))
	none := bytes.Repeat([]byte{0xff}, callBytesMax)
	fmt.Println("keys of 1 MiB:", Get(m.Raw().DeleteBatch(none)))
	drained := Get(m.Drain())
	first := ^uint32(0)
	for key := range drained {
		first = min(first, key)
	}
	fmt.Printf("drained %d, first Some((%d, %d))\n", len(drained), first, drained[first])
	fmt.Println("nothing left:", len(Get(m.All())))
}

// frozen comes last: it cannot be undone.
func frozen(object *bpf.Object) {
	m := Get(bpf.OpenMap(object, MapArray))
	Must(m.Raw().Freeze())
	fmt.Println("frozen:", m.Raw().Info().Frozen, Code(m.Update(1, 1, bpf.Any)))
	fmt.Println("still read:", some(m.Lookup(3)))
	fmt.Println("again:", Code(m.Raw().Freeze()))
}
