//! Rows on standard output: typed rows of a guest, as columns for people or as JSON lines.
//!
//! [`StdoutRows`] is where the runtime puts a guest's rows. For each table it has a renderer,
//! prepared once from the table's layout and hints ([`columns`] or [`json`]), that appends text to
//! a buffer. docs/output.md lists the hints.

mod btf_columns;
mod cell;
mod columns;
mod format;
mod json;
mod line;
mod names;

use std::fmt::Debug;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use clap::ValueEnum;
use eunomia_runtime::console::Console;
use eunomia_runtime::output::{OutputSink, Table};
use eunomia_runtime::record::Records;
use eunomia_runtime::{HostError, HostErrorKind};

use crate::terminal;

pub(crate) use format::KernelClocks;

/// Bytes of text that are gathered before the console gets them: a batch of rows may become much
/// more text than it had bytes.
const BUFFER_BYTES: usize = 64 * 1024;

/// How rows are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Aligned columns with a header
    #[default]
    Columns,
    /// One JSON object a line
    Json,
}

/// What the renderers need to know beside the rows.
#[derive(Clone, Debug)]
pub(crate) struct Setting {
    /// How rows are shown.
    pub(crate) format: Format,
    /// Whether headers are set off by the terminal.
    pub(crate) colour: bool,
    /// When the kernel's clocks were zero.
    pub(crate) clocks: KernelClocks,
}

/// Shows the rows of one table.
trait Renderer: Debug + Send {
    /// Appends one row, which fits the table, as text.
    fn row(&mut self, payload: &[u8], text: &mut Vec<u8>) -> Result<(), String>;

    /// The terminal has so many columns.
    fn set_width(&mut self, _columns: usize) {}

    /// The next row follows a row of another table, or the end of an interval, or nothing.
    fn begin(&mut self, _text: &mut Vec<u8>) {}
}

/// Shows all rows of a guest on its console, in order with its plain text.
#[derive(Debug)]
pub(crate) struct StdoutRows {
    setting: Setting,
    console: Console,
    tables: Vec<(Arc<Table>, Box<dyn Renderer>)>,
    /// The table of the last row.
    current: Option<usize>,
    text: Vec<u8>,
    lost: Arc<AtomicU64>,
}

impl StdoutRows {
    /// Shows rows on `console`; counts lost events in `lost`.
    pub(crate) fn new(setting: Setting, console: Console, lost: Arc<AtomicU64>) -> Self {
        Self {
            setting,
            console,
            tables: Vec::new(),
            current: None,
            text: Vec::new(),
            lost,
        }
    }

    /// The renderer of a table, made when the table is first seen.
    fn select(&mut self, table: &Arc<Table>) -> Result<usize, HostError> {
        let is_it = |(known, _): &(Arc<Table>, _)| Arc::ptr_eq(known, table);
        if let Some(index) = self.tables.iter().position(is_it) {
            return Ok(index);
        }
        let renderer: Result<Box<dyn Renderer>, String> = match self.setting.format {
            Format::Json => json::renderer(table),
            Format::Columns => columns::renderer(table, &self.setting, self.console.is_terminal()),
        };
        let renderer = renderer.map_err(|reason| misfit(table, &reason))?;
        self.tables.push((Arc::clone(table), renderer));
        Ok(self.tables.len() - 1)
    }

    fn pass_on(&mut self) -> Result<(), HostError> {
        let outcome = self.console.write_all(&self.text);
        self.text.clear();
        outcome.map_err(|error| failed(&error))
    }
}

impl OutputSink for StdoutRows {
    fn rows(&mut self, table: &Arc<Table>, rows: &[u8]) -> Result<(), HostError> {
        let index = self.select(table)?;
        let renderer = &mut self.tables[index].1;
        if let Some(columns) = self.console.is_terminal().then(terminal::width).flatten() {
            renderer.set_width(columns);
        }
        if self.current != Some(index) {
            renderer.begin(&mut self.text);
            self.current = Some(index);
        }
        for record in Records::new(rows).filter(|record| !record.discarded) {
            let whole = self.text.len();
            if let Err(reason) = self.tables[index].1.row(record.payload, &mut self.text) {
                self.text.truncate(whole);
                return Err(misfit(table, &reason));
            }
            if self.text.len() >= BUFFER_BYTES {
                self.pass_on()?;
            }
        }
        self.pass_on()
    }

    fn end_of_interval(&mut self, table: &Arc<Table>) -> Result<(), HostError> {
        self.select(table)?;
        // The next rows begin anew, with a header.
        self.current = None;
        self.flush()
    }

    fn report_lost(&mut self, count: u64) {
        self.lost.fetch_add(count, Ordering::Relaxed);
    }

    fn flush(&mut self) -> Result<(), HostError> {
        self.console.flush().map_err(|error| failed(&error))
    }
}

fn misfit(table: &Table, reason: &str) -> HostError {
    let message = format!("show rows of table `{}`: {reason}", table.name);
    HostError::new(HostErrorKind::InvalidArgument, message)
}

fn failed(error: &io::Error) -> HostError {
    if error.kind() == io::ErrorKind::BrokenPipe {
        return HostError::new(
            HostErrorKind::Closed,
            "write rows: nobody reads them any more",
        );
    }
    HostError::new(HostErrorKind::Other, format!("write rows: {error}"))
}

#[cfg(test)]
mod btf_tests;
#[cfg(test)]
mod tests;
