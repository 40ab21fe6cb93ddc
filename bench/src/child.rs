//! Tools that run beside us: what they print is watched, what they use is counted.
#![allow(unsafe_code)] // `openpty` and `wait4`, for which there is no safe function here.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{FromRawFd, OwnedFd};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};

/// How long a tool that was asked to stop may take: some print what is left first.
const STOP_TIME_MAX: Duration = Duration::from_secs(60);
/// How long anything that is waited for may take.
const WAIT_TIME_MAX: Duration = Duration::from_secs(60);
/// How often it is looked whether something has happened.
const LOOK_INTERVAL: Duration = Duration::from_millis(2);
/// How long nothing may change until it is over.
const QUIET_TIME: Duration = Duration::from_millis(500);

/// How often the memory of a command that runs to its end is looked at.
const MEMORY_INTERVAL: Duration = Duration::from_millis(1);

/// Columns of the terminal: enough for a line of every tool.
const TERMINAL_COLUMNS: u16 = 250;

/// Where a tool prints to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stdout {
    /// So that it prints each line at once, without `stdbuf`.
    Terminal,
    Pipe,
}

/// What a tool has printed so far.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Seen {
    /// When the first start of a process was read.
    pub(crate) first: Option<Instant>,
    pub(crate) starts: u64,
    /// Of tools that report ends of processes, too.
    pub(crate) ends: u64,
}

/// What a process has used when it has ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Usage {
    pub(crate) cpu: Duration,
}

/// A running tool. Dropping it ends it.
#[derive(Debug)]
pub(crate) struct Watched {
    name: String,
    pid: Pid,
    started: Instant,
    seen: Arc<(Mutex<Seen>, Condvar)>,
    reader: Option<JoinHandle<()>>,
    stderr: PathBuf,
    has_ended: bool,
}

impl Watched {
    /// Start `command`; processes of interest are those whose line has `needle`. What it writes to
    /// standard error goes to the file `stderr`.
    pub(crate) fn start(
        mut command: Command,
        stdout: Stdout,
        needle: &'static str,
        stderr: &Path,
    ) -> Result<Self> {
        let name = format!("{command:?}");
        let (output, writer) = match stdout {
            Stdout::Terminal => terminal().context("open a terminal")?,
            Stdout::Pipe => {
                let (output, writer) = io::pipe().context("open a pipe")?;
                (OwnedFd::from(output), OwnedFd::from(writer))
            }
        };
        let log = File::create(stderr).with_context(|| format!("write {}", stderr.display()))?;
        command.stdin(Stdio::null()).stdout(writer).stderr(log);
        let started = Instant::now();
        let child = command.spawn().with_context(|| format!("start {name}"))?;
        drop(command); // With our end of its output.
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        let seen: Arc<(Mutex<Seen>, Condvar)> = Arc::default();
        let shared = Arc::clone(&seen);
        let reader = std::thread::spawn(move || watch(File::from(output), needle, &shared));
        Ok(Self {
            name,
            pid: pid.context("a process has an id")?,
            started,
            seen,
            reader: Some(reader),
            stderr: stderr.to_owned(),
            has_ended: false,
        })
    }

    pub(crate) fn seen(&self) -> Seen {
        *lock(&self.seen.0)
    }

    /// Wait for the first start of a process; returns how long that took from our own start.
    pub(crate) fn wait_for_first(&self) -> Result<Duration> {
        self.wait_for_starts(1)?;
        let first = self.seen().first.context("the first line has a time")?;
        Ok(first - self.started)
    }

    /// Wait until it has printed so many starts of processes.
    pub(crate) fn wait_for_starts(&self, count: u64) -> Result<()> {
        self.wait_for(count, "starts", |seen| seen.starts)
    }

    /// Wait until it has printed so many lines about starts and ends of processes.
    pub(crate) fn wait_for_lines(&self, count: u64) -> Result<()> {
        self.wait_for(count, "lines", |seen| seen.starts + seen.ends)
    }

    fn wait_for(&self, wanted: u64, what: &str, count: impl Fn(&Seen) -> u64) -> Result<()> {
        let (seen, changed) = &*self.seen;
        let waited = changed
            .wait_timeout_while(lock(seen), WAIT_TIME_MAX, |seen| count(seen) < wanted)
            .unwrap_or_else(PoisonError::into_inner);
        let printed = count(&waited.0);
        drop(waited);
        ensure!(
            printed >= wanted,
            "{}: printed {printed} {what} of {wanted}{}",
            self.name,
            self.words()
        );
        Ok(())
    }

    /// Wait until it has attached its BPF programs, by the descriptors that it has.
    pub(crate) fn wait_until_attached(&self) -> Result<()> {
        self.wait_until_quiet("attach", |watched| watched.attachments())
    }

    /// When it was started.
    pub(crate) fn started(&self) -> Instant {
        self.started
    }

