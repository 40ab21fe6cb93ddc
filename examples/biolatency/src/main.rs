//! Shows how long disks take for requests, as a histogram.

mod options;
mod report;

use std::error::Error;
use std::io::{Write, stdout};
use std::process::ExitCode;

use bpf::globals;
use eunomia_bpf::{Object, OpenObject, Result, lifecycle, output};
use options::Options;

// Module `bpf`: the types, globals and maps of biolatency.bpf.c.
eunomia_bpf::include_bindings!();

fn main() -> ExitCode {
    eunomia_bpf::run(measure)
}

fn measure() -> Result<(), Box<dyn Error>> {
    let options = Options::parse(lexopt::Parser::from_env())?;
    let object = Object::open(bpf::OBJECT)?;
    configure(&object, &options)?;
    let object = object.load()?;
    let _links = object.attach()?;
    writeln!(stdout(), "Tracing block device I/O... Hit Ctrl-C to end.")?;

    for _ in 0..options.count {
        let goes_on = match options.interval {
            Some(interval) => lifecycle::sleep(interval)?,
            None => lifecycle::wait_for_stop().map(|()| false)?,
        };
        report::print(&object, &options)?;
        if !goes_on {
            break;
        }
    }
    output::report_lost(object.get(globals::LOST_REQUESTS)?);
    Ok(())
}

fn configure(object: &OpenObject, options: &Options) -> Result<()> {
    object.set(globals::BY_DISK, options.by_disk)?;
    object.set(globals::BY_FLAGS, options.by_flags)?;
    object.set(globals::INCLUDE_QUEUE, options.queued)?;
    object.set(globals::IN_MILLISECONDS, options.milliseconds)?;
    object.set(globals::FILTER_DISK, options.disk)?;
    object.program("on_insert")?.set_autoload(options.queued)
}
