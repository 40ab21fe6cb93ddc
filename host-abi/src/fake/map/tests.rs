//! Maps through the kernel's trait, and from the program's side.

use crate::ErrorKind;
use crate::fake::map::shape::{F_INNER_MAP, F_MMAPABLE, F_RDONLY, F_WRONLY};
use crate::fake::testing::{errno, kind, load_map, map_info};
use crate::fake::{DeclaredMap, FakeKernel, Operation};
use crate::kernel::{Cursor, Entries, Map, MapInfo, map_type};

const KEY_A: &[u8] = &[1, 0, 0, 0];
const KEY_B: &[u8] = &[2, 0, 0, 0];

fn hash() -> MapInfo {
    map_info("m", map_type::HASH, (4, 2, 2))
}

fn walk(map: &dyn Map, drain: bool, entries_max: u32) -> crate::Result<Vec<Entries>> {
    let mut cursor = Cursor {
        drain,
        ..Cursor::default()
    };
    let mut steps = Vec::new();
    loop {
        let mut entries = Entries::default();
        if map.next_entries(&mut cursor, &mut entries, entries_max)? == 0 {
            return Ok(steps);
        }
        steps.push(entries);
    }
}

#[test]
fn a_hash_map_keeps_what_it_is_given() {
    let (_kernel, map) = load_map(hash());
    map.update(KEY_A, b"ab", 0).unwrap();
    assert_eq!(map.lookup(KEY_A, 0).unwrap(), Some(b"ab".to_vec()));
    assert_eq!(map.lookup(KEY_B, 0).unwrap(), None);
    assert_eq!(errno(map.update(KEY_A, b"cd", 1)), 17);
    assert_eq!(errno(map.update(KEY_B, b"cd", 2)), 2);
    assert_eq!(
        map.lookup_and_delete(KEY_A, 0).unwrap(),
        Some(b"ab".to_vec())
    );
    assert!(!map.delete(KEY_A).unwrap());
}

#[test]
fn keys_and_values_of_another_length_are_refused() {
    let (_kernel, map) = load_map(hash());
    for key in [&[][..], &[0; 3], &[0; 5]] {
        assert_eq!(kind(map.lookup(key, 0)), ErrorKind::InvalidArgument);
        assert_eq!(kind(map.update(key, b"ab", 0)), ErrorKind::InvalidArgument);
        assert_eq!(kind(map.delete(key)), ErrorKind::InvalidArgument);
        assert_eq!(kind(map.next_key(Some(key))), ErrorKind::InvalidArgument);
        let taken = map.lookup_and_delete(key, 0);
        assert_eq!(kind(taken), ErrorKind::InvalidArgument);
    }
    for value in [&b""[..], b"a", b"abc"] {
        assert_eq!(
            kind(map.update(KEY_A, value, 0)),
            ErrorKind::InvalidArgument
        );
    }
}

#[test]
fn unknown_flags_are_refused() {
    let (_kernel, map) = load_map(hash());
    for flags in [3, 8, 1 << 40] {
        assert_eq!(errno(map.update(KEY_A, b"ab", flags)), 22);
        assert_eq!(errno(map.update_batch(KEY_A, b"ab", flags)), 22);
    }
    assert_eq!(errno(map.lookup(KEY_A, 1)), 22);
}

#[test]
fn the_lock_flag_wants_values_with_a_lock() {
    let (_kernel, map) = load_map(hash());
    assert_eq!(errno(map.update(KEY_A, b"ab", 4)), 22);
    let (_kernel, map) = load_map(DeclaredMap::from(hash()).with_lock());
    map.update(KEY_A, b"ab", 4).unwrap();
    assert!(map.lookup(KEY_A, 4).unwrap().is_some());
}

#[test]
fn errors_name_the_map_and_what_was_done() {
    let (_kernel, map) = load_map(hash());
    map.update_batch(&[0; 8], b"abcd", 0).unwrap();
    map.update(KEY_A, b"ab", 0).unwrap();
    let error = map.update(KEY_B, b"ab", 0).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LimitExceeded);
    assert!(
        error
            .text()
            .starts_with("update map \"m\": it is full with 2")
    );
}

