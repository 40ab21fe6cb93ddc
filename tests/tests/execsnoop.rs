//! `execsnoop --starts` on the real kernel, with the guest in every language: whoever does not look
//! at the ends of processes does not pay for them.

use std::process::Command;
use std::time::Duration;

use anyhow::{Result, ensure};
use eunomia_tests::{Running, build, build_in, is_root, kernel_objects, wait_until};
use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(60);

const PROCESSES: usize = 100;

/// Runs a process to its end; its number.
fn act() -> Result<u64> {
    let mut child = Command::new("true").spawn()?;
    child.wait()?;
    Ok(u64::from(child.id()))
}

/// The names of programs that are loaded now and were not before.
fn programs_since(before: &[String]) -> Result<Vec<String>> {
    let objects = kernel_objects()?.into_iter();
    let programs = objects.filter(|object| object.starts_with("prog ") && !before.contains(object));
    let name = |object: String| object.split('"').nth(1).unwrap_or_default().to_owned();
    Ok(programs.map(name).collect())
}

/// What a tool shows of processes that ran to their end, and the programs that it had loaded.
fn snoop(arguments: &[&str]) -> Result<(Vec<u64>, Vec<Value>, Vec<String>)> {
    let before = kernel_objects()?;
    let mut tool = Running::start([&["-o", "json"], arguments].concat())?;
    wait_until("it is attached", PATIENCE, || {
        act()?;
        Ok(!tool.rows()?.is_empty())
    })?;
    let programs = programs_since(&before)?;
    let started = (0..PROCESSES).map(|_| act()).collect::<Result<_>>()?;
    Ok((started, tool.stop()?.rows()?, programs))
}

fn processes_of(rows: &[Value], event: &str) -> Vec<u64> {
    let rows = rows.iter().filter(|row| row["event"] == event);
    rows.filter_map(|row| row["pid"].as_u64()).collect()
}

fn ends(rows: &[Value]) -> usize {
    processes_of(rows, "exit").len()
}

fn check(image: &str) -> Result<()> {
    let (started, rows, programs) = snoop(&[image, "--starts"])?;
    let shown = processes_of(&rows, "exec");
    for process in started {
        let times = shown.iter().filter(|shown| **shown == process).count();
        ensure!(times == 1, "{image}: {process} was shown {times} times");
    }
    ensure!(ends(&rows) == 0, "{image}: it shows ends");
    ensure!(programs == ["on_exec"], "{image}: it loaded {programs:?}");
    Ok(())
}

#[test]
fn only_starts_load_no_program_for_ends() -> Result<()> {
    if !is_root() {
        return Ok(());
    }
    build("examples/execsnoop")?;
    check("execsnoop")?;
    for language in ["c", "go", "ts", "python", "zig"] {
        build_in("examples/execsnoop", language)?;
        check(&format!("execsnoop-{language}"))?;
    }
    // With ends there are both.
    let (_, rows, mut programs) = snoop(&["execsnoop"])?;
    programs.sort();
    ensure!(programs == ["on_exec", "on_exit"], "it loaded {programs:?}");
    ensure!(ends(&rows) >= PROCESSES, "{} ends were shown", ends(&rows));
    Ok(())
}
