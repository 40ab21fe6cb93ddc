//! Shows what the BPF program has counted since the last time, each second.

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use bpf::{Count, maps};
use eunomia_bpf::output::Table;
use eunomia_bpf::{Object, lifecycle};

// Module `bpf`: the types and maps of probe.bpf.c.
eunomia_bpf::include_bindings!();

fn main() -> ExitCode {
    eunomia_bpf::run(show)
}

fn show() -> Result<(), Box<dyn Error>> {
    let seconds = std::env::args().nth(1);
    let interval = Duration::from_secs(seconds.as_deref().unwrap_or("1").parse()?);
    let object = Object::open(bpf::OBJECT)?.load()?;
    let table = Table::<Count>::from_btf("counts", &object)?;
    // The host sorts and cuts the rows of an interval.
    table.add_hint("", "sort", "-switches,pid")?;
    table.add_hint("", "limit", "10")?;

    let counts = object.map(maps::COUNTS)?;
    let _links = object.attach()?;
    loop {
        // False when the operator asks to stop.
        let goes_on = lifecycle::sleep(interval)?;
        // Takes the entries out of the map, many at a time.
        for entry in counts.drain()? {
            let (_pid, count) = entry?;
            table.push(&count)?;
        }
        table.end_of_interval()?;
        if !goes_on {
            return Ok(());
        }
    }
}