#[test]
fn the_next_key_of_one_that_is_gone_is_the_first() {
    let (_kernel, map) = load_map(hash());
    map.update_batch(&[KEY_A, KEY_B].concat(), b"abcd", 0)
        .unwrap();
    assert_eq!(map.next_key(None).unwrap().as_deref(), Some(KEY_A));
    assert_eq!(map.next_key(Some(KEY_A)).unwrap().as_deref(), Some(KEY_B));
    assert_eq!(map.next_key(Some(KEY_B)).unwrap(), None);
    assert_eq!(map.next_key(Some(&[9; 4])).unwrap().as_deref(), Some(KEY_A));
}

#[test]
fn a_walk_meets_every_entry_once_in_steps_of_the_size_asked_for() {
    let (_kernel, map) = load_map(map_info("m", map_type::HASH, (1, 1, 5)));
    map.update_batch(b"cabed", b"31254", 0).unwrap();
    let steps = walk(&*map, false, 2).unwrap();
    let keys: Vec<&[u8]> = steps.iter().map(|step| &*step.keys).collect();
    assert_eq!(keys, [&b"ab"[..], b"cd", b"e"]);
    assert_eq!(steps[0].values, b"12");
    assert_eq!(walk(&*map, false, 100).unwrap().len(), 1);
}

#[test]
fn draining_a_hash_map_empties_it() {
    let (kernel, map) = load_map(map_info("m", map_type::PERCPU_HASH, (1, 8, 3)));
    kernel.map("m").unwrap().add(b"a", 1, 7).unwrap();
    let steps = walk(&*map, true, 10).unwrap();
    assert_eq!(steps[0].keys, b"a");
    assert_eq!(steps[0].values.len(), 16);
    assert!(kernel.map("m").unwrap().is_empty().unwrap());
    assert!(walk(&*map, true, 10).unwrap().is_empty());
}

#[test]
fn draining_a_queue_or_stack_gives_values_in_its_order_and_no_keys() {
    for (number, expected) in [(map_type::QUEUE, b"123"), (map_type::STACK, b"321")] {
        let (_kernel, map) = load_map(map_info("m", number, (0, 1, 3)));
        for value in [b"1", b"2", b"3"] {
            map.update(b"", value, 0).unwrap();
        }
        let steps = walk(&*map, true, 10).unwrap();
        assert_eq!(
            (&*steps[0].keys, &*steps[0].values),
            (&b""[..], &expected[..])
        );
        assert_eq!(map.lookup_and_delete(b"", 0).unwrap(), None);
        assert_eq!(kind(walk(&*map, false, 1)), ErrorKind::NotSupported);
    }
}

#[test]
fn arrays_are_walked_but_not_drained() {
    let (_kernel, map) = load_map(map_info("m", map_type::ARRAY, (4, 1, 3)));
    let steps = walk(&*map, false, 2).unwrap();
    assert_eq!(steps.len(), 2);
    assert_eq!(steps[1].keys, [2, 0, 0, 0]);
    assert_eq!(kind(walk(&*map, true, 1)), ErrorKind::NotSupported);
    assert_eq!(kind(map.delete(KEY_A)), ErrorKind::InvalidArgument);
}

#[test]
fn batches_count_what_was_done_and_stop_at_the_first_failure() {
    let (_kernel, map) = load_map(map_info("m", map_type::HASH, (1, 1, 2)));
    assert_eq!(map.update_batch(b"abc", b"123", 0).unwrap(), 2);
    assert_eq!(map.delete_batch(b"xby").unwrap(), 1);
    assert_eq!(map.update_batch(b"", b"", 0).unwrap(), 0);
    let uneven = map.update_batch(b"ab", b"1", 0);
    assert_eq!(kind(uneven), ErrorKind::InvalidArgument);
    let (_kernel, map) = load_map(hash());
    assert_eq!(kind(map.delete_batch(&[0; 6])), ErrorKind::InvalidArgument);
}

#[test]
fn a_per_cpu_value_has_one_for_each_cpu() {
    let (kernel, map) = load_map(map_info("m", map_type::PERCPU_ARRAY, (4, 4, 2)));
    assert_eq!(map.info().user_value_size, 16);
    let counts = kernel.map("m").unwrap();
    counts.set_on_cpu(KEY_A, 1, &[7, 0, 0, 0]).unwrap();
    let value = map.lookup(KEY_A, 0).unwrap().unwrap();
    assert_eq!(value, [0, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0]);
    map.update(KEY_A, &[9; 16], 0).unwrap();
    assert_eq!(
        kind(map.update(KEY_A, &[9; 4], 0)),
        ErrorKind::InvalidArgument
    );
    assert_eq!(counts.get(KEY_A).unwrap(), Some(vec![9; 16]));
    for (cpu, bytes) in [(2, 4), (u32::MAX, 4), (0, 5)] {
        let set = counts.set_on_cpu(KEY_A, cpu, &vec![0; bytes]);
        assert_eq!(kind(set), ErrorKind::InvalidArgument);
    }
}

