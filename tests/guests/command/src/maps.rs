//! Maps of each kind.

use std::collections::BTreeMap;

use eunomia_bpf::{ErrorCode, LoadedObject, MapName, Object, PerCpu, UpdateFlags, host};

use crate::bpf::{self, Pair, Prefix, maps};
use crate::{Outcome, equal, fails};

/// One key after the other.
pub(crate) fn hash(_: &[String]) -> Outcome {
    let map = load()?.map(maps::HASH)?;
    equal("empty", map.lookup(&1)?.is_none(), true)?;
    map.update(&1, &pair(1), UpdateFlags::NO_EXIST)?;
    fails(
        "again",
        map.update(&1, &pair(1), UpdateFlags::NO_EXIST),
        ErrorCode::AlreadyExists,
    )?;
    fails(
        "not there",
        map.update(&2, &pair(2), UpdateFlags::EXIST),
        ErrorCode::NotFound,
    )?;
    equal("lookup", map.lookup(&1)?, Some(pair(1)))?;
    equal("delete", map.delete(&1)?, true)?;
    equal("delete again", map.delete(&1)?, false)?;
    map.update(&3, &pair(3), UpdateFlags::ANY)?;
    equal("take", map.lookup_and_delete(&3)?, Some(pair(3)))?;
    equal("taken", map.lookup_and_delete(&3)?, None)?;
    equal("first key", map.raw().next_key(None)?, None)
}

/// Many entries with few calls.
pub(crate) fn batches(_: &[String]) -> Outcome {
    const COUNT: u32 = 10_000;
    let map = load()?.map(maps::HASH)?;
    let entries: BTreeMap<u32, Pair> = (0..COUNT).map(|key| (key, pair(key))).collect();
    equal("set", map.update_batch(&entries, UpdateFlags::ANY)?, COUNT)?;
    let full = map.update(&COUNT, &pair(0), UpdateFlags::ANY);
    fails("full", full, ErrorCode::LimitExceeded)?;

    let owned: eunomia_bpf::Result<BTreeMap<u32, Pair>> = map.iterate()?.collect();
    equal("all entries", owned? == entries, true)?;
    let mut cursor = map.iterate()?;
    let (mut count, mut sum) = (0, 0);
    while let Some(entries) = cursor.next_entries()? {
        count += entries.len();
        sum += entries.iter().map(|(_, pair)| pair.right()).sum::<u64>();
    }
    equal("count", count, COUNT as usize)?;
    equal("sum", sum, (0..u64::from(COUNT)).sum())?;

    let odd: Vec<u32> = (0..COUNT).filter(|key| key % 2 == 1).collect();
    equal("delete", map.delete_batch(&odd)?, COUNT / 2)?;
    equal("delete again", map.delete_batch(&odd)?, 0)?;
    let drained: eunomia_bpf::Result<Vec<_>> = map.drain()?.collect();
    equal("drained", drained?.len(), COUNT as usize / 2)?;
    equal("nothing left", map.iterate()?.count(), 0)
}

/// One value for each CPU.
pub(crate) fn per_cpu(_: &[String]) -> Outcome {
    let map = load()?.map(maps::PER_CPU)?;
    let cpus = host::possible_cpus() as usize;
    let mut values = PerCpu::all(0_u32);
    for (cpu, value) in values.iter_mut().enumerate() {
        *value = cpu as u32 + 1;
    }
    map.update(&7, &values, UpdateFlags::ANY)?;
    equal("lookup", map.lookup(&7)?.as_deref(), Some(&values[..]))?;
    for entry in map.iterate()? {
        let (key, found) = entry?;
        equal("key", key, 7)?;
        equal("values", found.len(), cpus)?;
    }
    let mut cursor = map.drain()?;
    let entries = cursor.next_entries()?.ok_or("nothing was drained")?;
    let sums: Vec<u32> = entries
        .iter()
        .map(|(_, values)| values.iter().sum())
        .collect();
    equal("sums", sums, vec![values.iter().sum()])
}

