//! What is counted of the rows of one table.

use std::borrow::Cow;

use eunomia_runtime::output::{FieldHints, Histogram, Metric, RowMeaning, Table, TableHints};

use super::super::names::Names;
use super::super::shape::{Row, Shape};
use super::super::style::Style;
use super::registry::{Family, LABEL_BYTES_MAX, Registry, SEPARATOR};
use super::request::{MetricRequest, ROWS};

/// Powers of two that bound a histogram by default: up to 2^39, nine minutes in nanoseconds.
const BOUNDS_DEFAULT: i32 = 40;

/// Slots of a histogram that are served.
const SLOTS_MAX: usize = 64;

/// The metrics of one table.
#[derive(Debug)]
pub(in crate::render) struct Instruments {
    list: Vec<Instrument>,
    meaning: RowMeaning,
    /// Memory for the values of labels, and for slots.
    key: Vec<u8>,
    slots: Vec<u64>,
}

#[derive(Debug)]
struct Instrument {
    family: usize,
    metric: Metric,
    /// `None`: the rows themselves.
    field: Option<usize>,
    /// The field has the slots of a histogram.
    has_slots: bool,
    /// The field that tells how often the value of a histogram came.
    weight: Option<usize>,
    labels: Vec<(usize, Style)>,
}

impl Instruments {
    /// What hints declare, and what the operator asked for and this table has.
    pub(in crate::render) fn of(
        table: &Table,
        shape: &Shape,
        requests: &[MetricRequest],
        registry: &mut Registry,
    ) -> Self {
        let hints = TableHints::read(&table.hints);
        let mut declaring = Declaring {
            table,
            shape,
            registry,
            list: Vec::new(),
        };
        declaring.by_hints(&hints);
        requests
            .iter()
            .for_each(|request| declaring.by_request(request));
        Self {
            list: declaring.list,
            meaning: hints.rows,
            key: Vec::new(),
            slots: Vec::new(),
        }
    }

    /// Counts a row.
    pub(in crate::render) fn observe(
        &mut self,
        row: &Row<'_>,
        names: &mut Names,
        registry: &mut Registry,
    ) {
        for instrument in &self.list {
            write_key(&mut self.key, instrument, row, names);
            if instrument.has_slots {
                self.slots.clear();
                let slots = &mut self.slots;
                let datum = instrument.field.map(|field| row.get(field));
                let push = |cell: super::super::cell::Cell<'_>| {
                    slots.push(cell.as_unsigned().unwrap_or(0));
                };
                if let Some(datum) = datum {
                    datum.for_each(push);
                }
                let handle = registry.series(instrument.family, &self.key);
                if self.meaning == RowMeaning::Totals {
                    handle.series.forget_older(handle.generation);
                }
                handle.series.add_slots(&self.slots);
                continue;
            }
            let Some(field) = instrument.field else {
                let handle = registry.series(instrument.family, &self.key);
                handle.series.add(1.0, handle.generation);
                continue;
            };
            let times = instrument.times(row);
            // Of several values each counts; an absent one does not.
            row.get(field).for_each(|cell| {
                let Some(value) = cell.as_float().filter(|value| value.is_finite()) else {
                    return;
                };
                let handle = registry.series(instrument.family, &self.key);
                match (instrument.metric, self.meaning) {
                    (Metric::Histogram, meaning) => {
                        if meaning == RowMeaning::Totals {
                            handle.series.forget_older(handle.generation);
                        }
                        handle.series.observe(value, times, handle.bounds);
                    }
                    // A counter is never negative, and never goes down.
                    (Metric::Counter, RowMeaning::Totals) => {
                        handle.series.set_or_add(value.max(0.0), handle.generation);
                    }
                    (_, RowMeaning::Totals) => handle.series.set_or_add(value, handle.generation),
                    (Metric::Counter, _) => handle.series.add(value.max(0.0), handle.generation),
                    _ => handle.series.set(value, handle.generation),
                }
            });
        }
    }

    /// The rows of an interval are complete.
    pub(in crate::render) fn end_of_interval(&self, registry: &mut Registry) {
        if self.meaning == RowMeaning::Totals {
            for instrument in &self.list {
                registry.end_of_interval(instrument.family);
            }
        }
    }
}

impl Instrument {
    /// How often the value of a row came.
    fn times(&self, row: &Row<'_>) -> u64 {
        let mut times = 1;
        if let Some(weight) = self.weight {
            row.get(weight)
                .for_each(|cell| times = cell.as_unsigned().unwrap_or(0));
        }
        times
    }
}

/// The values of the labels, as columns show them.
fn write_key(key: &mut Vec<u8>, instrument: &Instrument, row: &Row<'_>, names: &mut Names) {
    key.clear();
    for (index, (field, style)) in instrument.labels.iter().enumerate() {
        if index > 0 {
            key.push(SEPARATOR);
        }
        let start = key.len();
        style.write(key, row, &row.get(*field), names);
        key.truncate(start + LABEL_BYTES_MAX);
        // Replaced now, so that what looks the same is one series. No text has a separator then.
        if let Cow::Owned(text) = String::from_utf8_lossy(&key[start..]) {
            key.truncate(start);
            key.extend_from_slice(text.as_bytes());
        }
    }
}

