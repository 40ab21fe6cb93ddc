//! Guests without a kernel: a test feeds a guest with events on the fake kernel, whose time passes
//! only when the guest waits, and compares what it prints. Neither root nor Linux's BPF is needed.

mod case;
mod recording;
mod script;

use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use eunomia_runtime::console::Console;
use eunomia_runtime::fake::{FakeKernel, Machine};
use eunomia_runtime::kernel::Kernel as _;
use eunomia_runtime::policy::Overrides;
use eunomia_runtime::{Outcome, RuntimeBuilder, Settings, Stdio, Time, Tool};

use crate::render::{KernelClocks, Setting, StdoutRows};
use case::Case;
pub(crate) use recording::Recording;
use script::Declarations;

/// The tests of a folder.
pub(crate) struct Tests(Vec<Case>);

/// How a test went.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// As expected.
    Passed,
    /// What it printed is now what is expected.
    Blessed,
    /// Why not.
    Failed(String),
}

/// CPUs of a machine (`NR_CPUS` of distributions): each value of a per-CPU map is kept so often.
const CPUS_MAX: u32 = 8192;

/// The year 9999.
const BOOT_MAX: u64 = 253_402_300_799;

/// Lines of a difference that are shown; more follow from these.
const DIFFERENCES_MAX: usize = 10;

