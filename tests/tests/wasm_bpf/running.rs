//! A guest that runs in `ecli run`, with its input and output.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use eunomia_tests::ecli;

/// Ended with the test.
pub(crate) struct Running {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: BufReader<ChildStdout>,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill(); // It may have ended.
        let _ = self.child.wait();
    }
}

impl Running {
    /// `ecli run ARGS`.
    pub(crate) fn start<I: AsRef<std::ffi::OsStr>>(
        args: impl IntoIterator<Item = I>,
    ) -> Result<Self> {
        let mut child = ecli()?
            .arg("run")
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let stdout = child.stdout.take().context("stdout is piped")?;
        Ok(Self {
            stdin: child.stdin.take(),
            lines: BufReader::new(stdout),
            child,
        })
    }

    /// The next line, without its end; `None` at the end of the output.
    pub(crate) fn line(&mut self) -> Result<Option<String>> {
        let mut line = String::new();
        let bytes = self.lines.read_line(&mut line)?;
        Ok((bytes > 0).then(|| line.trim_end().to_owned()))
    }

    /// Read lines up to one that is like this; returns it.
    pub(crate) fn expect(&mut self, wanted: impl Fn(&str) -> bool) -> Result<String> {
        while let Some(line) = self.line()? {
            if wanted(&line) {
                return Ok(line);
            }
        }
        let mut said = String::new();
        if let Some(mut stderr) = self.child.stderr.take() {
            stderr.read_to_string(&mut said)?;
        }
        bail!("the output ended before: {said}")
    }

    /// Give the guest a line.
    pub(crate) fn tell(&mut self, text: &str) -> Result<()> {
        let stdin = self.stdin.as_mut().context("stdin is closed")?;
        Ok(writeln!(stdin, "{text}")?)
    }

    pub(crate) fn signal(&self, signal: &str) -> Result<()> {
        let status = Command::new("kill")
            .arg(format!("-{signal}"))
            .arg(self.child.id().to_string())
            .status()?;
        ensure!(status.success(), "send SIG{signal}");
        Ok(())
    }

    /// Close its input and wait for its end: exit code, the rest of its output, what was said on
    /// standard error.
    pub(crate) fn end(mut self) -> Result<(i32, String, String)> {
        drop(self.stdin.take());
        let (mut rest, mut said) = (String::new(), String::new());
        self.lines.read_to_string(&mut rest)?;
        if let Some(mut stderr) = self.child.stderr.take() {
            stderr.read_to_string(&mut said)?;
        }
        let status = self.child.wait()?;
        Ok((status.code().unwrap_or(-1), rest, said))
    }
}
