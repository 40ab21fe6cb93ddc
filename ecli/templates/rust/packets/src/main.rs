//! Shows the packets that the BPF program has counted, each second. The first argument is where it
//! counts: `{{target}}` unless it says another place.

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use bpf::{Traffic, maps};
use eunomia_bpf::attach::Target;
use eunomia_bpf::output::Table;
use eunomia_bpf::{Object, lifecycle};

// Module `bpf`: the types and maps of probe.bpf.c.
eunomia_bpf::include_bindings!();

const INTERVAL: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    eunomia_bpf::run(show)
}

fn show() -> Result<(), Box<dyn Error>> {
    let target = std::env::args().nth(1);
    let target = target.as_deref().unwrap_or("{{target}}");
    let object = Object::open(bpf::OBJECT)?.load()?;
    let table = Table::<Traffic>::from_btf("traffic", &object)?;
    table.add_hint("bytes", "format", "bytes")?;
    // Each interval shows the same entries anew.
    table.add_hint("", "rows", "totals")?;
    table.add_hint("", "sort", "protocol")?;

    let traffics = object.map(maps::TRAFFICS)?;
    let _link = object
        .program("on_packet")?
        .attach_to(Target::text(target))?;
    loop {
        // False when the operator asks to stop.
        let goes_on = lifecycle::sleep(INTERVAL)?;
        for entry in traffics.iterate()? {
            let (_protocol, traffic) = entry?;
            table.push(&traffic)?;
        }
        table.end_of_interval()?;
        if !goes_on {
            return Ok(());
        }
    }
}
