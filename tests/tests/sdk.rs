//! What guests do through the Rust SDK: `tests/guests/command` and `tests/guests/plugin` check what
//! they find themselves, on the real kernel and as far as it goes on the fake one.

use std::collections::HashMap;
use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use eunomia_host_abi::fake::FakeKernel;
use eunomia_runtime::console::Console;
use eunomia_runtime::kernel::Kernel;
use eunomia_runtime::libbpf::LibbpfKernel;
use eunomia_runtime::rows::{Event, channel};
use eunomia_runtime::{Error, ErrorKind, Loaded, Outcome, Running, Runtime, Settings, Stdio};
use eunomia_tests::{Printed, build, is_root, wait_until};

const COMMAND: &str = "tests/guests/command";
const PLUGIN: &str = "tests/guests/plugin";

/// Cases of the command whose programs need not run: the fake kernel runs none.
const WITHOUT_PROGRAMS: &[&str] = &[
    "objects",
    "phases",
    "hash",
    "batches",
    "per-cpu",
    "arrays",
    "keyless",
    "routes",
    "inner-maps",
    "wrong-sizes",
    "fields",
    "stop-itself",
];

/// A reader that has left.
struct Closed;

impl Write for Closed {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Err(io::ErrorKind::BrokenPipe.into())
    }
}

fn fake() -> Arc<dyn Kernel> {
    Arc::new(FakeKernel::new())
}

fn real() -> Arc<dyn Kernel> {
    Arc::new(LibbpfKernel::new())
}

/// Compiled once for each test; opening a tool checks and compiles its component.
fn load(kernel: Arc<dyn Kernel>, project: &str) -> Result<Loaded> {
    let runtime = Runtime::builder().kernel(kernel).build()?;
    Ok(runtime.open(build(project)?)?.load()?)
}

#[test]
fn a_plugin_whose_rows_nobody_takes_has_not_failed() -> Result<()> {
    if !is_root() {
        return Ok(());
    }
    let tool = load(real(), "examples/syscount")?;
    let (sender, receiver) = channel(16);
    let running = tool.run(Settings {
        args: vec!["--interval".into(), "1".into()],
        rows: Box::new(sender),
        ..Settings::default()
    })?;
    ensure!(
        receiver.iter().any(|event| matches!(event, Event::Row(_))),
        "it has no row"
    );
    drop(receiver);
    // It still has rows to emit, those of its summary, and says that it cannot.
    running.control().stop();
    match running.wait().outcome {
        Outcome::OutputClosed => Ok(()),
        outcome => bail!("{outcome:?}"),
    }
}

fn settings(args: &[&str], output: Box<dyn Write + Send>) -> Settings {
    Settings {
        args: args.iter().map(|&arg| arg.into()).collect(),
        stdio: Stdio::Console(Console::new(output, false)),
        ..Settings::default()
    }
}

fn start(tool: &Loaded, args: &[&str]) -> Result<(Running, Printed)> {
    let printed = Printed::default();
    let running = tool.run(settings(args, Box::new(printed.clone())))?;
    Ok((running, printed))
}

fn run(tool: &Loaded, args: &[&str]) -> Result<(Outcome, String)> {
    let (running, printed) = start(tool, args)?;
    let outcome = running.wait().outcome;
    Ok((outcome, printed.text()))
}

/// Runs cases of the command; a guest whose check fails leaves with code 1 and prints why.
fn pass<'a>(tool: &Loaded, cases: impl IntoIterator<Item = &'a str>) -> Result<()> {
    let mut failed = Vec::new();
    for case in cases {
        let (outcome, printed) = run(tool, &[case])?;
        if !matches!(outcome, Outcome::Exited(0)) {
            failed.push(format!("{case}: {outcome:?} {printed}"));
        }
    }
    ensure!(
        failed.is_empty(),
        "cases that failed, see standard error: {failed:#?}"
    );
    Ok(())
}

#[test]
fn every_case_passes_on_the_real_kernel() -> Result<()> {
    if !is_root() {
        return Ok(());
    }
    let tool = load(real(), COMMAND)?;
    let (outcome, cases) = run(&tool, &["list"])?;
    ensure!(matches!(outcome, Outcome::Exited(0)), "list: {outcome:?}");
    ensure!(
        cases.lines().count() >= 20,
        "the guest lists its cases: {cases}"
    );
    pass(&tool, cases.lines().chain(["poll", "sleep", "stop-itself"]))
}

#[test]
fn cases_that_run_no_program_pass_on_the_fake_kernel() -> Result<()> {
    pass(&load(fake(), COMMAND)?, WITHOUT_PROGRAMS.iter().copied())
}

#[test]
fn a_command_gets_its_arguments_and_says_how_it_ended() -> Result<()> {
    let tool = load(fake(), COMMAND)?;
    let (outcome, printed) = run(&tool, &["arguments", "-h", "two words", ""])?;
    ensure!(matches!(outcome, Outcome::Exited(0)), "{outcome:?}");
    ensure!(printed == "-h\ntwo words\n\n", "{printed:?}");
    let (outcome, _) = run(&tool, &["exit", "42"])?;
    ensure!(matches!(outcome, Outcome::Exited(42)), "{outcome:?}");
    for args in [&["fail"][..], &["nothing"], &[]] {
        let (outcome, _) = run(&tool, args)?;
        ensure!(
            matches!(outcome, Outcome::Exited(1)),
            "{args:?}: {outcome:?}"
        );
    }
    let (outcome, _) = run(&tool, &["recurse"])?;
    ensure!(is_failed(&outcome, ErrorKind::Trap, "trap"), "{outcome:?}");
    Ok(())
}