/// Arrays, also through their memory.
pub(crate) fn arrays(_: &[String]) -> Outcome {
    let object = load()?;
    let slots = object.map(maps::SLOTS)?;
    slots.update(&3, &33, UpdateFlags::ANY)?;
    let values: eunomia_bpf::Result<Vec<_>> = slots.iterate()?.collect();
    let expected = (0..8).map(|key| (key, if key == 3 { 33 } else { 0 }));
    equal("slots", values?, expected.collect())?;
    equal("beyond", slots.lookup(&8)?, None)?;
    fails("delete", slots.delete(&3), ErrorCode::InvalidArgument)?;

    let shared = object.map(maps::SHARED)?;
    shared.update(&2, &0x0102, UpdateFlags::ANY)?;
    let bytes = shared.raw().read_memory(16, 8)?;
    equal("memory", bytes, vec![2, 1, 0, 0, 0, 0, 0, 0])?;
    shared.raw().write_memory(24, &7_u64.to_le_bytes())?;
    equal("written", shared.lookup(&3)?, Some(7))?;
    let beyond = shared.raw().read_memory(u64::MAX, 8);
    fails("beyond the memory", beyond, ErrorCode::InvalidArgument)
}

/// Queues, stacks and bloom filters.
pub(crate) fn keyless(_: &[String]) -> Outcome {
    let object = load()?;
    let (queue, stack) = (object.map(maps::QUEUE)?, object.map(maps::STACK)?);
    for value in 1..=4 {
        queue.push(&value)?;
        stack.push(&value)?;
    }
    fails("full", queue.push(&5), ErrorCode::LimitExceeded)?;
    equal("front", queue.peek()?, Some(1))?;
    equal("first in", queue.pop()?, Some(1))?;
    equal("last in", stack.pop()?, Some(4))?;
    let rest: eunomia_bpf::Result<Vec<_>> = queue.drain()?.collect();
    equal("rest", rest?, vec![((), 2), ((), 3), ((), 4)])?;
    equal("empty", queue.pop()?, None)?;
    let bloom = object.map(maps::BLOOM)?;
    bloom.push(&99)?;
    equal("pushed", bloom.may_contain(&99)?, true)?;
    equal(
        "not pushed",
        (0..50).all(|value| bloom.may_contain(&value).unwrap_or(true)),
        false,
    )
}

/// The longest prefix wins.
pub(crate) fn routes(_: &[String]) -> Outcome {
    let map = load()?.map(maps::ROUTES)?;
    let prefix = |bits, address| Prefix { bits, address };
    map.update(&prefix(8, [10, 0, 0, 0]), &8, UpdateFlags::ANY)?;
    map.update(&prefix(16, [10, 1, 0, 0]), &16, UpdateFlags::ANY)?;
    equal("long", map.lookup(&prefix(32, [10, 1, 2, 3]))?, Some(16))?;
    equal("short", map.lookup(&prefix(32, [10, 2, 2, 3]))?, Some(8))?;
    equal("none", map.lookup(&prefix(32, [11, 2, 2, 3]))?, None)?;
    equal("both", map.iterate()?.count(), 2)
}

/// Maps in maps.
pub(crate) fn inner_maps(_: &[String]) -> Outcome {
    let outer = load()?.map(maps::OUTER)?;
    equal("empty", outer.lookup_inner(&1)?.is_none(), true)?;
    let inner = outer.raw().create_inner()?.typed::<u32, u32>()?;
    outer.update_inner(&1, &inner, UpdateFlags::ANY)?;
    inner.update(&5, &55, UpdateFlags::ANY)?;
    drop(inner);
    let found = outer.lookup_inner(&1)?.ok_or("the inner map is gone")?;
    equal("value", found.typed::<u32, u32>()?.lookup(&5)?, Some(55))?;
    fails("as bytes", outer.lookup(&1), ErrorCode::NotSupported)
}

/// Types that are not the map's.
pub(crate) fn wrong_sizes(_: &[String]) -> Outcome {
    let object = load()?;
    let wrong_key = object.map(MapName::<u64, Pair>::new("hash"));
    fails("key", wrong_key, ErrorCode::InvalidArgument)?;
    let wrong_value = object.map(MapName::<u32, u64>::new("hash"));
    fails("value", wrong_value, ErrorCode::InvalidArgument)?;
    let raw = object.map("hash")?;
    fails("raw key", raw.lookup(&[0; 3]), ErrorCode::InvalidArgument)?;
    let raw_value = raw.update(&[0; 4], &[0; 3], UpdateFlags::ANY);
    fails("raw value", raw_value, ErrorCode::InvalidArgument)?;
    let uneven = raw.update_batch(&[0; 8], &[0; 17], UpdateFlags::ANY);
    fails("raw batch", uneven, ErrorCode::InvalidArgument)?;
    fails("no map", object.map("nothing"), ErrorCode::NotFound)
}

fn pair(number: u32) -> Pair {
    Pair {
        left: number,
        right: number.into(),
        ..Pair::default()
    }
}

fn load() -> eunomia_bpf::Result<LoadedObject> {
    Object::open(bpf::OBJECT)?.load()
}
