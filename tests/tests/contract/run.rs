//! Running a case and writing down what it does.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Receiver;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use eunomia_host_abi::fake::FakeKernel;
use eunomia_runtime::kernel::Kernel;
use eunomia_runtime::libbpf::LibbpfKernel;
use eunomia_runtime::limits::Limits;
use eunomia_runtime::policy::Overrides;
use eunomia_runtime::{
    Compilation, ErrorKind, HostErrorKind, Loaded, Outcome, Running, Runtime, Settings, Tool, rows,
};
use eunomia_tests::{Printed, target, wait_until};
use serde::Deserialize;

use crate::case::{Case, Run};
use crate::fakes;

/// How long a guest may take; it is ended then. None takes more than a second.
const PATIENCE: Duration = Duration::from_secs(30);

/// Rows that a case emits at the most.
const ROWS_MAX: usize = 65_536;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum KernelName {
    Fake,
    Real,
}

impl fmt::Display for KernelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fake => "fake",
            Self::Real => "real",
        })
    }
}

/// Cases whose BPF programs some kernels forbid, by their configuration.
const MAY_BE_FORBIDDEN: &[&str] = &["iterate"];

/// Why this machine's kernel does not load the objects of one of them.
pub(crate) fn forbidden(name: KernelName, case: &Case, tool: &Tool) -> Result<Option<String>> {
    if name != KernelName::Real || !MAY_BE_FORBIDDEN.contains(&&*case.name) {
        return Ok(None);
    }
    let kernel = LibbpfKernel::new();
    for (object, elf) in &tool.objects {
        match kernel.open_object(object, elf)?.load() {
            Err(error) if error.kind() == HostErrorKind::NotSupported => {
                return Ok(Some(error.to_string()));
            }
            outcome => outcome?,
        }
    }
    Ok(None)
}

/// A case on a kernel.
pub(crate) struct Bench<'a> {
    case: &'a Case,
    loaded: Loaded,
    _clock: Option<Clock>,
    _statistics: Option<Statistics>,
}

impl<'a> Bench<'a> {
    pub(crate) fn new(name: KernelName, case: &'a Case, tool: &Tool) -> Result<Self> {
        let (kernel, clock): (Arc<dyn Kernel>, _) = match name {
            KernelName::Real => (Arc::new(LibbpfKernel::new()), None),
            KernelName::Fake => {
                let kernel = fakes::kernel(case, tool)?;
                (Arc::new(kernel.clone()), Some(Clock::follow(kernel)))
            }
        };
        let runtime = Runtime::builder()
            .kernel(kernel)
            // An interpreter takes seconds to compile, for both kernels and each run of the tests,
            // and half a minute with care.
            .cache_dir(Some(target()?.join("test-components")))
            .compilation(Compilation::Hurried)
            .build()?;
        let loaded = runtime.open(tool.clone())?.load()?;
        let counts = name == KernelName::Real && case.statistics;
        Ok(Self {
            case,
            loaded,
            _clock: clock,
            _statistics: counts.then(Statistics::turn_on).transpose()?,
        })
    }

    /// What all runs print, and how they end.
    pub(crate) fn run_all(&self) -> Result<String> {
        let mut text = String::new();
        for run in &self.case.runs {
            if self.case.runs.len() > 1 {
                text += &format!("$ {}\n", title(run));
            }
            text += &self.run(run).with_context(|| title(run))?;
        }
        Ok(text)
    }

    fn run(&self, run: &Run) -> Result<String> {
        let (sender, receiver) = rows::channel(ROWS_MAX);
        let printed = Printed::default();
        let running = self.loaded.run(Settings {
            args: run.args.clone(),
            stdio: printed.stdio(),
            rows: Box::new(sender),
            overrides: overrides(run)?,
            limits: limits(run),
            ..Settings::default()
        })?;
        let outcome = finish(running, run, &printed)?;
        let rows = read_rows(&receiver)?;
        let end = match outcome {
            Outcome::Exited(0) => String::new(),
            Outcome::Exited(code) => format!("exit code {code}\n"),
            // Which instruction trapped, and what the guest printed of it, is its language's.
            Outcome::Failed(error) if error.kind() == ErrorKind::Trap => {
                "failed: a trap\n".to_owned()
            }
            Outcome::Failed(error) => format!("failed: {error}\n"),
            other => format!("{other:?}\n"),
        };
        Ok(printed.text() + &rows + &end)
    }
}

