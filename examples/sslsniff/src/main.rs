//! Shows what programs send and receive through OpenSSL, before it is encrypted.

mod options;
mod report;

use std::error::Error;
use std::process::ExitCode;

use bpf::{CallKind, globals, maps};
use eunomia_bpf::attach::{ProcessFilter, UprobeTarget};
use eunomia_bpf::{Link, LoadedObject, Object, OpenObject, Result, lifecycle, output};
use options::Options;
use report::Report;

// Module `bpf`: the types, globals and maps of sslsniff.bpf.c.
eunomia_bpf::include_bindings!();

/// Functions of libssl that move data, and what `on_call` is to know of each.
const FUNCTIONS: [(&str, u32); 4] = [
    ("SSL_write", 0),
    ("SSL_read", CallKind::CALL_RECEIVES.0),
    ("SSL_write_ex", CallKind::CALL_STORES_COUNT.0),
    (
        "SSL_read_ex",
        CallKind::CALL_RECEIVES.0 | CallKind::CALL_STORES_COUNT.0,
    ),
];

fn main() -> ExitCode {
    eunomia_bpf::run(sniff)
}

fn sniff() -> Result<(), Box<dyn Error>> {
    let options = Options::parse(lexopt::Parser::from_env())?;
    let object = Object::open(bpf::OBJECT)?;
    configure(&object, &options)?;
    let object = object.load()?;
    let mut events = object.ring_buffer(maps::EVENTS)?;
    let report = Report::new(&options)?;
    let mut links = attach(&object, &options)?;

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
    if let Some(uid) = options.uid {
        object.set(globals::FILTER_UID, uid)?;
    }
    object.set(globals::FILTER_COMM, options.comm)?;
    object.set(globals::DATA_BYTES_MAX, options.data_bytes_max)
}

/// Returns first: a call whose return is not seen would stay in the map.
fn attach(object: &LoadedObject, options: &Options) -> Result<Vec<Link>> {
    let process = options.pid.map_or(ProcessFilter::Any, ProcessFilter::Pid);
    let mut links = Vec::new();
    for (program, has_cookie) in [("on_return", false), ("on_call", true)] {
        let program = object.program(program)?;
        for (function, kind) in FUNCTIONS {
            let cookie = if has_cookie { u64::from(kind) } else { 0 };
            let target = UprobeTarget::new(&options.library, function)
                .process(process)
                .cookie(cookie);
            links.push(program.attach_to(target)?);
        }
    }
    Ok(links)
}
