//! Perf event arrays: one ring for each CPU, with counts of what was lost.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};

use crate::error::{Error, ErrorKind, Result};
use crate::fake::journal::Operation;
use crate::fake::kernel::FakeKernel;
use crate::fake::shared::{Shared, Waiters, Woken};
use crate::kernel::{BoxFuture, PerfBuffer};
use crate::record;

/// Bytes of a page.
const PAGE_BYTES: usize = 4096;
/// Bytes that the kernel puts in front of a payload: `struct perf_event_header`, then its length.
const SAMPLE_HEADER_BYTES: usize = 8 + 4;

/// The rings of all CPUs.
#[derive(Debug)]
pub(crate) struct PerfRings {
    cpus: Vec<CpuRing>,
    /// 0: nobody reads.
    ring_bytes: usize,
    waiters: Waiters,
}

#[derive(Debug, Default)]
struct CpuRing {
    payloads: VecDeque<Vec<u8>>,
    bytes: usize,
    /// Since the reader last asked.
    lost: u64,
}

impl PerfRings {
    pub(crate) fn new(cpus: u32) -> Self {
        Self {
            cpus: (0..cpus).map(|_| CpuRing::default()).collect(),
            ring_bytes: 0,
            waiters: Waiters::default(),
        }
    }

    /// `bpf_perf_event_output` on a CPU; false when the record is lost. Nothing is counted when
    /// nobody reads.
    pub(crate) fn push(&mut self, cpu: u32, payload: &[u8]) -> Result<(bool, Woken)> {
        let ring_bytes = self.ring_bytes;
        let ring = self.ring(cpu)?;
        if ring_bytes == 0 {
            return Ok((false, Waiters::default().take()));
        }
        let payload = padded(payload);
        let bytes = payload.len() + SAMPLE_HEADER_BYTES;
        // The kernel leaves one byte free: a ring that is full looks different from an empty one.
        let fits = ring.bytes + bytes < ring_bytes;
        if fits {
            ring.bytes += bytes;
            ring.payloads.push_back(payload);
        } else {
            ring.lost += 1;
        }
        Ok((fits, self.waiters.take()))
    }

    /// As though the ring had been full this many times.
    pub(crate) fn lose(&mut self, cpu: u32, count: u64) -> Result<Woken> {
        let ring = self.ring(cpu)?;
        ring.lost = ring.lost.saturating_add(count);
        Ok(self.waiters.take())
    }

    fn ring(&mut self, cpu: u32) -> Result<&mut CpuRing> {
        let count = self.cpus.len();
        self.cpus.get_mut(cpu as usize).ok_or_else(|| {
            Error::new(
                ErrorKind::InvalidArgument,
                format!("push to CPU {cpu}: the array has slots for {count}"),
            )
        })
    }

    fn has_news(&self) -> bool {
        self.cpus
            .iter()
            .any(|ring| !ring.payloads.is_empty() || ring.lost > 0)
    }

    /// Moves records out, CPU by CPU; returns how many were lost.
    fn take(&mut self, records: &mut Vec<u8>, bytes_max: usize) -> u64 {
        let mut lost: u64 = 0;
        for (cpu, ring) in (0..).zip(&mut self.cpus) {
            lost = lost.saturating_add(std::mem::take(&mut ring.lost));
            while let Some(payload) = ring.payloads.front() {
                let length = records.len() + record::record_bytes(payload.len());
                if length > bytes_max && !records.is_empty() {
                    break;
                }
                let Some(payload) = ring.payloads.pop_front() else {
                    break;
                };
                ring.bytes -= payload.len() + SAMPLE_HEADER_BYTES;
                record::push(records, cpu, &payload);
            }
        }
        lost
    }
}

/// The kernel rounds a sample with its length word up to 8 and fills with zeros.
fn padded(payload: &[u8]) -> Vec<u8> {
    let mut payload = payload.to_vec();
    payload.resize((payload.len() + 4).next_multiple_of(8) - 4, 0);
    payload
}

/// The one reader of a perf event array.
#[derive(Debug)]
pub(crate) struct FakePerfBuffer {
    kernel: FakeKernel,
    name: String,
    rings: Arc<Shared<PerfRings>>,
}

impl FakePerfBuffer {
    pub(crate) fn open(
        kernel: FakeKernel,
        name: &str,
        rings: &Arc<Shared<PerfRings>>,
        pages_per_cpu: u32,
    ) -> Result<Self> {
        if !pages_per_cpu.is_power_of_two() {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                format!(
                    "read perf event array \"{name}\": {pages_per_cpu} pages are not a power of \
                     two"
                ),
            ));
        }
        let mut state = rings.lock();
        if state.ring_bytes != 0 {
            return Err(Error::new(
                ErrorKind::Busy,
                format!("read perf event array \"{name}\": it has a reader already"),
            ));
        }
        state.ring_bytes = pages_per_cpu as usize * PAGE_BYTES;
        drop(state);
        Ok(Self {
            kernel,
            name: name.to_owned(),
            rings: rings.clone(),
        })
    }

    fn poll_ready(&self, ctx: &Context<'_>) -> Poll<()> {
        let mut rings = self.rings.lock();
        if rings.has_news() {
            return Poll::Ready(());
        }
        rings.waiters.add(ctx);
        Poll::Pending
    }
}

