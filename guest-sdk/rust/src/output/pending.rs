//! Rows on their way to the host.

use std::cell::RefCell;
use std::fmt;
use std::rc::{Rc, Weak};

use super::host;
use crate::batch::BatchBuilder;
use crate::error::Result;

/// Bytes of rows that are gathered before they are emitted: enough that the call costs nothing
/// beside them, and far below the 1 MiB that one call may have.
pub const ROWS_BYTES: usize = 64 << 10;

/// Bytes of rows that one call of the host takes.
const CALL_BYTES_MAX: usize = 1 << 20;

thread_local! {
    /// The table that has rows to emit; of several the order of rows would be lost. A guest has one
    /// thread.
    static PENDING: RefCell<Option<Weak<Rows>>> = const { RefCell::new(None) };
}

/// Emit all rows that are gathered.
pub(crate) fn flush_pending() -> Result<()> {
    match PENDING.take().and_then(|table| table.upgrade()) {
        Some(table) => table.flush(),
        None => Ok(()),
    }
}

/// A table of the host with the rows that it has not got yet.
pub(super) struct Rows {
    handle: host::Table,
    batch: RefCell<BatchBuilder>,
}

impl Rows {
    pub(super) fn new(handle: host::Table) -> Rc<Self> {
        let batch = RefCell::default();
        Rc::new(Self { handle, batch })
    }

    pub(super) fn handle(&self) -> &host::Table {
        &self.handle
    }

    /// Add rows with `write`, after those of other tables, and emit them when there are enough.
    pub(super) fn add(
        self: &Rc<Self>,
        write: impl FnOnce(&mut BatchBuilder) -> Result<()>,
    ) -> Result<()> {
        let was_empty = self.batch.borrow().is_empty();
        if was_empty {
            flush_pending()?;
        }
        let mut batch = self.batch.borrow_mut();
        write(&mut batch)?;
        let is_full = batch.as_bytes().len() >= ROWS_BYTES;
        drop(batch);
        if is_full {
            return self.flush();
        }
        if was_empty {
            PENDING.set(Some(Rc::downgrade(self)));
        }
        Ok(())
    }

    /// Emit a whole batch, after the rows that came before it.
    pub(super) fn emit(&self, batch: &[u8]) -> Result<()> {
        flush_pending()?;
        Ok(self.handle.emit(batch)?)
    }

    /// Rows that the host refuses are gone: they would be refused again.
    pub(super) fn flush(&self) -> Result<()> {
        let mut batch = self.batch.borrow_mut();
        let mut result = Ok(());
        while !batch.is_empty() {
            let rows = batch.first_bytes(CALL_BYTES_MAX);
            let emitted = self.handle.emit(rows);
            let bytes = rows.len();
            batch.remove_first(bytes);
            result = result.and(emitted);
        }
        Ok(result?)
    }

    pub(super) fn end_of_interval(&self) -> Result<()> {
        flush_pending()?;
        Ok(self.handle.end_of_interval()?)
    }
}

impl Drop for Rows {
    fn drop(&mut self) {
        // Nobody is left to hear of an error.
        let _ = self.flush();
    }
}

impl fmt::Debug for Rows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Rows").field(&self.handle).finish()
    }
}
