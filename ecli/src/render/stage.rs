//! What the rows of one table go through.

use std::ops::Range;
use std::sync::Arc;

use eunomia_runtime::output::{FieldValues, RowMeaning, Table, TableHints};
use eunomia_runtime::record::Records;

use super::columns::{Columns, Screen};
use super::csv::Csv;
use super::filter::Predicate;
use super::metrics::{Instruments, Registry};
use super::names::Names;
use super::order::{Order, SortKey, TableOrder};
use super::shape::Shape;
use super::template::{Layout, Template};
use super::{Begin, Format, Renderer, Setting, check};

/// Bytes of rows that are kept to be sorted.
const HELD_BYTES_MAX: usize = 64 * 1024 * 1024;

/// The stage of one table.
#[derive(Debug)]
pub(super) struct Stage {
    pub(super) table: Arc<Table>,
    pub(super) shape: Shape,
    predicates: Vec<Predicate>,
    instruments: Instruments,
    /// The rows of an interval are a state, which is complete when the tool says so.
    pub(super) is_state: bool,
    held: Option<Held>,
    /// The whole run is one interval, for all that is known: what is enough is shown at once.
    is_one_interval: bool,
    limit: usize,
    /// Rows of this interval that were shown.
    shown: usize,
    /// `None`: rows are not shown.
    renderer: Option<Box<dyn Renderer>>,
}

/// Rows that wait for the end of the interval.
#[derive(Debug, Default)]
struct Held {
    order: Option<TableOrder>,
    bytes: Vec<u8>,
    rows: Vec<(SortKey, Range<usize>)>,
}

/// What all stages share while rows go through one.
pub(super) struct Flow<'f> {
    pub(super) names: &'f mut Names,
    pub(super) registry: &'f mut Registry,
    pub(super) text: &'f mut Vec<u8>,
    /// Rows that may still be shown in all.
    pub(super) left: &'f mut u64,
    /// What comes before the next row, until there is one.
    pub(super) begin: &'f mut Option<Begin>,
    /// Memory for a value.
    pub(super) scratch: &'f mut Vec<u8>,
}

impl Stage {
    /// Prepares a table.
    ///
    /// # Errors
    /// When it has a layout that makes no sense, or a filter does not suit it.
    pub(super) fn new(
        table: &Arc<Table>,
        setting: &Setting,
        is_terminal: bool,
        (names, registry): (&mut Names, &mut Registry),
    ) -> Result<Self, String> {
        let shape = Shape::of(table)?;
        let choice = &setting.choice;
        let hints = TableHints::read(&table.hints);
        let mut predicates = Vec::new();
        for filter in &choice.filters {
            if check::has_all(&shape, filter.names()) {
                predicates.push(filter.compile(&shape, names)?);
            }
        }
        let instruments = Instruments::of(table, &shape, &choice.metrics, registry);
        let hinted = hints.sort.as_ref().and_then(|sort| Order::parse(sort).ok());
        let order = choice.order.as_ref().or(hinted.as_ref());
        let order = order.and_then(|order| order.of(&shape));
        // Who emits a state says when it is complete.
        let is_state = hints.rows == RowMeaning::Totals;
        let is_gathered = choice.interval.is_some() && !is_state;
        let is_held = setting.format != Format::None && (order.is_some() || is_gathered);
        let held = is_held.then(|| Held {
            order,
            ..Held::default()
        });
        let screen = Screen {
            colour: setting.colour && is_terminal,
            clear: hints.clear_screen && is_terminal,
        };
        Ok(Self {
            renderer: renderer(&shape, setting, screen),
            predicates,
            instruments,
            is_state,
            is_one_interval: choice.interval.is_none() && !is_state,
            held,
            limit: choice.limit.or(hints.limit).unwrap_or(usize::MAX),
            shown: 0,
            table: Arc::clone(table),
            shape,
        })
    }

    pub(super) fn set_width(&mut self, columns: usize) {
        if let Some(renderer) = &mut self.renderer {
            renderer.set_width(columns);
        }
    }

