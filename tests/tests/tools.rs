//! The example tools on the real kernel, as a user runs them: nothing lost, nothing doubled,
//! nothing left behind.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use eunomia_tests::{build, ecli, is_root, kernel_objects, wait_until};
use serde_json::Value;

/// These tests look at what the whole machine does: one at a time.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A tool that runs, with its standard output.
struct Running {
    child: Child,
    stdout: Option<ChildStdout>,
}

/// A test that fails leaves no tool behind.
impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill(); // It may have ended.
        let _ = self.child.wait();
    }
}

impl Running {
    fn start(args: &[&str]) -> Result<Self> {
        let mut child = ecli()?
            .arg("run")
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let stdout = child.stdout.take();
        Ok(Self { child, stdout })
    }

    fn signal(&self, signal: &str) -> Result<()> {
        let status = Command::new("kill")
            .arg(format!("-{signal}"))
            .arg(self.child.id().to_string())
            .status()?;
        ensure!(status.success(), "send SIG{signal}");
        Ok(())
    }

    fn lines(&mut self) -> Result<impl Iterator<Item = std::io::Result<String>> + use<>> {
        Ok(BufReader::new(self.stdout.take().context("the output is taken")?).lines())
    }

    /// Wait for the end; returns the exit code and what was said on standard error.
    fn end(mut self) -> Result<(i32, String)> {
        if let Some(mut stdout) = self.stdout.take() {
            std::io::copy(&mut stdout, &mut std::io::sink())?;
        }
        let mut said = String::new();
        self.child
            .stderr
            .take()
            .context("stderr is piped")?
            .read_to_string(&mut said)?;
        let status = self.child.wait()?;
        Ok((status.code().unwrap_or(-1), said))
    }
}

/// How many BPF links a process holds, as the kernel tells of its descriptors.
fn links_of(process: u32) -> Result<usize> {
    let mut links = 0;
    for entry in std::fs::read_dir(format!("/proc/{process}/fdinfo"))? {
        // A descriptor may be closed meanwhile.
        let info = std::fs::read_to_string(entry?.path()).unwrap_or_default();
        links += usize::from(info.contains("link_id:"));
    }
    Ok(links)
}

/// Both programs of execsnoop.
const EXECSNOOP_LINKS: usize = 2;

/// Wait until the tool holds so many links, which it says by no output of its own.
fn wait_until_attached(tool: &Running, links: usize) -> Result<()> {
    wait_until("the tool is attached", Duration::from_secs(30), || {
        Ok(links_of(tool.child.id())? >= links)
    })
}

/// Copy `/bin/true` to a name of its own, so that no other process has it.
fn own_true(folder: &Path, name: &str) -> Result<std::path::PathBuf> {
    let path = folder.join(name);
    std::fs::copy("/bin/true", &path)?;
    Ok(path)
}

const BURST: usize = 20_000;

#[test]
fn every_exec_and_exit_of_a_burst_is_reported_once() -> Result<()> {
    if !is_root() {
        return Ok(());
    }
    let _alone = alone();
    build("examples/execsnoop")?;
    let folder = tempfile::tempdir()?;
    let program = own_true(folder.path(), "burst-of-execs")?;
    let mut tool = Running::start(&["-o", "json", "execsnoop", "-n", "burst-of-execs"])?;
    wait_until_attached(&tool, EXECSNOOP_LINKS)?;
    let lines = tool.lines()?;
    let reader = std::thread::spawn(move || -> Result<BTreeMap<(u64, String), usize>> {
        let mut seen = BTreeMap::new();
        for line in lines {
            let row: Value = serde_json::from_str(&line?)?;
            // The last line.
            if let Some(lost) = row["lost"].as_u64() {
                ensure!(lost == 0, "{lost} events were lost");
                continue;
            }
            let pid = row["pid"].as_u64().context("a row has a pid")?;
            let event = row["event"]
                .as_str()
                .context("a row has an event")?
                .to_owned();
            *seen.entry((pid, event)).or_default() += 1;
        }
        Ok(seen)
    });
    let starters: Vec<_> = (0..2)
        .map(|_| {
            let program = program.clone();
            std::thread::spawn(move || -> Result<Vec<u64>> {
                (0..BURST / 2)
                    .map(|_| {
                        let mut child = Command::new(&program).spawn()?;
                        let pid = u64::from(child.id());
                        child.wait()?;
                        Ok(pid)
                    })
                    .collect()
            })
        })
        .collect();
    let mut expected: BTreeMap<(u64, String), usize> = BTreeMap::new();
    for starter in starters {
        for pid in starter.join().expect("a starter does not panic")? {
            *expected.entry((pid, "exec".into())).or_default() += 1;
            *expected.entry((pid, "exit".into())).or_default() += 1;
        }
    }
    tool.signal("INT")?;
    let (code, said) = tool.end()?;
    let seen = reader.join().expect("the reader does not panic")?;
    ensure!(code == 0, "exit code {code}: {said}");
    let total: usize = seen.values().sum();
    ensure!(
        total == 2 * BURST,
        "{total} events were reported of {}: {said}",
        2 * BURST
    );
    ensure!(seen == expected, "events of other processes, or twice");
    ensure!(!said.contains("lost"), "{said}");
    Ok(())
}

