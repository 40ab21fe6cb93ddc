//! The reader of a perf event array: one ring for each CPU.
//!
//! The kernel's protocol (`include/uapi/linux/perf_event.h`): a page with positions, then the data.
//! The kernel writes records, each with a header of type and size, and moves `data_head`; the
//! reader copies them out, since they may wrap around, and moves `data_tail`. In a mapping that the
//! reader may write to, the kernel never writes to what lies between the two: what finds no room is
//! counted, and a record of its own tells how much that was.

use std::io;
use std::mem::offset_of;
use std::os::fd::{AsFd, OwnedFd};

use eunomia_host_abi::kernel::BoxFuture;
use eunomia_host_abi::kernel::PerfBuffer as PerfBufferTrait;
use eunomia_host_abi::{Error, ErrorKind, Result, record};
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

/// More than any record has: its size is a u16.
const RECORD_BYTES_MAX: usize = 1 << 16;

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

/// What a ring holds: to the end of its data, and then from their start.
#[derive(Clone, Copy, Debug)]
struct Filled<'a> {
    first: &'a [u8],
    second: &'a [u8],
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
        if filled == 0 {
            return Some(0);
        }
        let before = records.len();
        let Some((taken, lost)) = self.filled(filled).take(self.cpu, records, bytes_max) else {
            // They stay in the ring.
            records.truncate(before);
            return None;
        };
        self.tail = self.tail.wrapping_add(taken as u64);
        // Released after the copies: the kernel overwrites what lies before it.
        self.mapping
            .store_u64(offset_of!(perf_event_mmap_page, data_tail), self.tail);
        Some(lost)
    }

    /// The `filled` bytes from the tail on, at most as many as the ring has.
    fn filled(&self, filled: usize) -> Filled<'_> {
        // The mask is smaller than the mapping, so nothing is cut off.
        #[allow(clippy::cast_possible_truncation)]
        let start = (self.tail & (self.data_bytes as u64 - 1)) as usize;
        let first = filled.min(self.data_bytes - start);
        let data = page_bytes();
        // SAFETY: both ranges lie between the tail and a head that the kernel has published, where
        // it writes nothing before the tail moves, which takes `&mut self`; and nobody else has
        // this event's pages.
        #[allow(unsafe_code)]
        unsafe {
            Filled {
                first: self.mapping.stable(data + start..data + start + first),
                second: self.mapping.stable(data..data + filled - first),
            }
        }
    }
}

impl<'a> Filled<'a> {
    /// Append samples of `cpu` to `records` until the next one would be too much. Returns how many
    /// bytes that took and how many records were lost; `None` when a record is not whole.
    fn take(self, cpu: u32, records: &mut Vec<u8>, bytes_max: usize) -> Option<(usize, u64)> {
        let filled = self.first.len() + self.second.len();
        let mut joined = Vec::new();
        let (mut taken, mut lost) = (0, 0);
        while taken < filled {
            let (header, body) = self.record(taken, &mut joined)?.split_first_chunk()?;
            let kind = kind(header);
            if kind != libbpf_sys::PERF_RECORD_SAMPLE {
                lost += lost_records(kind, body);
            } else if let Some(payload) = payload(body) {
                let length = records.len() + record::record_bytes(payload.len());
                if length > bytes_max && !records.is_empty() {
                    break;
                }
                record::push(records, cpu, payload);
            }
            taken += HEADER_BYTES + body.len();
        }
        Some((taken, lost))
    }

    /// The record at `offset`, with its header: in `joined` when it lies across the end of the
    /// ring's data.
    fn record<'b>(&self, offset: usize, joined: &'b mut Vec<u8>) -> Option<&'b [u8]>
    where
        'a: 'b,
    {
        let (bytes, further) = match offset.checked_sub(self.first.len()) {
            Some(offset) => (self.second.get(offset..)?, &[][..]),
            None => (self.first.get(offset..)?, self.second),
        };
        if let Some(record) = whole(bytes) {
            return Some(record);
        }
        joined.clear();
        joined.extend_from_slice(bytes);
        joined.extend_from_slice(&further[..further.len().min(RECORD_BYTES_MAX)]);
        whole(joined)
    }
}

/// Type (u32), misc (u16), size (u16).
type Header = [u8; HEADER_BYTES];

