//! Guests that break the contract, loop, hoard, trap: each is ended or refused with a reason, and
//! nothing stays attached. On the fake kernel without root, on the real one with it.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use eunomia_host_abi::fake::FakeKernel;
use eunomia_runtime::kernel::Kernel;
use eunomia_runtime::libbpf::LibbpfKernel;
use eunomia_runtime::{ErrorKind, Loaded, Outcome, Running, Runtime, Sandbox, Settings, Tool};
use eunomia_tests::{Printed, build, is_root, kernel_objects, wait_until};

fn tool() -> Result<Tool> {
    static TOOL: OnceLock<Tool> = OnceLock::new();
    if TOOL.get().is_none() {
        let _ = TOOL.set(build("tests/guests/hostile")?);
    }
    TOOL.get().cloned().context("the tool was just set")
}

/// One kernel to run cases on.
struct Bench {
    kernel: &'static str,
    loaded: Loaded,
}

impl Bench {
    fn new(name: &'static str, kernel: Arc<dyn Kernel>) -> Result<Self> {
        let runtime = Runtime::builder().kernel(kernel).build()?;
        Ok(Self {
            kernel: name,
            loaded: runtime.open(tool()?)?.load()?,
        })
    }

    fn start(&self, case: &str, sandbox: Sandbox) -> Result<(Running, Printed)> {
        let printed = Printed::default();
        let running = self.loaded.run(Settings {
            args: vec![case.into()],
            stdio: printed.stdio(),
            sandbox,
            ..Settings::default()
        })?;
        Ok((running, printed))
    }

    fn run(&self, case: &str) -> Result<(Outcome, String)> {
        let sandbox = Sandbox {
            memory_bytes_max: 32 << 20,
            cpu_burst_max: Duration::from_millis(200),
            stop_grace: Duration::from_millis(200),
            ..Sandbox::default()
        };
        let (running, printed) = self.start(case, sandbox)?;
        let outcome = running.wait().outcome;
        Ok((outcome, printed.text()))
    }
}

/// The fake kernel, and the real one where there is root.
fn benches() -> Result<Vec<Bench>> {
    let mut benches = vec![Bench::new("fake", Arc::new(FakeKernel::new()))?];
    if is_root() {
        benches.push(Bench::new("real", Arc::new(LibbpfKernel::new()))?);
    }
    Ok(benches)
}

fn real() -> Result<Option<Bench>> {
    if is_root() {
        Bench::new("real", Arc::new(LibbpfKernel::new())).map(Some)
    } else {
        Ok(None)
    }
}

fn failed(outcome: Outcome, kind: ErrorKind, text: &str) -> Result<()> {
    let Outcome::Failed(error) = outcome else {
        anyhow::bail!("the guest was not ended for {kind:?} but: {outcome:?}");
    };
    ensure!(
        error.kind() == kind,
        "ended for {:?}, not {kind:?}: {error}",
        error.kind()
    );
    ensure!(
        error.to_string().contains(text),
        "`{error}` does not say `{text}`"
    );
    Ok(())
}

#[test]
fn an_exit_code_is_passed_on() -> Result<()> {
    for bench in benches()? {
        let (outcome, _) = bench.run("exit")?;
        ensure!(
            matches!(outcome, Outcome::Exited(7)),
            "{}: {outcome:?}",
            bench.kernel
        );
    }
    Ok(())
}

#[test]
fn a_guest_that_traps_is_ended_with_the_kind_of_trap() -> Result<()> {
    for bench in benches()? {
        let (outcome, _) = bench.run("trap")?;
        failed(outcome, ErrorKind::Trap, "unreachable").context(bench.kernel)?;
    }
    Ok(())
}

#[test]
fn a_guest_that_loops_for_ever_is_ended_by_its_cpu_limit() -> Result<()> {
    for bench in benches()? {
        let (outcome, _) = bench.run("loop")?;
        failed(outcome, ErrorKind::LimitExceeded, "it seems to loop").context(bench.kernel)?;
    }
    Ok(())
}

#[test]
fn a_guest_that_allocates_without_end_is_ended_by_its_memory_limit() -> Result<()> {
    for bench in benches()? {
        let (outcome, _) = bench.run("allocate")?;
        failed(outcome, ErrorKind::LimitExceeded, "its limit is 32 MiB").context(bench.kernel)?;
    }
    Ok(())
}

#[test]
fn a_guest_that_hoards_handles_or_objects_is_refused_more() -> Result<()> {
    for bench in benches()? {
        for case in ["handles", "objects"] {
            let (outcome, printed) = bench.run(case)?;
            ensure!(matches!(outcome, Outcome::Exited(3)), "{case}: {outcome:?}");
            ensure!(printed.contains("LimitExceeded"), "{case}: {printed}");
        }
    }
    Ok(())
}

