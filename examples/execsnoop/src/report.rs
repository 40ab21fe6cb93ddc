//! The rows that are shown.

use eunomia_bpf::output::{Field, FieldTable, Row};
use eunomia_bpf::{Error, RawRecord, Result, host};

use crate::bpf::{Event, EventKind, EventRef};
use crate::options::Options;

/// Stands for the arguments that were not kept.
const CUT_MARK: &str = "...";

pub(crate) struct Report {
    table: FieldTable,
    /// The time from which the kernel counts the time of events.
    epoch_ns: u64,
}

impl Report {
    pub(crate) fn new(options: &Options) -> Result<Self> {
        let is_hidden = if options.time { "false" } else { "true" };
        let fields = [
            Field::of::<u64>("time")
                .hint("format", "time-ns")
                .hint("hidden", is_hidden),
            Field::of::<&str>("event").hint("width", "5"),
            Field::of::<u32>("pid").hint("width", "7"),
            Field::of::<u32>("ppid").hint("width", "7"),
            Field::of::<u32>("uid").hint("width", "5"),
            Field::of::<&str>("comm").hint("width", "15"),
            Field::of::<u32>("code").hint("width", "4").optional(),
            Field::of::<u32>("signal")
                .hint("format", "signal")
                .hint("width", "7")
                .optional(),
            Field::of::<u64>("duration")
                .hint("format", "duration-ns")
                .optional(),
            Field::of::<&str>("file").hint("width", "20").optional(),
            Field::of::<&str>("arguments").repeated(),
        ];
        Ok(Self {
            table: FieldTable::new("processes", fields)?,
            epoch_ns: host::boot_epoch_ns(),
        })
    }

    pub(crate) fn push(&self, record: &RawRecord<'_>) -> Result<()> {
        let event = record
            .view::<Event>()
            .ok_or_else(|| Error::other("a record is too short"))?;
        let text = &record.payload()[Event::TAIL_OFFSET..];
        match event.kind() {
            EventKind::EVENT_EXEC => self.push_exec(event, text),
            _ => self.push_exit(event),
        }
    }

    fn push_exec(&self, event: EventRef<'_>, text: &[u8]) -> Result<()> {
        let (file, arguments) = text
            .split_at_checked(event.file_bytes() as usize)
            .ok_or_else(|| Error::other("a record ends in its file name"))?;
        let file = String::from_utf8_lossy(without_nul(file));
        let arguments = String::from_utf8_lossy(without_nul(arguments));
        let is_cut = event.argument_bytes() < event.argument_bytes_total();
        self.table.push(|row| {
            self.put_head(row, event, "exec");
            row.put_option(None::<u32>).put_option(None::<u32>);
            row.put_option(None::<u64>);
            row.put(&*file);
            row.put_all(arguments.split('\0').chain(is_cut.then_some(CUT_MARK)));
        })
    }

    fn push_exit(&self, event: EventRef<'_>) -> Result<()> {
        let signal = event.exit_status() & 0x7f;
        let code = event.exit_status() >> 8;
        self.table.push(|row| {
            self.put_head(row, event, "exit");
            row.put_option((signal == 0).then_some(code));
            row.put_option((signal != 0).then_some(signal));
            row.put(event.duration_ns());
            row.put_option(None::<&str>);
            row.put_all([""; 0]);
        })
    }

    fn put_head(&self, row: &mut Row<'_>, event: EventRef<'_>, kind: &str) {
        row.put(self.epoch_ns + event.time_ns()).put(kind);
        row.put(event.pid()).put(event.ppid()).put(event.uid());
        row.put(&*event.comm_str());
    }
}

fn without_nul(text: &[u8]) -> &[u8] {
    text.strip_suffix(&[0]).unwrap_or(text)
}
