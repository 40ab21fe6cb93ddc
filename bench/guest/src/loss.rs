//! Counting records by key while they are made, in the order of their keys.

use std::collections::HashMap;
use std::error::Error;
use std::io::{Write, stdout};

use eunomia_bpf::{Object, output};

use crate::bpf::{self, maps};

pub(crate) fn count(production: &bpf::Production, ring_bytes: u32) -> Result<(), Box<dyn Error>> {
    let object = Object::open(bpf::OBJECT)?;
    object.set(bpf::globals::PRODUCTION, *production)?;
    object.map(maps::RING)?.set_max_entries(ring_bytes)?;
    let object = object.load()?;
    let mut ring = object.ring_buffer(maps::RING)?;
    let link = object.program("produce")?.attach()?;
    writeln!(stdout(), "attached")?;

    let mut received = HashMap::<u64, u64>::new();
    while let Some(batch) = ring.next_batch()? {
        for record in batch.records::<bpf::Record64>() {
            let key = record.words().get(0).unwrap_or_default();
            *received.entry(key).or_default() += 1;
        }
    }
    // Nothing more is made.
    drop(link);
    let counts = object.get(bpf::globals::PRODUCTION_COUNTS)?;
    for (key, (made, lost)) in counts.made.iter().zip(counts.lost).enumerate() {
        let received = received.get(&(key as u64)).copied().unwrap_or_default();
        writeln!(stdout(), "{made} {received} {lost}")?;
    }
    output::report_lost(counts.lost.iter().sum());
    Ok(())
}
