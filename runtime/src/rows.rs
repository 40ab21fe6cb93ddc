//! A guest's rows as values, for programs that embed the runtime.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use eunomia_btf::decode::Decoder;
use eunomia_host_abi::output::{Cardinality, Layout, OutputSink, Table, Value, Values};
use eunomia_host_abi::record::Records;
use eunomia_host_abi::{Error, ErrorKind, Result};

/// One row of a guest's table.
#[derive(Clone, Debug)]
pub struct Row {
    table: Arc<Table>,
    payload: Box<[u8]>,
}

/// What a guest sent through the channel.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// A row.
    Row(Row),
    /// The rows of one interval of this table are complete.
    EndOfInterval(Arc<Table>),
    /// So many further events were lost.
    Lost(u64),
}

/// A channel that holds up to `capacity` events: its one end is a guest's output, the other the
/// embedding program's. A guest waits while the channel is full, and is told `closed` when the
/// receiver is gone.
///
/// ```
/// let (rows, receiver) = eunomia_runtime::rows::channel(1024);
/// let settings = eunomia_runtime::Settings { rows: Box::new(rows), ..Default::default() };
/// # drop(settings);
/// for event in receiver {
///     println!("{event:?}");
/// }
/// ```
pub fn channel(capacity: usize) -> (RowSender, Receiver<Event>) {
    let (sender, receiver) = sync_channel(capacity);
    (RowSender { sender }, receiver)
}

/// The guest's end of a [`channel`].
#[derive(Clone, Debug)]
pub struct RowSender {
    sender: SyncSender<Event>,
}

impl RowSender {
    fn send(&self, event: Event) -> Result<()> {
        self.sender
            .send(event)
            .map_err(|_| Error::new(ErrorKind::Closed, "emit rows: nobody takes them any more"))
    }
}

impl OutputSink for RowSender {
    fn rows(&mut self, table: &Arc<Table>, rows: &[u8]) -> Result<()> {
        for record in Records::new(rows).filter(|record| !record.discarded) {
            let row = Row {
                table: Arc::clone(table),
                payload: record.payload.into(),
            };
            self.send(Event::Row(row))?;
        }
        Ok(())
    }

    fn end_of_interval(&mut self, table: &Arc<Table>) -> Result<()> {
        self.send(Event::EndOfInterval(Arc::clone(table)))
    }

    fn report_lost(&mut self, count: u64) {
        if count > 0 {
            let _ = self.send(Event::Lost(count)); // The next row tells that nobody listens.
        }
    }

    fn flush(&mut self) -> Result<()> {
        Ok(())
    }
}

impl Row {
    /// Its table.
    pub fn table(&self) -> &Arc<Table> {
        &self.table
    }

    /// Its bytes, as the table's layout says.
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// Its fields as a JSON object, in the order of the table.
    ///
    /// # Errors
    /// `InvalidArgument` when the bytes do not fit the table, which the host checked for declared
    /// fields and for the size of structs.
    pub fn to_json(&self) -> Result<serde_json::Value> {
        let misfit = |reason: String| {
            Error::new(
                ErrorKind::InvalidArgument,
                format!("read a row of table `{}`: {reason}", self.table.name),
            )
        };
        match &self.table.layout {
            Layout::Fields(fields) => {
                let mut object = serde_json::Map::new();
                let mut row = Values::new(fields, &self.payload);
                while let Some((field, mut values)) = row.next_field().map_err(misfit)? {
                    let value = match field.cardinality {
                        Cardinality::Repeated => values.map(json).collect(),
                        _ => values.next().map_or(serde_json::Value::Null, json),
                    };
                    object.insert(field.name.clone(), value);
                }
                Ok(serde_json::Value::Object(object))
            }
            Layout::Btf { btf, type_id, .. } => {
                let decoder = Decoder::new(btf, *type_id).map_err(|e| misfit(e.to_string()))?;
                let value = decoder
                    .value(&self.payload)
                    .map_err(|e| misfit(e.to_string()))?;
                serde_json::to_value(value).map_err(|error| misfit(error.to_string()))
            }
            _ => Err(misfit("its layout is not known here".into())),
        }
    }
}

fn json(value: Value<'_>) -> serde_json::Value {
    match value {
        Value::Boolean(value) => value.into(),
        Value::Unsigned(value) => value.into(),
        Value::Signed(value) => value.into(),
        // As many digits as it needs, not those of the `f64` of this value.
        Value::Float32(value) => value.to_string().parse::<f64>().unwrap_or_default().into(),
        Value::Float(value) => value.into(),
        Value::Text(text) => String::from_utf8_lossy(text).into(),
        // One string of digits, as `ecli run --output json` has it.
        Value::Bytes(bytes) => {
            let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            digits.into()
        }
    }
}
