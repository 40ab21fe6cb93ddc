//! Denies opening files whose paths begin as the command line says, and reports who tried.

mod options;

use std::error::Error;
use std::process::ExitCode;

use bpf::{Event, globals, maps};
use eunomia_bpf::map::UpdateFlags;
use eunomia_bpf::output::{self, Field, FieldTable};
use eunomia_bpf::{LoadedObject, Object, RawRecord, Result, host};
use options::Options;

// Module `bpf`: the types, globals and maps of lsm-guard.bpf.c.
eunomia_bpf::include_bindings!();

/// Values of `policy`, `enum action` of lsm-guard.bpf.c.
const ACTIONS: [&str; 3] = ["allow", "report", "deny"];

/// `PATH_BYTES_MAX` of lsm-guard.bpf.c.
const PATH_BYTES_MAX: usize = 252;

fn main() -> ExitCode {
    eunomia_bpf::run(guard)
}

fn guard() -> Result<(), Box<dyn Error>> {
    let options = Options::parse(lexopt::Parser::from_env())?;
    let object = Object::open(bpf::OBJECT)?.load()?;
    // The rules are there before the program runs for the first time.
    for (path, action) in &options.rules {
        add_rule(&object, path, *action)?;
    }
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

fn add_rule(object: &LoadedObject, path: &str, action: u32) -> Result<(), Box<dyn Error>> {
    if path.len() >= PATH_BYTES_MAX || !path.starts_with('/') {
        return Err(format!("{path}: not an absolute path below {PATH_BYTES_MAX} bytes").into());
    }
    // As `struct prefix`: the length in bits, then the path.
    let mut key = u32::try_from(path.len() * 8)?.to_ne_bytes().to_vec();
    key.extend_from_slice(path.as_bytes());
    key.resize(4 + PATH_BYTES_MAX, 0);
    let policy = object.map(maps::POLICY)?;
    policy
        .raw()
        .update(&key, &action.to_ne_bytes(), UpdateFlags::ANY)?;
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
            Field::of::<&str>("action").hint("width", "7"),
            Field::of::<u32>("pid").hint("width", "7"),
            Field::of::<u32>("uid").hint("width", "6"),
            Field::of::<&str>("comm").hint("width", "15"),
            Field::of::<&str>("path"),
        ];
        Ok(Self {
            table: FieldTable::new("opens", fields)?,
            epoch_ns: host::boot_epoch_ns(),
        })
    }

    fn push(&self, record: &RawRecord<'_>) -> Result<(), Box<dyn Error>> {
        let event = record.view::<Event>().ok_or("a record is too short")?;
        let action = ACTIONS.get(event.action() as usize).unwrap_or(&"?");
        self.table.push(|row| {
            row.put(self.epoch_ns + event.time_ns());
            row.put(*action);
            row.put(event.pid()).put(event.uid());
            row.put(&*event.comm_str());
            row.put(&*event.path_str());
        })?;
        Ok(())
    }
}
