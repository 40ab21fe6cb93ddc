//! Entries of a map as rows, again and again, a few at a time.

use std::sync::Arc;

use eunomia_formats::{EntryLayout, PerCpu};
use eunomia_host_abi::kernel::{Cursor, Entries, Map, map_type};
use eunomia_host_abi::output::{OutputSink, Table};
use eunomia_host_abi::{Result, record};

use super::stacks::Stacks;

/// Entries of one step: buffers are read between two of them.
const STEP_ENTRIES: u32 = 1024;

/// A map that is shown.
pub(super) struct Walk {
    map: Arc<dyn Map>,
    table: Arc<Table>,
    layout: EntryLayout,
    stacks: Stacks,
    clear: bool,
    /// Where it is, while it is under way.
    cursor: Option<Cursor>,
    shown: bool,
}

impl Walk {
    pub(super) fn new(
        map: Arc<dyn Map>,
        table: Arc<Table>,
        layout: EntryLayout,
        stacks: Stacks,
        clear: bool,
    ) -> Self {
        Self {
            map,
            table,
            layout,
            stacks,
            clear,
            cursor: None,
            shown: false,
        }
    }

    /// Begin at the first entry. A walk that is under way goes on instead.
    pub(super) fn begin(&mut self) {
        if self.cursor.is_none() {
            self.cursor = Some(Cursor {
                drain: self.clear && !self.is_array(),
                ..Cursor::default()
            });
            self.shown = false;
        }
    }

    pub(super) fn is_under_way(&self) -> bool {
        self.cursor.is_some()
    }

    fn is_array(&self) -> bool {
        matches!(
            self.map.info().map_type,
            map_type::ARRAY | map_type::PERCPU_ARRAY
        )
    }

    /// Show some entries.
    pub(super) fn step(&mut self, sink: &mut dyn OutputSink) -> Result<()> {
        let Some(cursor) = &mut self.cursor else {
            return Ok(());
        };
        let mut entries = Entries::default();
        let count = self.map.next_entries(cursor, &mut entries, STEP_ENTRIES)?;
        let mut rows = Vec::new();
        let value_bytes = self.map.info().user_value_size as usize;
        let keys = entries.keys.chunks_exact(self.layout.key_bytes.max(1));
        let values = entries.values.chunks_exact(value_bytes.max(1));
        for (key, value) in keys.zip(values) {
            append(&mut rows, (&self.layout, &self.stacks), key, value);
            if self.clear && self.is_array() && value.iter().any(|byte| *byte != 0) {
                self.map.update(key, &vec![0; value.len()], 0)?;
            }
        }
        if !rows.is_empty() {
            self.shown = true;
            sink.rows(&self.table, &rows)?;
        }
        if count == 0 {
            self.cursor = None;
            if self.shown {
                sink.end_of_interval(&self.table)?;
            }
        }
        Ok(())
    }
}

/// How an entry becomes a row.
type How<'a> = (&'a EntryLayout, &'a Stacks);

/// Append an entry as one row, or as a row for each CPU.
fn append(rows: &mut Vec<u8>, how: How<'_>, key: &[u8], value: &[u8]) {
    let (layout, _) = how;
    let stride = layout.value_bytes.next_multiple_of(8);
    match layout.per_cpu {
        PerCpu::No => push(rows, how, key, value, None),
        PerCpu::Sum { item_bytes } => {
            let sum = sum(value, layout.value_bytes, stride, item_bytes);
            push(rows, how, key, &sum, None);
        }
        PerCpu::Rows { cpu_at } => {
            for (cpu, value) in value.chunks_exact(stride.max(1)).enumerate() {
                let number = u32::try_from(cpu).unwrap_or(u32::MAX);
                push(rows, how, key, value, Some((cpu_at, number)));
            }
        }
    }
}

fn push(
    rows: &mut Vec<u8>,
    (layout, stacks): How<'_>,
    key: &[u8],
    value: &[u8],
    cpu: Option<(usize, u32)>,
) {
    let value = &value[..layout.value_bytes.min(value.len())];
    if layout.skip_zero && value.iter().all(|byte| *byte == 0) {
        return;
    }
    let mut row = vec![0; layout.row_bytes];
    put(&mut row, layout.key_at, key);
    put(&mut row, layout.value_at, value);
    if let Some((at, number)) = cpu {
        put(&mut row, at, &number.to_ne_bytes());
    }
    stacks.fill(&mut row);
    record::push(rows, 0, &row);
}

fn put(row: &mut [u8], at: usize, bytes: &[u8]) {
    if let Some(place) = row.get_mut(at..at + bytes.len()) {
        place.copy_from_slice(bytes);
    }
}

/// Add up the integers of all CPUs, item by item.
fn sum(values: &[u8], value_bytes: usize, stride: usize, item_bytes: usize) -> Vec<u8> {
    let mut sums = vec![0u64; value_bytes / item_bytes.max(1)];
    for value in values.chunks_exact(stride.max(1)) {
        for (sum, item) in sums.iter_mut().zip(value.chunks_exact(item_bytes.max(1))) {
            let mut wide = [0; 8];
            wide[..item.len()].copy_from_slice(item);
            *sum = sum.wrapping_add(u64::from_ne_bytes(wide));
        }
    }
    sums.iter()
        .flat_map(|sum| sum.to_ne_bytes().into_iter().take(item_bytes))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_cpus_are_added_item_by_item() {
        let one = [1u32, 2].map(u32::to_ne_bytes).concat();
        let two = [10u32, u32::MAX].map(u32::to_ne_bytes).concat();
        let all = [one, two].concat();
        assert_eq!(
            sum(&all, 8, 8, 4),
            [11u32, 1].map(u32::to_ne_bytes).concat()
        );
        let padded = [1u32, 0, 5, 0].map(u32::to_ne_bytes).concat();
        assert_eq!(sum(&padded, 4, 8, 4), 6u32.to_ne_bytes());
    }
}
