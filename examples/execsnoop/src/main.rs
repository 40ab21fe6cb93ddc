//! Shows every program that starts and every process that ends.

mod options;
mod report;

use std::process::ExitCode;

use bpf::{globals, maps};
use eunomia_bpf::{Error, Object, OpenObject, Result, lifecycle, output};
use options::Options;
use report::Report;

// Module `bpf`: the types, globals and maps of execsnoop.bpf.c.
eunomia_bpf::include_bindings!();

fn main() -> ExitCode {
    eunomia_bpf::run(snoop)
}

fn snoop() -> Result<()> {
    let options = Options::parse(lexopt::Parser::from_env()).map_err(Error::other)?;
    let object = Object::open(bpf::OBJECT)?;
    configure(&object, &options)?;
    let object = object.load()?;
    let mut events = object.ring_buffer(maps::EVENTS)?;
    let report = Report::new(&options)?;
    let mut links = object.attach()?;

    // None when the operator asks to stop and everything is read.
    while let Some(batch) = events.next_batch()? {
        if lifecycle::stop_requested() {
            // Detach, so that there is an end to what is to be read.
            links.clear();
        }
        for record in batch.raw_records() {
            report.push(&record)?;
        }
    }
    output::report_lost(object.get(globals::LOST_EVENTS)?);
    Ok(())
}

/// What is filtered out here never leaves the kernel.
fn configure(object: &OpenObject, options: &Options) -> Result<()> {
    object.set(globals::FILTER_PID, options.pid)?;
    object.set(globals::FILTER_PPID, options.parent)?;
    if let Some(uid) = options.uid {
        object.set(globals::FILTER_UID, uid)?;
    }
    object.set(globals::FILTER_COMM, options.name)?;
    object.set(globals::DURATION_NS_MIN, options.duration_ns_min)?;
    object.set(globals::INCLUDE_FORKS, options.forks)?;
    object.set(globals::ARGUMENT_BYTES_MAX, options.argument_bytes_max)?;
    // Whoever does not look at ends does not pay for them.
    object.program("on_exit")?.set_autoload(!options.starts)?;
    object
        .map(maps::EVENTS)?
        .set_max_entries(options.buffer_bytes)
}