fn title(run: &Run) -> String {
    let globals = run
        .globals
        .iter()
        .map(|(name, value)| format!("--global {name}={value}"));
    let targets = run.attach.iter().flat_map(|(program, targets)| {
        targets
            .iter()
            .map(move |target| format!("--attach {program}={target}"))
    });
    globals
        .chain(targets)
        .chain(run.args.iter().cloned())
        .collect::<Vec<_>>()
        .join(" ")
}

fn limits(run: &Run) -> Limits {
    let default = Limits::default();
    Limits {
        links_max: run.links_max.unwrap_or(default.links_max),
        ..default
    }
}

fn overrides(run: &Run) -> Result<Overrides> {
    let mut overrides = Overrides {
        globals: run.globals.clone(),
        ..Overrides::default()
    };
    for (program, texts) in &run.attach {
        let targets = texts.iter().map(|text| text.parse());
        let targets = targets
            .collect::<Result<_, _>>()
            .map_err(|error| anyhow!("{error}"))?;
        overrides.targets.insert(program.clone(), targets);
    }
    Ok(overrides)
}

/// Wait until the guest has ended, having asked it to where the case says so.
fn finish(running: Running, run: &Run, printed: &Printed) -> Result<Outcome> {
    if let Some(line) = &run.stop_when {
        wait_until("the guest has printed its line", PATIENCE, || {
            let text = printed.text();
            Ok(text.lines().any(|printed| printed == line) || running.is_finished())
        })?;
        running.control().stop();
    }
    let ended = wait_until(
        "the guest has ended",
        PATIENCE,
        || Ok(running.is_finished()),
    );
    if ended.is_err() {
        running.control().kill();
        running.wait();
        return Err(anyhow!("it did not end; it printed:\n{}", printed.text()));
    }
    Ok(running.wait().outcome)
}

fn read_rows(receiver: &Receiver<rows::Event>) -> Result<String> {
    let mut text = String::new();
    for event in receiver.try_iter() {
        text += &match event {
            rows::Event::Row(row) => format!("row of {}: {}\n", row.table().name, row.to_json()?),
            rows::Event::EndOfInterval(table) => format!("end of interval of {}\n", table.name),
            rows::Event::Lost(count) => format!("lost {count}\n"),
            other => format!("{other:?}\n"),
        };
    }
    Ok(text)
}

/// Lets the fake kernel's clock follow the real one, by which guests are run and WASI measures: so
/// a guest's time-outs, the timers of WASI and what programs do later keep their order.
struct Clock {
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Clock {
    fn follow(kernel: FakeKernel) -> Self {
        const STEP: Duration = Duration::from_millis(1);
        let is_over = Arc::<AtomicBool>::default();
        let seen = Arc::clone(&is_over);
        let thread = std::thread::spawn(move || {
            let mut last = Instant::now();
            while !seen.load(Ordering::Relaxed) {
                std::thread::sleep(STEP);
                let now = Instant::now();
                kernel.advance(now - last);
                last = now;
            }
        });
        Self {
            is_over,
            thread: Some(thread),
        }
    }
}

impl Drop for Clock {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // A panic of the thread was printed; the case has failed by itself then.
            let _ = thread.join();
        }
    }
}

/// Has the kernel count how often programs run and for how long, which it does not by default.
struct Statistics {
    before: String,
}

impl Statistics {
    const SETTING: &str = "/proc/sys/kernel/bpf_stats_enabled";

    fn turn_on() -> Result<Self> {
        let before = std::fs::read_to_string(Self::SETTING).context(Self::SETTING)?;
        std::fs::write(Self::SETTING, "1").context(Self::SETTING)?;
        Ok(Self { before })
    }
}

impl Drop for Statistics {
    fn drop(&mut self) {
        if let Err(error) = std::fs::write(Self::SETTING, &self.before) {
            eprintln!("set {} back: {error}", Self::SETTING);
        }
    }
}
