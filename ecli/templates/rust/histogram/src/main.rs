//! Shows a histogram of what the BPF program measures, each second.

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use bpf::{Histogram, maps};
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
    let table = Table::<Histogram>::from_btf("lives", &object)?;
    table.add_hint("slots", "histogram", "log2")?;
    table.add_hint("slots", "unit", "usecs")?;

    let lives = object.map(maps::LIVES)?;
    let _links = object.attach()?;
    loop {
        // False when the operator asks to stop.
        let goes_on = lifecycle::sleep(interval)?;
        if let Some(histogram) = lives.lookup(&0)? {
            table.push(&histogram)?;
            table.end_of_interval()?;
        }
        if !goes_on {
            return Ok(());
        }
    }
}
