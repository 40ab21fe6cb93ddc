//! An `ecli` that runs.

use std::ffi::OsStr;
use std::io::{self, BufRead as _, BufReader, Read, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;

use crate::ecli;

/// How long a line, or the end, may take: building takes a minute where everything else is built
/// meanwhile.
const PATIENCE: Duration = Duration::from_secs(300);

/// An `ecli` that runs, and what it prints. Dropping it ends it.
#[derive(Debug)]
pub struct Running {
    child: Child,
    stdin: Option<ChildStdin>,
    printed: Lines,
    said: Lines,
}

/// How it ended.
#[derive(Debug)]
pub struct Ended {
    /// Its exit code; -1 after a signal.
    pub code: i32,
    /// What it printed and no call has returned before.
    pub printed: String,
    /// The same of standard error.
    pub said: String,
}

/// Lines with their ends, in memory: however late they are asked for, the program need not wait.
type Lines = Receiver<io::Result<String>>;

impl Running {
    /// `ecli run ARGUMENTS...`
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start<I: AsRef<OsStr>>(arguments: impl IntoIterator<Item = I>) -> Result<Self> {
        Self::of(ecli()?.arg("run").args(arguments))
    }

    /// Any command.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn of(command: &mut Command) -> Result<Self> {
        let (mut running, stdout) = Self::unread(command)?;
        running.printed = lines_of(stdout);
        Ok(running)
    }

    /// The same, whose standard output the caller reads.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn unread(command: &mut Command) -> Result<(Self, ChildStdout)> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("start {command:?}"))?;
        let stdout = child.stdout.take().context("stdout is piped")?;
        let stderr = child.stderr.take().context("stderr is piped")?;
        let running = Self {
            stdin: child.stdin.take(),
            child,
            printed: channel().1,
            said: lines_of(stderr),
        };
        Ok((running, stdout))
    }

    /// Its process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether it has ended by itself.
    ///
    /// # Errors
    /// The kernel's.
    pub fn has_ended(&mut self) -> Result<bool> {
        Ok(self.child.try_wait()?.is_some())
    }

    /// Whoever waits for something of it waits in vain once it has ended.
    ///
    /// # Errors
    /// With what it said, when it has.
    pub fn must_run(&mut self) -> Result<()> {
        if self.has_ended()? {
            bail!("the tool has ended: {}", text_of(&self.said)?);
        }
        Ok(())
    }

    /// Wait for the next line, and return it without its end; `None` at the end of the output.
    ///
    /// # Errors
    /// When it takes too long.
    pub fn line(&mut self) -> Result<Option<String>> {
        next_line(&self.printed)
    }

    /// Wait for a line that is like this, over others, and return it.
    ///
    /// # Errors
    /// When the output ends before.
    pub fn expect(&mut self, wanted: impl Fn(&str) -> bool) -> Result<String> {
        while let Some(line) = self.line()? {
            if wanted(&line) {
                return Ok(line);
            }
        }
        bail!("the output ended before: {}", text_of(&self.said)?)
    }

    /// The same on standard error.
    ///
    /// # Errors
    /// When that ends before.
    pub fn expect_said(&mut self, wanted: impl Fn(&str) -> bool) -> Result<String> {
        let mut said = String::new();
        while let Some(line) = next_line(&self.said)? {
            if wanted(&line) {
                return Ok(line);
            }
            said += &line;
        }
        bail!("standard error ended before: {said}")
    }

    /// The lines that have come since the last call, without their ends.
    ///
    /// # Errors
    /// When it has printed something that is no text.
    pub fn new_lines(&mut self) -> Result<Vec<String>> {
        let lines = self.printed.try_iter();
        Ok(lines
            .map(|line| line.map(without_end))
            .collect::<io::Result<_>>()?)
    }

    /// The rows of `-o json` that have come since the last call.
    ///
    /// # Errors
    /// When a line is no JSON.
    pub fn rows(&mut self) -> Result<Vec<Value>> {
        self.new_lines()?.iter().map(|line| row(line)).collect()
    }

    /// Give it a line to read.
    ///
    /// # Errors
    /// When it reads no more.
    pub fn tell(&mut self, line: &str) -> Result<()> {
        let stdin = self.stdin.as_mut().context("stdin is closed")?;
        Ok(writeln!(stdin, "{line}")?)
    }

    /// Give it all that there is to read.
    ///
    /// # Errors
    /// When it does not read that.
    pub fn give(&mut self, input: &[u8]) -> Result<()> {
        let mut stdin = self.stdin.take().context("stdin is closed")?;
        Ok(stdin.write_all(input)?)
    }

    /// Send it a signal, by its name: `STOP`.
    ///
    /// # Errors
    /// When there is no such signal.
    pub fn signal(&self, name: &str) -> Result<()> {
        let id = self.id().to_string();
        let status = Command::new("kill").args(["-s", name, &id]).status()?;
        ensure!(status.success(), "send SIG{name}");
        Ok(())
    }

    /// Close its input, and wait for its end.
    ///
    /// # Errors
    /// When it has printed something that is no text, or does not end.
    pub fn end(mut self) -> Result<Ended> {
        drop(self.stdin.take());
        let printed = text_of(&self.printed)?;
        let said = text_of(&self.said)?;
        let status = self.child.wait()?;
        Ok(Ended {
            code: status.code().unwrap_or(-1),
            printed,
            said,
        })
    }

    /// Ask it to stop as Ctrl-C does, and wait until it has, without a failure.
    ///
    /// # Errors
    /// When it fails.
    pub fn stop(self) -> Result<Ended> {
        self.signal("INT")?;
        self.end()?.successful()
    }
}