    /// Wait until it prints nothing more.
    pub(crate) fn wait_until_silent(&self) -> Result<()> {
        self.wait_until_quiet("print", |watched| {
            let seen = watched.seen();
            // One more: tools that gather their output print nothing until they end.
            seen.starts + seen.ends + 1
        })
    }

    /// Wait until `count` gives the same number, not 0, for a while.
    fn wait_until_quiet(&self, what: &str, count: impl Fn(&Self) -> u64) -> Result<()> {
        let deadline = Instant::now() + WAIT_TIME_MAX;
        let mut last = (0, Instant::now());
        while Instant::now() < deadline {
            let now = count(self);
            if now != last.0 {
                last = (now, Instant::now());
            } else if now > 0 && last.1.elapsed() > QUIET_TIME {
                return Ok(());
            }
            std::thread::sleep(LOOK_INTERVAL);
        }
        bail!("{}: it did not {what}{}", self.name, self.words())
    }

    fn attachments(&self) -> u64 {
        let folder = format!("/proc/{}/fd", self.pid.as_raw_nonzero());
        let Ok(entries) = std::fs::read_dir(folder) else {
            return 0;
        };
        let targets = entries.filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok());
        let is_attachment = |target: &PathBuf| {
            let name = target.to_string_lossy();
            name.contains("bpf_link") || name.contains("bpf-link") || name.contains("perf_event")
        };
        targets.filter(is_attachment).count() as u64
    }

    /// Most memory that it has had in use, in bytes.
    pub(crate) fn peak_memory(&self) -> Result<u64> {
        let process = self.pid.as_raw_nonzero();
        kib_after("VmHWM:", &format!("/proc/{process}/status"))
    }

    /// Its share of the memory that it has in use, in bytes: a page that several processes have
    /// counts in parts.
    pub(crate) fn share_of_memory(&self) -> Result<u64> {
        let process = self.pid.as_raw_nonzero();
        kib_after("Pss:", &format!("/proc/{process}/smaps_rollup"))
    }

    /// End it as Ctrl-C does.
    pub(crate) fn stop(mut self) -> Result<(Usage, Seen)> {
        kill_process(self.pid, Signal::INT).with_context(|| format!("stop {}", self.name))?;
        let usage = self.wait(STOP_TIME_MAX)?;
        if let Some(reader) = self.reader.take() {
            // It ends at the end of the output; a panic in it would be ours.
            ensure!(reader.join().is_ok(), "{}: read what it prints", self.name);
        }
        Ok((usage, self.seen()))
    }

    fn wait(&mut self, time_max: Duration) -> Result<Usage> {
        let deadline = Instant::now() + time_max;
        loop {
            if let Some(usage) = self.try_wait()? {
                self.has_ended = true;
                return Ok(usage);
            }
            if Instant::now() > deadline {
                bail!(
                    "{}: it did not stop within {time_max:?}{}",
                    self.name,
                    self.words()
                );
            }
            std::thread::sleep(LOOK_INTERVAL);
        }
    }

    fn try_wait(&self) -> io::Result<Option<Usage>> {
        let process = self.pid.as_raw_nonzero().get().unsigned_abs();
        let ended = wait4(process, libc::WNOHANG)?;
        Ok(ended.map(|(_, usage)| usage))
    }

    /// What it said on standard error, for our error messages.
    fn words(&self) -> String {
        let text = std::fs::read_to_string(&self.stderr).unwrap_or_default();
        if text.trim().is_empty() {
            String::new()
        } else {
            format!(": {}", text.trim())
        }
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        if !self.has_ended {
            // Whatever goes wrong now, an error is on its way already.
            let _ = kill_process(self.pid, Signal::KILL);
            let _ = self.wait(STOP_TIME_MAX);
        }
    }
}

/// What a command that ran to its end has used.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Finished {
    pub(crate) wall: Duration,
    pub(crate) cpu: Duration,
    /// Most memory that its process has had in use, in bytes.
    pub(crate) memory: u64,
}

/// Run a command that does its work in one process, and must succeed. What it writes to standard
/// error goes to the file `stderr`.
pub(crate) fn run_to_end(command: &mut Command, stderr: &Path) -> Result<Finished> {
    let name = format!("{command:?}");
    let log = File::create(stderr).with_context(|| format!("write {}", stderr.display()))?;
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log);
    let started = Instant::now();
    let child = command.spawn().with_context(|| format!("start {name}"))?;
    let process = child.id();
    // `ru_maxrss` would be no smaller than our own memory, which the child had before its `exec`.
    let memory = std::thread::spawn(move || {
        let mut most = 0;
        // It fails when the process has ended.
        while let Ok(now) = kib_after("VmHWM:", &format!("/proc/{process}/status")) {
            most = now.max(most);
            std::thread::sleep(MEMORY_INTERVAL);
        }
        most
    });
    let waited = wait4(process, 0).with_context(|| format!("wait for {name}"))?;
    let wall = started.elapsed();
    let (status, Usage { cpu }) = waited.context("a process that was waited for has ended")?;
    let Ok(memory) = memory.join() else {
        bail!("{name}: watch its memory");
    };
    if !status.success() {
        let said = std::fs::read_to_string(stderr).unwrap_or_default();
        bail!("{name}: {status}: {}", said.trim());
    }
    Ok(Finished { wall, cpu, memory })
}

