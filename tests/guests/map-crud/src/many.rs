//! Many entries with one call.

use crate::bpf::maps;
use crate::code;
use eunomia_bpf::{LoadedObject, Result, UpdateFlags};

/// Bytes of keys or values that one call takes.
const CALL_BYTES_MAX: usize = 1 << 20;

pub(crate) fn entries(object: &LoadedObject) -> Result<()> {
    let map = object.map(maps::LARGE)?;
    let raw = map.raw();
    let count = CALL_BYTES_MAX / 8;
    let keys: Vec<u8> = (0..count as u32).flat_map(u32::to_le_bytes).collect();
    let values: Vec<u8> = (0..count as u64).flat_map(u64::to_le_bytes).collect();
    println!(
        "most values in a batch: {}",
        raw.update_batch(&keys, &values, UpdateFlags::ANY)?
    );
    let more = vec![0; CALL_BYTES_MAX + 8];
    let beyond = raw.update_batch(&more[..(count + 1) * 4], &more, UpdateFlags::ANY);
    println!("one more: {}", code(beyond));
    println!(
        "an empty batch: {}",
        raw.update_batch(&[], &[], UpdateFlags::ANY)?
    );
    let again = raw.update_batch(&keys[..8], &values[..16], UpdateFlags::NO_EXIST)?;
    println!("set where they are: {again}");

    let mut cursor = raw.iterate()?;
    let mut limits = Vec::new();
    for entries_max in [1, 10, 0] {
        let entries = cursor.next_entries(entries_max)?;
        limits.push(entries.map_or(0, |entries| entries.count));
    }
    // Up to 10: the kernel returns whole buckets of the hash table.
    let few = (1..=10).contains(&limits[1]);
    println!(
        "a step of 1: {}, of 10: {few}, of all: {}",
        limits[0],
        limits[2] > 10
    );
    println!(
        "within 1 MiB: {}",
        limits[2] as usize * 12 <= CALL_BYTES_MAX
    );

    let (mut walked, mut sum, mut steps) = (0, 0, 0);
    let mut cursor = map.iterate()?;
    while let Some(entries) = cursor.next_entries()? {
        walked += entries.len();
        sum += entries.iter().map(|(_, value)| value).sum::<u64>();
        steps += 1;
    }
    println!(
        "walked over {walked}, sum {sum}, several steps: {}",
        steps > 1
    );

    let odd: Vec<u32> = (0..count as u32).filter(|key| key % 2 == 1).collect();
    println!("deleted {}", map.delete_batch(&odd)?);
    println!("deleted again {}", map.delete_batch(&odd[..1000])?);
    let all: Vec<u32> = (0..10).collect();
    println!("deleted where they are {}", map.delete_batch(&all)?);
    println!(
        "keys of 1 MiB: {}",
        raw.delete_batch(&vec![0xff; CALL_BYTES_MAX])?
    );
    let mut drained = map.drain()?.collect::<Result<Vec<_>>>()?;
    drained.sort();
    println!("drained {}, first {:?}", drained.len(), drained.first());
    println!("nothing left: {}", map.iterate()?.count());
    Ok(())
}
