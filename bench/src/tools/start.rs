//! From the start of a tool to the first event that it prints, and its memory.

use std::process::{Child, Stdio};

use anyhow::{Context as _, Result};

use super::{Tool, Tools};
use crate::child::Stdout;
use crate::native::Native;
use crate::report::{Case, Group};
use crate::samples::Samples;

/// Between the end of a process and the start of the next one, while tools start.
const INTERVAL_US: u32 = 1000;
/// Processes in all; more than any run lasts.
const PROCESSES: u32 = 10_000_000;
/// Events after which memory is looked at.
const EVENTS: u64 = 1000;

pub(crate) fn measure(tools: &Tools, native: &Native, runs: usize) -> Result<Vec<Group>> {
    let _background = Background::start(native)?;
    let mut first = vec![Vec::new(); tools.0.len()];
    let mut memory = vec![Vec::new(); tools.0.len()];
    // Once for nothing: all files are in memory then, and the guest is compiled.
    for tool in &tools.0 {
        run(tool, native)?;
    }
    for _ in 0..runs {
        for (index, tool) in tools.0.iter().enumerate() {
            let (first_ms, memory_mib) = run(tool, native)?;
            first[index].push(first_ms);
            memory[index].push(memory_mib);
        }
    }
    let group = |title: &str, unit, case: &str, samples: Vec<Vec<f64>>| Group {
        title: title.into(),
        unit,
        subjects: tools.names(),
        cases: vec![Case {
            name: case.into(),
            cells: samples.into_iter().map(Samples::new).collect(),
        }],
    };
    Ok(vec![
        group("Start to first event", "ms", "execsnoop", first),
        group(
            "Peak memory",
            "MiB",
            "execsnoop, after 1,000 events",
            memory,
        ),
    ])
}

/// Milliseconds to the first event, MiB of memory.
fn run(tool: &Tool, native: &Native) -> Result<(f64, f64)> {
    let watched = tool.start(native, Stdout::Terminal)?;
    let first = watched.wait_for_first()?;
    watched.wait_for_starts(EVENTS)?;
    let memory = watched.peak_memory()?;
    watched.stop()?;
    Ok((
        first.as_secs_f64() * 1e3,
        memory as f64 / f64::from(1 << 20),
    ))
}

/// Starts a process every now and then, until it is dropped.
struct Background(Child);

impl Background {
    fn start(native: &Native) -> Result<Self> {
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
