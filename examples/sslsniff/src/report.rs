//! The rows that are shown.

use std::error::Error;
use std::fmt::Write;

use eunomia_bpf::output::{Field, FieldTable};
use eunomia_bpf::{RawRecord, Result, host};

use crate::bpf::Event;
use crate::options::Options;

/// Stands for the data that was not kept.
const CUT_MARK: &str = "...";

pub(crate) struct Report {
    table: FieldTable,
    /// The time from which the kernel counts the time of events.
    epoch_ns: u64,
    hexadecimal: bool,
}

impl Report {
    pub(crate) fn new(options: &Options) -> Result<Self> {
        let shown = |is_shown: bool| if is_shown { "false" } else { "true" };
        let fields = [
            Field::of::<u64>("time").hint("format", "time-ns"),
            Field::of::<&str>("direction").hint("width", "9"),
            Field::of::<u32>("pid").hint("width", "7"),
            Field::of::<u32>("tid")
                .hint("width", "7")
                .hint("hidden", shown(options.extra)),
            Field::of::<u32>("uid")
                .hint("width", "6")
                .hint("hidden", shown(options.extra)),
            Field::of::<&str>("comm").hint("width", "15"),
            Field::of::<u64>("bytes").hint("width", "6"),
            Field::of::<u64>("latency")
                .hint("format", "duration-ns")
                .hint("hidden", shown(options.latency)),
            Field::of::<&str>("data"),
        ];
        Ok(Self {
            table: FieldTable::new("data", fields)?,
            epoch_ns: host::boot_epoch_ns(),
            hexadecimal: options.hexadecimal,
        })
    }

    pub(crate) fn push(&self, record: &RawRecord<'_>) -> Result<(), Box<dyn Error>> {
        let event = record.view::<Event>().ok_or("a record is too short")?;
        let data = &record.payload()[Event::TAIL_OFFSET..];
        let mut text = match self.hexadecimal {
            true => hexadecimal(data),
            false => String::from_utf8_lossy(data).into_owned(),
        };
        if (data.len() as u64) < event.bytes() {
            text.push_str(CUT_MARK);
        }
        self.table.push(|row| {
            row.put(self.epoch_ns + event.time_ns());
            row.put(if event.is_received() {
                "receive"
            } else {
                "send"
            });
            row.put(event.pid()).put(event.tid()).put(event.uid());
            row.put(&*event.comm_str());
            row.put(event.bytes()).put(event.duration_ns());
            row.put(&*text);
        })?;
        Ok(())
    }
}

fn hexadecimal(data: &[u8]) -> String {
    let mut text = String::with_capacity(2 * data.len());
    for byte in data {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}