#[test]
fn a_program_that_counts_starts_at_zero() {
    let (kernel, map) = load_map(map_info("m", map_type::LRU_PERCPU_HASH, (4, 8, 2)));
    let counts = kernel.map("m").unwrap();
    counts.add(KEY_A, 0, 2).unwrap();
    counts.add(KEY_A, 1, 3).unwrap();
    counts.add(KEY_A, 1, 3).unwrap();
    let expected = [2_u64.to_le_bytes(), 6_u64.to_le_bytes()].concat();
    assert_eq!(map.lookup(KEY_A, 0).unwrap(), Some(expected));
    assert_eq!(counts.len().unwrap(), 1);
    assert!(counts.remove(KEY_A).unwrap());
    let (kernel, _map) = load_map(map_info("m", map_type::HASH, (4, 4, 2)));
    let narrow = kernel.map("m").unwrap().add(KEY_A, 0, 1);
    assert_eq!(kind(narrow), ErrorKind::InvalidArgument);
    assert!(kernel.map("m").unwrap().is_empty().unwrap());
}

#[test]
fn a_bloom_filter_is_asked_with_the_value_as_key() {
    let (_kernel, map) = load_map(map_info("m", map_type::BLOOM_FILTER, (0, 4, 8)));
    map.update(b"", b"abcd", 0).unwrap();
    assert_eq!(map.lookup(b"abcd", 0).unwrap(), Some(Vec::new()));
    assert_eq!(map.lookup(b"abce", 0).unwrap(), None);
    assert_eq!(kind(map.lookup(b"", 0)), ErrorKind::InvalidArgument);
}

#[test]
fn only_programs_write_stack_traces() {
    let (kernel, map) = load_map(map_info("m", map_type::STACK_TRACE, (4, 16, 2)));
    assert_eq!(errno(map.update(KEY_A, &[0; 16], 0)), 22);
    kernel.map("m").unwrap().set(KEY_A, &[7; 16]).unwrap();
    assert_eq!(map.lookup(KEY_A, 0).unwrap(), Some(vec![7; 16]));
    assert_eq!(walk(&*map, false, 10).unwrap().len(), 1);
    assert!(map.delete(KEY_A).unwrap());
}

#[test]
fn memory_is_that_of_mappable_arrays_only() {
    let mut info = map_info("m", map_type::ARRAY, (4, 3, 2));
    info.map_flags = F_MMAPABLE;
    let (_kernel, map) = load_map(info);
    map.write_memory(8, b"abc").unwrap();
    assert_eq!(map.lookup(KEY_A, 0).unwrap(), Some(b"abc".to_vec()));
    assert_eq!(map.read_memory(7, 4).unwrap(), b"\0abc");
    assert_eq!(map.read_memory(16, 0).unwrap(), b"");
    for (offset, length) in [(16, 1), (17, 0), (u64::MAX, 1), (1, usize::MAX)] {
        let read = map.read_memory(offset, length);
        assert_eq!(kind(read), ErrorKind::InvalidArgument);
    }
    assert_eq!(
        kind(map.write_memory(14, b"abc")),
        ErrorKind::InvalidArgument
    );
    let (_kernel, map) = load_map(map_info("m", map_type::ARRAY, (4, 3, 2)));
    assert_eq!(kind(map.read_memory(0, 1)), ErrorKind::NotSupported);
}

#[test]
fn a_frozen_map_is_read_only_for_the_guest_but_not_for_programs() {
    let (kernel, map) = load_map(hash());
    assert!(!map.info().frozen);
    map.freeze().unwrap();
    assert!(map.info().frozen);
    for error in [
        errno(map.update(KEY_A, b"ab", 0)),
        errno(map.delete(KEY_A)),
        errno(map.lookup_and_delete(KEY_A, 0)),
        errno(map.update_batch(KEY_A, b"ab", 0)),
        errno(map.delete_batch(KEY_A)),
        errno(walk(&*map, true, 1)),
    ] {
        assert_eq!(error, 1);
    }
    assert_eq!(errno(map.freeze()), 1);
    kernel.map("m").unwrap().set(KEY_A, b"ab").unwrap();
    assert_eq!(map.lookup(KEY_A, 0).unwrap(), Some(b"ab".to_vec()));
}