impl PerfBuffer for FakePerfBuffer {
    fn take(&mut self, records: &mut Vec<u8>, bytes_max: usize) -> Result<u64> {
        self.kernel.enter(Operation::ReadRecords, &self.name)?;
        Ok(self.rings.lock().take(records, bytes_max))
    }

    fn ready(&mut self) -> BoxFuture<'_, ()> {
        Box::pin(poll_fn(|ctx| self.poll_ready(ctx)))
    }
}

impl Drop for FakePerfBuffer {
    fn drop(&mut self) {
        let mut rings = self.rings.lock();
        rings.ring_bytes = 0;
        for ring in &mut rings.cpus {
            *ring = CpuRing::default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Records, is_well_formed};

    fn rings() -> Arc<Shared<PerfRings>> {
        Arc::new(Shared::new(PerfRings::new(2)))
    }

    fn reader(rings: &Arc<Shared<PerfRings>>) -> FakePerfBuffer {
        FakePerfBuffer::open(FakeKernel::new(), "events", rings, 1).unwrap()
    }

    fn push(rings: &Shared<PerfRings>, cpu: u32, payload: &[u8]) -> bool {
        let (fits, woken) = rings.lock().push(cpu, payload).unwrap();
        woken.wake();
        fits
    }

    fn parse(records: &[u8]) -> Vec<(u32, &[u8])> {
        assert!(is_well_formed(records));
        Records::new(records)
            .map(|record| (record.auxiliary, record.payload))
            .collect()
    }

    #[test]
    fn records_carry_their_cpu_and_are_padded_as_the_kernel_pads() {
        let rings = rings();
        let mut reader = reader(&rings);
        assert!(push(&rings, 1, b"abcd"));
        assert!(push(&rings, 0, b"abcde"));
        let mut records = Vec::new();
        assert_eq!(reader.take(&mut records, 1024).unwrap(), 0);
        let expected = [(0, &b"abcde\0\0\0\0\0\0\0"[..]), (1, b"abcd")];
        assert_eq!(parse(&records), expected);
    }

    #[test]
    fn a_full_ring_loses_records_of_its_cpu_and_counts_them_once() {
        let rings = rings();
        let mut reader = reader(&rings);
        let mut pushed = 0;
        while push(&rings, 0, &[7; 1012]) {
            pushed += 1;
        }
        assert_eq!(pushed, 3);
        assert!(push(&rings, 1, b"abcd"));
        let mut records = Vec::new();
        assert_eq!(reader.take(&mut records, usize::MAX).unwrap(), 1);
        assert_eq!(parse(&records).len(), 4);
        assert_eq!(reader.take(&mut records, usize::MAX).unwrap(), 0);
        assert!(push(&rings, 0, &[7; 1012]));
    }

    #[test]
    fn taking_stops_when_there_are_enough_bytes() {
        let rings = rings();
        let mut reader = reader(&rings);
        for _ in 0..3 {
            push(&rings, 0, b"abcd");
        }
        let mut records = Vec::new();
        reader.take(&mut records, 33).unwrap();
        assert_eq!(parse(&records).len(), 2);
        // The first one always.
        records.clear();
        reader.take(&mut records, 1).unwrap();
        assert_eq!(parse(&records).len(), 1);
    }

    #[test]
    fn without_a_reader_records_go_nowhere() {
        let rings = rings();
        assert!(!push(&rings, 0, b"abcd"));
        let mut first = reader(&rings);
        let mut records = Vec::new();
        assert_eq!(first.take(&mut records, 1024).unwrap(), 0);
        assert_eq!(records, b"");
    }

    #[test]
    fn losses_can_be_ordered() {
        let rings = rings();
        let mut reader = reader(&rings);
        rings.lock().lose(1, 5).unwrap().wake();
        assert_eq!(reader.take(&mut Vec::new(), 1024).unwrap(), 5);
        assert!(rings.lock().lose(2, 1).is_err());
    }

    #[test]
    fn there_is_one_reader_and_its_pages_are_a_power_of_two() {
        let rings = rings();
        let open = |pages| FakePerfBuffer::open(FakeKernel::new(), "events", &rings, pages);
        for pages in [0, 3] {
            let error = open(pages).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        }
        let first = open(8).unwrap();
        assert_eq!(open(8).unwrap_err().kind(), ErrorKind::Busy);
        drop(first);
        open(8).unwrap();
    }
}