#[test]
fn a_hundred_starts_and_stops_leave_nothing_in_the_kernel() -> Result<()> {
    if !is_root() {
        return Ok(());
    }
    let _alone = alone();
    build("examples/execsnoop")?;
    let before = kernel_objects()?;
    for round in 0..100 {
        let tool = Running::start(&["execsnoop"])?;
        match round % 4 {
            // At any moment of its start.
            0 => std::thread::sleep(Duration::from_millis(round)),
            _ => wait_until_attached(&tool, EXECSNOOP_LINKS)?,
        }
        let signal = ["INT", "TERM", "KILL", "INT"][round as usize % 4];
        tool.signal(signal)?;
        let (code, said) = tool.end()?;
        let fine = match signal {
            "KILL" => code == -1,
            // A signal that comes before anything is set up ends the process as it ends any.
            _ => code == 0 || (round % 4 == 0 && [-1, 1, 130].contains(&code)),
        };
        ensure!(fine, "round {round}, SIG{signal}: exit code {code}: {said}");
    }
    let mut left = Vec::new();
    wait_until(
        "the kernel has let go of everything",
        Duration::from_secs(20),
        || {
            left = kernel_objects()?
                .into_iter()
                .filter(|object| !before.contains(object))
                .collect();
            Ok(left.is_empty())
        },
    )
    .with_context(|| left.join("\n"))
}

#[test]
fn a_reader_that_leaves_ends_the_tool() -> Result<()> {
    if !is_root() {
        return Ok(());
    }
    let _alone = alone();
    build("examples/execsnoop")?;
    let folder = tempfile::tempdir()?;
    let program = own_true(folder.path(), "head-minus-one")?;
    let mut tool = Running::start(&["execsnoop", "-n", "head-minus-one"])?;
    wait_until_attached(&tool, EXECSNOOP_LINKS)?;
    Command::new(&program).status()?;
    let mut lines = tool.lines()?;
    let head = lines.next().context("a line is printed")??;
    ensure!(head.contains("PID"), "{head}");
    drop(lines);
    wait_until("the tool ends", Duration::from_secs(20), || {
        Command::new(&program).status()?;
        Ok(tool.child.try_wait()?.is_some())
    })?;
    let (code, said) = tool.end()?;
    ensure!(code == 1, "exit code {code}: {said}");
    ensure!(!said.contains("panic"), "{said}");
    Ok(())
}

