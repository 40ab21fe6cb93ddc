//! Measures guests in the sandbox beside native programs that do the same, in one table.
//!
//! `scripts/bench` builds what this needs and runs it; `bench/README.md` says how each number is
//! taken.

mod calls;
mod child;
mod drain;
mod guest;
mod languages;
mod loss;
mod machine;
mod map;
mod native;
mod report;
mod samples;
mod tools;
mod transfer;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::{Parser, ValueEnum};

use crate::guest::Sandbox;
use crate::machine::Machine;
use crate::native::Native;
use crate::report::{Group, Report};
use crate::tools::Tools;

/// Measure guests beside native programs.
#[derive(Debug, Parser)]
#[command(name = "scripts/bench")]
struct Options {
    /// Print JSON, with every sample
    #[arg(long)]
    json: bool,
    /// Fewer and shorter runs: enough to see that all works
    #[arg(long)]
    quick: bool,
    /// Measure only this; several times for several
    #[arg(long, value_name = "PART")]
    only: Vec<Part>,
    /// The ecli to measure
    #[arg(long, hide = true)]
    ecli: PathBuf,
    /// The image store with the images `bench` and `execsnoop`
    #[arg(long, hide = true)]
    store: PathBuf,
    /// Where the programs of native/ are
    #[arg(long, hide = true)]
    native: PathBuf,
    /// A Python that has the package `oras`
    #[arg(long, hide = true)]
    python: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Draining full ring buffers
    Drain,
    /// Reading a hash map
    Map,
    /// Calling the host, starting guests
    Calls,
    /// From start to the first event, memory, and from an event to its line
    Start,
    /// Many instances of a tool at once
    Instances,
    /// Many processes at once: events, losses, CPU time
    Burst,
    /// Records made as fast as one CPU can: which are lost
    Loss,
    /// Images to and from a registry
    Registry,
    /// The same guest in every language
    Languages,
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<()> {
    let report = Report {
        machine: Machine::describe(),
        groups: measure(options)?,
    };
    let text = if options.json {
        report.to_json()?
    } else {
        report.to_string()
    };
    std::io::Write::write_all(&mut std::io::stdout(), text.as_bytes()).context("print the table")
}

fn measure(options: &Options) -> Result<Vec<Group>> {
    let wanted = |part: Part| options.only.is_empty() || options.only.contains(&part);
    let rounds = if options.quick { 2 } else { 7 };
    let mut groups = Vec::new();
    if wanted(Part::Registry) {
        let programs = transfer::Programs {
            ecli: &options.ecli,
            python: &options.python,
        };
        groups.extend(transfer::measure(&programs, rounds)?);
    }
    if wanted(Part::Languages) {
        groups.extend(languages::measure(&options.ecli, rounds.min(5))?);
    }
    let is_by_itself = |part: &Part| matches!(part, Part::Registry | Part::Languages);
    if !options.only.is_empty() && options.only.iter().all(is_by_itself) {
        return Ok(groups);
    }
    let sandbox = Sandbox::open(&options.store)?;
    let native = Native::new(&options.native, sandbox.object())?;
    let tools = Tools::find(&options.ecli, &options.store, &options.native)?;
    if wanted(Part::Drain) {
        groups.extend(drain::measure(&sandbox, &native, rounds)?);
    }
    if wanted(Part::Map) {
        groups.push(map::measure(&sandbox, &native, rounds)?);
    }
    if wanted(Part::Calls) {
        groups.extend(calls::measure(&sandbox, rounds)?);
    }
    if wanted(Part::Start) {
        groups.extend(tools::start::measure(&tools, &native, rounds)?);
        groups.push(tools::start::latency(&tools, &native)?);
    }
    if wanted(Part::Instances) {
        groups.extend(tools::instances::measure(&tools, &native)?);
    }
    if wanted(Part::Burst) {
        let processes = if options.quick { 2_000 } else { 100_000 };
        groups.extend(tools::burst::measure(
            &tools,
            &native,
            processes,
            rounds.min(3),
        )?);
    }
    if wanted(Part::Loss) {
        let readers = loss::Readers {
            ecli: &options.ecli,
            store: &options.store,
            native: &native,
        };
        let records = if options.quick {
            10_000_000
        } else {
            50_000_000
        };
        groups.extend(loss::measure(&readers, records, rounds.min(3))?);
    }
    Ok(groups)
}
