//! The reader of a perf event array: one ring for each CPU.
//!
//! The kernel's protocol (`include/uapi/linux/perf_event.h`): a page with positions, then the data.
//! The kernel writes records, each with a header of type and size, and moves `data_head`; the
//! reader copies them out, since they may wrap around, and moves `data_tail`.

use std::io;
use std::mem::offset_of;
use std::os::fd::{AsFd, OwnedFd};

use eunomia_host_abi::kernel::BoxFuture;
use eunomia_host_abi::kernel::PerfBuffer as PerfBufferTrait;
use eunomia_host_abi::{Error, ErrorKind, Result};
use libbpf_sys::perf_event_mmap_page;
use rustix::event::epoll;
use tokio::io::Interest;

use super::failure::from_io;
use super::map::LibbpfMap;
use super::map_kind;
use super::mapping::{Access, Mapping, page_bytes};
use super::perf_event;
use super::readers::Reservation;
use super::readiness::Readiness;

/// Bytes of `struct perf_event_header`: type (u32), misc (u16), size (u16).
const HEADER_BYTES: usize = 8;

/// See the module.
#[derive(Debug)]
pub(super) struct PerfBuffer {
    name: String,
    rings: Vec<Ring>,
    /// The ring that `take` begins with: another one each time, so that none is starved.
    first: usize,
    readiness: Readiness,
    _reservation: Reservation,
}

#[derive(Debug)]
struct Ring {
    cpu: u32,
    mapping: Mapping,
    /// A power of two.
    data_bytes: usize,
    /// What `data_tail` holds: nobody else writes there.
    tail: u64,
    /// Keeps the event in the map's slot alive.
    _event: OwnedFd,
}

impl PerfBuffer {
    pub(super) fn open(
        map: &LibbpfMap,
        pages_per_cpu: u32,
        reservation: Reservation,
    ) -> Result<Self> {
        let name = map.name();
        if !pages_per_cpu.is_power_of_two() {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                format!("open perf buffer `{name}`: {pages_per_cpu} pages are no power of two"),
            ));
        }
        let failed = |error: io::Error, what: &str| {
            from_io(&error, format!("open perf buffer `{name}`: {what}"))
        };
        let wakeups = epoll::create(epoll::CreateFlags::CLOEXEC)
            .map_err(|error| failed(error.into(), "create an epoll instance"))?;
        let mut rings = Vec::new();
        for cpu in perf_event::online_cpus().map_err(|error| failed(error, "list the CPUs"))? {
            if cpu >= map.fd().shape().max_entries {
                continue;
            }
            let ring = Ring::open(cpu, pages_per_cpu)
                .map_err(|error| failed(error, &format!("open the ring of CPU {cpu}")))?;
            let event = map_kind::descriptor_value(ring._event.as_fd());
            map.fd()
                .update(&cpu.to_ne_bytes(), &event, 0)
                .map_err(|error| {
                    failed(error, &format!("put the ring of CPU {cpu} into the map"))
                })?;
            epoll::add(
                &wakeups,
                &ring._event,
                epoll::EventData::new_u64(u64::from(cpu)),
                epoll::EventFlags::IN,
            )
            .map_err(|error| failed(error.into(), "wait for its events"))?;
            rings.push(ring);
        }
        Ok(Self {
            name: name.to_owned(),
            rings,
            first: 0,
            readiness: Readiness::new(wakeups, Interest::READABLE),
            _reservation: reservation,
        })
    }
}

impl PerfBufferTrait for PerfBuffer {
    fn take(&mut self, records: &mut Vec<u8>, bytes_max: usize) -> Result<u64> {
        let mut lost = 0;
        let count = self.rings.len();
        for index in 0..count {
            if records.len() >= bytes_max {
                break;
            }
            let ring = &mut self.rings[(self.first + index) % count];
            let Some(dropped) = ring.take(records, bytes_max) else {
                return Err(Error::new(
                    ErrorKind::Other,
                    format!(
                        "read perf buffer `{}`: the ring of CPU {} contradicts itself",
                        self.name, ring.cpu
                    ),
                ));
            };
            lost += dropped;
        }
        self.first = (self.first + 1) % count.max(1);
        Ok(lost)
    }

    fn ready(&mut self) -> BoxFuture<'_, ()> {
        let Self {
            rings, readiness, ..
        } = self;
        Box::pin(readiness.wait(|| rings.iter().any(Ring::has_records)))
    }
}

