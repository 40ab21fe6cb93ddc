//! What the benchmark runs in the sandbox: it does a thing many times, and prints how long each
//! time took. `native/reader.c` does the same without a sandbox.
//!
//!     drain ROUNDS RECORD_BYTES RING_BYTES BATCH_BYTES
//!     samples ROUNDS RECORD_BYTES
//!     map ROUNDS
//!     calls ROUNDS
//!     nothing
//!     loss THREAD RING_BYTES RECORDS_A_WAKE PACED
//!
//! A line a round: nanoseconds, how many items there were, the sum of all that was read. The sum
//! shows that it was read, and that both sides read the same.
//!
//! `loss` says when it is attached, reads until it is asked to stop, and then has a line a key: how
//! many records were made, how many it read, how many found no room.

mod calls;
mod drain;
mod loss;
mod map;

use std::error::Error;
use std::io::{Write, stdout};
use std::process::ExitCode;
use std::time::Duration;

use eunomia_bpf::{LoadedObject, Result, RunInput};

// Module `bpf`: the types, globals and maps of bench.bpf.c.
eunomia_bpf::include_bindings!();

/// One round.
struct Round {
    time: Duration,
    items: u64,
    sum: u64,
}

fn main() -> ExitCode {
    eunomia_bpf::run(measure)
}

fn measure() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["drain", rounds, record_bytes, ring_bytes, batch_bytes] => {
            let setting = drain::Setting {
                record_bytes: record_bytes.parse()?,
                ring_bytes: ring_bytes.parse()?,
                batch_bytes: batch_bytes.parse()?,
            };
            drain::measure_ring(&setting, rounds.parse()?)
        }
        ["samples", rounds, record_bytes] => {
            drain::measure_samples(record_bytes.parse()?, rounds.parse()?)
        }
        ["map", rounds] => map::measure(rounds.parse()?),
        ["calls", rounds] => calls::measure(rounds.parse()?),
        ["nothing"] => Ok(()),
        ["loss", thread, ring_bytes, records_a_wake, paced] => {
            let production = bpf::Production {
                thread: thread.parse()?,
                records_a_wake: records_a_wake.parse()?,
                paced: paced.parse()?,
            };
            loss::count(&production, ring_bytes.parse()?)
        }
        _ => Err(format!("unknown arguments: {arguments:?}").into()),
    }
}

/// Runs a BPF program that fills something; returns how many items it wrote.
fn fill(object: &LoadedObject, program: &str) -> Result<u64> {
    object.program(program)?.test_run(&RunInput::default())?;
    object.get(bpf::globals::WRITTEN)
}

fn print(rounds: &[Round]) -> Result<(), Box<dyn Error>> {
    for round in rounds {
        let nanoseconds = round.time.as_nanos();
        writeln!(stdout(), "{nanoseconds} {} {}", round.items, round.sum)?;
    }
    Ok(())
}
