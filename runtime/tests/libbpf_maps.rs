//! Maps of the real kernel: one of every kind, batches and walks.
#![allow(clippy::unwrap_used, reason = "a test that fails here says where")]

mod real_kernel;

use std::collections::BTreeMap;

use eunomia_host_abi::ErrorKind;
use eunomia_host_abi::kernel::{Cursor, Entries, Map, MapSetting, Object, map_type};
use real_kernel::{call, kernel, load, load_only, load_opened, open, value_u64};

use eunomia_host_abi::kernel::Kernel as _;

fn maps() -> Box<dyn Object> {
    load_only("maps", &[])
}

fn key(number: u32) -> [u8; 4] {
    number.to_ne_bytes()
}

fn value(number: u64) -> [u8; 8] {
    number.to_ne_bytes()
}

/// All entries of a walk in steps of `entries_max`.
fn walk(map: &dyn Map, drain: bool, entries_max: u32) -> BTreeMap<u32, u64> {
    let mut cursor = Cursor {
        drain,
        ..Cursor::default()
    };
    let mut entries = Entries::default();
    loop {
        let before = entries.keys.len();
        let count = map
            .next_entries(&mut cursor, &mut entries, entries_max)
            .unwrap_or_else(|error| panic!("{}", error.text()));
        assert!(count <= entries_max);
        assert_eq!(entries.keys.len(), before + 4 * count as usize);
        if count == 0 {
            break;
        }
    }
    assert!(cursor.done);
    let values = entries.values.chunks(map.info().user_value_size as usize);
    entries
        .keys
        .chunks(4)
        .zip(values)
        .map(|(key, value)| {
            (
                u32::from_ne_bytes(key.try_into().unwrap()),
                u64::from_ne_bytes(value[..8].try_into().unwrap()),
            )
        })
        .collect()
}

#[test]
fn hash_maps_hold_what_was_put_in() {
    let object = maps();
    for name in ["hash", "lru_hash"] {
        let map = object.map(name).unwrap();
        assert_eq!(map.lookup(&key(1), 0).unwrap(), None);
        map.update(&key(1), &value(10), 1).unwrap();
        assert_eq!(
            map.update(&key(1), &value(11), 1).unwrap_err().kind(),
            ErrorKind::AlreadyExists
        );
        assert_eq!(
            map.update(&key(2), &value(11), 2).unwrap_err().kind(),
            ErrorKind::NotFound
        );
        assert_eq!(value_u64(&*map, 1), Some(10));
        assert_eq!(map.next_key(None).unwrap(), Some(key(1).to_vec()));
        assert_eq!(map.next_key(Some(&key(1))).unwrap(), None);
        assert_eq!(
            map.lookup_and_delete(&key(1), 0).unwrap(),
            Some(value(10).to_vec())
        );
        assert_eq!(map.lookup_and_delete(&key(1), 0).unwrap(), None);
        assert!(!map.delete(&key(1)).unwrap());
        map.update(&key(3), &value(3), 0).unwrap();
        assert!(map.delete(&key(3)).unwrap());
    }
}

#[test]
fn a_full_hash_map_is_a_limit() {
    let mut object = open("maps");
    object.set_map("hash", MapSetting::MaxEntries(2)).unwrap();
    load_opened(&mut *object);
    let map = object.map("hash").unwrap();
    assert_eq!(map.info().max_entries, 2);
    map.update(&key(1), &value(1), 0).unwrap();
    map.update(&key(2), &value(1), 0).unwrap();
    let error = map.update(&key(3), &value(1), 0).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LimitExceeded);
    assert_eq!(error.errno(), 7);
}