impl Ring {
    fn open(cpu: u32, pages: u32) -> io::Result<Self> {
        let event = perf_event::open_bpf_output(cpu)?;
        let data_bytes = pages as usize * page_bytes();
        let mapping = Mapping::new(
            event.as_fd(),
            0,
            page_bytes() + data_bytes,
            Access::ReadWrite,
        )?;
        Ok(Self {
            cpu,
            tail: mapping.load_u64(offset_of!(perf_event_mmap_page, data_tail)),
            mapping,
            data_bytes,
            _event: event,
        })
    }

    fn head(&self) -> u64 {
        self.mapping
            .load_u64(offset_of!(perf_event_mmap_page, data_head))
    }

    fn has_records(&self) -> bool {
        self.head() != self.tail
    }

    /// Move records out. Returns how many the kernel dropped; `None`: what the ring says cannot be.
    fn take(&mut self, records: &mut Vec<u8>, bytes_max: usize) -> Option<u64> {
        let filled = usize::try_from(self.head().wrapping_sub(self.tail))
            .ok()
            .filter(|filled| *filled <= self.data_bytes)?;
        let mut lost = 0;
        let mut taken = 0;
        let mut record = Vec::new();
        while taken + HEADER_BYTES <= filled && records.len() < bytes_max {
            record.clear();
            self.copy(taken, HEADER_BYTES, &mut record);
            let kind = u32::from_ne_bytes(record[..4].try_into().ok()?);
            let size = usize::from(u16::from_ne_bytes(record[6..8].try_into().ok()?));
            if size < HEADER_BYTES || taken + size > filled {
                return None;
            }
            record.clear();
            self.copy(taken + HEADER_BYTES, size - HEADER_BYTES, &mut record);
            lost += add_record(kind, &record, self.cpu, records);
            taken += size;
        }
        if taken > 0 {
            self.tail = self.tail.wrapping_add(taken as u64);
            // Released after the copies: the kernel overwrites what lies before it.
            self.mapping
                .store_u64(offset_of!(perf_event_mmap_page, data_tail), self.tail);
        }
        Some(lost)
    }

    /// Append bytes that lie `offset` behind the tail.
    fn copy(&self, offset: usize, length: usize, bytes: &mut Vec<u8>) {
        // The mask is smaller than the mapping, so nothing is cut off.
        #[allow(clippy::cast_possible_truncation)]
        let start = (self.tail.wrapping_add(offset as u64) & (self.data_bytes as u64 - 1)) as usize;
        let before_end = length.min(self.data_bytes - start);
        let data = page_bytes();
        self.mapping.read(data + start, before_end, bytes);
        self.mapping.read(data, length - before_end, bytes);
    }
}

/// Append a sample in the contract's layout, or count what a record says was lost.
fn add_record(kind: u32, body: &[u8], cpu: u32, records: &mut Vec<u8>) -> u64 {
    match kind {
        libbpf_sys::PERF_RECORD_SAMPLE => {
            // u32 length and as many bytes.
            let Some((length, rest)) = body.split_first_chunk::<4>() else {
                return 0;
            };
            let length = u32::from_ne_bytes(*length);
            let payload = rest.get(..length as usize).unwrap_or(rest);
            let length = u32::try_from(payload.len()).unwrap_or(u32::MAX);
            records.extend_from_slice(&length.to_le_bytes());
            records.extend_from_slice(&cpu.to_le_bytes());
            records.extend_from_slice(payload);
            records.resize(records.len().next_multiple_of(8), 0);
            0
        }
        // u64 id, u64 number of lost records.
        libbpf_sys::PERF_RECORD_LOST => body
            .get(8..16)
            .and_then(|count| count.try_into().ok())
            .map_or(0, u64::from_ne_bytes),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_becomes_a_padded_record_of_its_cpu() {
        let mut records = Vec::new();
        let body = [&4u32.to_ne_bytes()[..], b"abcd", &[0xff; 8]].concat();
        assert_eq!(add_record(9, &body, 3, &mut records), 0);
        assert_eq!(records, b"\x04\0\0\0\x03\0\0\0abcd\0\0\0\0");
    }

    #[test]
    fn a_sample_that_says_too_much_is_cut() {
        let mut records = Vec::new();
        let body = [&400u32.to_ne_bytes()[..], b"abcdefgh"].concat();
        add_record(9, &body, 0, &mut records);
        assert_eq!(records, b"\x08\0\0\0\0\0\0\0abcdefgh");
    }

    #[test]
    fn lost_records_are_counted() {
        let body = [7u64.to_ne_bytes(), 41u64.to_ne_bytes()].concat();
        assert_eq!(add_record(2, &body, 0, &mut Vec::new()), 41);
        assert_eq!(add_record(2, &[1], 0, &mut Vec::new()), 0);
    }
}