    /// Takes rows. `pass_on` is called after each that is shown.
    pub(super) fn rows<E: From<String>>(
        &mut self,
        rows: &[u8],
        flow: &mut Flow<'_>,
        mut pass_on: impl FnMut(&mut Vec<u8>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut values: Vec<FieldValues<'_>> = Vec::new();
        let mut taken = 0;
        let mut has_enough = false;
        let shape = &self.shape;
        for record in Records::new(rows).filter(|record| !record.discarded) {
            shape.fill(record.payload, &mut values)?;
            let row = shape.row(record.payload, &values);
            taken += 1;
            let is_wanted = |predicate: &Predicate| predicate.holds(&row, flow.names, flow.scratch);
            if !self.predicates.iter().all(is_wanted) {
                continue;
            }
            self.instruments.observe(&row, flow.names, flow.registry);
            match (&mut self.held, &mut self.renderer) {
                (Some(held), _) => {
                    let key = held.order.as_ref().map(|order| order.key(&row));
                    held.keep(record.payload, key.unwrap_or_default(), self.limit);
                    // Not where the interval shows fewer than that, by its limit.
                    let has_all = held.rows.len().min(self.limit) as u64 >= *flow.left;
                    if self.is_one_interval && has_all {
                        has_enough = true;
                        break;
                    }
                }
                (None, Some(renderer)) if self.shown < self.limit && *flow.left > 0 => {
                    if let Some(begin) = flow.begin.take() {
                        renderer.begin(begin, flow.text);
                    }
                    self.shown += 1;
                    *flow.left -= 1;
                    renderer.row(&row, flow.names, flow.text);
                    pass_on(flow.text)?;
                }
                (None, None) if *flow.left > 0 => *flow.left -= 1,
                _ => {}
            }
            if *flow.left == 0 {
                break;
            }
        }
        flow.registry.count_rows(&self.table.name, taken);
        if has_enough {
            self.show_held(flow, pass_on)?;
        } else if self.held.as_ref().is_some_and(Held::is_full) {
            tracing::warn!(
                table = self.table.name,
                "too many rows to sort: shown early"
            );
            self.show_held(flow, pass_on)?;
        }
        Ok(())
    }

    /// Shows the rows that wait.
    pub(super) fn show_held<E: From<String>>(
        &mut self,
        flow: &mut Flow<'_>,
        mut pass_on: impl FnMut(&mut Vec<u8>) -> Result<(), E>,
    ) -> Result<(), E> {
        let (Some(held), Some(renderer)) = (&mut self.held, &mut self.renderer) else {
            return Ok(());
        };
        held.sort(self.limit);
        let mut values = Vec::new();
        for (_, range) in &held.rows {
            if *flow.left == 0 {
                break;
            }
            *flow.left -= 1;
            let payload = &held.bytes[range.clone()];
            self.shape.fill(payload, &mut values)?;
            if let Some(begin) = flow.begin.take() {
                renderer.begin(begin, flow.text);
            }
            renderer.row(&self.shape.row(payload, &values), flow.names, flow.text);
            pass_on(flow.text)?;
        }
        drop(values);
        held.rows.clear();
        held.bytes.clear();
        Ok(())
    }

    /// The rows of an interval are complete and shown.
    pub(super) fn end_of_interval(&mut self, registry: &mut Registry) {
        self.shown = 0;
        self.instruments.end_of_interval(registry);
    }
}

impl Held {
    fn keep(&mut self, payload: &[u8], key: SortKey, limit: usize) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(payload);
        self.rows.push((key, start..self.bytes.len()));
        // Not for each row once there is no room.
        if self.is_full() && self.rows.len() / 2 >= limit {
            self.sort(limit);
            let mut bytes = Vec::new();
            for (_, range) in &mut self.rows {
                let start = bytes.len();
                bytes.extend_from_slice(&self.bytes[range.clone()]);
                *range = start..bytes.len();
            }
            self.bytes = bytes;
        }
    }

    /// Sorts the rows, those that are equal as they came, and forgets those beyond the limit.
    fn sort(&mut self, limit: usize) {
        if let Some(order) = &self.order {
            self.rows.sort_by(|(a, _), (b, _)| order.compare(a, b));
        }
        self.rows.truncate(limit);
    }

    /// Keys are about as large as the rows.
    fn is_full(&self) -> bool {
        let keys = self
            .rows
            .len()
            .saturating_mul(size_of::<(SortKey, Range<usize>)>());
        self.bytes.len().saturating_add(keys) > HELD_BYTES_MAX
    }
}

fn renderer(shape: &Shape, setting: &Setting, screen: Screen) -> Option<Box<dyn Renderer>> {
    let for_people = setting.format == Format::Columns;
    let default = super::Selection::default();
    let chosen = setting.choice.fields.as_ref();
    let selection = chosen.filter(|chosen| check::has_all(shape, chosen.names()));
    let fields = selection.unwrap_or(&default).apply(shape, !for_people);
    Some(match setting.format {
        Format::Columns => Box::new(Columns::new(shape, &fields, screen)),
        Format::Json => Box::new(Template::new(shape, &fields, Layout::Line)),
        Format::Jsonpretty => Box::new(Template::new(shape, &fields, Layout::Pretty)),
        Format::Yaml => Box::new(Template::new(shape, &fields, Layout::Yaml)),
        Format::Csv => Box::new(Csv::new(shape, &fields)),
        Format::None => return None,
    })
}