/// Metrics that are being declared.
struct Declaring<'a> {
    table: &'a Table,
    shape: &'a Shape,
    registry: &'a mut Registry,
    list: Vec<Instrument>,
}

impl Declaring<'_> {
    fn by_hints(&mut self, hints: &TableHints) {
        let fields = || self.shape.fields.iter().enumerate();
        let is_label = |hints: &FieldHints| hints.metric == Some(Metric::Label);
        let labels: Vec<usize> = fields()
            .filter(|(_, field)| is_label(&field.hints))
            .map(|(index, _)| index)
            .collect();
        let counted: Vec<(usize, Metric)> = fields()
            .filter_map(|(index, field)| Some((index, field.hints.metric?)))
            .filter(|(_, metric)| *metric != Metric::Label)
            .collect();
        if hints.is_counted {
            self.add(Metric::Counter, None, &labels, hints.metric_name.as_deref());
        }
        for (field, metric) in counted {
            let name = self.shape.fields[field].hints.metric_name.as_deref();
            self.add(metric, Some(field), &labels, name);
        }
    }

    /// What is asked for may be of another table.
    fn by_request(&mut self, request: &MetricRequest) {
        let Some(field) = request.target_in(&self.table.name, self.shape) else {
            return;
        };
        let labels = request.labels.iter().map(|label| self.shape.find(label));
        if let Some(labels) = labels.collect::<Option<Vec<usize>>>() {
            // The name in hints is that of the metric that hints declare.
            self.add(request.metric, field, &labels, None);
        }
    }

    fn add(&mut self, metric: Metric, field: Option<usize>, labels: &[usize], named: Option<&str>) {
        let shape = self.shape;
        let table_hints = TableHints::read(&self.table.hints);
        let hints = field.map(|field| &shape.fields[field].hints);
        let path = field.map_or(ROWS, |field| &shape.fields[field].path);
        let suffix = if metric == Metric::Counter {
            "_total"
        } else {
            ""
        };
        let name = match named {
            Some(name) => metric_name(name),
            None => metric_name(&format!("ecli_{}_{path}{suffix}", self.table.name)),
        };
        let help = match hints {
            Some(hints) => hints.description.clone(),
            None => table_hints.description,
        };
        let help = help.unwrap_or_else(|| format!("{path} of {}", self.table.name));
        let mut label_names: Vec<String> = Vec::new();
        for label in labels {
            let mut name = label_name(&shape.fields[*label].path);
            // Of a histogram `le` is the bound of a bucket.
            while label_names.contains(&name) || (metric == Metric::Histogram && name == "le") {
                name.push('_');
            }
            label_names.push(name);
        }
        let mut family = Family::new(name, help, metric, label_names);
        let slots = hints.and_then(|hints| hints.histogram);
        let is_many = field.is_some_and(|field| shape.fields[field].kind.many);
        let has_slots = metric == Metric::Histogram && slots.is_some() && is_many;
        // Of slots that the kernel counted nobody knows the sum.
        family.has_sum = !has_slots;
        if metric == Metric::Histogram {
            family.bounds = bounds(hints, slots.filter(|_| has_slots));
        }
        let family = self.registry.add(family);
        let labels = labels
            .iter()
            .map(|label| (*label, Style::of(shape, *label)));
        self.list.push(Instrument {
            family,
            metric,
            field,
            has_slots,
            weight: hints
                .and_then(|hints| hints.weight.as_ref())
                .and_then(|weight| shape.find(weight)),
            labels: labels.collect(),
        });
    }
}

/// The upper bounds of a histogram's buckets.
fn bounds(hints: Option<&FieldHints>, slots: Option<Histogram>) -> Vec<f64> {
    let slot_bound = |slot: usize| match slots {
        // The last value of the slot: of integers, those below the next slot's first.
        Some(Histogram::Linear { min, step }) => {
            min as f64 + (slot as f64 + 1.0) * step as f64 - 1.0
        }
        _ => 2_f64.powi(slot as i32 + 1) - 1.0,
    };
    match (slots, hints.map(|hints| hints.buckets.as_slice())) {
        (Some(_), _) => (0..SLOTS_MAX).map(slot_bound).collect(),
        (None, Some(buckets @ [_, ..])) => buckets.to_vec(),
        _ => (0..BOUNDS_DEFAULT).map(|power| 2_f64.powi(power)).collect(),
    }
}

/// A name as Prometheus takes it.
fn metric_name(name: &str) -> String {
    plain_name(name, |c| c.is_ascii_alphanumeric() || c == '_' || c == ':')
}

fn label_name(name: &str) -> String {
    plain_name(name, |c| c.is_ascii_alphanumeric() || c == '_')
}

fn plain_name(name: &str, is_plain: impl Fn(char) -> bool) -> String {
    let plain = name.chars().map(|c| if is_plain(c) { c } else { '_' });
    let mut plain: String = plain.collect();
    if !plain.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
        plain.insert(0, '_');
    }
    plain
}
