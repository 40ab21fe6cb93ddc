//! Works with maps of every kind.

mod many;

use std::process::ExitCode;

use bpf::{Guarded, Pair, Prefix, maps};
use eunomia_bpf::{LoadedObject, Object, Result, UpdateFlags};

// Module `bpf`: the types and maps of maps.bpf.c.
eunomia_bpf::include_bindings!();

fn main() -> ExitCode {
    eunomia_bpf::run(case)
}

fn case() -> Result<()> {
    let object = Object::open(bpf::OBJECT)?;
    let large = object.map(maps::LARGE)?;
    println!("declared entries: {}", large.info().max_entries);
    // Room for a batch of the most bytes that one call takes.
    large.set_max_entries(300_000)?;
    let object = object.load()?;
    hash(&object)?;
    array(&object)?;
    keyless(&object)?;
    routes(&object)?;
    locked(&object)?;
    many::entries(&object)?;
    frozen(&object)
}

fn hash(object: &LoadedObject) -> Result<()> {
    let map = object.map(maps::SMALL)?;
    let info = map.info();
    println!(
        "hash: {} {} {} {}",
        info.name, info.type_name, info.key_size, info.value_size
    );
    println!("entries {} id {}", info.max_entries, info.id != 0);
    let pair = |left, right| Pair { left, right };
    println!("missing: {:?}", map.lookup(&1)?);
    map.update(&1, &pair(10, 11), UpdateFlags::NO_EXIST)?;
    println!("found: {:?}", map.lookup(&1)?);
    println!(
        "there: {}",
        code(map.update(&1, &pair(0, 0), UpdateFlags::NO_EXIST))
    );
    println!(
        "not there: {}",
        code(map.update(&2, &pair(0, 0), UpdateFlags::EXIST))
    );
    map.update(&1, &pair(20, 21), UpdateFlags::EXIST)?;
    println!("changed: {:?}", map.lookup(&1)?);
    for key in 2..=4 {
        map.update(&key, &pair(key, key), UpdateFlags::ANY)?;
    }
    println!(
        "full: {}",
        code(map.update(&5, &pair(5, 5), UpdateFlags::ANY))
    );
    println!(
        "full, but there: {}",
        code(map.update(&4, &pair(4, 5), UpdateFlags::ANY))
    );
    println!("delete: {} {}", map.delete(&2)?, map.delete(&2)?);
    println!(
        "take: {:?} {:?}",
        map.lookup_and_delete(&3)?,
        map.lookup_and_delete(&3)?
    );

    let raw = map.raw();
    let mut keys = Vec::new();
    let mut next = raw.next_key(None)?;
    while let Some(key) = next {
        next = raw.next_key(Some(&key))?;
        keys.push(key);
    }
    keys.sort();
    println!("keys: {keys:?}");
    println!(
        "from a key that is gone: {}",
        raw.next_key(Some(&[9; 4]))?.is_some()
    );
    Ok(())
}

fn array(object: &LoadedObject) -> Result<()> {
    let map = object.map(maps::ARRAY)?;
    map.update(&3, &33, UpdateFlags::ANY)?;
    let entries: Result<Vec<_>> = map.iterate()?.collect();
    println!("array: {:?}", entries?);
    println!("behind the end: {:?}", map.lookup(&4)?);
    println!(
        "update behind the end: {}",
        code(map.update(&4, &0, UpdateFlags::ANY))
    );
    println!("new: {}", code(map.update(&3, &0, UpdateFlags::NO_EXIST)));
    println!("delete: {}", code(map.delete(&3)));
    println!("drain: {}", code(map.drain()));
    println!("last key: {:?}", map.raw().next_key(Some(&[3, 0, 0, 0]))?);
    Ok(())
}

fn keyless(object: &LoadedObject) -> Result<()> {
    let (queue, stack) = (object.map(maps::QUEUE)?, object.map(maps::STACK)?);
    println!("queue: empty {:?} {:?}", queue.peek()?, queue.pop()?);
    for value in 1..=3 {
        queue.push(&value)?;
        stack.push(&value)?;
    }
    println!("full: {} {}", code(queue.push(&4)), code(stack.push(&4)));
    println!("first in: {:?} {:?}", queue.peek()?, queue.pop()?);
    println!("last in: {:?} {:?}", stack.peek()?, stack.pop()?);
    let rest: Result<Vec<_>> = queue
        .drain()?
        .map(|entry| entry.map(|(_, value)| value))
        .collect();
    println!("drained queue: {:?}", rest?);
    let rest: Result<Vec<_>> = stack
        .drain()?
        .map(|entry| entry.map(|(_, value)| value))
        .collect();
    println!("drained stack: {:?}", rest?);
    println!("walk over a queue: {}", code(queue.iterate()));

    let bloom = object.map(maps::BLOOM)?;
    bloom.push(&7)?;
    println!("bloom: {}", bloom.may_contain(&7)?);
    println!("pop: {}", code(bloom.pop()));
    Ok(())
}

fn routes(object: &LoadedObject) -> Result<()> {
    let map = object.map(maps::ROUTES)?;
    let prefix = |bits, address| Prefix { bits, address };
    map.update(&prefix(8, [10, 0, 0, 0]), &8, UpdateFlags::ANY)?;
    map.update(&prefix(16, [10, 1, 0, 0]), &16, UpdateFlags::ANY)?;
    for address in [[10, 1, 2, 3], [10, 2, 2, 3], [11, 0, 0, 0]] {
        println!(
            "route of {address:?}: {:?}",
            map.lookup(&prefix(32, address))?
        );
    }
    let long = prefix(33, [0; 4]);
    println!("too many bits: {:?}", map.lookup(&long)?);
    println!(
        "set too many bits: {}",
        code(map.update(&long, &0, UpdateFlags::ANY))
    );
    let mut found = map.iterate()?.collect::<Result<Vec<_>>>()?;
    found.sort_by_key(|(prefix, _)| prefix.bits);
    println!("routes: {found:?}");
    println!("drain: {}", code(map.drain()));
    println!("delete: {}", map.delete(&prefix(8, [10, 0, 0, 0]))?);
    println!("no route: {:?}", map.lookup(&prefix(32, [10, 2, 2, 3]))?);
    Ok(())
}

fn locked(object: &LoadedObject) -> Result<()> {
    let map = object.map(maps::LOCKED)?;
    let value = Guarded {
        count: 5,
        ..Guarded::default()
    };
    map.update(&1, &value, UpdateFlags::LOCK | UpdateFlags::NO_EXIST)?;
    println!(
        "locked: {:?}",
        map.lookup_locked(&1)?.map(|value| value.count)
    );
    println!(
        "no lock: {}",
        code(object.map(maps::SMALL)?.lookup_locked(&1))
    );
    Ok(())
}

/// Last: it cannot be undone.
fn frozen(object: &LoadedObject) -> Result<()> {
    let map = object.map(maps::ARRAY)?;
    map.raw().freeze()?;
    println!(
        "frozen: {} {}",
        map.info().frozen,
        code(map.update(&1, &1, UpdateFlags::ANY))
    );
    println!("still read: {:?}", map.lookup(&3)?);
    println!("again: {}", code(map.raw().freeze()));
    Ok(())
}

/// How a call ended.
fn code<T>(result: Result<T>) -> String {
    match result {
        Ok(_) => "ok".into(),
        Err(error) => format!("{:?}", error.code()),
    }
}