#[test]
fn keys_and_values_of_another_size_are_refused() {
    let object = maps();
    let map = object.map("hash").unwrap();
    for bytes in [0, 3, 5] {
        let wrong = vec![0; bytes];
        for error in [
            map.lookup(&wrong, 0).unwrap_err(),
            map.update(&wrong, &value(0), 0).unwrap_err(),
            map.update(&key(0), &wrong, 0).unwrap_err(),
            map.delete(&wrong).unwrap_err(),
            map.lookup_and_delete(&wrong, 0).unwrap_err(),
            map.next_key(Some(&wrong)).unwrap_err(),
            map.update_batch(&wrong, &value(0), 0).unwrap_err(),
            map.update_batch(&key(0), &vec![0; bytes + 8], 0)
                .err()
                .unwrap_or_else(|| map.lookup(&wrong, 0).unwrap_err()),
        ] {
            assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{}", error.text());
        }
    }
    let error = map.delete_batch(&[0; 7]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
}

#[test]
fn per_cpu_values_have_a_slot_for_each_cpu() {
    let object = maps();
    let cpus = kernel().possible_cpus() as usize;
    for name in ["percpu_hash", "lru_percpu_hash", "percpu_array"] {
        let map = object.map(name).unwrap();
        assert_eq!(map.info().user_value_size as usize, 8 * cpus, "{name}");
        let values: Vec<u8> = (0..cpus as u64).flat_map(|cpu| value(100 + cpu)).collect();
        map.update(&key(3), &values, 0).unwrap();
        assert_eq!(map.lookup(&key(3), 0).unwrap().unwrap(), values, "{name}");
    }
    let map = object.map("odd_sizes").unwrap();
    assert_eq!(map.info().value_size, 5);
    assert_eq!(map.info().user_value_size as usize, 8 * cpus);
    let values: Vec<u8> = (0..cpus).flat_map(|_| *b"abcde\0\0\0").collect();
    map.update(&[1; 16], &values, 0).unwrap();
    assert_eq!(map.lookup(&[1; 16], 0).unwrap().unwrap(), values);
}

#[test]
fn arrays_cannot_lose_elements() {
    let object = maps();
    let map = object.map("array").unwrap();
    assert_eq!(value_u64(&*map, 15), Some(0));
    assert_eq!(map.lookup(&key(16), 0).unwrap(), None);
    let error = map.delete(&key(1)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    let walked = walk(&*map, false, 3);
    assert_eq!(walked.len(), 16);
    let mut cursor = Cursor {
        drain: true,
        ..Cursor::default()
    };
    let error = map
        .next_entries(&mut cursor, &mut Entries::default(), 1)
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotSupported);
}

#[test]
fn prefixes_match_addresses() {
    let object = maps();
    let map = object.map("routes").unwrap();
    let prefix = |length: u32, address: [u8; 4]| [length.to_ne_bytes(), address].concat();
    map.update(&prefix(8, [10, 0, 0, 0]), &value(8), 0).unwrap();
    map.update(&prefix(16, [10, 1, 0, 0]), &value(16), 0)
        .unwrap();
    let found = |address| map.lookup(&prefix(32, address), 0).unwrap();
    assert_eq!(found([10, 1, 2, 3]), Some(value(16).to_vec()));
    assert_eq!(found([10, 2, 2, 3]), Some(value(8).to_vec()));
    assert_eq!(found([11, 2, 2, 3]), None);
    let mut entries = Entries::default();
    let count = map
        .next_entries(&mut Cursor::default(), &mut entries, 100)
        .unwrap();
    assert_eq!((count, entries.keys.len()), (2, 16));
}

#[test]
fn queues_and_stacks_have_empty_keys() {
    let object = maps();
    for (name, order) in [("queue", [1, 2, 3]), ("stack", [3, 2, 1])] {
        let map = object.map(name).unwrap();
        assert_eq!(map.info().key_size, 0);
        assert_eq!(map.lookup(&[], 0).unwrap(), None);
        for number in 1..=3 {
            map.update(&[], &value(number), 0).unwrap();
        }
        assert_eq!(map.lookup(&[], 0).unwrap(), Some(value(order[0]).to_vec()));
        assert_eq!(
            map.lookup_and_delete(&[], 0).unwrap(),
            Some(value(order[0]).to_vec())
        );
        let mut cursor = Cursor {
            drain: true,
            ..Cursor::default()
        };
        let mut entries = Entries::default();
        assert_eq!(map.next_entries(&mut cursor, &mut entries, 100).unwrap(), 2);
        assert!(entries.keys.is_empty());
        assert_eq!(entries.values, [value(order[1]), value(order[2])].concat());
        assert_eq!(map.next_entries(&mut cursor, &mut entries, 100).unwrap(), 0);
        assert_eq!(map.update_batch(&[], &[0; 24], 0).unwrap(), 3);
    }
}

#[test]
fn bloom_filters_answer_maybe_or_no() {
    let object = maps();
    let map = object.map("bloom").unwrap();
    assert_eq!(map.info().map_extra, 3);
    map.update(&[], &value(5), 0).unwrap();
    assert_eq!(map.lookup(&value(5), 0).unwrap(), Some(Vec::new()));
    assert_eq!(map.lookup(&value(6), 0).unwrap(), None);
    assert!(map.lookup(&[1], 0).is_err());
}

#[test]
fn stacks_of_calls_can_be_read_and_walked() {
    let object = load_only("maps", &["stack_of"]);
    let map = object.map("stacks").unwrap();
    let input = eunomia_host_abi::kernel::RunInput {
        context: vec![0; 16],
        ..Default::default()
    };
    let id = object.test_run("stack_of", &input).unwrap().return_value;
    let stack = map.lookup(&key(id), 0).unwrap().unwrap();
    assert_eq!(stack.len(), 127 * 8);
    let address = u64::from_ne_bytes(stack[..8].try_into().unwrap());
    let symbols = kernel().resolve_symbols(&[address, 1]).unwrap();
    assert!(symbols[0].is_some(), "{address:x}");
    assert_eq!(symbols[1], None);
    let mut entries = Entries::default();
    let count = map
        .next_entries(&mut Cursor::default(), &mut entries, 100)
        .unwrap();
    assert_eq!((count, entries.keys), (1, key(id).to_vec()));
}

#[test]
fn maps_of_file_descriptors_are_not_written_as_bytes() {
    let object = maps();
    for name in ["jumps", "outer_array", "outer_hash"] {
        let map = object.map(name).unwrap();
        for fd in 0..3u32 {
            let error = map.update(&key(0), &fd.to_ne_bytes(), 0).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::NotSupported, "{name}");
            let error = map.update_batch(&key(0), &fd.to_ne_bytes(), 0).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::NotSupported, "{name}");
        }
    }
    let sockets = object.map("sockets").unwrap();
    for error in [
        sockets.lookup(&key(0), 0).unwrap_err(),
        sockets.update(&key(0), &value(0), 0).unwrap_err(),
        sockets.delete(&key(0)).unwrap_err(),
        sockets.next_key(None).unwrap_err(),
        sockets.delete_batch(&key(0)).unwrap_err(),
        sockets
            .next_entries(&mut Cursor::default(), &mut Entries::default(), 1)
            .unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::NotSupported);
    }
}

