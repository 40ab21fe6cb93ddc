//! The writer of a user ring buffer, on a mapping of its own.
//!
//! The mirror image of [`ring_buffer`](super::ring_buffer): the producer position and the data
//! belong to user space, the consumer position to the kernel. There is one writer, so a record is
//! written whole before the producer position moves over it, and no busy bit is needed.

use std::io;
use std::os::fd::BorrowedFd;

use eunomia_host_abi::kernel::BoxFuture;
use eunomia_host_abi::kernel::UserRingBuffer as UserRingBufferTrait;
use eunomia_host_abi::{Error, ErrorKind, Result};
use tokio::io::Interest;

use super::failure::from_io;
use super::mapping::{Access, Mapping, page_bytes};
use super::readers::Reservation;
use super::readiness::Readiness;
use super::ring_buffer::HEADER_BYTES;

/// See the module.
#[derive(Debug)]
pub(super) struct UserRingBuffer {
    name: String,
    ring: Ring,
    /// The payload that did not fit, in bytes; what `ready` waits for.
    wanted: usize,
    readiness: Readiness,
    _reservation: Reservation,
}

#[derive(Debug)]
struct Ring {
    consumer: Mapping,
    /// A page with the producer position, then the data, twice.
    producer: Mapping,
    /// What `producer` holds: nobody else writes there.
    position: u64,
    /// A power of two.
    data_bytes: usize,
}

impl UserRingBuffer {
    /// `data_bytes`: `max_entries` of the map, as the kernel says.
    pub(super) fn open(
        name: &str,
        fd: BorrowedFd<'_>,
        data_bytes: usize,
        reservation: Reservation,
    ) -> Result<Self> {
        let failed = |error: io::Error| {
            from_io(&error, format!("map user ring buffer `{name}` into memory"))
        };
        let page = page_bytes();
        if !data_bytes.is_power_of_two() || !data_bytes.is_multiple_of(page) {
            return Err(Error::new(
                ErrorKind::NotSupported,
                format!("write user ring buffer `{name}`: its {data_bytes} bytes are no ring"),
            ));
        }
        let producer = Mapping::new(fd, page as u64, page + 2 * data_bytes, Access::ReadWrite)
            .map_err(failed)?;
        let ring = Ring {
            consumer: Mapping::new(fd, 0, page, Access::Read).map_err(failed)?,
            // An earlier writer may have left off anywhere.
            position: producer.load_u64(0),
            producer,
            data_bytes,
        };
        let waiting = fd.try_clone_to_owned().map_err(failed)?;
        Ok(Self {
            name: name.to_owned(),
            ring,
            wanted: 0,
            readiness: Readiness::new(waiting, Interest::WRITABLE),
            _reservation: reservation,
        })
    }
}

impl UserRingBufferTrait for UserRingBuffer {
    fn submit(&mut self, payload: &[u8]) -> Result<bool> {
        let length = u32::try_from(payload.len())
            .ok()
            .filter(|_| payload.len() <= self.payload_bytes_max());
        let Some(length) = length else {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                format!(
                    "write user ring buffer `{}`: a payload of {} bytes never fits, at most {} do",
                    self.name,
                    payload.len(),
                    self.payload_bytes_max()
                ),
            ));
        };
        if !self.ring.has_room(payload.len()) {
            self.wanted = payload.len();
            return Ok(false);
        }
        self.wanted = 0;
        self.ring.push(length, payload);
        Ok(true)
    }

    fn has_room(&self, payload_bytes: usize) -> bool {
        self.ring.has_room(payload_bytes)
    }

    fn payload_bytes_max(&self) -> usize {
        self.ring.data_bytes - HEADER_BYTES
    }

    fn ready(&mut self) -> BoxFuture<'_, ()> {
        let Self {
            ring,
            wanted,
            readiness,
            ..
        } = self;
        Box::pin(readiness.wait(|| ring.has_room(*wanted)))
    }
}

impl Ring {
    fn has_room(&self, payload_bytes: usize) -> bool {
        let filled = self.position.wrapping_sub(self.consumer.load_u64(0));
        let Ok(filled) = usize::try_from(filled) else {
            return false;
        };
        payload_bytes <= self.data_bytes - HEADER_BYTES
            && total_bytes(payload_bytes) <= self.data_bytes.saturating_sub(filled)
    }

    /// There is room.
    fn push(&mut self, length: u32, payload: &[u8]) {
        // The mask is smaller than the mapping, so nothing is cut off.
        #[allow(clippy::cast_possible_truncation)]
        let offset = (self.position & (self.data_bytes as u64 - 1)) as usize;
        let start = page_bytes() + offset;
        self.producer.write(start + HEADER_BYTES, payload);
        self.producer.store_u32(start + 4, 0);
        self.producer.store_u32(start, length);
        self.position = self
            .position
            .wrapping_add(total_bytes(payload.len()) as u64);
        // Released after the record: the kernel reads the position first.
        self.producer.store_u64(0, self.position);
    }
}

fn total_bytes(payload_bytes: usize) -> usize {
    (payload_bytes + HEADER_BYTES).next_multiple_of(8)
}
