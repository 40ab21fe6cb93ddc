//! Ring buffers in whose place perf buffers can be: those that a program declares by
//! `eunomia/event_buffer.bpf.h`.
//!
//! Such a map `events` has a constant `events__is_perf` beside it. Where the kernel has no ring
//! buffers, load sets it and makes a perf event array of the map. To everybody else it still is a
//! ring buffer: its records come in the same form, read by [`PerfRing`].

use eunomia_host_abi::kernel::{BoxFuture, MapInfo, Object, PerfBuffer as _, RingBuffer, map_type};
use eunomia_host_abi::{Error, ErrorKind, Result};

use super::failure::from_io;
use super::map::LibbpfMap;
use super::mapping::page_bytes;
use super::object::LibbpfObject;
use super::perf_buffer::PerfBuffer;
use super::perf_event;
use super::readers::Reservation;
use super::ring_buffer::{HEADER_BYTES, record_bytes};
use super::{feature, globals, settings};

/// Bytes of a CPU's buffer at least: what a burst on one CPU fits in, whatever share of the ring it
/// would be.
const CPU_BYTES_MIN: usize = 64 << 10;

/// The constant that a program looks at to tell which kind the map is.
pub(crate) fn selector(map: &str) -> String {
    format!("{map}__is_perf")
}

/// Whether a ring buffer can be a perf event array instead.
pub(crate) fn can_be_perf(object: &dyn Object, map: &MapInfo) -> bool {
    let selector = selector(&map.name);
    let globals = object.globals();
    let mut globals = globals.iter();
    map.map_type == map_type::RINGBUF
        && globals.any(|global| global.name == selector && global.constant && global.size == 1)
}

/// Make perf event arrays of the ring buffers that can be, if the kernel has none, or if it must be
/// (`always`).
pub(super) fn choose(object: &mut LibbpfObject, always: bool) -> Result<()> {
    let rings: Vec<(usize, MapInfo)> = object
        .catalog
        .maps
        .iter()
        .map(|map| map.info.clone())
        .enumerate()
        .filter(|(_, info)| info.map_type == map_type::RINGBUF)
        .collect();
    if rings.is_empty() || !(always || feature::knows_map_type(map_type::RINGBUF) == Some(false)) {
        return Ok(());
    }
    for (place, info) in rings {
        if can_be_perf(object, &info) {
            globals::set(object, &selector(&info.name), &[1])?;
            settings::make_perf(object, place)?;
            object.catalog.maps[place].stands_for_ring = Some(info);
        } else if always {
            let (object, map) = (&object.name, &info.name);
            return Err(Error::new(
                ErrorKind::NotSupported,
                format!(
                    "load object `{object}`: perf buffers were asked for, and ring buffer `{map}` \
                     cannot be one: its programs do not use <eunomia/event_buffer.bpf.h>"
                ),
            ));
        }
    }
    Ok(())
}

/// The reader of a perf event array that stands for a ring buffer.
#[derive(Debug)]
pub(super) struct PerfRing {
    name: String,
    perf: PerfBuffer,
    /// As the perf buffer hands them out.
    taken: Vec<u8>,
    /// As a ring buffer has them; those before `start` are freed.
    records: Vec<u8>,
    start: usize,
    /// Bytes of the last batch that the caller has not yet freed.
    batch_bytes: usize,
    lost: u64,
}

impl PerfRing {
    /// `ring_bytes`: of the ring buffer in whose place it is.
    pub(super) fn open(
        map: &LibbpfMap,
        ring_bytes: usize,
        reservation: Reservation,
    ) -> Result<Self> {
        let name = map.name();
        let cpus = perf_event::online_cpus()
            .map_err(|error| from_io(&error, format!("open buffer `{name}`: list the CPUs")))?
            .len();
        let cpu_bytes = (ring_bytes / cpus.max(1)).max(CPU_BYTES_MIN);
        let pages = (cpu_bytes / page_bytes()).next_power_of_two();
        Ok(Self {
            name: name.to_owned(),
            perf: PerfBuffer::open(map, u32::try_from(pages).unwrap_or(u32::MAX), reservation)?,
            taken: Vec::new(),
            records: Vec::new(),
            start: 0,
            batch_bytes: 0,
            lost: 0,
        })
    }

