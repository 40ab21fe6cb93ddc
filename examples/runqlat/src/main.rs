//! Shows how long tasks that could run wait for a CPU, as a histogram.

mod options;

use std::error::Error;
use std::io::{Write, stdout};
use std::process::ExitCode;
use std::time::SystemTime;

use bpf::{Grouping, Histogram, globals, maps};
use eunomia_bpf::histogram::Log2Histogram;
use eunomia_bpf::{LoadedObject, Object, OpenObject, Result, lifecycle, output};
use options::Options;

// Module `bpf`: the types, globals and maps of runqlat.bpf.c.
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
    writeln!(stdout(), "Tracing run queue latency... Hit Ctrl-C to end.")?;

    for _ in 0..options.count {
        let goes_on = match options.interval {
            Some(interval) => lifecycle::sleep(interval)?,
            None => lifecycle::wait_for_stop().map(|()| false)?,
        };
        print(&object, &options)?;
        if !goes_on {
            break;
        }
    }
    output::report_lost(object.get(globals::LOST_WAITS)?);
    Ok(())
}

fn configure(object: &OpenObject, options: &Options) -> Result<()> {
    object.set(globals::GROUPING, options.grouping)?;
    object.set(globals::FILTER_PID, options.pid)?;
    object.set(globals::IN_MILLISECONDS, options.milliseconds)?;
    if options.grouping == Grouping::BY_NOTHING {
        object.map(maps::HISTOGRAMS)?.set_max_entries(1)?;
    }
    Ok(())
}

/// Prints what was counted since the last time, and takes it out of the map.
fn print(object: &LoadedObject, options: &Options) -> Result<(), Box<dyn Error>> {
    let unit = if options.milliseconds {
        "msecs"
    } else {
        "usecs"
    };
    let mut out = stdout().lock();
    writeln!(out)?;
    if options.timestamp {
        writeln!(out, "{}", utc_time()?)?;
    }
    let drained: Result<Vec<(u32, Histogram)>> = object.map(maps::HISTOGRAMS)?.drain()?.collect();
    let mut histograms = drained?;
    histograms.sort_unstable_by_key(|(id, _)| *id);
    for (id, histogram) in histograms {
        let comm = histogram.comm_str();
        match options.grouping {
            Grouping::BY_PROCESS => writeln!(out, "\npid = {id} {comm}")?,
            Grouping::BY_THREAD => writeln!(out, "\ntid = {id} {comm}")?,
            _ => {}
        }
        write!(out, "{}", Log2Histogram::new(unit, histogram.slots))?;
    }
    Ok(())
}

/// A guest knows no time zone.
fn utc_time() -> Result<String, Box<dyn Error>> {
    let seconds = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)?
        .as_secs();
    let (hours, minutes) = (seconds / 3600 % 24, seconds / 60 % 60);
    Ok(format!("{hours:02}:{minutes:02}:{:02} UTC", seconds % 60))
}
