//! The rows that are shown: of each interval what has come in it, at the end all.

use eunomia_bpf::map::PerCpuMap;
use eunomia_bpf::output::{Field, FieldTable};
use eunomia_bpf::{LoadedObject, Result};

use crate::bpf::{Count, maps};
use crate::rule::Rule;

/// What is counted under index 0.
const PASSED: &str = "(no rule)";

pub(crate) struct Report {
    intervals: FieldTable,
    summary: FieldTable,
    counts: PerCpuMap<u32, Count>,
    /// By index of the map.
    rules: Vec<String>,
    /// Of each rule, at the end of the last interval.
    shown: Vec<Total>,
}

#[derive(Clone, Copy, Default)]
struct Total {
    packets: u64,
    bytes: u64,
}

impl Report {
    pub(crate) fn new(object: &LoadedObject, rules: &[Rule]) -> Result<Self> {
        let names = rules.iter().map(Rule::to_string);
        let rules: Vec<String> = [PASSED.to_owned()].into_iter().chain(names).collect();
        Ok(Self {
            intervals: FieldTable::new("intervals", fields("rule"))?,
            summary: FieldTable::new("summary", fields("total"))?,
            counts: object.map(maps::COUNTS)?,
            shown: vec![Total::default(); rules.len()],
            rules,
        })
    }

    /// Rules that have dropped something since the last time, and what has passed.
    pub(crate) fn push_interval(&mut self) -> Result<()> {
        let totals = self.totals()?;
        for (index, (total, shown)) in totals.iter().zip(&self.shown).enumerate() {
            let packets = total.packets - shown.packets;
            let bytes = total.bytes - shown.bytes;
            if packets > 0 || index == 0 {
                self.push(&self.intervals, index, Total { packets, bytes })?;
            }
        }
        self.shown = totals;
        self.intervals.end_of_interval()
    }

    /// All rules, and all that they have dropped.
    pub(crate) fn push_summary(&self) -> Result<()> {
        for (index, total) in self.shown.iter().enumerate() {
            self.push(&self.summary, index, *total)?;
        }
        Ok(())
    }

    fn push(&self, table: &FieldTable, index: usize, total: Total) -> Result<()> {
        let rule = self.rules.get(index).map_or("?", String::as_str);
        table.push(|row| {
            row.put(rule);
            row.put(if index == 0 { "pass" } else { "drop" });
            row.put(total.packets).put(total.bytes);
        })
    }

    fn totals(&self) -> Result<Vec<Total>> {
        let mut totals = vec![Total::default(); self.rules.len()];
        for entry in self.counts.iterate()? {
            let (index, counts) = entry?;
            if let Some(total) = totals.get_mut(index as usize) {
                total.packets = counts.iter().map(|count| count.packets).sum();
                total.bytes = counts.iter().map(|count| count.bytes).sum();
            }
        }
        Ok(totals)
    }
}

fn fields(first: &str) -> [Field; 4] {
    [
        Field::of::<&str>(first).hint("width", "30"),
        Field::of::<&str>("action").hint("width", "6"),
        Field::of::<u64>("packets").hint("width", "10"),
        Field::of::<u64>("bytes").hint("width", "12"),
    ]
}
