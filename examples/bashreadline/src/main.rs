//! Shows the lines typed into bash, or what any function of any binary returns as a string.

mod options;

use std::error::Error;
use std::process::ExitCode;

use bpf::{Event, globals, maps};
use eunomia_bpf::attach::{ProcessFilter, UprobeTarget};
use eunomia_bpf::output::{self, Field, FieldTable};
use eunomia_bpf::{Object, RawRecord, Result, host};
use options::Options;

// Module `bpf`: the types, globals and maps of bashreadline.bpf.c.
eunomia_bpf::include_bindings!();

fn main() -> ExitCode {
    eunomia_bpf::run(snoop)
}

fn snoop() -> Result<(), Box<dyn Error>> {
    let options = Options::parse(lexopt::Parser::from_env())?;
    let object = Object::open(bpf::OBJECT)?.load()?;
    let mut events = object.ring_buffer(maps::EVENTS)?;
    let report = Report::new()?;
    let target = UprobeTarget::new(options.binary, options.function)
        .process(options.pid.map_or(ProcessFilter::Any, ProcessFilter::Pid));
    let _link = object.program("on_return")?.attach_to(target)?;

    // None when the operator asks to stop and everything is read.
    while let Some(batch) = events.next_batch()? {
        for record in batch.raw_records() {
            report.push(&record)?;
        }
    }
    output::report_lost(object.get(globals::LOST_EVENTS)?);
    Ok(())
}

/// The rows that are shown.
struct Report {
    table: FieldTable,
    /// The time from which the kernel counts the time of events.
    epoch_ns: u64,
}

impl Report {
    fn new() -> Result<Self> {
        let fields = [
            Field::of::<u64>("time").hint("format", "time-ns"),
            Field::of::<u32>("pid").hint("width", "7"),
            Field::of::<u32>("uid").hint("width", "6"),
            Field::of::<&str>("comm").hint("width", "15"),
            Field::of::<&str>("line"),
        ];
        Ok(Self {
            table: FieldTable::new("lines", fields)?,
            epoch_ns: host::boot_epoch_ns(),
        })
    }

    fn push(&self, record: &RawRecord<'_>) -> Result<(), Box<dyn Error>> {
        let event = record.view::<Event>().ok_or("a record is too short")?;
        let line = &record.payload()[Event::TAIL_OFFSET..];
        let line = line.strip_suffix(&[0]).unwrap_or(line);
        self.table.push(|row| {
            row.put(self.epoch_ns + event.time_ns());
            row.put(event.pid()).put(event.uid());
            row.put(&*event.comm_str());
            row.put(&*String::from_utf8_lossy(line));
        })?;
        Ok(())
    }
}
