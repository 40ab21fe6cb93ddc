//! Several instances of a tool at once: what they share.

use anyhow::{Context as _, Result};

use super::start::Background;
use super::{Tool, Tools, names};
use crate::child::Stdout;
use crate::native::Native;
use crate::report::{Case, Group};
use crate::samples::Samples;

const COUNTS: [usize; 3] = [1, 10, 50];
const MIB: f64 = (1 << 20) as f64;

pub(crate) fn measure(tools: &Tools, native: &Native) -> Result<Vec<Group>> {
    let tools: Vec<&Tool> = tools
        .starting()
        .filter(|tool| tool.cache.is_none())
        .collect();
    let mut cases = [Vec::new(), Vec::new(), Vec::new()];
    for count in COUNTS {
        let mut cells = [Vec::new(), Vec::new(), Vec::new()];
        for tool in &tools {
            let run = tool.measured(|| {
                run(tool, native, count).with_context(|| format!("{count} instances at once"))
            })?;
            for (index, cells) in cells.iter_mut().enumerate() {
                cells.push(run.and_then(|run| Samples::new(vec![run[index]])));
            }
        }
        for (cases, cells) in cases.iter_mut().zip(cells) {
            let name = format!("execsnoop, {count} at once");
            cases.push(Case { name, cells });
        }
    }
    let titles = [
        ("Each one's share of memory", "MiB"),
        ("All have shown an event after", "ms"),
        ("CPU time of each", "ms"),
    ];
    let groups = titles.into_iter().zip(cases);
    Ok(groups
        .map(|((title, unit), cases)| Group {
            title: title.into(),
            unit,
            subjects: names(tools.iter().copied()),
            cases,
        })
        .collect())
}

/// MiB of memory of each, milliseconds until all have shown an event, milliseconds of CPU time of
/// each until they end.
fn run(tool: &Tool, native: &Native, count: usize) -> Result<[f64; 3]> {
    let _background = Background::start(native)?;
    let watched: Vec<_> = (0..count)
        .map(|number| tool.start_as(native, Stdout::Terminal, number))
        .collect::<Result<_>>()?;
    let begin = watched.first().context("there is an instance")?.started();
    let mut last = begin;
    for watched in &watched {
        last = last.max(watched.started() + watched.wait_for_first()?);
    }
    let mut memory = 0;
    for watched in &watched {
        memory += watched.share_of_memory()?;
    }
    let mut cpu_s = 0.0;
    for watched in watched {
        cpu_s += watched.stop()?.0.cpu.as_secs_f64();
    }
    Ok([
        memory as f64 / MIB / count as f64,
        (last - begin).as_secs_f64() * 1e3,
        cpu_s * 1e3 / count as f64,
    ])
}
