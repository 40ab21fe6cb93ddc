//! From an empty folder to live events, in every language, as a newcomer goes: `ecli init`,
//! `ecli build`, `ecli run`. And what the inner loop is made of: `ecli dev`, recordings.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use eunomia_tests::{ecli, is_root, kernel_objects, target, wait_until};

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

/// `ecli`, which keeps what it builds in Rust between the runs of these tests.
fn building() -> Result<Command> {
    let mut command = ecli()?;
    command.env("CARGO_TARGET_DIR", target()?.join("test-guests/first"));
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
    for language in LANGUAGES {
        let (_folder, project) = project(language)?;
        succeed(building()?.arg("build").arg(&project))?;
        let name = format!("first-{language}");
        let mut child = ecli()?
            .args(["run", "-o", "json", "--count", "3", "--timeout", "60s"])
            .args([&*name, "true"])
            .stdout(Stdio::piped())
            .spawn()?;
        let lines = Lines::of(&mut child)?;
        wait_until("three rows", PATIENCE, || {
            Command::new("true").status()?;
            Ok(child.try_wait()?.is_some())
        })?;
        ensure!(child.wait()?.success(), "{language}");
        let rows = lines.all();
        let shown = rows.iter().filter(|row| row.contains("\"comm\":\"true\""));
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
    let dev = Dev::start(&project)?;
    dev.sees_an_event()?;
    let first = programs(&before)?;
    ensure!(first.len() == 1, "{first:?}");

    // Another guest, the same program.
    change(&project, "guest.c", "\"TIME\"", "\"WHEN\"")?;
    dev.says("starting anew")?;
    dev.sees_an_event()?;
    ensure!(programs(&before)? == first, "the program was loaded again");

    // A guest that does not build: the tool goes on.
    change(&project, "guest.c", "\"WHEN\"", "WHEN")?;
    dev.says("waiting for a change")?;
    dev.sees_an_event()?;
    change(&project, "guest.c", "WHEN", "\"WHEN\"")?;
    dev.says("nothing of it is in the tool")?;

    // Another program.
    change(&project, "probe.bpf.c", "256 << 10", "512 << 10")?;
    dev.says("starting anew")?;
    dev.sees_an_event()?;
    ensure!(programs(&before)? != first, "the old program still runs");

    dev.end()?;
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
    let mut child = ecli()?
        .args(["run", "-o", "json", "--count", "5", "--timeout", "60s"])
        .arg("--record")
        .arg(&recording)
        .arg(&project)
        .stdout(Stdio::piped())
        .spawn()?;
    let lines = Lines::of(&mut child)?;
    wait_until("five rows", PATIENCE, || {
        Command::new("true").status()?;
        Ok(child.try_wait()?.is_some())
    })?;
    ensure!(child.wait()?.success());
    let live = lines.all();
    let test = "output = \"json\"\nrecording = \"live.jsonl\"\n";
    std::fs::write(project.join("tests/live.toml"), test)?;
    succeed(ecli()?.args(["test", "--bless"]).arg(&project).arg("live"))?;
    let again = std::fs::read_to_string(project.join("tests/live.expected"))?;
    let (live, again): (Vec<&str>, Vec<&str>) = (
        live.iter().map(String::as_str).collect(),
        again.lines().collect(),
    );
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

/// Programs that were not there before.
fn programs(before: &[String]) -> Result<Vec<String>> {
    let mut objects = kernel_objects()?;
    objects.retain(|object| object.starts_with("prog") && !before.contains(object));
    Ok(objects)
}

fn change(project: &Path, file: &str, from: &str, to: &str) -> Result<()> {
    let path = project.join(file);
    let text = std::fs::read_to_string(&path)?;
    ensure!(text.contains(from), "{file} has no {from}");
    std::fs::write(&path, text.replace(from, to)).with_context(|| path.display().to_string())
}

/// What a program prints, line by line, gathered by a thread.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<String>>>);

impl Lines {
    fn of(child: &mut Child) -> Result<Self> {
        let stdout = child.stdout.take().context("the output is taken")?;
        Ok(Self::read(stdout))
    }

    fn read(from: impl std::io::Read + Send + 'static) -> Self {
        let lines = Self::default();
        let gathered = lines.clone();
        std::thread::spawn(move || {
            for line in BufReader::new(from).lines().map_while(Result::ok) {
                gathered.lock().push(line);
            }
        });
        lines
    }

    fn lock(&self) -> MutexGuard<'_, Vec<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn all(&self) -> Vec<String> {
        // The thread may still be reading what a program that has ended wrote last.
        std::thread::sleep(Duration::from_millis(100));
        self.lock().clone()
    }
}

/// `ecli dev` that runs. One that a test forgets ends with it.
struct Dev {
    child: Child,
    stdout: Lines,
    stderr: Lines,
}

impl Drop for Dev {
    fn drop(&mut self) {
        let _ = self.child.kill(); // It may have ended.
        let _ = self.child.wait();
    }
}

impl Dev {
    fn start(project: &Path) -> Result<Self> {
        let mut child = building()?
            .arg("dev")
            .arg(project)
            .arg("true")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let stdout = Lines::of(&mut child)?;
        let stderr = Lines::read(child.stderr.take().context("stderr is taken")?);
        Ok(Self {
            child,
            stdout,
            stderr,
        })
    }

    /// Runs a program until there is a row of it.
    fn sees_an_event(&self) -> Result<()> {
        self.stdout.lock().clear();
        wait_until("a row", PATIENCE, || {
            Command::new("true").status()?;
            Ok(self
                .stdout
                .lock()
                .iter()
                .any(|line| line.contains(" true ")))
        })
        .with_context(|| self.stderr.all().join("\n"))
    }

    fn says(&self, part: &str) -> Result<()> {
        wait_until(part, PATIENCE, || {
            let mut lines = self.stderr.lock();
            let found = lines.iter().position(|line| line.contains(part));
            if let Some(at) = found {
                lines.drain(..=at);
            }
            Ok(found.is_some())
        })
        .with_context(|| self.stderr.all().join("\n"))
    }

    fn end(mut self) -> Result<()> {
        let pid = self.child.id().to_string();
        succeed(Command::new("kill").args(["-INT", &pid]))?;
        wait_until("the end", PATIENCE, || Ok(self.child.try_wait()?.is_some()))?;
        ensure!(self.child.wait()?.success(), "{:?}", self.stderr.all());
        Ok(())
    }
}
