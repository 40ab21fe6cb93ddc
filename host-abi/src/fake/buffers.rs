//! Ring buffers, perf event arrays and user ring buffers from the program's side.

use std::sync::Arc;
use std::time::Duration;

use crate::error::Result;
use crate::fake::clock::Clock;
use crate::fake::kernel::FakeKernel;
use crate::fake::map::Contents;
use crate::fake::perf::PerfRings;
use crate::fake::ring::Ring;
use crate::fake::shared::Shared;
use crate::fake::user_ring::UserRing;

impl FakeKernel {
    /// The ring buffer that was loaded last under a name, `MAP` or `OBJECT/MAP`.
    ///
    /// # Errors
    /// `NotFound` when no such map is loaded now; `NotSupported` when it is of another type.
    pub fn ring(&self, name: &str) -> Result<RingHandle> {
        let map = self.find_map(name)?;
        match &map.contents {
            Contents::Ring(ring) => Ok(RingHandle {
                clock: self.clock().clone(),
                ring: ring.clone(),
            }),
            _ => Err(map.not_supported("push records to")),
        }
    }

    /// The perf event array that was loaded last under a name.
    ///
    /// # Errors
    /// As [`Self::ring`].
    pub fn perf(&self, name: &str) -> Result<PerfHandle> {
        let map = self.find_map(name)?;
        match &map.contents {
            Contents::Perf(rings) => Ok(PerfHandle {
                rings: rings.clone(),
            }),
            _ => Err(map.not_supported("output perf events to")),
        }
    }

    /// The user ring buffer that was loaded last under a name.
    ///
    /// # Errors
    /// As [`Self::ring`].
    pub fn user_ring(&self, name: &str) -> Result<UserRingHandle> {
        let map = self.find_map(name)?;
        match &map.contents {
            Contents::UserRing(ring) => Ok(UserRingHandle { ring: ring.clone() }),
            _ => Err(map.not_supported("drain")),
        }
    }
}

/// The producer of a ring buffer.
#[derive(Clone, Debug)]
pub struct RingHandle {
    clock: Clock,
    ring: Arc<Shared<Ring>>,
}

/// How long a host may take to notice a record that nobody was woken for; see `ring-buffer.read`.
const NOTICE_TIME: Duration = Duration::from_millis(100);

impl RingHandle {
    /// `bpf_ringbuf_output`. False: the ring was full and the record is lost.
    pub fn push(&self, payload: &[u8]) -> bool {
        let Some(reservation) = self.reserve(payload.len()) else {
            return false;
        };
        reservation.write(payload);
        reservation.commit();
        true
    }

    /// A record that the program reserved and then discarded. False: the ring was full.
    pub fn push_discarded(&self, payload: &[u8]) -> bool {
        let Some(reservation) = self.reserve(payload.len()) else {
            return false;
        };
        reservation.write(payload);
        reservation.discard();
        true
    }

    /// `bpf_ringbuf_output` with `BPF_RB_NO_WAKEUP`: a reader that waits already notices it as late
    /// as it may. False: the ring was full.
    pub fn push_without_wakeup(&self, payload: &[u8]) -> bool {
        let mut ring = self.ring.lock();
        let Some(position) = ring.reserve(payload.len()) else {
            return false;
        };
        ring.write_payload(position, payload);
        let woken = ring.finish(position, false);
        let at = self.clock.now().saturating_add(NOTICE_TIME);
        woken.wake_at(&self.clock, at);
        true
    }

    /// `bpf_ringbuf_reserve`. None: the ring was full.
    pub fn reserve(&self, payload_bytes: usize) -> Option<Reservation> {
        let position = self.ring.lock().reserve(payload_bytes)?;
        Some(Reservation {
            ring: self.ring.clone(),
            position,
            payload_bytes,
            is_finished: false,
        })
    }

    /// Records lost so far because the ring was full.
    pub fn dropped(&self) -> u64 {
        self.ring.lock().dropped()
    }

    /// Bytes that are not consumed yet, headers and padding included.
    pub fn available(&self) -> u64 {
        self.ring.lock().available()
    }
}

/// A reserved record: the reader stops at it until it is committed or discarded. Dropping it
/// discards it.
#[derive(Debug)]
pub struct Reservation {
    ring: Arc<Shared<Ring>>,
    position: u64,
    payload_bytes: usize,
    is_finished: bool,
}

impl Reservation {
    /// Writes the payload; what is longer than the reservation is cut off.
    pub fn write(&self, payload: &[u8]) {
        let payload = &payload[..payload.len().min(self.payload_bytes)];
        self.ring.lock().write_payload(self.position, payload);
    }

    /// `bpf_ringbuf_submit`.
    pub fn commit(mut self) {
        self.finish(false);
    }

    /// `bpf_ringbuf_discard`.
    pub fn discard(mut self) {
        self.finish(true);
    }

    fn finish(&mut self, discard: bool) {
        if std::mem::replace(&mut self.is_finished, true) {
            return;
        }
        // The lock is let go of before anybody wakes up and takes it.
        let woken = self.ring.lock().finish(self.position, discard);
        woken.wake();
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.finish(true);
    }
}

/// The producers of a perf event array.
#[derive(Clone, Debug)]
pub struct PerfHandle {
    rings: Arc<Shared<PerfRings>>,
}

impl PerfHandle {
    /// `bpf_perf_event_output` on a CPU. False: the record is lost, because the CPU's ring is full
    /// or nobody reads.
    ///
    /// # Errors
    /// `InvalidArgument` for a CPU that the array has no slot for.
    pub fn push(&self, cpu: u32, payload: &[u8]) -> Result<bool> {
        let pushed = self.rings.lock().push(cpu, payload);
        let (fits, woken) = pushed?;
        woken.wake();
        Ok(fits)
    }

    /// Makes the reader hear that this many records of a CPU were lost.
    ///
    /// # Errors
    /// As [`Self::push`].
    pub fn lose(&self, cpu: u32, count: u64) -> Result<()> {
        let lost = self.rings.lock().lose(cpu, count);
        lost?.wake();
        Ok(())
    }
}

/// The consumer of a user ring buffer.
#[derive(Clone, Debug)]
pub struct UserRingHandle {
    ring: Arc<Shared<UserRing>>,
}

impl UserRingHandle {
    /// `bpf_user_ringbuf_drain`: takes out what the guest submitted, and so makes room.
    pub fn drain(&self) -> Vec<Vec<u8>> {
        self.drain_at_most(usize::MAX)
    }

    /// Takes out at most so many records, oldest first.
    pub fn drain_at_most(&self, records_max: usize) -> Vec<Vec<u8>> {
        let (payloads, woken) = self.ring.lock().drain(records_max);
        woken.wake();
        payloads
    }
}
