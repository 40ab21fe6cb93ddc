//! Reading a hash map.

use std::error::Error;
use std::time::Instant;

use eunomia_bpf::{Object, Result};

use crate::bpf::{self, maps};
use crate::{Round, fill, print};

pub(crate) fn measure(rounds: usize) -> Result<(), Box<dyn Error>> {
    let object = Object::open(bpf::OBJECT)?.load()?;
    let counts = object.map(maps::COUNTS)?;
    let written = fill(&object, "fill_map")?;

    let mut measured = Vec::with_capacity(rounds);
    for _ in 0..rounds {
        let (mut items, mut sum) = (0, 0_u64);
        let start = Instant::now();
        let mut cursor = counts.iterate()?;
        while let Some(entries) = cursor.next_entries()? {
            for (key, value) in entries {
                items += 1;
                sum = sum.wrapping_add(value).wrapping_add(u64::from(key));
            }
        }
        let time = start.elapsed();
        if items != written {
            return Err(format!("read {items} entries of {written}").into());
        }
        measured.push(Round { time, items, sum });
    }
    print(&measured)
}