fn run_on_packet(object: &dyn Object, program: &str) -> u32 {
    let input = eunomia_host_abi::kernel::RunInput {
        data: vec![0; 64],
        ..Default::default()
    };
    object.test_run(program, &input).unwrap().return_value
}

#[test]
fn programs_are_stored_for_tail_calls() {
    let object = load_only("maps", &["called", "jump"]);
    let jumps = object.map("jumps").unwrap();
    assert_eq!(run_on_packet(&*object, "jump"), 1);
    object.store_in("called", &*jumps, 2).unwrap();
    assert_eq!(run_on_packet(&*object, "jump"), 17);
    assert!(jumps.delete(&key(2)).unwrap());
    assert_eq!(run_on_packet(&*object, "jump"), 1);
    let hash = object.map("hash").unwrap();
    let error = object.store_in("called", &*hash, 2).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotSupported);
    let error = object.store_in("called", &*jumps, 400).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LimitExceeded);
}

#[test]
fn maps_of_maps_take_maps_of_their_shape() {
    let object = maps();
    for name in ["outer_array", "outer_hash"] {
        let outer = object.map(name).unwrap();
        assert!(outer.lookup_inner(&key(1)).unwrap().is_none());
        let inner = outer.create_inner().unwrap();
        assert_eq!(inner.info().map_type, map_type::HASH);
        assert_eq!(inner.info().max_entries, 32);
        inner.update(&key(5), &value(50), 0).unwrap();
        outer.update_inner(&key(1), &*inner, 0).unwrap();
        let id = inner.info().id;
        drop(inner);
        let found = outer.lookup_inner(&key(1)).unwrap().unwrap();
        assert_eq!(found.info().id, id);
        assert_eq!(value_u64(&*found, 5), Some(50));
        let wrong = object.map("array").unwrap();
        let error = outer.update_inner(&key(1), &*wrong, 0).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        assert!(outer.delete(&key(1)).unwrap());
    }
    let hash = object.map("hash").unwrap();
    for error in [
        hash.create_inner().unwrap_err(),
        hash.lookup_inner(&key(1)).unwrap_err(),
        hash.update_inner(&key(1), &*hash, 0).unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::NotSupported);
    }
}

