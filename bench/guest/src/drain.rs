//! Draining a full ring buffer.

use std::error::Error;
use std::time::Instant;

use eunomia_bpf::{Object, Record, Result, RingBuffer};

use crate::bpf::{self, maps};
use crate::{Round, fill, print};

pub(crate) struct Setting {
    pub(crate) record_bytes: u32,
    pub(crate) ring_bytes: u32,
    /// 0: the host's default.
    pub(crate) batch_bytes: u32,
}

pub(crate) fn measure(setting: &Setting, rounds: usize) -> Result<(), Box<dyn Error>> {
    let drain = match setting.record_bytes {
        16 => drain::<bpf::Record16>,
        64 => drain::<bpf::Record64>,
        256 => drain::<bpf::Record256>,
        1024 => drain::<bpf::Record1024>,
        bytes => return Err(format!("no records of {bytes} bytes").into()),
    };
    let object = Object::open(bpf::OBJECT)?;
    object.set(bpf::globals::RECORD_BYTES, setting.record_bytes)?;
    object
        .map(maps::RING)?
        .set_max_entries(setting.ring_bytes)?;
    let object = object.load()?;
    let mut ring = object.ring_buffer(maps::RING)?;
    ring.set_batch_bytes_max(setting.batch_bytes);

    let mut measured = Vec::with_capacity(rounds);
    for _ in 0..rounds {
        let written = fill(&object, "fill_ring")?;
        let start = Instant::now();
        let (items, sum) = drain(&mut ring)?;
        let time = start.elapsed();
        if items != written {
            return Err(format!("read {items} records of {written}").into());
        }
        measured.push(Round { time, items, sum });
    }
    print(&measured)
}

fn drain<T: Words>(ring: &mut RingBuffer) -> Result<(u64, u64)> {
    let (mut items, mut sum) = (0, 0_u64);
    while let Some(batch) = ring.try_next_batch()? {
        for record in batch.records::<T>() {
            items += 1;
            sum = sum.wrapping_add(T::sum(record));
        }
    }
    Ok((items, sum))
}

/// A record that is read whole.
trait Words: Record {
    fn sum(record: Self::Ref<'_>) -> u64;
}

macro_rules! words {
    ($($record:ident)*) => {$(
        impl Words for bpf::$record {
            fn sum(record: Self::Ref<'_>) -> u64 {
                record.words().iter().fold(0, u64::wrapping_add)
            }
        }
    )*};
}

words!(Record16 Record64 Record256 Record1024);