/// How a child ended, and what it has used; none while it runs and `options` say not to wait.
fn wait4(process: u32, options: i32) -> io::Result<Option<(ExitStatus, Usage)>> {
    let mut status = 0;
    // SAFETY: a `rusage` is plain numbers, for which zeros are valid.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: both pointers are to variables that live here.
    match unsafe { libc::wait4(process as i32, &raw mut status, options, &raw mut usage) } {
        0 => Ok(None),
        -1 => Err(io::Error::last_os_error()),
        _ => {
            let cpu = duration(usage.ru_utime) + duration(usage.ru_stime);
            Ok(Some((ExitStatus::from_raw(status), Usage { cpu })))
        }
    }
}

/// What a file of /proc says behind `word`, as bytes.
fn kib_after(word: &str, path: &str) -> Result<u64> {
    let text = std::fs::read_to_string(path).with_context(|| format!("read {path}"))?;
    let line = text.lines().find_map(|line| line.strip_prefix(word));
    let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    Ok(kib.with_context(|| format!("find {word} in {path}"))? << 10)
}

fn duration(time: libc::timeval) -> Duration {
    Duration::new(
        time.tv_sec.unsigned_abs(),
        time.tv_usec.unsigned_abs() as u32 * 1000,
    )
}

fn lock(seen: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Both ends of a new terminal: ours, the tool's.
fn terminal() -> io::Result<(OwnedFd, OwnedFd)> {
    let (mut ours, mut theirs) = (-1, -1);
    let size = libc::winsize {
        ws_row: 50,
        ws_col: TERMINAL_COLUMNS,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    // SAFETY: the pointers are to variables that live here, or null where that is allowed.
    let code = unsafe {
        libc::openpty(
            &raw mut ours,
            &raw mut theirs,
            std::ptr::null_mut(),
            std::ptr::null(),
            &raw const size,
        )
    };
    if code < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: two new descriptors that nobody else owns.
    Ok(unsafe { (OwnedFd::from_raw_fd(ours), OwnedFd::from_raw_fd(theirs)) })
}

/// Read to the end and count lines.
fn watch(mut output: File, needle: &str, seen: &(Mutex<Seen>, Condvar)) {
    let mut buffer = vec![0; 64 << 10];
    let mut pending = Vec::new();
    // A terminal whose other end is closed gives an error, not an end.
    while let Ok(count @ 1..) = output.read(&mut buffer) {
        let now = Instant::now();
        pending.extend_from_slice(&buffer[..count]);
        let Some(end) = pending.iter().rposition(|byte| *byte == b'\n') else {
            continue;
        };
        let mut total = lock(&seen.0);
        for line in String::from_utf8_lossy(&pending[..=end]).lines() {
            if line.contains(needle) {
                total.add(line, now);
            }
        }
        drop(total);
        seen.1.notify_all();
        pending.drain(..=end);
    }
}

impl Seen {
    fn add(&mut self, line: &str, now: Instant) {
        if line
            .split_whitespace()
            .any(|word| word.eq_ignore_ascii_case("exit"))
        {
            self.ends += 1;
        } else {
            self.starts += 1;
            self.first.get_or_insert(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEEDLE: &str = "bench-probe";

    #[test]
    fn starts_and_ends_are_counted_and_other_lines_are_not() -> Result<()> {
        let mut command = Command::new("printf");
        command.arg("head\nexec 1 bench-probe\nexit 1 bench-probe\nexec 2 bench-probe\n");
        let stderr = std::env::temp_dir().join(format!("bench-child-{}", std::process::id()));
        let mut watched = Watched::start(command, Stdout::Pipe, NEEDLE, &stderr)?;
        watched.wait_for_starts(2)?;
        watched.wait(STOP_TIME_MAX)?;
        let seen = watched.seen();
        std::fs::remove_file(&stderr)?;
        assert_eq!((seen.starts, seen.ends), (2, 1));
        Ok(())
    }

    #[test]
    fn a_tool_on_a_terminal_knows_that_it_is_one() -> Result<()> {
        let mut command = Command::new("sh");
        command.args(["-c", "test -t 1 && echo bench-probe; sleep 60"]);
        let stderr = std::env::temp_dir().join(format!("bench-tty-{}", std::process::id()));
        let watched = Watched::start(command, Stdout::Terminal, NEEDLE, &stderr)?;
        let outcome = watched.wait_for_first();
        std::fs::remove_file(&stderr)?;
        outcome.map(drop)
    }
}
