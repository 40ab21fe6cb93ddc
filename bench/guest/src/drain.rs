//! Draining a full ring buffer, or the full ring of a perf event array.

use std::error::Error;
use std::time::Instant;

use eunomia_bpf::{Batch, LoadedObject, Object, PerfBuffer, Record, Result, RingBuffer};

use crate::bpf::{self, maps};
use crate::{Round, fill, print};

pub(crate) struct Setting {
    pub(crate) record_bytes: u32,
    pub(crate) ring_bytes: u32,
    /// 0: the host's default.
    pub(crate) batch_bytes: u32,
}

pub(crate) fn measure_ring(setting: &Setting, rounds: usize) -> Result<(), Box<dyn Error>> {
    let object = Object::open(bpf::OBJECT)?;
    object.set(bpf::globals::RECORD_BYTES, setting.record_bytes)?;
    object
        .map(maps::RING)?
        .set_max_entries(setting.ring_bytes)?;
    let object = object.load()?;
    let mut ring = object.ring_buffer(maps::RING)?;
    ring.set_batch_bytes_max(setting.batch_bytes);
    measure(&object, "fill_ring", setting.record_bytes, ring, rounds)
}

/// Of the perf event array, as in bench.bpf.c.
const PAGES_PER_CPU: u32 = 256;

pub(crate) fn measure_samples(record_bytes: u32, rounds: usize) -> Result<(), Box<dyn Error>> {
    let object = Object::open(bpf::OBJECT)?;
    object.set(bpf::globals::RECORD_BYTES, record_bytes)?;
    let object = object.load()?;
    let samples = object.perf_buffer_with_pages(maps::SAMPLES, PAGES_PER_CPU)?;
    measure(&object, "fill_samples", record_bytes, samples, rounds)
}

fn measure<R: Reader>(
    object: &LoadedObject,
    fill_program: &str,
    record_bytes: u32,
    mut reader: R,
    rounds: usize,
) -> Result<(), Box<dyn Error>> {
    let drain = match record_bytes {
        16 => drain::<bpf::Record16, R>,
        64 => drain::<bpf::Record64, R>,
        256 => drain::<bpf::Record256, R>,
        1024 => drain::<bpf::Record1024, R>,
        bytes => return Err(format!("no records of {bytes} bytes").into()),
    };
    let mut measured = Vec::with_capacity(rounds);
    for _ in 0..rounds {
        let written = fill(object, fill_program)?;
        let start = Instant::now();
        let (items, sum) = drain(&mut reader)?;
        let time = start.elapsed();
        if items != written {
            return Err(format!("read {items} records of {written}").into());
        }
        measured.push(Round { time, items, sum });
    }
    print(&measured)
}

fn drain<T: Words, R: Reader>(reader: &mut R) -> Result<(u64, u64)> {
    let (mut items, mut sum) = (0, 0_u64);
    while let Some(batch) = reader.batch()? {
        for record in batch.records::<T>() {
            items += 1;
            sum = sum.wrapping_add(T::sum(record));
        }
    }
    Ok((items, sum))
}

/// What records come from.
trait Reader {
    /// What is there now.
    fn batch(&mut self) -> Result<Option<Batch<'_>>>;
}

impl Reader for RingBuffer {
    fn batch(&mut self) -> Result<Option<Batch<'_>>> {
        self.try_next_batch()
    }
}

impl Reader for PerfBuffer {
    fn batch(&mut self) -> Result<Option<Batch<'_>>> {
        Ok(self.try_next_batch()?.map(|batch| *batch))
    }
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