/// A test that fails leaves nothing behind that runs.
impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill(); // It may have ended.
        let _ = self.child.wait();
    }
}

impl Ended {
    /// Itself, if the exit code is 0.
    ///
    /// # Errors
    /// With what was said, if not.
    pub fn successful(self) -> Result<Self> {
        ensure!(self.code == 0, "exit code {}: {}", self.code, self.said);
        Ok(self)
    }

    /// What was printed as rows of `-o json`.
    ///
    /// # Errors
    /// When a line is no JSON.
    pub fn rows(&self) -> Result<Vec<Value>> {
        self.printed.lines().map(row).collect()
    }
}

fn row(line: &str) -> Result<Value> {
    serde_json::from_str(line).with_context(|| format!("read a row: {line}"))
}

fn lines_of(pipe: impl Read + Send + 'static) -> Lines {
    let (sender, lines) = channel();
    std::thread::spawn(move || {
        let mut pipe = BufReader::new(pipe);
        loop {
            let mut line = String::new();
            let read = pipe.read_line(&mut line);
            let is_last = !matches!(read, Ok(1..));
            if !matches!(read, Ok(0)) && sender.send(read.map(|_| line)).is_err() || is_last {
                return;
            }
        }
    });
    lines
}

fn next_line(lines: &Lines) -> Result<Option<String>> {
    Ok(next(lines)?.map(without_end))
}

/// With its end.
fn next(lines: &Lines) -> Result<Option<String>> {
    use std::sync::mpsc::RecvTimeoutError::{Disconnected, Timeout};
    match lines.recv_timeout(PATIENCE) {
        Ok(line) => Ok(Some(line?)),
        Err(Disconnected) => Ok(None),
        Err(Timeout) => bail!("waited {PATIENCE:?} in vain for a line, or for the end"),
    }
}

fn without_end(line: String) -> String {
    line.trim_end_matches(['\r', '\n']).to_owned()
}

/// What is left up to the end.
fn text_of(lines: &Lines) -> Result<String> {
    let mut text = String::new();
    while let Some(line) = next(lines)? {
        text += &line;
    }
    Ok(text)
}
