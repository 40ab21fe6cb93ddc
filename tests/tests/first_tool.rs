//! From an empty folder to live events, in every language, as a newcomer goes: `ecli init`,
//! `ecli build`, `ecli run`. And what the inner loop is made of: `ecli dev`, recordings.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use eunomia_tests::{Running, ecli, is_root, kernel_objects, target, wait_until};

const LANGUAGES: &[&str] = &["rust", "c", "cpp", "go", "ts", "python", "zig"];

/// Building takes a minute where everything else is built meanwhile.
const PATIENCE: Duration = Duration::from_secs(300);

/// These tests look at what the whole machine does: one at a time.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A new project, in a folder that goes with it.
fn project(language: &str) -> Result<(tempfile::TempDir, PathBuf)> {
    let folder = tempfile::tempdir()?;
    let project = folder.path().join(format!("first-{language}"));
    succeed(ecli()?.arg("init").arg(&project).args([
        "--lang",
        language,
        "--template",
        "tracepoint",
    ]))?;
    Ok((folder, project))
}

/// Builds a project in each language, two at a time: some builders have one thread.
fn build_all() -> Result<()> {
    let build = |languages: &[&str]| {
        for language in languages {
            let (_folder, project) = project(language)?;
            succeed(building()?.arg("build").arg(&project))?;
        }
        Ok::<_, anyhow::Error>(())
    };
    let (some, others) = LANGUAGES.split_at(LANGUAGES.len() / 2);
    std::thread::scope(|scope| {
        let some = scope.spawn(|| build(some));
        build(others)?;
        some.join().expect("building does not panic")
    })
}

/// `ecli`, which keeps what it builds in Rust between the runs of these tests, beside what those
/// of ecli/tests/templates.rs have built.
fn building() -> Result<Command> {
    let mut command = ecli()?;
    let folder = target()?.with_file_name("tmp/templates/rust");
    command.env("CARGO_TARGET_DIR", folder);
    Ok(command)
}

/// What a command prints, which must succeed.
fn succeed(command: &mut Command) -> Result<String> {
    let output = command.output()?;
    ensure!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(String::from_utf8(output.stdout)?)
}

#[test]
fn the_first_tool_shows_live_events_in_every_language() -> Result<()> {
    if !is_root() {
        return Ok(());
    }
    let _alone = alone();
    let before = kernel_objects()?;
    build_all()?;
    for language in LANGUAGES {
        let name = format!("first-{language}");
        let options = ["-o", "json", "--count", "3", "--timeout", "60s"];
        let mut tool = Running::start(options.iter().chain(&[&*name, "true"]))?;
        wait_until("three rows", PATIENCE, || {
            Command::new("true").status()?;
            tool.has_ended()
        })?;
        let ended = tool.end()?.successful();
        let rows = ended.with_context(|| language.to_owned())?.rows()?;
        let shown = rows.iter().filter(|row| row["comm"] == "true");
        ensure!(shown.count() == 3, "{language}: {rows:?}");
    }
    nothing_is_left(&before)
}

#[test]
fn dev_restarts_the_guest_and_keeps_what_did_not_change() -> Result<()> {
    if !is_root() {
        return Ok(());
    }
    let _alone = alone();
    let before = kernel_objects()?;
    let (_folder, project) = project("c")?;
    let mut dev = Dev::start(&project)?;
    dev.sees_an_event()?;
    let first = dev.programs()?;
    ensure!(first.len() == 1, "{first:?}");

    // Another guest, the same program.
    change(&project, "guest.c", "\"TIME\"", "\"WHEN\"")?;
    dev.says("starting anew")?;
    dev.sees_an_event()?;
    ensure!(dev.programs()? == first, "the program was loaded again");

    // A guest that does not build: the tool goes on.
    change(&project, "guest.c", "\"WHEN\"", "WHEN")?;
    dev.says("waiting for a change")?;
    dev.sees_an_event()?;
    change(&project, "guest.c", "WHEN", "\"WHEN\"")?;
    dev.says("nothing of it is in the tool")?;

    // Another program.
    change(&project, "probe.bpf.c", "256 << 10", "512 << 10")?;
    dev.says("starting anew")?;
    // It is loaded behind that line.
    wait_until("another program is there", PATIENCE, || {
        Ok(dev.programs()? != first)
    })?;
    dev.sees_an_event()?;

    dev.0.stop()?;
    nothing_is_left(&before)
}

