//! How a tool is run.

use std::sync::Arc;

use eunomia_host_abi::limits::Limits;
use eunomia_host_abi::output::{Discard, OutputSink};
use eunomia_host_abi::policy::{Overrides, OwnObjects, Policy};
use eunomia_host_abi::stop::StopSignal;

use crate::console::Console;
use crate::sandbox::Sandbox;
use crate::virtual_time::Time;

/// How a tool is run. The default gives it nothing: no arguments, no input, no output, its own
/// objects only.
#[derive(Debug)]
pub struct Settings {
    /// Arguments behind the tool's name.
    pub args: Vec<String>,
    /// Where its standard input and output go.
    pub stdio: Stdio,
    /// Where its rows go.
    pub rows: Box<dyn OutputSink>,
    /// What it may do.
    pub policy: Arc<dyn Policy>,
    /// What the operator has decided in its place.
    pub overrides: Overrides,
    /// Bounds on what it asks of the host.
    pub limits: Limits,
    /// Bounds on its memory and CPU time.
    pub sandbox: Sandbox,
    /// What it runs by.
    pub time: Time,
    /// Asks it to stop, as [`Control::stop`](crate::Control::stop) does.
    pub stop: StopSignal,
}

/// Where a guest's standard input, output and error go.
#[derive(Debug)]
#[non_exhaustive]
pub enum Stdio {
    /// Nowhere, from nowhere.
    Null,
    /// Output to a console, error and input those of this process.
    Console(Console),
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            args: Vec::new(),
            stdio: Stdio::Null,
            rows: Box::new(Discard),
            policy: Arc::new(OwnObjects),
            overrides: Overrides::default(),
            limits: Limits::default(),
            sandbox: Sandbox::default(),
            time: Time::default(),
            stop: StopSignal::default(),
        }
    }
}
