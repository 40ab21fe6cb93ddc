//! Structured output: rows that the host shows as the operator chose (columns, JSON, metrics) or
//! hands to the program that embeds it.
//!
//! A [`Table`] takes structs of the BPF object, a [`FieldTable`] rows of declared fields. Both
//! gather rows and emit them when there are many of them ([`ROWS_BYTES`]), when the guest waits,
//! for events or time, and when they are dropped. So rows that are in no hurry cost no call of the
//! host each, and no row waits while nothing happens.
//!
//! Plain standard output stays possible beside it; call `flush` on the table where the order of
//! both matters.

mod field;
mod pending;
mod row;
mod table;

pub use field::{Field, FieldTable};
pub use pending::ROWS_BYTES;
pub(crate) use pending::flush_pending;
pub use row::{FieldValue, Row};
pub use table::Table;

use crate::bindings::eunomia::bpf::output as host;
use crate::error::Result;

pub use host::{Cardinality, Scalar};

/// Count events that were lost before the guest saw them, for the host's summary; not those of
/// [`PerfBatch::lost`](crate::PerfBatch::lost), which the host counts by itself.
pub fn report_lost(count: u64) {
    host::report_lost(count);
}

/// Emit all rows that are gathered, of all tables, and have the host show them now.
///
/// # Errors
/// `Closed` when nobody reads any more.
pub fn flush() -> Result<()> {
    flush_pending()?;
    Ok(host::flush()?)
}
