//! Drops packets by source address and by destination port, and counts what each rule has dropped.

mod options;
mod report;
mod rule;

use std::error::Error;
use std::process::ExitCode;

use bpf::maps;
use eunomia_bpf::attach::XdpTarget;
use eunomia_bpf::{ErrorCode, Link, LoadedObject, Object, Result, lifecycle};
use options::Options;
use report::Report;

// Module `bpf`: the types and maps of xdp-filter.bpf.c.
eunomia_bpf::include_bindings!();

fn main() -> ExitCode {
    eunomia_bpf::run(filter)
}

fn filter() -> Result<(), Box<dyn Error>> {
    let options = Options::parse(lexopt::Parser::from_env())?;
    let object = Object::open(bpf::OBJECT)?;
    // One count for each rule, and that of packets that pass.
    let counts = u32::try_from(options.rules.len())? + 1;
    object.map(maps::COUNTS)?.set_max_entries(counts)?;
    let object = object.load()?;
    // The rules are there before the first packet comes.
    for (index, rule) in (1..).zip(&options.rules) {
        rule.add_to(&object, index)?;
    }
    let mut report = Report::new(&object, &options.rules)?;
    let link = attach(&object, options.interface.as_deref())?;

    while lifecycle::sleep(options.interval)? {
        report.push_interval()?;
    }
    // Detach, so that the last counts are the last ones.
    drop(link);
    report.push_interval()?;
    report.push_summary()?;
    Ok(())
}

fn attach(object: &LoadedObject, interface: Option<&str>) -> Result<Link, Box<dyn Error>> {
    let program = object.program("on_packet")?;
    let Some(interface) = interface else {
        // The operator may have said it in place of the command line.
        return program.attach().map_err(|error| match error.code() {
            ErrorCode::InvalidArgument => {
                "which network interface? Say `xdp-filter INTERFACE`, or \
                 `ecli run --attach on_packet=xdp:INTERFACE:generic` to choose the mode, too"
                    .into()
            }
            _ => error.into(),
        });
    };
    Ok(program.attach_to(XdpTarget::new(interface))?)
}