impl Tests {
    /// Reads all tests of a folder, or those that `wanted` names.
    ///
    /// # Errors
    /// When a test is written wrongly, or one that is wanted is not there.
    pub(crate) fn read(folder: &Path, wanted: &[String]) -> Result<Self> {
        let cases = Case::read_all(folder, wanted)?;
        for name in wanted {
            if !cases.iter().any(|case| case.name == *name) {
                bail!("there is no test {}", folder.join(name).display());
            }
        }
        Ok(Self(cases))
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    /// Runs all of them in order and says of each how it went; with `bless`, what they print is
    /// written down as what is expected.
    pub(crate) fn run(
        &self,
        tool: &Tool,
        runtime: impl Fn() -> RuntimeBuilder,
        bless: bool,
        mut say: impl FnMut(&str, &Verdict) -> Result<()>,
    ) -> Result<()> {
        for case in &self.0 {
            let verdict = match run(case, tool, runtime()) {
                Ok(printed) => compare(case, &printed, bless)?,
                Err(error) => Verdict::Failed(format!("{error:#}")),
            };
            say(&case.name, &verdict)?;
        }
        Ok(())
    }
}

/// What the guest prints.
fn run(case: &Case, tool: &Tool, runtime: RuntimeBuilder) -> Result<String> {
    let manifest = &case.manifest;
    let kernel = FakeKernel::with_machine(machine(&manifest.machine)?);
    for symbol in &manifest.symbols {
        kernel.add_symbol(&*symbol.name, symbol.address, symbol.size);
    }
    let declarations = Declarations::of(&kernel, tool)?;
    let runtime = runtime.kernel(Arc::new(kernel.clone())).build()?;
    let loaded = runtime.open(tool.clone())?.load()?;
    let printed = Printed::default();
    let console = Console::new(Box::new(printed.clone()), false);
    let setting = Setting {
        format: manifest.output.unwrap_or_default(),
        clocks: KernelClocks {
            monotonic: kernel.monotonic_epoch(),
            boot: kernel.boot_epoch(),
            is_utc: true,
        },
        kernel: Some(Arc::new(kernel.clone())),
        ..Setting::default()
    };
    let rows = StdoutRows::new(setting, console.share());
    let report = rows.report();
    let settings = Settings {
        args: manifest.arguments.clone(),
        rows: Box::new(rows),
        stdio: Stdio::Console(console),
        overrides: Overrides {
            globals: manifest.globals.clone(),
            ..Overrides::default()
        },
        time: Time::Virtual(kernel.clone()),
        ..Settings::default()
    };
    kernel.play(script::script(case, &declarations, &settings.stop)?);
    let outcome = loaded.run(settings)?.wait().outcome;
    report.finish()?;
    check_end(case, outcome, &printed)?;
    if let Some(problem) = kernel.script_problems().first() {
        bail!("{problem}");
    }
    Ok(printed.text())
}

/// Whether it ended as it should.
fn check_end(case: &Case, outcome: Outcome, printed: &Printed) -> Result<()> {
    let wanted = &case.manifest;
    let ended = match outcome {
        Outcome::Exited(code) => {
            if wanted.error.is_none() && code == i32::from(wanted.exit_code) {
                return Ok(());
            }
            format!("it ended with code {code}")
        }
        Outcome::Failed(error) => {
            // With its causes.
            let error = format!("{:#}", anyhow::Error::from(error));
            if let Some(part) = &wanted.error
                && error.contains(part)
            {
                return Ok(());
            }
            error
        }
        other => format!("it ended by {other:?}"),
    };
    let expected = match &wanted.error {
        Some(part) => format!("expected: a failure with {part:?}"),
        None => format!("expected: code {}", wanted.exit_code),
    };
    bail!("{ended}\n{expected}; it printed:\n{}", printed.text())
}

fn machine(wanted: &case::Machine) -> Result<Machine> {
    let mut machine = Machine::default();
    if let Some(cpus) = wanted.cpus {
        ensure!(
            (1..=CPUS_MAX).contains(&cpus),
            "`cpus`: a machine has 1 to {CPUS_MAX} CPUs"
        );
        machine.possible_cpus = cpus;
    }
    if let Some(seconds) = wanted.boot {
        ensure!(
            seconds <= BOOT_MAX,
            "`boot`: it is counted in seconds since 1970"
        );
        machine.epoch = Duration::from_secs(seconds);
    }
    if let Some(release) = &wanted.release {
        let mut numbers = release.splitn(3, '.').map(str::parse);
        let mut number = || -> Result<u32> {
            let number = numbers.next().unwrap_or(Ok(0));
            number.with_context(|| format!("`release`: {release:?} is not like 6.12.0"))
        };
        machine.version = (number()?, number()?, number()?);
    }
    Ok(machine)
}

fn compare(case: &Case, printed: &str, bless: bool) -> Result<Verdict> {
    let path = &case.expected;
    let expected = match std::fs::read_to_string(path) {
        Ok(text) => Some(text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => return Err(error).with_context(|| format!("read {}", path.display())),
    };
    if expected.as_deref() == Some(printed) {
        return Ok(Verdict::Passed);
    }
    if bless {
        std::fs::write(path, printed).with_context(|| format!("write {}", path.display()))?;
        return Ok(Verdict::Blessed);
    }
    Ok(Verdict::Failed(match expected {
        Some(expected) => difference(&expected, printed),
        None => format!(
            "{} is missing: `ecli test --bless` writes it, for you to read; it printed:\n{printed}",
            path.display()
        ),
    }))
}

/// The lines that differ, as far as they are shown.
fn difference(expected: &str, printed: &str) -> String {
    let mut text = String::new();
    let (mut expected, mut printed) = (expected.lines(), printed.lines());
    let (mut number, mut shown) = (0, 0);
    loop {
        number += 1;
        let (expected, printed) = match (expected.next(), printed.next()) {
            // The texts differ, but not in a line: one of them lacks the last line's end.
            (None, None) if shown == 0 => return "the end of the last line differs\n".to_owned(),
            (None, None) => return text,
            (expected, printed) if expected == printed => continue,
            (expected, printed) => (expected.unwrap_or("(end)"), printed.unwrap_or("(end)")),
        };
        if shown == DIFFERENCES_MAX {
            return text + "...\n";
        }
        text += &format!("line {number}\n- {expected}\n+ {printed}\n");
        shown += 1;
    }
}

/// What a guest printed.
#[derive(Clone, Default)]
struct Printed(Arc<Mutex<Vec<u8>>>);

impl Write for Printed {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let mut text = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        text.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Printed {
    fn text(&self) -> String {
        let text = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&text).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_shown_by_line() {
        assert_eq!(difference("a\nb\n", "a\nc\n"), "line 2\n- b\n+ c\n");
        assert_eq!(difference("a\n", "a\nb\n"), "line 2\n- (end)\n+ b\n");
        assert_eq!(difference("a\n", "a"), "the end of the last line differs\n");
    }
}