#[test]
fn a_large_map_is_walked_and_drained_completely() {
    const COUNT: u32 = 100_000;
    let object = load_only("maps", &["fill"]);
    call(&*object, "fill", &[u64::from(COUNT)]);
    let map = object.map("large").unwrap();
    let expected: BTreeMap<_, _> = (0..COUNT).map(|i| (i, u64::from(i) * 3)).collect();
    assert_eq!(walk(&*map, false, 4096), expected);
    assert_eq!(walk(&*map, false, 1_000_000), expected);
    assert_eq!(walk(&*map, true, 4096), expected);
    assert_eq!(map.next_key(None).unwrap(), None);
}

#[test]
fn a_walk_in_small_steps_misses_nothing() {
    let object = load_only("maps", &["fill"]);
    call(&*object, "fill", &[700]);
    let map = object.map("large").unwrap();
    // Buckets of a hash map do not fit into steps of one.
    let hash = object.map("hash").unwrap();
    for number in 0..1000u32 {
        hash.update(&key(number), &value(number.into()), 0).unwrap();
    }
    for entries_max in [1, 2, 7] {
        assert_eq!(walk(&*map, false, entries_max).len(), 700);
        assert_eq!(walk(&*hash, false, entries_max).len(), 1000);
    }
    assert_eq!(walk(&*hash, true, 1).len(), 1000);
    assert_eq!(walk(&*hash, false, 1).len(), 0);
}

#[test]
fn per_cpu_maps_are_walked_and_drained() {
    let object = maps();
    let cpus = kernel().possible_cpus() as usize;
    for name in ["percpu_hash", "lru_percpu_hash"] {
        let map = object.map(name).unwrap();
        for number in 0..200u32 {
            map.update(&key(number), &value(number.into()).repeat(cpus), 0)
                .unwrap();
        }
        assert_eq!(walk(&*map, false, 50).len(), 200, "{name}");
        let drained = walk(&*map, true, 50);
        assert_eq!(drained.len(), 200, "{name}");
        assert_eq!(drained[&33], 33);
        assert_eq!(walk(&*map, false, 50).len(), 0);
    }
    assert_eq!(
        walk(&*object.map("percpu_array").unwrap(), false, 5).len(),
        16
    );
}

#[test]
fn maps_that_have_no_entries_to_walk_say_so() {
    let object = maps();
    for name in ["queue", "bloom", "events", "outer_hash", "jumps"] {
        let error = object
            .map(name)
            .unwrap()
            .next_entries(&mut Cursor::default(), &mut Entries::default(), 1)
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotSupported, "{name}");
    }
}