#[test]
fn access_flags_of_the_declaration_hold() {
    let with = |flag| {
        let mut info = hash();
        info.map_flags = flag;
        load_map(info).1
    };
    assert_eq!(errno(with(F_RDONLY).update(KEY_A, b"ab", 0)), 1);
    assert_eq!(with(F_RDONLY).lookup(KEY_A, 0).unwrap(), None);
    assert_eq!(errno(with(F_WRONLY).lookup(KEY_A, 0)), 1);
    assert_eq!(errno(with(F_WRONLY).next_key(None)), 1);
    with(F_WRONLY).update(KEY_A, b"ab", 0).unwrap();
}

fn map_of_maps(map_type: u32, key_size: u32) -> DeclaredMap {
    let inner = map_info("inner", map_type::ARRAY, (4, 8, 4));
    DeclaredMap::from(map_info("m", map_type, (key_size, 4, 2))).with_inner(inner)
}

#[test]
fn slots_of_a_map_of_maps_hold_maps() {
    for (number, other_key) in [
        (map_type::ARRAY_OF_MAPS, 0_u32),
        (map_type::HASH_OF_MAPS, 9),
    ] {
        let (kernel, map) = load_map(map_of_maps(number, 4));
        let inner = map.create_inner().unwrap();
        assert_eq!(inner.info().user_value_size, 8);
        assert!(map.lookup_inner(KEY_A).unwrap().is_none());
        map.update_inner(KEY_A, &*inner, 0).unwrap();
        inner.update(KEY_B, &[5; 8], 0).unwrap();
        let found = map.lookup_inner(KEY_A).unwrap().unwrap();
        assert_eq!(found.info().id, inner.info().id);
        assert_eq!(found.lookup(KEY_B, 0).unwrap(), Some(vec![5; 8]));
        let program_side = kernel.map("m").unwrap().inner(KEY_A).unwrap().unwrap();
        assert_eq!(program_side.get(KEY_B).unwrap(), Some(vec![5; 8]));
        assert!(map.delete(KEY_A).unwrap());
        assert!(
            map.lookup_inner(&other_key.to_le_bytes())
                .unwrap()
                .is_none()
        );
    }
}

#[test]
fn slots_are_bounded_and_their_flags_hold() {
    let (_kernel, array) = load_map(map_of_maps(map_type::ARRAY_OF_MAPS, 4));
    let inner = array.create_inner().unwrap();
    assert_eq!(errno(array.update_inner(KEY_B, &*inner, 0)), 7);
    assert_eq!(errno(array.update_inner(KEY_A, &*inner, 1)), 17);
    assert_eq!(
        array.next_key(Some(&[0; 4])).unwrap().as_deref(),
        Some(KEY_A)
    );
    assert_eq!(array.next_key(Some(KEY_A)).unwrap(), None);
    let (_kernel, hash) = load_map(map_of_maps(map_type::HASH_OF_MAPS, 4));
    let inner = hash.create_inner().unwrap();
    assert_eq!(errno(hash.update_inner(KEY_A, &*inner, 2)), 2);
    for key in [0_u32, 1] {
        hash.update_inner(&key.to_le_bytes(), &*inner, 1).unwrap();
    }
    assert_eq!(errno(hash.update_inner(&[9; 4], &*inner, 0)), 7);
    assert_eq!(
        hash.next_key(Some(&[0; 4])).unwrap().as_deref(),
        Some(KEY_A)
    );
    assert_eq!(
        kind(hash.update_inner(b"x", &*inner, 0)),
        ErrorKind::InvalidArgument
    );
}

#[test]
fn a_slot_takes_only_maps_of_its_shape() {
    let (_kernel, outer) = load_map(map_of_maps(map_type::HASH_OF_MAPS, 4));
    let (_kernel, longer) = load_map(map_info("m", map_type::ARRAY, (4, 8, 5)));
    let (_kernel, wider) = load_map(map_info("m", map_type::ARRAY, (4, 16, 4)));
    assert_eq!(errno(outer.update_inner(KEY_A, &*longer, 0)), 22);
    assert_eq!(errno(outer.update_inner(KEY_A, &*wider, 0)), 22);
    let mut inner = map_info("inner", map_type::ARRAY, (4, 8, 4));
    inner.map_flags = F_INNER_MAP;
    let outer = DeclaredMap::from(map_info("m", map_type::HASH_OF_MAPS, (4, 4, 2)));
    let (_kernel, outer) = load_map(outer.with_inner(inner.clone()));
    inner.name = "m".into();
    inner.max_entries = 100;
    let (_kernel, longer) = load_map(inner);
    outer.update_inner(KEY_A, &*longer, 0).unwrap();
}

