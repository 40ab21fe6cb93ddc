//! The buffers that guests poll: ring buffers and perf event arrays alike.

use std::sync::Arc;

use super::View;
use crate::error::{Error, ErrorKind, Result};
use crate::host::object_state::ObjectRef;
use crate::host::{HostError, PerfBuffer, RingBuffer};
use crate::kernel::{BoxFuture, Map, map_type};
use crate::limits::PERF_PAGES_PER_CPU_DEFAULT;
use crate::stop::StopSignal;

/// The reader of a map, opened when it is first polled.
#[derive(Debug, Default)]
pub(super) enum Buffer {
    #[default]
    Closed,
    Idle(Box<Reader>),
    /// A poll that has not returned has it.
    Polled,
}

/// A reader, and how far the guest has got.
#[derive(Debug)]
pub(super) struct Reader {
    source: Source,
    /// Bytes of the last batch whose samples the guest has had.
    consumed: usize,
    /// The guest was told that it is to stop.
    pub(super) interrupted: bool,
    /// Polls that delivered something although the guest is to stop.
    pub(super) polls_since_stop: u32,
}

#[derive(Debug)]
enum Source {
    Ring(RingBuffer),
    Perf(PerfBuffer),
}

impl Reader {
    fn open(map: Arc<dyn Map>, object: ObjectRef, stop: StopSignal) -> Result<Self> {
        let source = match map.info().map_type {
            map_type::RINGBUF => Source::Ring(RingBuffer::of_map(&*map, object, stop)?),
            map_type::PERF_EVENT_ARRAY => {
                let perf = map.open_perf_buffer(PERF_PAGES_PER_CPU_DEFAULT)?;
                Source::Perf(PerfBuffer::new(perf, object, stop))
            }
            _ => {
                return Err(Error::new(
                    ErrorKind::InvalidArgument,
                    format!(
                        "poll map `{}`: a {} map has no events",
                        map.info().name,
                        map.info().type_name
                    ),
                ));
            }
        };
        Ok(Self {
            source,
            consumed: 0,
            interrupted: false,
            polls_since_stop: 0,
        })
    }

    /// Free what the guest has had, and return the next batch of records and how many were lost.
    pub(super) fn next_batch(&mut self, bytes_max: usize) -> Result<(&[u8], u64), HostError> {
        let consumed = std::mem::take(&mut self.consumed);
        match &mut self.source {
            Source::Ring(ring) => {
                let lost = ring.take_lost();
                Ok((ring.next_batch(consumed, bytes_max)?, lost))
            }
            Source::Perf(perf) => perf.next_batch(consumed, bytes_max),
        }
    }

    /// The guest has had this much of the last batch, which ends with a record.
    pub(super) fn consume(&mut self, bytes: usize) {
        self.consumed = bytes;
    }

    /// Resolves when there may be records to read.
    pub(super) fn ready(&mut self) -> BoxFuture<'_, ()> {
        match &mut self.source {
            Source::Ring(ring) => ring.records_ready(),
            Source::Perf(perf) => perf.records_ready(),
        }
    }
}

impl View<'_> {
    /// Take the reader of a map out of its place for the time of a poll.
    pub(super) fn take_reader(&mut self, handle: u64, fd: i32) -> Result<Box<Reader>> {
        let object = self.guest.object(handle)?.object.clone();
        let found = self.guest.maps.get_mut(&fd);
        let map = found
            .filter(|map| map.object == handle)
            .ok_or_else(|| super::unknown("map"))?;
        match std::mem::replace(&mut map.buffer, Buffer::Polled) {
            Buffer::Idle(reader) => Ok(reader),
            Buffer::Polled => Err(Error::new(
                ErrorKind::Busy,
                format!("poll map `{}` in a callback of its own", map.name),
            )),
            Buffer::Closed => {
                let stop = self.ctx.stop().clone();
                let opened = Reader::open(Arc::clone(&map.map), object, stop);
                if opened.is_err() {
                    map.buffer = Buffer::Closed;
                }
                opened.map(Box::new)
            }
        }
    }

    /// Put the reader back, if the map is still there.
    pub(super) fn return_reader(&mut self, fd: i32, reader: Box<Reader>) {
        if let Some(map) = self.guest.maps.get_mut(&fd) {
            map.buffer = Buffer::Idle(reader);
        }
    }
}