#[test]
fn batches_update_and_delete_many() {
    let object = maps();
    let cpus = kernel().possible_cpus() as usize;
    for name in ["hash", "lru_hash", "percpu_hash"] {
        let map = object.map(name).unwrap();
        let copies = map.info().user_value_size as usize / 8;
        let keys: Vec<u8> = (0..500u32).flat_map(key).collect();
        let values: Vec<u8> = (0..500u64).flat_map(|i| value(i).repeat(copies)).collect();
        assert_eq!(map.update_batch(&keys, &values, 0).unwrap(), 500, "{name}");
        assert_eq!(walk(&*map, false, 4096).len(), 500, "{name}");
        // Every second one is not there.
        let some: Vec<u8> = (0..1000u32).step_by(2).flat_map(key).collect();
        assert_eq!(map.delete_batch(&some).unwrap(), 250, "{name}");
        assert_eq!(walk(&*map, false, 4096).len(), 250, "{name}");
        assert_eq!(map.update_batch(&[], &[], 0).unwrap(), 0);
        assert_eq!(map.delete_batch(&[]).unwrap(), 0);
    }
    assert!(cpus > 0);
}

#[test]
fn a_batch_that_does_not_fit_says_how_far_it_came() {
    let mut object = open("maps");
    object.set_map("hash", MapSetting::MaxEntries(10)).unwrap();
    load_opened(&mut *object);
    let map = object.map("hash").unwrap();
    let keys: Vec<u8> = (0..20u32).flat_map(key).collect();
    let values: Vec<u8> = (0..20u64).flat_map(value).collect();
    assert_eq!(map.update_batch(&keys, &values, 0).unwrap(), 10);
    assert_eq!(map.update_batch(&key(19), &value(1), 0).unwrap(), 0);
    // Flags that the kernel takes for single updates only.
    assert_eq!(map.update_batch(&keys[..40], &values[..80], 2).unwrap(), 10);
    assert_eq!(map.update_batch(&keys, &values, 1).unwrap(), 0);
}

#[test]
fn mapped_arrays_are_read_and_written_in_place() {
    let object = maps();
    let map = object.map("memory").unwrap();
    // Values of 12 bytes start at multiples of 16.
    map.update(&key(2), b"hello, world", 0).unwrap();
    assert_eq!(map.read_memory(32, 12).unwrap(), b"hello, world");
    map.write_memory(37, b"!").unwrap();
    assert_eq!(map.lookup(&key(2), 0).unwrap().unwrap(), b"hello! world");
    assert_eq!(map.read_memory(0, 128).unwrap().len(), 128);
    for (offset, length) in [(128, 1), (127, 2), (u64::MAX, 1), (1, usize::MAX)] {
        let error = map.read_memory(offset, length).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    }
    assert!(map.write_memory(127, b"ab").is_err());
    for name in ["array", "hash", "percpu_array"] {
        let error = object.map(name).unwrap().read_memory(0, 1).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotSupported, "{name}");
    }
}

#[test]
fn a_frozen_map_cannot_be_changed() {
    let object = maps();
    let map = object.map("memory").unwrap();
    map.write_memory(0, b"x").unwrap();
    assert!(!map.info().frozen);
    map.freeze().unwrap();
    assert!(map.info().frozen);
    assert_eq!(map.read_memory(0, 1).unwrap(), b"x");
    for error in [
        map.update(&key(0), &[0; 12], 0).unwrap_err(),
        map.write_memory(0, b"y").unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    }
    assert!(object.map(".rodata").unwrap().info().frozen);
}

