//! The options on rows of `ecli run`, with execsnoop on the real kernel.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use eunomia_tests::{Running, build, ecli, is_root, wait_until};
use serde_json::Value;

/// The name of the program that is started again and again: no other has it.
const NAME: &str = "shown-by-rows";

/// What those rows have in common.
const FILTER: &str = "comm == shown-by-rows and event == exec";

/// Starts a program again and again until it is dropped.
struct Starting {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    _folder: tempfile::TempDir,
}

impl Starting {
    fn new() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let program: PathBuf = folder.path().join(NAME);
        std::fs::copy("/bin/true", &program)?;
        let stop = Arc::new(AtomicBool::new(false));
        let stopping = Arc::clone(&stop);
        let thread = std::thread::spawn(move || start_again_and_again(&program, &stopping));
        Ok(Self {
            stop,
            thread: Some(thread),
            _folder: folder,
        })
    }
}

impl Drop for Starting {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn start_again_and_again(program: &Path, stop: &AtomicBool) {
    while !stop.load(Ordering::Relaxed) {
        // With an argument that tries to break out of its line.
        let _ = Command::new(program).arg("a,\"b\"\n\x1b[2J").status();
        // Not to load the machine: nobody waits for this.
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// What `ecli run` prints with these options, and its exit code is 0.
fn run(options: &[&str]) -> Result<String> {
    let output = ecli()?
        .arg("run")
        .args(options)
        .arg("execsnoop")
        .stdin(Stdio::null())
        .output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{options:?}: {said}");
    Ok(String::from_utf8(output.stdout)?)
}

#[test]
fn every_format_shows_rows_of_the_kernel() -> Result<()> {
    if !is_root() {
        return Ok(());
    }
    build("examples/execsnoop")?;
    let _starting = Starting::new()?;
    let chosen = [
        "--filter",
        FILTER,
        "--count",
        "2",
        "--fields",
        "pid,comm,arguments",
    ];
    let shown = |format| run(&[&["-o", format], &chosen[..]].concat());

    let text = shown("json")?;
    let lines: Vec<Value> = text
        .lines()
        .map(serde_json::from_str)
        .collect::<Result<_, _>>()?;
    ensure!(
        lines.len() == 3 && lines[2] == serde_json::json!({"lost": 0}),
        "{text}"
    );
    for row in &lines[..2] {
        ensure!(row["comm"] == NAME && row["pid"].is_u64(), "{row}");
        ensure!(row["arguments"][1] == "a,\"b\"\n\u{1b}[2J", "{row}");
        ensure!(row.as_object().is_some_and(|row| row.len() == 3), "{row}");
    }
    let text = shown("jsonpretty")?;
    let values = serde_json::Deserializer::from_str(&text).into_iter::<Value>();
    let values: Vec<Value> = values.collect::<Result<_, _>>()?;
    ensure!(values.len() == 3 && text.lines().count() > 10, "{text}");

    let text = shown("yaml")?;
    ensure!(text.matches("comm: shown-by-rows\n").count() == 2, "{text}");
    ensure!(text.ends_with("---\nlost: 0\n"), "{text}");
    let text = shown("csv")?;
    let lines: Vec<&str> = text.split_terminator("\r\n").collect();
    ensure!(
        lines.len() == 3 && lines[0] == "pid,comm,arguments",
        "{text}"
    );
    ensure!(lines[1].contains(",shown-by-rows,\"[\"\""), "{text}");
    let text = shown("columns")?;
    let lines: Vec<&str> = text.lines().collect();
    ensure!(
        lines.len() == 3 && lines[0].ends_with("PID COMM            ARGUMENTS"),
        "{text}"
    );
    ensure!(lines[1].ends_with("a,\"b\"\\n\\u{1b}[2J"), "{text}");
    ensure!(shown("none")?.is_empty());
    Ok(())
}

#[test]
fn rows_are_sorted_and_limited_in_intervals() -> Result<()> {
    if !is_root() {
        return Ok(());
    }
    build("examples/execsnoop")?;
    let _starting = Starting::new()?;
    let options = "--interval 500ms --sort -pid --limit 2 --count 4 -o csv --fields pid --filter";
    let options: Vec<&str> = options.split(' ').chain([FILTER]).collect();
    let text = run(&options)?;
    let pids: Vec<u64> = text
        .split_terminator("\r\n")
        .skip(1)
        .map(str::parse)
        .collect::<Result<_, _>>()?;
    ensure!(pids.len() == 4, "{text}");
    ensure!(pids[0] > pids[1] && pids[2] > pids[3], "{text}");
    Ok(())
}

#[test]
fn names_that_no_table_has_are_told_before_any_row() -> Result<()> {
    if !is_root() {
        return Ok(());
    }
    build("examples/execsnoop")?;
    for (options, message) in [
        (["--filter", "pidd == 1"], "no field `pidd`; close are pid"),
        (["--sort", "-tim"], "no field `tim`; close are time"),
        (["--fields", "com"], "no field `com`; close are comm"),
        (
            ["--filter", "pid == x"],
            "field `pid` is a number, `x` is none",
        ),
    ] {
        let _starting = Starting::new()?;
        let output = ecli()?.arg("run").args(options).arg("execsnoop").output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(!output.status.success(), "{options:?}");
        ensure!(said.contains(message), "{options:?}: {said}");
        ensure!(output.stdout.is_empty(), "{options:?}");
    }
    Ok(())
}

#[test]
fn metrics_are_served_to_a_real_client() -> Result<()> {
    if !is_root() {
        return Ok(());
    }
    build("examples/execsnoop")?;
    let _starting = Starting::new()?;
    let options = "-o none --metrics 0 --counter rows,comm,event --hist processes.duration,comm";
    let mut tool = Running::start(options.split(' ').chain(["execsnoop"]))?;
    let line = tool.expect_said(|_| true)?;
    let address = line.rsplit(' ').next().unwrap_or_default();
    let counted = "ecli_processes_rows_total{comm=\"shown-by-rows\",event=\"exec\"} ";
    let fetch = |accept: &str| -> Result<String> {
        let output = Command::new("curl")
            .args(["--silent", "--show-error", "--fail", "--include"])
            .args(["--header", &format!("Accept: {accept}"), address])
            .output()
            .context("run curl: scripts/setup installs it")?;
        let error = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "curl {address}: {error}");
        Ok(String::from_utf8(output.stdout)?)
    };
    wait_until("the starts are counted", Duration::from_secs(60), || {
        let page = fetch("text/plain")?;
        let mut lines = page.lines().filter_map(|line| line.strip_prefix(counted));
        Ok(lines.any(|count| count.parse::<f64>().is_ok_and(|count| count >= 2.0)))
    })?;
    let page = fetch("application/openmetrics-text")?;
    ensure!(
        page.contains("application/openmetrics-text; version=1.0.0"),
        "{page}"
    );
    ensure!(page.ends_with("# EOF\n"), "{page}");
    ensure!(page.contains("ecli_processes_duration_bucket{comm=\"shown-by-rows\",le=\"1\"} 0\n"));
    ensure!(page.contains("\necli_lost_events_total 0\n"), "{page}");
    let ended = tool.stop()?;
    ensure!(ended.printed.is_empty(), "{}", ended.printed);
    Ok(())
}