#[test]
fn a_command_ends_quietly_when_nobody_reads() -> Result<()> {
    let tool = load(fake(), COMMAND)?;
    let outcome = tool
        .run(settings(&["print"], Box::new(Closed)))?
        .wait()
        .outcome;
    ensure!(
        matches!(outcome, Outcome::Exited(0) | Outcome::OutputClosed),
        "{outcome:?}"
    );
    Ok(())
}

#[test]
fn a_command_that_waits_hears_the_request_to_stop() -> Result<()> {
    let tool = load(fake(), COMMAND)?;
    let (running, printed) = start(&tool, &["wait-for-stop"])?;
    wait_until("the guest waits", Duration::from_secs(10), || {
        Ok(printed.text() == "waiting\n")
    })?;
    running.control().stop();
    let outcome = running.wait().outcome;
    ensure!(matches!(outcome, Outcome::Exited(0)), "{outcome:?}");
    ensure!(printed.text() == "waiting\nstopped\n", "{}", printed.text());
    Ok(())
}

#[test]
fn rows_arrive_in_the_order_in_which_they_were_written() -> Result<()> {
    if !is_root() {
        return Ok(());
    }
    let tool = load(real(), COMMAND)?;
    let rows = rows_of(&tool, "fields")?;
    let expected = serde_json::json!({
        "flag": true, "signed": -1, "ratio": 0.5, "text": "text, \"quoted\"",
        "bytes": rows[1]["bytes"], "maybe": 1, "many": [0],
    });
    ensure!(rows.len() == 3 && rows[1] == expected, "{rows:#?}");
    ensure!(rows[0]["maybe"].is_null() && rows[2]["many"] == serde_json::json!([0, 1]));

    let indexes: Vec<_> = rows_of(&tool, "rows")?
        .iter()
        .map(|row| row["index"].clone())
        .collect();
    ensure!(indexes == [41, 0, 1], "{indexes:?}");
    Ok(())
}

fn rows_of(tool: &Loaded, case: &str) -> Result<Vec<serde_json::Value>> {
    let (sender, receiver) = channel(1024);
    let settings = Settings {
        rows: Box::new(sender),
        ..settings(&[case], Box::new(Printed::default()))
    };
    let running = tool.run(settings)?;
    let mut rows = Vec::new();
    for event in &receiver {
        if let Event::Row(row) = event {
            rows.push(row.to_json()?);
        }
    }
    let outcome = running.wait().outcome;
    ensure!(matches!(outcome, Outcome::Exited(0)), "{case}: {outcome:?}");
    Ok(rows)
}

#[test]
fn a_plugin_gets_events_and_ticks_and_a_last_call() -> Result<()> {
    if !is_root() {
        return Ok(());
    }
    let tool = load(real(), PLUGIN)?;
    let (outcome, printed) = run(&tool, &[])?;
    ensure!(matches!(outcome, Outcome::Exited(0)), "{outcome:?}");
    ensure!(printed == "30 events\n", "{printed}");
    let (outcome, printed) = run(&tool, &["help"])?;
    ensure!(matches!(outcome, Outcome::Exited(0)), "{outcome:?}");
    ensure!(printed == "help\n", "{printed}");

    let (running, printed) = start(&tool, &["run-on"])?;
    // As a user presses Ctrl-C at any time: whatever was counted until then is printed.
    running.control().stop();
    let outcome = running.wait().outcome;
    ensure!(matches!(outcome, Outcome::Exited(0)), "{outcome:?}");
    ensure!(printed.text().ends_with(" events\n"), "{}", printed.text());
    Ok(())
}

#[test]
fn an_error_of_a_plugin_is_the_one_that_is_seen() -> Result<()> {
    if !is_root() {
        return Ok(());
    }
    let tool = load(real(), PLUGIN)?;
    // What it is asked to do, what the error says, and whether the last call comes.
    let cases = HashMap::from([
        ("fail-in-start", ("asked to fail in start", false)),
        ("fail-in-events", ("asked to fail in on-events", true)),
        ("fail-in-tick", ("asked to fail in on-tick", true)),
        ("fail-in-stop", ("asked to fail in stop", true)),
        ("wrong-type", ("shorter than its type", true)),
        ("panic-in-tick", ("trap", false)),
    ]);
    for (case, (text, is_stopped)) in cases {
        let (outcome, printed) = run(&tool, &[case])?;
        let error = failure(outcome).with_context(|| case)?;
        ensure!(error.to_string().contains(text), "{case}: {error}");
        ensure!(
            printed.ends_with(" events\n") == is_stopped,
            "{case}: {printed}"
        );
    }
    Ok(())
}

fn failure(outcome: Outcome) -> Result<Error> {
    match outcome {
        Outcome::Failed(error) => Ok(error),
        outcome => bail!("it did not fail: {outcome:?}"),
    }
}

fn is_failed(outcome: &Outcome, kind: ErrorKind, text: &str) -> bool {
    matches!(outcome, Outcome::Failed(error)
        if error.kind() == kind && error.to_string().contains(text))
}