fn kind(&[k0, k1, k2, k3, ..]: &Header) -> u32 {
    u32::from_ne_bytes([k0, k1, k2, k3])
}

/// The record at the start of `bytes`, if all of it is there.
fn whole(bytes: &[u8]) -> Option<&[u8]> {
    let &[.., s0, s1]: &Header = bytes.first_chunk()?;
    let size = usize::from(u16::from_ne_bytes([s0, s1]));
    bytes
        .get(..size)
        .filter(|record| record.len() >= HEADER_BYTES)
}

/// What a BPF program wrote: a sample is a u32 length and as many bytes.
fn payload(sample: &[u8]) -> Option<&[u8]> {
    let (length, rest) = sample.split_first_chunk::<4>()?;
    let length = u32::from_ne_bytes(*length) as usize;
    Some(rest.get(..length).unwrap_or(rest))
}

/// How many records were lost, by a record that says so: u64 id, u64 number.
fn lost_records(kind: u32, body: &[u8]) -> u64 {
    if kind != libbpf_sys::PERF_RECORD_LOST {
        return 0;
    }
    let count = body.get(8..16).and_then(|count| count.try_into().ok());
    count.map_or(0, u64::from_ne_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: u32 = libbpf_sys::PERF_RECORD_SAMPLE;
    const LOST: u32 = libbpf_sys::PERF_RECORD_LOST;

    fn perf_record(kind: u32, body: &[u8]) -> Vec<u8> {
        let size = u16::try_from(HEADER_BYTES + body.len()).unwrap();
        let mut bytes = kind.to_ne_bytes().to_vec();
        bytes.extend([0; 2]);
        bytes.extend(size.to_ne_bytes());
        bytes.extend(body);
        bytes
    }

    fn sample(length: u32, bytes: &[u8]) -> Vec<u8> {
        perf_record(SAMPLE, &[&length.to_ne_bytes()[..], bytes].concat())
    }

    /// Of a ring whose end lies at each possible place.
    fn take(ring: &[u8], bytes_max: usize) -> Option<(usize, u64, Vec<u8>)> {
        let mut all = (0..=ring.len()).map(|end| {
            let (first, second) = ring.split_at(end);
            let mut records = Vec::new();
            let taken = Filled { first, second }.take(3, &mut records, bytes_max);
            taken.map(|(taken, lost)| (taken, lost, records))
        });
        let first = all.next().unwrap();
        all.for_each(|other| assert_eq!(other, first));
        first
    }

    #[test]
    fn a_sample_becomes_a_padded_record_of_its_cpu() {
        let ring = sample(4, b"abcd\xff\xff\xff\xff");
        let records = b"\x04\0\0\0\x03\0\0\0abcd\0\0\0\0".to_vec();
        assert_eq!(take(&ring, 100), Some((20, 0, records)));
    }

    #[test]
    fn a_sample_that_says_too_much_is_cut() {
        let records = b"\x08\0\0\0\x03\0\0\0abcdefgh".to_vec();
        assert_eq!(take(&sample(400, b"abcdefgh"), 100), Some((20, 0, records)));
        let nothing = (10, 0, Vec::new());
        assert_eq!(take(&perf_record(SAMPLE, b"ab"), 100), Some(nothing));
    }

    #[test]
    fn lost_records_are_counted() {
        let lost = [7u64.to_ne_bytes(), 41u64.to_ne_bytes()].concat();
        let ring = [perf_record(LOST, &lost), perf_record(LOST, &[1])].concat();
        assert_eq!(take(&ring, 100), Some((33, 41, Vec::new())));
    }

    #[test]
    fn what_would_be_too_much_stays_where_it_is() {
        let ring = [sample(8, b"abcdefgh"), sample(8, b"ABCDEFGH")].concat();
        assert_eq!(take(&ring, 32).unwrap().0, 40);
        assert_eq!(take(&ring, 31).unwrap().0, 20);
        assert_eq!(take(&ring, 1).unwrap().0, 20);
    }

    #[test]
    fn a_record_that_is_not_whole_is_an_error() {
        let ring = sample(8, b"abcdefgh");
        assert_eq!(take(&ring[..19], 100), None);
        assert_eq!(take(&ring[..7], 100), None);
        let mut short = ring;
        short[6..8].copy_from_slice(&7u16.to_ne_bytes());
        assert_eq!(take(&short, 100), None);
    }
}