    fn free(&mut self, consumed: usize) -> Result<()> {
        let batch = &self.records[self.start..self.start + self.batch_bytes];
        let whole = consumed == batch.len();
        if !whole && cut(batch, consumed) != consumed {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                format!(
                    "read ring buffer `{}`: {consumed} consumed bytes are not the end of a record \
                     of the last batch of {} bytes",
                    self.name,
                    batch.len()
                ),
            ));
        }
        self.start += consumed;
        self.batch_bytes -= consumed;
        if self.start == self.records.len() {
            self.records.clear();
            self.start = 0;
        }
        Ok(())
    }

    /// Takes what the kernel has, when all that was taken before is freed.
    fn fill(&mut self, bytes_max: usize) -> Result<()> {
        if !self.records.is_empty() {
            return Ok(());
        }
        self.taken.clear();
        self.lost += self.perf.take(&mut self.taken, bytes_max)?;
        let mut rest = &self.taken[..];
        while let Some((header, payload)) = rest.split_first_chunk::<HEADER_BYTES>() {
            let bytes = record_bytes(first_word(header));
            let payload_bytes = first_word(header) as usize;
            let record = payload.get(..payload_bytes).and_then(unwrapped);
            let Some(record) = record else {
                return Err(Error::new(
                    ErrorKind::Other,
                    format!(
                        "read ring buffer `{}` through perf buffers: an event in it was not sent \
                         by EVENT_SUBMIT of <eunomia/event_buffer.bpf.h>",
                        self.name
                    ),
                ));
            };
            self.records.extend_from_slice(record);
            let end = self.records.len().next_multiple_of(HEADER_BYTES);
            self.records.resize(end, 0);
            rest = rest.get(bytes..).unwrap_or_default();
        }
        Ok(())
    }
}

impl RingBuffer for PerfRing {
    fn batch(&mut self, consumed: usize, bytes_max: usize) -> Result<&[u8]> {
        self.free(consumed)?;
        self.fill(bytes_max)?;
        let rest = &self.records[self.start..];
        self.batch_bytes = match cut(rest, bytes_max) {
            // One record, however large.
            0 => rest
                .first_chunk()
                .map_or(0, |header| record_bytes(first_word(header))),
            bytes => bytes,
        };
        Ok(&rest[..self.batch_bytes])
    }

    fn ready(&mut self) -> BoxFuture<'_, ()> {
        match self.records.is_empty() {
            true => self.perf.ready(),
            false => Box::pin(std::future::ready(())),
        }
    }

    fn available(&self) -> u64 {
        (self.records.len() - self.start) as u64
    }

    fn take_lost(&mut self) -> u64 {
        std::mem::take(&mut self.lost)
    }
}

/// The record in the payload of a perf event, which is padded: what its own length says.
fn unwrapped(payload: &[u8]) -> Option<&[u8]> {
    let length = first_word(payload.first_chunk()?) as usize;
    payload.get(..HEADER_BYTES.checked_add(length)?)
}

/// Bytes of the whole records among the first `bytes_max` bytes.
fn cut(records: &[u8], bytes_max: usize) -> usize {
    let mut end = 0;
    while let Some(header) = records[end..].first_chunk::<HEADER_BYTES>() {
        let next = end + record_bytes(first_word(header));
        if next > bytes_max || next > records.len() {
            break;
        }
        end = next;
    }
    end
}

fn first_word(header: &[u8; HEADER_BYTES]) -> u32 {
    u32::from_ne_bytes([header[0], header[1], header[2], header[3]])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_is_as_long_as_its_own_header_says() {
        let payload = [&3_u32.to_ne_bytes()[..], &[0; 4], b"abc", &[0; 9]].concat();
        assert_eq!(unwrapped(&payload), Some(&payload[..11]));
        let lies = [&30_u32.to_ne_bytes()[..], &[0; 4], b"abc"].concat();
        assert_eq!(unwrapped(&lies), None);
        assert_eq!(unwrapped(b"abc"), None);
    }

    #[test]
    fn batches_end_at_the_end_of_a_record() {
        let record = [&3_u32.to_ne_bytes()[..], &[0; 4], b"abc", &[0; 5]].concat();
        let records = [&record[..], &record, &record].concat();
        assert_eq!(
            [0, 15, 16, 17, 47, 48].map(|bytes| cut(&records, bytes)),
            [0, 0, 16, 16, 32, 48]
        );
    }
}
