//! Many processes as fast as possible: what a tool reports of them, and what that costs.

use anyhow::{Context as _, Result};

use super::{Tool, Tools};
use crate::child::Stdout;
use crate::native::{self, Native};
use crate::report::{Case, Group};
use crate::samples::Samples;

/// What one run shows.
struct Run {
    starts: f64,
    ends: f64,
    cpu_s: f64,
    wall_s: f64,
}

pub(crate) fn measure(
    tools: &Tools,
    native: &Native,
    processes: u32,
    rounds: usize,
) -> Result<Vec<Group>> {
    // Those that compile at the start are measured there.
    let tools: Vec<&Tool> = tools.warm().collect();
    let mut runs: Vec<Vec<Run>> = tools.iter().map(|_| Vec::new()).collect();
    let mut alone_s = Vec::new();
    for _ in 0..rounds {
        alone_s.push(start_processes(native, processes)?);
        for (runs, tool) in runs.iter_mut().zip(&tools) {
            runs.extend(tool.measured(|| run(tool, native, processes))?);
        }
    }
    let case = |name: &str, value: fn(&Run) -> f64| {
        let of_tool = |runs: &Vec<Run>| Samples::new(runs.iter().map(value).collect());
        Case {
            name: name.into(),
            cells: runs.iter().map(of_tool).collect(),
        }
    };
    let subjects = tools.iter().map(|tool| tool.name.to_owned());
    let events = Group {
        title: format!("{processes} processes as fast as possible"),
        unit: "units as named",
        subjects: subjects.clone().collect(),
        cases: vec![
            case("starts reported", |run| run.starts),
            case("ends reported", |run| run.ends),
            case("CPU time of the tool, s", |run| run.cpu_s),
            case("CPU time a line, us", |run| {
                run.cpu_s * 1e6 / (run.starts + run.ends)
            }),
        ],
    };
    let mut time = case("", |run| run.wall_s);
    time.cells.insert(0, Samples::new(alone_s));
    let time = Group {
        title: "Time that these processes take".into(),
        unit: "s",
        subjects: ["no tool".into()].into_iter().chain(subjects).collect(),
        cases: vec![time],
    };
    Ok(vec![events, time])
}

fn run(tool: &Tool, native: &Native, processes: u32) -> Result<Run> {
    let watched = tool.start(native, Stdout::Pipe)?;
    watched.wait_until_attached()?;
    let wall_s = start_processes(native, processes)?;
    watched.wait_until_silent()?;
    let (usage, seen) = watched.stop()?;
    Ok(Run {
        starts: seen.starts as f64,
        ends: seen.ends as f64,
        cpu_s: usage.cpu.as_secs_f64(),
        wall_s,
    })
}

/// Start processes as fast as possible, one after the other on each CPU; returns seconds.
fn start_processes(native: &Native, processes: u32) -> Result<f64> {
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let mut command = native.burst(processes, 0, workers);
    let text = native::output(&mut command)?;
    let nanoseconds: f64 = text.trim().parse().context("read what burst prints")?;
    Ok(nanoseconds / 1e9)
}