#[test]
fn opensnoop_reports_failures_with_their_reason() -> Result<()> {
    if !is_root() {
        return Ok(());
    }
    let _alone = alone();
    build("examples/opensnoop")?;
    let me = std::process::id().to_string();
    let mut tool = Running::start(&["-o", "json", "opensnoop", "--failed", "--pid", &me])?;
    let missing = "/tmp/there-is-no-such-file-of-opensnoop";
    let lines = tool.lines()?;
    let found = std::thread::spawn(move || -> Result<Value> {
        for line in lines {
            let row: Value = serde_json::from_str(&line?)?;
            if row.to_string().contains(missing) {
                return Ok(row);
            }
        }
        bail!("the failed open was not reported")
    });
    wait_until(
        "the failed open is reported",
        Duration::from_secs(30),
        || {
            let _ = std::fs::File::open(missing);
            Ok(found.is_finished())
        },
    )?;
    let row = found.join().expect("the reader does not panic")?;
    ensure!(
        row.to_string().contains("ENOENT") || row.to_string().contains('2'),
        "{row}"
    );
    tool.signal("INT")?;
    tool.end().map(drop)
}

#[test]
fn runqlat_prints_a_histogram_for_each_interval() -> Result<()> {
    if !is_root() {
        return Ok(());
    }
    let _alone = alone();
    build("examples/runqlat")?;
    let output = ecli()?.args(["run", "runqlat", "1", "2"]).output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    ensure!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let heads = text
        .lines()
        .filter(|line| line.contains("usecs") && line.contains("count"))
        .count();
    ensure!(heads == 2, "{heads} histograms in:\n{text}");
    ensure!(
        text.contains("->") && text.contains("|*"),
        "no plot in:\n{text}"
    );
    Ok(())
}

#[test]
fn syscount_is_driven_by_the_host_and_counts() -> Result<()> {
    if !is_root() {
        return Ok(());
    }
    let _alone = alone();
    build("examples/syscount")?;
    let mut tool = Running::start(&["-o", "json", "syscount", "--interval", "1"])?;
    let mut lines = tool.lines()?;
    let row: Value = serde_json::from_str(&lines.next().context("a row is printed")??)?;
    ensure!(
        row["count"].as_u64().is_some_and(|count| count > 0),
        "{row}"
    );
    ensure!(
        row["syscall"].as_str().is_some_and(|name| !name.is_empty()),
        "{row}"
    );
    tool.signal("INT")?;
    std::thread::spawn(move || lines.for_each(drop));
    let (code, said) = tool.end()?;
    ensure!(code == 0, "exit code {code}: {said}");
    Ok(())
}

#[test]
fn bashreadline_shows_what_a_function_chosen_at_run_time_returns() -> Result<()> {
    if !is_root() {
        return Ok(());
    }
    let _alone = alone();
    build("examples/bashreadline")?;
    let folder = tempfile::tempdir()?;
    let source = folder.path().join("shell.c");
    std::fs::write(
        &source,
        "static char line[] = \"typed by a test\";\n\
         __attribute__((noinline)) char *read_a_line(void)\n\
         { __asm__ volatile(\"\"); return line; }\n\
         int main(void) { return read_a_line() != line; }\n",
    )?;
    let shell = folder.path().join("shell");
    let compiled = Command::new("cc")
        .arg(&source)
        .arg("-o")
        .arg(&shell)
        .status()?;
    ensure!(compiled.success(), "compile the shell");
    let path = shell.to_str().context("the path is UTF-8")?;
    // By the tool's own options, and by the operator's word over them.
    let target = format!("--attach=on_return=uprobe:{path}:read_a_line");
    for args in [
        &[
            "-o",
            "json",
            "bashreadline",
            "-s",
            path,
            "-f",
            "read_a_line",
        ][..],
        &["-o", "json", &target, "bashreadline"],
    ] {
        let mut tool = Running::start(args)?;
        let lines = tool.lines()?;
        let found = std::thread::spawn(move || {
            lines
                .map_while(Result::ok)
                .any(|line| line.contains("typed by a test"))
        });
        wait_until("the line is shown", Duration::from_secs(30), || {
            ensure!(Command::new(&shell).status()?.success(), "run the shell");
            Ok(found.is_finished())
        })?;
        ensure!(
            found.join().expect("the reader does not panic"),
            "the output ended before: {args:?}"
        );
        tool.signal("INT")?;
        let (code, said) = tool.end()?;
        // The reader left with the line it wanted.
        ensure!([0, 1].contains(&code), "exit code {code}: {said}");
    }
    Ok(())
}
