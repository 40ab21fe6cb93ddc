//! Equal records, counted.

use std::collections::BTreeMap;
use std::sync::Arc;

use eunomia_host_abi::Result;
use eunomia_host_abi::output::{OutputSink, Table};
use eunomia_host_abi::record::{self, Records};

/// Different records that are counted; beyond them, records count as lost. A counter with more
/// labels than this is of no use to anybody.
const DISTINCT_MAX: usize = 65_536;

/// How often each record came.
pub(super) struct Counts {
    table: Arc<Table>,
    record_bytes: usize,
    counts: BTreeMap<Box<[u8]>, u64>,
    lost: u64,
}

impl Counts {
    pub(super) fn new(table: Arc<Table>, record_bytes: usize) -> Self {
        Self {
            table,
            record_bytes,
            counts: BTreeMap::new(),
            lost: 0,
        }
    }

    /// Count the records of a batch; returns how many were too short.
    pub(super) fn add(&mut self, batch: &[u8]) -> u64 {
        let mut misfits = 0;
        for record in Records::new(batch).filter(|record| !record.discarded) {
            let Some(bytes) = record.payload.get(..self.record_bytes) else {
                misfits += 1;
                continue;
            };
            if let Some(count) = self.counts.get_mut(bytes) {
                *count += 1;
            } else if self.counts.len() < DISTINCT_MAX {
                self.counts.insert(bytes.into(), 1);
            } else {
                self.lost += 1;
            }
        }
        misfits
    }

    /// Show all counts.
    pub(super) fn show(&mut self, sink: &mut dyn OutputSink) -> Result<()> {
        let mut rows = Vec::new();
        let mut row = Vec::new();
        for (bytes, count) in &self.counts {
            row.clear();
            row.extend_from_slice(bytes);
            row.resize(row.len().next_multiple_of(8), 0);
            row.extend_from_slice(&count.to_ne_bytes());
            record::push(&mut rows, 0, &row);
        }
        if self.lost > 0 {
            sink.report_lost(std::mem::take(&mut self.lost));
        }
        if rows.is_empty() {
            return Ok(());
        }
        sink.rows(&self.table, &rows)?;
        sink.end_of_interval(&self.table)
    }
}
