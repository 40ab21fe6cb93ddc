use std::marker::PhantomData;
use std::rc::Rc;

use super::pending::Rows;
use super::{field, host};
use crate::batch::Batch;
use crate::error::Result;
use crate::object::Object;
use crate::record::NamedRecord;

/// A table whose rows are structs of the BPF object, which the host decodes by their BTF.
///
/// ```no_run
/// # use eunomia_bpf::{output::Table, LoadedObject, NamedRecord, Result, RingBufferName};
/// # fn read<Event: NamedRecord>(object: &LoadedObject) -> Result<()> {
/// # const EVENTS: RingBufferName = RingBufferName::new("events");
/// let table = Table::<Event>::from_btf("exec", object)?;
/// table.add_hint("pid", "width", "7")?;
/// let mut events = object.ring_buffer(EVENTS)?;
/// while let Some(batch) = events.next_batch()? {
///     table.emit_batch(&batch)?;
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Table<T> {
    rows: Rc<Rows>,
    record: PhantomData<fn(T)>,
}

impl<T: NamedRecord> Table<T> {
    /// A table of this name (letters, digits and `_`, unique in the image), for structs `T` of the
    /// object.
    ///
    /// # Errors
    /// `NotFound` when the object has no type of `T`'s name, `AlreadyExists` for a name that is
    /// taken.
    pub fn from_btf<Phase>(name: &str, object: &Object<Phase>) -> Result<Self> {
        let table = host::Table::from_btf(name, object.handle(), T::NAME)?;
        Ok(Self {
            rows: Rows::new(table),
            record: PhantomData,
        })
    }

    /// Add a row.
    ///
    /// # Errors
    /// `Closed` when nobody reads any more.
    pub fn push(&self, row: &T) -> Result<()> {
        self.rows.add(|batch| batch.push(row))
    }

    /// Add a row as the BPF program wrote it: with its flexible array, if it has one.
    ///
    /// # Errors
    /// `InvalidArgument` when it is shorter than `T`; `Closed` when nobody reads any more. Both
    /// may come from a later call.
    pub fn push_bytes(&self, row: &[u8]) -> Result<()> {
        self.rows.add(|batch| batch.push_bytes(row))
    }

    /// Emit all records of a batch, without looking at them.
    ///
    /// # Errors
    /// `InvalidArgument` when one is shorter than `T`, and then none is emitted; `Closed` when
    /// nobody reads any more.
    pub fn emit_batch(&self, batch: &Batch<'_>) -> Result<()> {
        self.rows.emit(batch.as_bytes())
    }

    /// Say how to show a field (`event.pid` names a nested one) or, with an empty name, the table.
    /// Before the first row. Hints that the host does not know are passed over, as are those for
    /// fields that there are not; docs/output.md lists them.
    ///
    /// # Errors
    /// `InvalidState` after the first row.
    pub fn add_hint(&self, field: &str, key: &str, value: &str) -> Result<()> {
        let hint = field::hint(key, value);
        Ok(self.rows.handle().add_hints(field, &[hint])?)
    }

    /// Say that the rows of one interval are complete.
    ///
    /// # Errors
    /// `Closed` when nobody reads any more.
    pub fn end_of_interval(&self) -> Result<()> {
        self.rows.end_of_interval()
    }

    /// Emit the rows that are gathered.
    ///
    /// # Errors
    /// `Closed` when nobody reads any more.
    pub fn flush(&self) -> Result<()> {
        self.rows.flush()
    }
}
