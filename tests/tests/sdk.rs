//! What guests do through the Rust SDK, on the real kernel and as far as it goes on the fake one:
//! `tests/guests/command` and `tests/guests/plugin` check what they find themselves.

use std::io::Write;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use eunomia_host_abi::fake::FakeKernel;
use eunomia_runtime::console::Console;
use eunomia_runtime::kernel::Kernel;
use eunomia_runtime::libbpf::LibbpfKernel;
use eunomia_runtime::{Outcome, Running, Runtime, Settings, Stdio, Tool};
use eunomia_tests::{build, is_root, wait_until};

const COMMAND: &str = "tests/guests/command";
const PLUGIN: &str = "tests/guests/plugin";

/// What a guest printed.
#[derive(Clone, Default)]
struct Printed(Arc<Mutex<Vec<u8>>>);

impl Write for Printed {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0
            .lock()
            .expect("no writer panics")
            .extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Printed {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().expect("no writer panics")).into_owned()
    }
}

fn tool(project: &'static str) -> Result<Tool> {
    static COMMAND_TOOL: OnceLock<Tool> = OnceLock::new();
    static PLUGIN_TOOL: OnceLock<Tool> = OnceLock::new();
    let cell = if project == COMMAND {
        &COMMAND_TOOL
    } else {
        &PLUGIN_TOOL
    };
    if cell.get().is_none() {
        let _ = cell.set(build(project)?);
    }
    cell.get().cloned().context("the tool was just set")
}

fn start(
    kernel: Arc<dyn Kernel>,
    project: &'static str,
    args: &[&str],
) -> Result<(Running, Printed)> {
    let runtime = Runtime::builder().kernel(kernel).build()?;
    let printed = Printed::default();
    let running = runtime.open(tool(project)?)?.load()?.run(Settings {
        args: args.iter().map(|&arg| arg.into()).collect(),
        stdio: Stdio::Console(Console::new(Box::new(printed.clone()), false)),
        ..Settings::default()
    })?;
    Ok((running, printed))
}

fn run(kernel: Arc<dyn Kernel>, project: &'static str, args: &[&str]) -> Result<(Outcome, String)> {
    let (running, printed) = start(kernel, project, args)?;
    let outcome = running.wait().outcome;
    Ok((outcome, printed.text()))
}

#[test]
fn probe() -> Result<()> {
    for name in [
        "objects",
        "globals",
        "phases",
        "links",
        "iterate",
        "ring-buffer",
        "ring-buffer-batches",
        "ring-buffer-wrong-type",
        "perf-buffer",
        "user-ring-buffer",
        "hash",
        "batches",
        "per-cpu",
        "arrays",
        "keyless",
        "routes",
        "inner-maps",
        "wrong-sizes",
        "rows",
        "fields",
        "stop-itself",
        "sleep",
        "poll",
        "fail",
        "recurse",
    ] {
        for (which, kernel) in [
            ("fake", Arc::new(FakeKernel::new()) as Arc<dyn Kernel>),
            ("real", Arc::new(LibbpfKernel::new())),
        ] {
            if which == "fake" && ["perf-buffer", "user-ring-buffer", "poll"].contains(&name) {
                continue;
            }
            match run(kernel, COMMAND, &[name]) {
                Ok((Outcome::Exited(0), _)) => eprintln!("OK   {which} {name}"),
                Ok((outcome, text)) => eprintln!("BAD  {which} {name}: {outcome:?} {text}"),
                Err(e) => eprintln!("ERR {which} {name}: {e:#}"),
            }
        }
    }
    bail!("probe")
}
