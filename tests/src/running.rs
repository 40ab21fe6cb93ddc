//! A tool that runs below `ecli run`.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, TryIter, channel};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use crate::ecli;

/// A tool that runs; its rows come as they are printed. Dropping it ends it.
#[derive(Debug)]
pub struct Running {
    child: Child,
    rows: Receiver<Value>,
}

impl Running {
    /// `ecli run -o json ARGUMENTS...`
    pub fn start(arguments: &[&str]) -> Result<Self> {
        let mut child = ecli()?
            .args(["run", "-o", "json"])
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        let stdout = child.stdout.take().context("stdout is piped")?;
        let (sender, rows) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                let row = serde_json::from_str(&line).unwrap_or(Value::String(line));
                if sender.send(row).is_err() {
                    return;
                }
            }
        });
        Ok(Self { child, rows })
    }

    /// The rows that have come since the last call; an error when the tool has ended.
    pub fn rows(&mut self) -> Result<TryIter<'_, Value>> {
        ensure!(self.child.try_wait()?.is_none(), "the tool has ended");
        Ok(self.rows.try_iter())
    }

    /// Send it a signal, by the name that kill(1) takes: `-STOP`.
    pub fn signal(&self, name: &str) -> Result<()> {
        let id = self.child.id().to_string();
        let status = Command::new("kill").args([name, &id]).status()?;
        ensure!(status.success(), "send {name}");
        Ok(())
    }

    /// Ask it to stop, and wait until it has, without a failure; its rows until then.
    pub fn stop(mut self) -> Result<Vec<Value>> {
        self.signal("-INT")?;
        let status = self.child.wait()?;
        ensure!(status.success(), "the tool ended with {status}");
        Ok(self.rows.iter().collect())
    }
}

/// A test that fails leaves no tool behind.
impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill(); // It may have ended.
        let _ = self.child.wait();
    }
}
