//! Buffers whose records become rows.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use eunomia_formats::Shape;
use eunomia_host_abi::kernel::{BoxFuture, Map, PerfBuffer, RingBuffer, map_type};
use eunomia_host_abi::limits::{
    BATCH_BYTES_DEFAULT, PERF_BATCH_BYTES_DEFAULT, PERF_PAGES_PER_CPU_DEFAULT,
};
use eunomia_host_abi::output::{Layout, OutputSink, Table};
use eunomia_host_abi::record::{self, Records};
use eunomia_host_abi::{Error, ErrorKind, Result};

use super::counted::Counts;
use super::stacks::Stacks;

/// A ring buffer or perf event array that is read.
pub(super) struct Buffer {
    name: String,
    reader: Reader,
    show: Show,
    rows: Vec<u8>,
    /// Records that were too short for their type.
    misfits: u64,
}

enum Reader {
    /// With the bytes of the last batch, which are freed with the next.
    Ring(Box<dyn RingBuffer>, usize),
    Perf(Box<dyn PerfBuffer>, Vec<u8>),
}

/// What becomes of records.
pub(super) enum Show {
    Rows(Arc<Table>, Shape, Stacks),
    Counts(Counts),
}

impl Buffer {
    pub(super) fn open(map: &dyn Map, show: Show) -> Result<Self> {
        let info = map.info();
        let reader = match info.map_type {
            map_type::RINGBUF => Reader::Ring(map.open_ring_buffer()?, 0),
            map_type::PERF_EVENT_ARRAY => {
                let perf = map.open_perf_buffer(PERF_PAGES_PER_CPU_DEFAULT)?;
                Reader::Perf(perf, Vec::new())
            }
            _ => {
                return Err(Error::new(
                    ErrorKind::InvalidArgument,
                    format!("read events of map `{}`: it is no buffer", info.name),
                ));
            }
        };
        Ok(Self {
            name: info.name.clone(),
            reader,
            show,
            rows: Vec::new(),
            misfits: 0,
        })
    }

    /// Pass on one batch; false when there was none.
    pub(super) fn deliver(&mut self, sink: &mut dyn OutputSink) -> Result<bool> {
        let batch = match &mut self.reader {
            Reader::Ring(ring, consumed) => {
                report_lost(&mut **ring, sink);
                let batch = ring.batch(std::mem::take(consumed), BATCH_BYTES_DEFAULT)?;
                *consumed = batch.len();
                batch
            }
            Reader::Perf(perf, records) => {
                records.clear();
                let lost = perf.take(records, PERF_BATCH_BYTES_DEFAULT)?;
                if lost > 0 {
                    sink.report_lost(lost);
                }
                records
            }
        };
        if batch.is_empty() {
            if let Reader::Ring(ring, _) = &mut self.reader {
                report_lost(&mut **ring, sink);
            }
            return Ok(false);
        }
        match &mut self.show {
            Show::Rows(table, shape, stacks) => {
                self.rows.clear();
                self.misfits += append(&mut self.rows, table, *shape, stacks, batch);
                sink.rows(table, &self.rows)?;
            }
            Show::Counts(counts) => self.misfits += counts.add(batch),
        }
        Ok(true)
    }

    /// The counts, if it is them that are shown.
    pub(super) fn counts(&mut self) -> Option<&mut Counts> {
        match &mut self.show {
            Show::Counts(counts) => Some(counts),
            Show::Rows(..) => None,
        }
    }

    pub(super) fn ready(&mut self) -> BoxFuture<'_, ()> {
        match &mut self.reader {
            Reader::Ring(ring, _) => ring.ready(),
            Reader::Perf(perf, _) => perf.ready(),
        }
    }

    /// Say what could not be shown.
    pub(super) fn close(&self) {
        if self.misfits > 0 {
            tracing::warn!(
                "{} records of `{}` have fewer bytes than their type and were not shown: choose \
                 another with --type {}=STRUCT",
                self.misfits,
                self.name,
                self.name
            );
        }
    }
}

fn report_lost(ring: &mut dyn RingBuffer, sink: &mut dyn OutputSink) {
    match ring.take_lost() {
        0 => {}
        lost => sink.report_lost(lost),
    }
}

/// Append the records of a batch as rows; returns how many did not fit.
fn append(rows: &mut Vec<u8>, table: &Table, shape: Shape, stacks: &Stacks, batch: &[u8]) -> u64 {
    let mut misfits = 0;
    let now = if shape.time { now() } else { 0 };
    let mut row = Vec::new();
    for record in Records::new(batch).filter(|record| !record.discarded) {
        let payload = record.payload;
        if payload.len() < shape.record_bytes_min {
            misfits += 1;
            continue;
        }
        row.clear();
        if shape.time {
            row.extend_from_slice(&now.to_ne_bytes());
        }
        if matches!(table.layout, Layout::Fields(_)) {
            // One field of bytes: their number goes before them.
            let length = u32::try_from(payload.len()).unwrap_or(u32::MAX);
            row.extend_from_slice(&length.to_le_bytes());
        }
        row.extend_from_slice(payload);
        if let Layout::Btf { size, .. } = table.layout
            && row.len() < size
        {
            row.resize(size, 0);
        }
        stacks.fill(&mut row);
        record::push(rows, 0, &row);
    }
    misfits
}

/// Nanoseconds since 1970.
pub(super) fn now() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |now| u64::try_from(now.as_nanos()).unwrap_or(u64::MAX))
}
