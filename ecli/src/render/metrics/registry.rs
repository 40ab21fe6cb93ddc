//! The numbers themselves.

use std::collections::{BTreeMap, HashMap};

use eunomia_runtime::output::Metric;

/// Series of one metric. Prometheus keeps each in memory for hours.
const SERIES_MAX: usize = 4096;

/// Bytes of a label's value that are kept.
pub(super) const LABEL_BYTES_MAX: usize = 256;

/// The label of what has no room.
const OTHER: &str = "other";

/// Stands between the values of labels; no byte of UTF-8.
pub(super) const SEPARATOR: u8 = 0xff;

/// Names that are served besides, with and without what counters have at their ends.
const RESERVED: [&str; 7] = [
    "ecli_lost_events",
    "ecli_lost_events_total",
    "ecli_rows",
    "ecli_rows_total",
    "ecli_build_info",
    "ecli_series_overflow",
    "ecli_series_overflow_total",
];

/// All metrics of a run.
#[derive(Debug, Default)]
pub(in crate::render) struct Registry {
    pub(super) families: Vec<Family>,
    /// Rows by table.
    pub(super) rows: BTreeMap<String, u64>,
    pub(super) lost: u64,
    /// Observations that had no room for a series of their own.
    pub(super) overflow: u64,
}

/// A metric.
#[derive(Debug)]
pub(super) struct Family {
    pub(super) name: String,
    pub(super) help: String,
    pub(super) metric: Metric,
    pub(super) labels: Vec<String>,
    /// Upper bounds of a histogram.
    pub(super) bounds: Vec<f64>,
    /// Of a histogram: its values were seen, so that their sum is known.
    pub(super) has_sum: bool,
    /// By the values of the labels.
    pub(super) series: HashMap<Box<[u8]>, Series>,
    /// Counts the intervals.
    generation: u64,
}

#[derive(Debug, Default)]
pub(super) struct Series {
    /// Of a counter or gauge; of a histogram the sum.
    pub(super) value: f64,
    /// Of a histogram, the number of values below or at each bound but above the one before.
    pub(super) buckets: Vec<u64>,
    pub(super) count: u64,
    generation: u64,
}

/// A series that is being written.
#[derive(Debug)]
pub(super) struct Handle<'a> {
    pub(super) series: &'a mut Series,
    pub(super) bounds: &'a [f64],
    pub(super) generation: u64,
}

impl Registry {
    /// Adds a metric; its place. A name that is taken gets an underscore.
    pub(super) fn add(&mut self, mut family: Family) -> usize {
        let is_taken = |family: &Family, families: &[Family]| {
            let names = family.all_names();
            let is_ours = |name: &String| names.contains(name);
            RESERVED
                .iter()
                .any(|name| names.iter().any(|it| it == name))
                || families
                    .iter()
                    .flat_map(Family::all_names)
                    .any(|name| is_ours(&name))
        };
        while is_taken(&family, &self.families) {
            // In front of the suffix that counters must have.
            let at = family
                .name
                .strip_suffix("_total")
                .map_or(family.name.len(), str::len);
            family.name.insert(at, '_');
        }
        self.families.push(family);
        self.families.len() - 1
    }

    /// The series for the values of the labels, or the one for all that has no room.
    pub(super) fn series(&mut self, family: usize, key: &[u8]) -> Handle<'_> {
        let Family {
            labels,
            bounds,
            series,
            generation,
            ..
        } = &mut self.families[family];
        // Most series are there already, and are found without a copy of the key.
        if !series.contains_key(key) {
            let mut key: Box<[u8]> = key.into();
            if series.len() >= SERIES_MAX {
                self.overflow += 1;
                key = vec![OTHER.as_bytes(); labels.len()].join(&SEPARATOR).into();
            }
            let series = series.entry(key).or_default();
            series.buckets.resize(bounds.len(), 0);
            return Handle {
                series,
                bounds,
                generation: *generation,
            };
        }
        Handle {
            series: series.get_mut(key).expect("it was found before"),
            bounds,
            generation: *generation,
        }
    }

    pub(in crate::render) fn count_rows(&mut self, table: &str, count: u64) {
        match self.rows.get_mut(table) {
            Some(rows) => *rows += count,
            None => {
                self.rows.insert(table.to_owned(), count);
            }
        }
    }

    pub(in crate::render) fn count_lost(&mut self, count: u64) {
        self.lost = self.lost.saturating_add(count);
    }

    /// The rows of an interval are complete: gauges without one in it are gone.
    pub(super) fn end_of_interval(&mut self, family: usize) {
        let family = &mut self.families[family];
        let generation = family.generation;
        if family.metric == Metric::Gauge {
            family
                .series
                .retain(|_, series| series.generation == generation);
        }
        family.generation += 1;
    }
}

impl Family {
    /// What it and its samples are called.
    fn all_names(&self) -> Vec<String> {
        let suffixes = match self.metric {
            Metric::Counter => &["_total", "_created"][..],
            Metric::Histogram => &["_bucket", "_sum", "_count", "_created"],
            _ => &[],
        };
        let base = match self.metric {
            Metric::Counter => self.name.strip_suffix("_total").unwrap_or(&self.name),
            _ => &self.name,
        };
        let mut names = vec![base.to_owned()];
        names.extend(suffixes.iter().map(|suffix| format!("{base}{suffix}")));
        names
    }

    pub(super) fn new(name: String, help: String, metric: Metric, labels: Vec<String>) -> Self {
        Self {
            name,
            help,
            metric,
            labels,
            bounds: Vec::new(),
            has_sum: true,
            series: HashMap::new(),
            // Series start at 0, so that the first value of a state is always new.
            generation: 1,
        }
    }
}

impl Series {
    /// Counts what happened.
    pub(super) fn add(&mut self, value: f64, generation: u64) {
        self.value += value;
        self.generation = generation;
    }

    pub(super) fn set(&mut self, value: f64, generation: u64) {
        self.value = value;
        self.generation = generation;
    }

    /// A part of a state: what several rows of one interval say adds up.
    pub(super) fn set_or_add(&mut self, value: f64, generation: u64) {
        self.forget_older(generation);
        self.value += value;
    }

    /// A value in a histogram, which came so many times.
    pub(super) fn observe(&mut self, value: f64, times: u64, bounds: &[f64]) {
        self.value += value * times as f64;
        self.count = self.count.saturating_add(times);
        let bucket = bounds.partition_point(|bound| *bound < value);
        if let Some(bucket) = self.buckets.get_mut(bucket) {
            *bucket = bucket.saturating_add(times);
        }
    }

    /// The counts of a histogram's slots.
    pub(super) fn add_slots(&mut self, counts: &[u64]) {
        for (index, count) in counts.iter().enumerate() {
            self.count = self.count.saturating_add(*count);
            if let Some(bucket) = self.buckets.get_mut(index) {
                *bucket = bucket.saturating_add(*count);
            }
        }
    }

    /// Of a state, what an interval before said.
    pub(super) fn forget_older(&mut self, generation: u64) {
        if self.generation != generation {
            self.value = 0.0;
            self.count = 0;
            self.buckets.fill(0);
            self.generation = generation;
        }
    }
}