#[test]
fn what_is_recorded_is_shown_again_without_the_kernel() -> Result<()> {
    if !is_root() {
        return Ok(());
    }
    let _alone = alone();
    let (_folder, project) = project("c")?;
    let recording = project.join("tests/live.jsonl");
    let mut command = ecli()?;
    command.args(["run", "-o", "json", "--count", "5", "--timeout", "60s"]);
    command.arg("--record").arg(&recording).arg(&project);
    let mut tool = Running::of(&mut command)?;
    wait_until("five rows", PATIENCE, || {
        Command::new("true").status()?;
        tool.has_ended()
    })?;
    let live = tool.end()?.successful()?.printed;
    let test = "output = \"json\"\nrecording = \"live.jsonl\"\n";
    std::fs::write(project.join("tests/live.toml"), test)?;
    succeed(ecli()?.args(["test", "--bless"]).arg(&project).arg("live"))?;
    let again = std::fs::read_to_string(project.join("tests/live.expected"))?;
    let (live, again): (Vec<&str>, Vec<&str>) = (live.lines().collect(), again.lines().collect());
    // Events may have been read that were more than the five.
    ensure!(
        live.len() == 6 && again[..5] == live[..5],
        "{live:?}\n{again:?}"
    );
    Ok(())
}

/// What a process held goes with it; the kernel takes its time.
fn nothing_is_left(before: &[String]) -> Result<()> {
    wait_until(
        "the kernel has what it had",
        Duration::from_secs(10),
        || {
            Ok(kernel_objects()?
                .iter()
                .all(|object| before.contains(object)))
        },
    )
}

fn change(project: &Path, file: &str, from: &str, to: &str) -> Result<()> {
    let path = project.join(file);
    let text = std::fs::read_to_string(&path)?;
    ensure!(text.contains(from), "{file} has no {from}");
    std::fs::write(&path, text.replace(from, to)).with_context(|| path.display().to_string())
}

/// `ecli dev` that runs.
struct Dev(Running);

impl Dev {
    fn start(project: &Path) -> Result<Self> {
        let mut command = building()?;
        command.arg("dev").arg(project).arg("true");
        Running::of(&mut command).map(Self)
    }

    /// The numbers of the BPF programs that it holds, whatever others on this machine have loaded.
    fn programs(&self) -> Result<BTreeSet<String>> {
        let mut programs = BTreeSet::new();
        for entry in std::fs::read_dir(format!("/proc/{}/fdinfo", self.0.id()))? {
            // It may have closed it since.
            let text = std::fs::read_to_string(entry?.path()).unwrap_or_default();
            let numbers = text
                .lines()
                .filter_map(|line| line.strip_prefix("prog_id:"));
            programs.extend(numbers.map(|number| number.trim().to_owned()));
        }
        Ok(programs)
    }

    /// Runs a program until there is a row of it.
    fn sees_an_event(&mut self) -> Result<()> {
        self.0.new_lines()?; // Of before.
        wait_until("a row", PATIENCE, || {
            self.0.must_run()?;
            Command::new("true").status()?;
            let lines = self.0.new_lines()?;
            Ok(lines.iter().any(|line| line.contains(" true ")))
        })
    }

    fn says(&mut self, part: &str) -> Result<()> {
        let line = self.0.expect_said(|line| line.contains(part));
        line.map(drop).with_context(|| part.to_owned())
    }
}