#[test]
fn a_sleeping_guest_is_killed_at_once() -> Result<()> {
    for bench in benches()? {
        let (running, printed) = bench.start("sleep", Sandbox::default())?;
        wait_until("the guest sleeps", Duration::from_secs(20), || {
            Ok(printed.text().contains("asleep"))
        })?;
        running.control().kill();
        let outcome = running.wait().outcome;
        ensure!(
            matches!(outcome, Outcome::Killed),
            "{}: {outcome:?}",
            bench.kernel
        );
    }
    Ok(())
}

#[test]
fn a_guest_that_does_not_leave_when_asked_is_ended_after_its_grace() -> Result<()> {
    for bench in benches()? {
        for case in ["sleep", "busy-calls"] {
            let sandbox = Sandbox {
                stop_grace: Duration::from_millis(100),
                ..Sandbox::default()
            };
            let (running, _) = bench.start(case, sandbox)?;
            running.control().stop();
            failed(
                running.wait().outcome,
                ErrorKind::LimitExceeded,
                "asked to stop",
            )
            .with_context(|| format!("{case} on {}", bench.kernel))?;
        }
    }
    Ok(())
}

#[test]
fn a_false_consumed_traps() -> Result<()> {
    for bench in benches()? {
        let (outcome, _) = bench.run("consumed-too-much")?;
        failed(outcome, ErrorKind::Trap, "consumed 8 bytes of a batch of 0")?;
    }
    let Some(real) = real()? else { return Ok(()) };
    failed(real.run("consumed-inside")?.0, ErrorKind::Trap, "consumed")?;
    failed(
        real.run("consumed-twice")?.0,
        ErrorKind::Trap,
        "of a batch of 0",
    )
}

#[test]
fn every_refusal_has_its_code() -> Result<()> {
    for bench in benches()? {
        let (outcome, printed) = bench.run("refusals")?;
        let wrong: Vec<&str> = printed
            .lines()
            .filter(|line| !line.starts_with("refused: "))
            .collect();
        ensure!(wrong.is_empty(), "{}: {}", bench.kernel, wrong.join("\n"));
        ensure!(
            matches!(outcome, Outcome::Exited(0)),
            "{}: {outcome:?}",
            bench.kernel
        );
        ensure!(
            printed.lines().count() > 40,
            "{}: too few cases ran",
            bench.kernel
        );
    }
    Ok(())
}

#[test]
fn a_call_in_the_wrong_phase_is_refused() -> Result<()> {
    for bench in benches()? {
        let (outcome, printed) = bench.run("phases")?;
        ensure!(
            matches!(outcome, Outcome::Exited(0)),
            "{}: {outcome:?}",
            bench.kernel
        );
        let refused = printed
            .lines()
            .filter(|line| line.starts_with("refused: "))
            .count();
        ensure!(
            refused == 7 && printed.contains("counter 5"),
            "{}: {printed}",
            bench.kernel
        );
    }
    Ok(())
}

#[test]
fn children_outlive_their_parents() -> Result<()> {
    let Some(real) = real()? else { return Ok(()) };
    let (outcome, printed) = real.run("after-drop")?;
    ensure!(
        matches!(outcome, Outcome::Exited(0)),
        "{outcome:?} {printed}"
    );
    ensure!(
        printed == "found true\nread 48 bytes\nready false\n",
        "{printed}"
    );
    Ok(())
}

#[test]
fn whatever_ends_a_guest_nothing_stays_in_the_kernel() -> Result<()> {
    let Some(real) = real()? else { return Ok(()) };
    let before = kernel_objects()?;
    let mine = || -> Result<Vec<String>> {
        // Not `jumps`: an array that nobody holds any more was seen to stay. It seems that Linux
        // keeps a program array when bpftool looks at it just as its last user goes.
        let ours = ["\"on_exec\"", "\"fill\"", "\"drain\""];
        let objects = kernel_objects()?;
        Ok(objects
            .into_iter()
            .filter(|o| ours.iter().any(|our| o.ends_with(our)) && !before.contains(o))
            .collect())
    };
    for case in [
        "trap",
        "panic",
        "loop",
        "allocate",
        "exit",
        "handles",
        "consumed-too-much",
    ] {
        real.run(case)?;
    }
    let (running, printed) = real.start("sleep", Sandbox::default())?;
    wait_until("the guest sleeps", Duration::from_secs(20), || {
        Ok(printed.text().contains("asleep"))
    })?;
    ensure!(
        !mine()?.is_empty(),
        "the guest that runs is not in the kernel's lists"
    );
    running.control().kill();
    running.wait();
    // The kernel frees objects a grace period after their last reference went.
    wait_until(
        "the kernel has let go of everything",
        Duration::from_secs(10),
        || Ok(mine()?.is_empty()),
    )
}
