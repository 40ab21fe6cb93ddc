//! Structured output: tables of typed rows, and where they go.

mod fields;
pub mod hints;
mod table;

use std::fmt::Debug;
use std::sync::Arc;

use crate::error::Result;

pub use fields::{Cardinality, Field, FieldValues, Scalar, Value, Values};
pub use hints::{
    BUCKETS_MAX, Ellipsis, FieldHints, Format, Histogram, JsonForm, Metric, RowMeaning, TableHints,
    buckets, key,
};
pub use table::{Hints, Layout, Table};

/// Where a guest's rows go: a renderer, a channel to the embedding program, a test.
///
/// Methods may block while the reader is slow; that is what slows the guest down.
pub trait OutputSink: Debug + Send {
    /// A table was declared. Its hints may still change, and it may never have rows.
    fn declare(&mut self, _table: &Table) {}

    /// Take rows of `table`, a batch of records each of which fits the table.
    ///
    /// # Errors
    /// `Closed` when nobody reads any more.
    fn rows(&mut self, table: &Arc<Table>, rows: &[u8]) -> Result<()>;

    /// The rows of one interval are complete.
    ///
    /// # Errors
    /// As `rows`.
    fn end_of_interval(&mut self, table: &Arc<Table>) -> Result<()>;

    /// `count` further events were lost.
    fn report_lost(&mut self, count: u64);

    /// Pass on what was taken so far.
    ///
    /// # Errors
    /// As `rows`.
    fn flush(&mut self) -> Result<()>;

    /// The guest is about to wait: a good time to flush. Errors are told by the next call.
    fn before_wait(&mut self) {
        let _ = self.flush();
    }
}

/// Takes rows and forgets them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Discard;

impl OutputSink for Discard {
    fn rows(&mut self, _table: &Arc<Table>, _rows: &[u8]) -> Result<()> {
        Ok(())
    }

    fn end_of_interval(&mut self, _table: &Arc<Table>) -> Result<()> {
        Ok(())
    }

    fn report_lost(&mut self, _count: u64) {}

    fn flush(&mut self) -> Result<()> {
        Ok(())
    }
}