#[test]
fn maps_change_before_load_and_not_after() {
    let mut object = open("maps");
    object.set_map("hash", MapSetting::MaxEntries(77)).unwrap();
    object
        .set_map("array", MapSetting::MapType(map_type::PERCPU_ARRAY))
        .unwrap();
    object
        .set_map("events", MapSetting::MapType(map_type::PERF_EVENT_ARRAY))
        .unwrap();
    object
        .set_map("lru_hash", MapSetting::ValueSize(24))
        .unwrap();
    object
        .set_map("stacks", MapSetting::Autocreate(false))
        .unwrap();
    for (name, kind) in [("hash", map_type::QUEUE), ("queue", map_type::HASH)] {
        let error = object.set_map(name, MapSetting::MapType(kind)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotSupported, "{name}");
    }
    for program in ["stack_of", "bump"] {
        object
            .set_program(
                program,
                eunomia_host_abi::kernel::ProgramSetting::Autoload(false),
            )
            .unwrap();
    }
    let error = object.map("hash").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidState);
    load_opened(&mut *object);
    let cpus = kernel().possible_cpus();
    assert_eq!(object.map("hash").unwrap().info().max_entries, 77);
    let array = object.map("array").unwrap();
    assert_eq!(array.info().user_value_size, 8 * cpus);
    let events = object.map("events").unwrap();
    assert_eq!(events.info().map_type, map_type::PERF_EVENT_ARRAY);
    assert!(events.info().max_entries >= cpus);
    assert_eq!(object.map("lru_hash").unwrap().info().value_size, 24);
    assert!(object.map("stacks").is_err());
    for setting in [MapSetting::MaxEntries(1), MapSetting::Autocreate(true)] {
        let error = object.set_map("hash", setting).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidState);
    }
    let error = object
        .set_map("nonesuch", MapSetting::MaxEntries(1))
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

#[test]
fn maps_pinned_under_one_name_are_one_map() {
    let folder = format!("/sys/fs/bpf/ecli-test-{}", std::process::id());
    let kernel =
        eunomia_runtime::libbpf::LibbpfKernel::with_options(eunomia_runtime::libbpf::Options {
            pin_root: folder.clone().into(),
            ..Default::default()
        });
    let elf = real_kernel::compile("maps");
    let open = || {
        let mut object = kernel.open_object("maps", &elf).unwrap();
        for info in object.programs() {
            let off = eunomia_host_abi::kernel::ProgramSetting::Autoload(false);
            object.set_program(&info.name, off).unwrap();
        }
        object
            .set_map("hash", MapSetting::PinName("shared"))
            .unwrap();
        object
    };
    let mut first = open();
    for name in ["", ".", "..", "a/b", "a b", &"x".repeat(65)] {
        let error = first
            .set_map("hash", MapSetting::PinName(name))
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{name}");
    }
    load_opened(&mut *first);
    let mut second = open();
    load_opened(&mut *second);
    let (one, other) = (first.map("hash").unwrap(), second.map("hash").unwrap());
    assert_eq!(one.info().id, other.info().id);
    assert_eq!(one.info().pin_name.as_deref(), Some("shared"));
    one.update(&key(4), &value(44), 0).unwrap();
    assert_eq!(value_u64(&*other, 4), Some(44));
    let mut third = open();
    third.set_map("hash", MapSetting::MaxEntries(5)).unwrap();
    let error = third.load().unwrap_err();
    let removed = std::fs::remove_dir_all(&folder);
    assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{}", error.text());
    removed.unwrap();
}

#[test]
fn every_map_is_described() {
    let object = load("maps");
    let maps = object.maps();
    let hash = maps.iter().find(|map| map.name == "hash").unwrap();
    assert_eq!(hash.type_name, "hash");
    assert_eq!((hash.key_size, hash.value_size), (4, 8));
    assert!(hash.id > 0 && hash.key_type_id > 0 && hash.value_type_id > 0);
    for map in &maps {
        let loaded = object.map(&map.name).unwrap();
        assert_eq!(loaded.info().id, map.id, "{}", map.name);
    }
    for section in [".rodata", ".data", ".bss", ".data.config"] {
        assert!(maps.iter().any(|map| map.name == section), "{section}");
    }
}
