//! What is printed at each interval.

use std::error::Error;
use std::io::{Write, stdout};
use std::time::SystemTime;

use eunomia_bpf::histogram::Log2Histogram;
use eunomia_bpf::{LoadedObject, Result};

use crate::bpf::{Group, Histogram, RequestAttribute, maps};
use crate::options::Options;

/// Prints what was counted since the last time, and takes it out of the map.
pub(crate) fn print(object: &LoadedObject, options: &Options) -> Result<(), Box<dyn Error>> {
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
    let drained: Result<Vec<(Group, Histogram)>> = object.map(maps::HISTOGRAMS)?.drain()?.collect();
    let mut histograms = drained?;
    histograms.sort_unstable_by_key(|(group, _)| (group.disk, group.operation, group.attributes));
    for (group, histogram) in histograms {
        if options.by_disk {
            writeln!(out, "\ndisk = {}", group.disk_str())?;
        }
        if options.by_flags {
            writeln!(out, "\nflags = {}", flags(&group))?;
        }
        write!(out, "{}", Log2Histogram::new(unit, histogram.slots))?;
    }
    Ok(())
}

/// As bcc's biolatency has them: the attributes, then the operation.
fn flags(group: &Group) -> String {
    let names = [
        (RequestAttribute::ATTRIBUTE_SYNC, "Sync"),
        (RequestAttribute::ATTRIBUTE_METADATA, "Metadata"),
        (
            RequestAttribute::ATTRIBUTE_FORCE_UNIT_ACCESS,
            "ForcedUnitAccess",
        ),
        (RequestAttribute::ATTRIBUTE_PREFLUSH, "PreFlush"),
        (RequestAttribute::ATTRIBUTE_READ_AHEAD, "ReadAhead"),
    ];
    let attributes = names
        .iter()
        .filter(|(attribute, _)| group.attributes & attribute.0 != 0)
        .map(|(_, name)| (*name).to_owned());
    let all: Vec<String> = attributes.chain([operation(group.operation)]).collect();
    all.join("-")
}

/// Of `enum req_op`, whose numbers Linux writes into traces of block devices and so keeps.
fn operation(number: u32) -> String {
    match number {
        0 => "Read".to_owned(),
        1 => "Write".to_owned(),
        2 => "Flush".to_owned(),
        3 => "Discard".to_owned(),
        5 => "SecureErase".to_owned(),
        9 => "WriteZeroes".to_owned(),
        _ => format!("Operation{number}"),
    }
}

/// A guest knows no time zone.
fn utc_time() -> Result<String, Box<dyn Error>> {
    let seconds = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)?
        .as_secs();
    let (hours, minutes) = (seconds / 3600 % 24, seconds / 60 % 60);
    Ok(format!("{hours:02}:{minutes:02}:{:02} UTC", seconds % 60))
}
