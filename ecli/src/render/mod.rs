//! Rows on standard output: typed rows of a guest or of an image without one, as columns for people
//! or in a form for programs; and metrics of them.
//!
//! [`StdoutRows`] is where the runtime puts rows. Each table has a [`Stage`](stage::Stage),
//! prepared once from the table's layout and hints, through which its rows go: filter, metrics,
//! order, and a [`Renderer`] that appends text to a buffer. docs/output.md is the specification.

mod cell;
mod check;
mod columns;
mod csv;
mod cut;
mod filter;
mod format;
mod json;
mod line;
mod metrics;
mod names;
mod nested;
mod order;
mod plot;
mod select;
mod shape;
mod sink;
mod stage;
mod style;
mod template;

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use clap::ValueEnum;
use eunomia_runtime::kernel::Kernel;

pub(crate) use filter::Filter;
pub(crate) use metrics::{Address, MetricRequest};
pub(crate) use names::KernelClocks;
pub(crate) use order::Order;
pub(crate) use select::Selection;
pub(crate) use sink::{Report, StdoutRows, Unfinished};

use names::Names;
use shape::Row;

/// How rows are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Aligned columns with a header
    #[default]
    Columns,
    /// One JSON object a line
    Json,
    /// JSON objects on many lines
    Jsonpretty,
    /// A YAML document a row
    Yaml,
    /// Comma-separated values with a header
    Csv,
    /// Nothing
    None,
}

/// What the renderers need to know beside the rows.
#[derive(Clone, Debug, Default)]
pub(crate) struct Setting {
    /// How rows are shown.
    pub(crate) format: Format,
    /// Whether headers are set off by the terminal.
    pub(crate) colour: bool,
    /// When the kernel's clocks were zero.
    pub(crate) clocks: KernelClocks,
    /// Whose symbols are those of kernel stacks.
    pub(crate) kernel: Option<Arc<dyn Kernel>>,
    /// Which rows and fields.
    pub(crate) choice: Choice,
}

/// What the operator wants to see of the rows.
#[derive(Clone, Debug, Default)]
pub(crate) struct Choice {
    /// These fields.
    pub(crate) fields: Option<Selection>,
    /// Rows for which all of these hold.
    pub(crate) filters: Vec<Filter>,
    /// The order of the rows of an interval.
    pub(crate) order: Option<Order>,
    /// Rows of an interval.
    pub(crate) limit: Option<usize>,
    /// Rows in all.
    pub(crate) count: Option<u64>,
    /// The rows of such a time are shown together.
    pub(crate) interval: Option<Duration>,
    /// Metrics beside those that the image declares.
    pub(crate) metrics: Vec<MetricRequest>,
}

/// What was before the next row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Begin {
    /// Nothing.
    First,
    /// Rows of another table.
    Table,
    /// The end of an interval.
    Interval,
}

/// Shows the rows of one table.
trait Renderer: Debug + Send {
    /// Appends one row as text.
    fn row(&mut self, row: &Row<'_>, names: &mut Names, text: &mut Vec<u8>);

    /// The terminal has so many columns.
    fn set_width(&mut self, _columns: usize) {}

    /// Rows follow.
    fn begin(&mut self, _begin: Begin, _text: &mut Vec<u8>) {}
}

#[cfg(test)]
mod btf_tests;
#[cfg(test)]
mod choice_tests;
#[cfg(test)]
mod fuzz_tests;
#[cfg(test)]
mod speed_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod width_tests;
