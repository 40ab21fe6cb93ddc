//! Shows the events that the BPF program reports.

use std::error::Error;
use std::process::ExitCode;

use bpf::{Event, globals, maps};
use eunomia_bpf::output::{self, Table};
use eunomia_bpf::{Object, lifecycle};

// Module `bpf`: the types, globals and maps of probe.bpf.c.
eunomia_bpf::include_bindings!();

fn main() -> ExitCode {
    eunomia_bpf::run(show)
}

fn show() -> Result<(), Box<dyn Error>> {
    // Only processes with this in their name.
    let wanted = std::env::args().nth(1).unwrap_or_default();
    let object = Object::open(bpf::OBJECT)?.load()?;
    let table = Table::<Event>::from_btf("events", &object)?;
    table.add_hint("time_ns", "format", "time-boot-ns")?;
    table.add_hint("time_ns", "title", "TIME")?;
    table.add_hint("pid", "width", "7")?;
    table.add_hint("uid", "width", "5")?;

    let mut events = object.ring_buffer(maps::EVENTS)?;
    let mut links = object.attach()?;
    // None when the operator asks to stop and everything is read.
    while let Some(batch) = events.next_batch()? {
        if lifecycle::stop_requested() {
            // Detach, so that there is an end to what is to be read.
            links.clear();
        }
        for event in batch.records::<Event>() {
            if event.comm_str().contains(&wanted) {
                table.push_bytes(event.as_bytes())?;
            }
        }
    }
    output::report_lost(object.get(globals::LOST_EVENTS)?);
    Ok(())
}