#[test]
fn bytes_never_reach_slots_and_rings() {
    for declared in [
        map_of_maps(map_type::ARRAY_OF_MAPS, 4),
        map_info("m", map_type::PROG_ARRAY, (4, 4, 2)).into(),
        map_info("m", map_type::PERF_EVENT_ARRAY, (4, 4, 2)).into(),
        map_info("m", map_type::SOCKMAP, (4, 4, 2)).into(),
    ] {
        let (_kernel, map) = load_map(declared);
        let value = vec![0; map.info().user_value_size as usize];
        assert_eq!(kind(map.lookup(KEY_A, 0)), ErrorKind::NotSupported);
        assert_eq!(kind(map.update(KEY_A, &value, 0)), ErrorKind::NotSupported);
        assert_eq!(
            kind(map.update_batch(KEY_A, &value, 0)),
            ErrorKind::NotSupported
        );
        assert_eq!(kind(walk(&*map, false, 1)), ErrorKind::NotSupported);
    }
    let (_kernel, plain) = load_map(hash());
    assert_eq!(kind(plain.lookup_inner(KEY_A)), ErrorKind::NotSupported);
    assert_eq!(kind(plain.create_inner()), ErrorKind::NotSupported);
    assert_eq!(
        kind(plain.update_inner(KEY_A, &*plain, 0)),
        ErrorKind::NotSupported
    );
}

#[test]
fn buffers_are_opened_on_maps_of_their_type_only() {
    let (_kernel, plain) = load_map(hash());
    assert_eq!(kind(plain.open_ring_buffer()), ErrorKind::NotSupported);
    assert_eq!(kind(plain.open_perf_buffer(1)), ErrorKind::NotSupported);
    assert_eq!(kind(plain.open_user_ring_buffer()), ErrorKind::NotSupported);
    let (_kernel, ring) = load_map(map_info("m", map_type::RINGBUF, (0, 0, 4096)));
    let reader = ring.open_ring_buffer().unwrap();
    assert_eq!(kind(ring.open_ring_buffer()), ErrorKind::Busy);
    drop(reader);
    ring.open_ring_buffer().unwrap();
    assert_eq!(kind(ring.open_perf_buffer(1)), ErrorKind::NotSupported);
    let mut info = map_info("m", map_type::RINGBUF, (0, 0, 4096));
    info.pin_name = Some("events".into());
    let (_kernel, shared) = load_map(info);
    assert_eq!(kind(shared.open_ring_buffer()), ErrorKind::NotSupported);
}

#[test]
fn the_programs_side_is_neither_counted_nor_made_to_fail() {
    let (kernel, map) = load_map(hash());
    let failure = || crate::Error::new(ErrorKind::Other, "ordered");
    kernel.fail_next(Operation::Update, failure());
    kernel.map("m").unwrap().set(KEY_A, b"ab").unwrap();
    assert_eq!(kernel.count(Operation::Update), 0);
    assert_eq!(kind(map.update(KEY_A, b"ab", 0)), ErrorKind::Other);
    map.update(KEY_A, b"ab", 0).unwrap();
    assert_eq!(kernel.count(Operation::Update), 2);
}

#[test]
fn maps_that_are_not_loaded_are_not_found() {
    let kernel = FakeKernel::new();
    assert_eq!(kind(kernel.map("m")), ErrorKind::NotFound);
    assert_eq!(kind(kernel.ring("m")), ErrorKind::NotFound);
    let (kernel, map) = load_map(hash());
    assert!(kernel.map("object/m").is_ok());
    assert_eq!(kind(kernel.map("other/m")), ErrorKind::NotFound);
    assert_eq!(kind(kernel.ring("m")), ErrorKind::NotSupported);
    assert_eq!(kind(kernel.perf("m")), ErrorKind::NotSupported);
    assert_eq!(kind(kernel.user_ring("m")), ErrorKind::NotSupported);
    drop(map);
    assert_eq!(kind(kernel.map("m")), ErrorKind::NotFound);
}
