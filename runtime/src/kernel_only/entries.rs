//! Entries of a map as rows, again and again, a few at a time.

use std::sync::Arc;

use eunomia_formats::{EntryLayout, Integers, PerCpu};
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
    /// Whether it has shown rows.
    shown: bool,
    /// Whether the one before it had: what is gone since then is gone from metrics, too.
    had_shown: bool,
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
            had_shown: false,
        }
    }

    /// Begin at the first entry. A walk that is under way goes on instead.
    pub(super) fn begin(&mut self) {
        if self.cursor.is_none() {
            self.cursor = Some(Cursor {
                drain: self.clear && !self.is_array(),
                ..Cursor::default()
            });
            self.had_shown = std::mem::take(&mut self.shown);
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
            if self.shown || self.had_shown {
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
        PerCpu::No => push(rows, how, key, own(layout, value), None),
        PerCpu::Sum(integers) => {
            push(rows, how, key, &sum(value, stride, integers), None);
        }
        PerCpu::Rows { cpu_at } => {
            for (cpu, value) in value.chunks_exact(stride.max(1)).enumerate() {
                let number = u32::try_from(cpu).unwrap_or(u32::MAX);
                push(rows, how, key, own(layout, value), Some((cpu_at, number)));
            }
        }
    }
}

/// A value without the bytes that fill it up.
fn own<'v>(layout: &EntryLayout, value: &'v [u8]) -> &'v [u8] {
    &value[..layout.value_bytes.min(value.len())]
}

fn push(
    rows: &mut Vec<u8>,
    (layout, stacks): How<'_>,
    key: &[u8],
    value: &[u8],
    cpu: Option<(usize, u32)>,
) {
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

/// Add up the integers of all CPUs, item by item, to integers of 8 bytes.
fn sum(values: &[u8], stride: usize, integers: Integers) -> Vec<u8> {
    let mut sums = vec![0u64; integers.count];
    let item_bytes = integers.bytes.max(1);
    for value in values.chunks_exact(stride.max(1)) {
        for (sum, item) in sums.iter_mut().zip(value.chunks_exact(item_bytes)) {
            *sum = sum.wrapping_add(widened(item, integers.signed));
        }
    }
    sums.iter().flat_map(|sum| sum.to_ne_bytes()).collect()
}

/// An integer of at most 8 bytes, as one of 8.
fn widened(item: &[u8], signed: bool) -> u64 {
    let is_negative = match cfg!(target_endian = "little") {
        true => item.last(),
        false => item.first(),
    };
    let is_negative = signed && is_negative.is_some_and(|byte| byte & 0x80 != 0);
    let mut wide = [if is_negative { 0xff } else { 0 }; 8];
    match cfg!(target_endian = "little") {
        true => wide[..item.len()].copy_from_slice(item),
        false => wide[8 - item.len()..].copy_from_slice(item),
    }
    u64::from_ne_bytes(wide)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn integers(bytes: usize, count: usize, signed: bool) -> Integers {
        Integers {
            bytes,
            count,
            signed,
        }
    }

    #[test]
    fn values_of_cpus_are_added_item_by_item() {
        let one = [1u32, 2].map(u32::to_ne_bytes).concat();
        let two = [10u32, u32::MAX].map(u32::to_ne_bytes).concat();
        let all = [one, two].concat();
        // The sum has room for more than an item of one CPU.
        assert_eq!(
            sum(&all, 8, integers(4, 2, false)),
            [11u64, (1 << 32) + 1].map(u64::to_ne_bytes).concat()
        );
        assert_eq!(
            sum(&all, 8, integers(4, 2, true)),
            [11u64, 1].map(u64::to_ne_bytes).concat()
        );
        let padded = [1u32, 0, 5, 0].map(u32::to_ne_bytes).concat();
        assert_eq!(sum(&padded, 8, integers(4, 1, false)), 6u64.to_ne_bytes());
        let bytes = [[200u8; 8], [200; 8]].concat();
        assert_eq!(sum(&bytes, 8, integers(1, 1, false)), 400u64.to_ne_bytes());
        let negative = sum(&bytes, 8, integers(1, 1, true));
        assert_eq!(negative, (-112i64).to_ne_bytes());
    }
}
