//! Shows how long TCP connections take: from the call to the other end's answer.

mod options;

use std::error::Error;
use std::net::IpAddr;
use std::process::ExitCode;

use bpf::{Event, globals, maps};
use eunomia_bpf::output::{self, Field, FieldTable};
use eunomia_bpf::{Object, RawRecord, Result, host};
use options::Options;

// Module `bpf`: the types, globals and maps of tcpconnlat.bpf.c.
eunomia_bpf::include_bindings!();

/// `AF_INET`.
const IPV4: u32 = 2;

fn main() -> ExitCode {
    eunomia_bpf::run(watch)
}

fn watch() -> Result<(), Box<dyn Error>> {
    let options = Options::parse(lexopt::Parser::from_env())?;
    let object = Object::open(bpf::OBJECT)?;
    object.set(globals::DURATION_MIN_NS, options.microseconds_min * 1000)?;
    let object = object.load()?;
    let mut events = object.ring_buffer(maps::EVENTS)?;
    let report = Report::new()?;
    let _links = object.attach()?;

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
            Field::of::<&str>("comm").hint("width", "15"),
            Field::of::<&str>("destination").hint("width", "39"),
            Field::of::<u16>("port").hint("width", "5"),
            Field::of::<u64>("duration").hint("format", "duration-ns"),
        ];
        Ok(Self {
            table: FieldTable::new("connections", fields)?,
            epoch_ns: host::boot_epoch_ns(),
        })
    }

    fn push(&self, record: &RawRecord<'_>) -> Result<(), Box<dyn Error>> {
        let event = record.view::<Event>().ok_or("a record is too short")?;
        let bytes = *event.destination();
        let destination = match event.family() {
            IPV4 => IpAddr::from([bytes[0], bytes[1], bytes[2], bytes[3]]),
            _ => IpAddr::from(bytes),
        };
        self.table.push(|row| {
            row.put(self.epoch_ns + event.time_ns());
            row.put(event.pid());
            row.put(&*event.comm_str());
            row.put(&*destination.to_string());
            row.put(event.port());
            row.put(event.duration_ns());
        })?;
        Ok(())
    }
}
