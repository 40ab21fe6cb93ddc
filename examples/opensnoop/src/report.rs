//! The rows that are shown.

use std::error::Error;

use eunomia_bpf::output::{Field, FieldTable};
use eunomia_bpf::{RawRecord, Result, host};

use crate::bpf::{CpuFlags, Event};
use crate::flags;
use crate::options::Options;

pub(crate) struct Report {
    table: FieldTable,
    /// The time from which the kernel counts the time of events.
    epoch_ns: u64,
    cpu_flags: CpuFlags,
    /// Kept for its memory.
    flags: String,
}

impl Report {
    pub(crate) fn new(options: &Options, cpu_flags: CpuFlags) -> Result<Self> {
        let is_hidden = |is_shown: bool| if is_shown { "false" } else { "true" };
        let fields = [
            Field::of::<u64>("time")
                .hint("format", "time-ns")
                .hint("hidden", is_hidden(options.show_time)),
            Field::of::<u32>("uid")
                .hint("width", "6")
                .hint("hidden", is_hidden(options.show_uid)),
            Field::of::<u32>("pid").hint("width", "7"),
            Field::of::<u32>("tid").hint("hidden", "true"),
            Field::of::<&str>("comm").hint("width", "15"),
            Field::of::<u32>("fd").hint("width", "4").optional(),
            Field::of::<u32>("error").hint("format", "errno").optional(),
            Field::of::<&str>("flags")
                .hint("width", "24")
                .hint("hidden", is_hidden(options.show_flags)),
            Field::of::<&str>("path"),
        ];
        Ok(Self {
            table: FieldTable::new("opens", fields)?,
            epoch_ns: host::boot_epoch_ns(),
            cpu_flags,
            flags: String::new(),
        })
    }

    pub(crate) fn push(&mut self, record: &RawRecord<'_>) -> Result<(), Box<dyn Error>> {
        let event = record.view::<Event>().ok_or("a record is too short")?;
        let path = &record.payload()[Event::TAIL_OFFSET..];
        let path = path.strip_suffix(&[0]).unwrap_or(path);
        let (fd, errno) = match u32::try_from(event.result()) {
            Ok(fd) => (Some(fd), None),
            Err(_) => (None, Some(event.result().unsigned_abs())),
        };
        self.flags.clear();
        flags::append_flags(event.flags(), &self.cpu_flags, &mut self.flags);
        self.table.push(|row| {
            row.put(self.epoch_ns + event.time_ns());
            row.put(event.uid()).put(event.pid()).put(event.tid());
            row.put(&*event.comm_str());
            row.put_option(fd).put_option(errno);
            row.put(&*self.flags);
            row.put(&*String::from_utf8_lossy(path));
        })?;
        Ok(())
    }
}
