//! From the start of a tool to the first event that it prints, and its memory; from an event to its
//! line, when there is nothing else to do.

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use super::{Tool, Tools, names};
use crate::child::Stdout;
use crate::native::Native;
use crate::report::{Case, Group};
use crate::samples::Samples;

/// Between the end of a process and the start of the next one, while tools start.
const INTERVAL_US: u32 = 1000;
/// Processes in all; more than any run lasts.
const PROCESSES: u32 = 10_000_000;
/// Lines after which memory is looked at.
const LINES: u64 = 1000;
/// Events one by one, and the time before each: longer than any tool gathers them.
const SINGLE_EVENTS: u64 = 20;
const PAUSE: Duration = Duration::from_millis(150);

pub(crate) fn measure(tools: &Tools, native: &Native, runs: usize) -> Result<Vec<Group>> {
    let _background = Background::start(native)?;
    let tools: Vec<&Tool> = tools.starting().collect();
    let mut first = vec![Vec::new(); tools.len()];
    let mut memory = vec![Vec::new(); tools.len()];
    // Once for nothing: all files are in memory then, and the guest is compiled.
    for tool in &tools {
        tool.measured(|| run(tool, native))?;
    }
    for _ in 0..runs {
        for (index, tool) in tools.iter().enumerate() {
            if let Some((first_ms, memory_mib)) = tool.measured(|| run(tool, native))? {
                first[index].push(first_ms);
                memory[index].push(memory_mib);
            }
        }
    }
    let group = |title: &str, unit, case: &str, samples: Vec<Vec<f64>>| Group {
        title: title.into(),
        unit,
        subjects: names(tools.iter().copied()),
        cases: vec![Case {
            name: case.into(),
            cells: samples.into_iter().map(Samples::new).collect(),
        }],
    };
    Ok(vec![
        group("Start to first event", "ms", "execsnoop", first),
        group("Peak memory", "MiB", "execsnoop, after 1,000 lines", memory),
    ])
}

/// From the start of a process to its line, while nothing else starts.
pub(crate) fn latency(tools: &Tools, native: &Native) -> Result<Group> {
    let tools: Vec<&Tool> = tools
        .starting()
        .filter(|tool| tool.cache.is_none())
        .collect();
    let mut samples = Vec::new();
    for tool in &tools {
        let milliseconds = tool.measured(|| single_events(tool, native))?;
        samples.push(milliseconds.and_then(Samples::new));
    }
    Ok(Group {
        title: "From a process to its line, when nothing else happens".into(),
        unit: "ms",
        subjects: names(tools),
        cases: vec![Case {
            name: "execsnoop".into(),
            cells: samples,
        }],
    })
}

/// Milliseconds from each event to its line.
fn single_events(tool: &Tool, native: &Native) -> Result<Vec<f64>> {
    let watched = tool.start(native, Stdout::Terminal)?;
    watched.wait_until_attached()?;
    let mut milliseconds = Vec::new();
    for event in 1..=SINGLE_EVENTS {
        std::thread::sleep(PAUSE);
        let begin = Instant::now();
        native.start_one()?;
        watched.wait_for_starts(event)?;
        milliseconds.push(begin.elapsed().as_secs_f64() * 1e3);
    }
    watched.stop()?;
    Ok(milliseconds)
}

/// Milliseconds to the first event, MiB of memory.
fn run(tool: &Tool, native: &Native) -> Result<(f64, f64)> {
    let watched = tool.start(native, Stdout::Terminal)?;
    let first = watched.wait_for_first()?;
    watched.wait_for_lines(LINES)?;
    let memory = watched.peak_memory()?;
    watched.stop()?;
    Ok((
        first.as_secs_f64() * 1e3,
        memory as f64 / f64::from(1 << 20),
    ))
}

/// Starts a process every now and then, until it is dropped.
pub(super) struct Background(Child);

impl Background {
    pub(super) fn start(native: &Native) -> Result<Self> {
        let child = native
            .burst(PROCESSES, INTERVAL_US, 1)
            .stdout(Stdio::null())
            .spawn()
            .context("start processes in the background")?;
        Ok(Self(child))
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        // It is gone already if that fails. Its worker goes with it.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
