//! Where the runtime puts rows: they end on the console, in order with plain text.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use eunomia_runtime::console::Console;
use eunomia_runtime::output::{OutputSink, Table};
use eunomia_runtime::{HostError, HostErrorKind};

use super::check;
use super::metrics::{self, Address, Registry};
use super::names::Names;
use super::shape::Shape;
use super::stage::{Flow, Stage};
use super::{Begin, Format, Setting};
use crate::failure::OutputClosed;
use crate::terminal;

/// Bytes of text that are gathered before the console gets them: a batch of rows may become much
/// more text than it had bytes.
const BUFFER_BYTES: usize = 64 * 1024;

/// Shows all rows of a tool on its console.
#[derive(Debug)]
pub(crate) struct StdoutRows(Arc<Mutex<State>>);

/// What becomes of the rows, for whoever runs the tool.
#[derive(Debug)]
pub(crate) struct Report(Arc<Mutex<State>>);

struct State {
    setting: Setting,
    console: Console,
    names: Names,
    registry: Arc<Mutex<Registry>>,
    /// Tables by name, as soon as they are declared.
    declared: Vec<(String, Shape)>,
    stages: Vec<Stage>,
    /// The stage of the last row.
    current: Option<usize>,
    interval_ended: bool,
    text: Vec<u8>,
    scratch: Vec<u8>,
    lost: u64,
    /// Rows that may still be shown.
    left: u64,
    /// Is called when enough rows were shown.
    enough: Option<Box<dyn FnOnce() + Send>>,
    /// What the operator has to correct.
    failure: Option<String>,
    is_checked: bool,
}

/// Why not all was shown.
#[derive(Debug)]
pub(crate) enum Unfinished {
    /// What the operator has to correct.
    Wrong(String),
    /// What is left could not be written; nobody is there any more who would be told otherwise.
    Unwritten(HostError),
}

impl From<HostError> for Unfinished {
    fn from(error: HostError) -> Self {
        Self::Unwritten(error)
    }
}

impl From<Unfinished> for anyhow::Error {
    fn from(unfinished: Unfinished) -> Self {
        match unfinished {
            Unfinished::Wrong(reason) => anyhow::anyhow!(reason),
            Unfinished::Unwritten(error) if error.kind() == HostErrorKind::Closed => {
                OutputClosed.into()
            }
            Unfinished::Unwritten(error) => error.into(),
        }
    }
}

impl StdoutRows {
    /// Shows rows on `console`.
    pub(crate) fn new(setting: Setting, console: Console) -> Self {
        let interval = setting.choice.interval;
        let state = State {
            names: Names::new(setting.clocks, setting.kernel.clone()),
            left: setting.choice.count.unwrap_or(u64::MAX),
            setting,
            console,
            registry: Arc::default(),
            declared: Vec::new(),
            stages: Vec::new(),
            current: None,
            interval_ended: false,
            text: Vec::new(),
            scratch: Vec::new(),
            lost: 0,
            enough: None,
            failure: None,
            is_checked: false,
        };
        let state = Arc::new(Mutex::new(state));
        if let Some(interval) = interval {
            let ticking = Arc::downgrade(&state);
            let spawned = std::thread::Builder::new()
                .name("end intervals".into())
                .spawn(move || end_intervals(&ticking, interval));
            // Without the thread rows are only shown later.
            if let Err(error) = spawned {
                tracing::warn!(%error, "start the thread that ends intervals");
            }
        }
        Self(state)
    }

    /// What becomes of the rows.
    pub(crate) fn report(&self) -> Report {
        Report(Arc::clone(&self.0))
    }
}

impl Report {
    /// Serves metrics until the process ends; the address that it got.
    ///
    /// # Errors
    /// When the address cannot be listened on.
    pub(crate) fn serve_metrics(&self, address: Address) -> anyhow::Result<SocketAddr> {
        metrics::serve(address, Arc::clone(&lock(&self.0).registry))
    }

    /// Calls `stop` once, when as many rows were shown as were asked for.
    pub(crate) fn when_enough(&self, stop: impl FnOnce() + Send + 'static) {
        let mut state = lock(&self.0);
        state.enough = Some(Box::new(stop));
        state.tell_enough();
    }

    /// Shows what is left when the tool has ended; the number of events that were lost.
    ///
    /// # Errors
    /// When not all was shown.
    pub(crate) fn finish(&self) -> Result<u64, Unfinished> {
        let mut state = lock(&self.0);
        state.check_names();
        if let Some(failure) = state.failure.take() {
            return Err(Unfinished::Wrong(failure));
        }
        state.end_of_intervals(|_| true)?;
        state.write_lost();
        state.pass_on()?;
        state.flush()?;
        Ok(state.lost)
    }
}

impl OutputSink for StdoutRows {
    fn declare(&mut self, table: &Table) {
        let mut state = lock(&self.0);
        // One that makes no sense is refused when it has rows.
        if let Ok(shape) = Shape::of(table) {
            state.declared.push((table.name.clone(), shape));
        }
    }

    fn rows(&mut self, table: &Arc<Table>, rows: &[u8]) -> Result<(), HostError> {
        lock(&self.0).rows(table, rows)
    }

    fn end_of_interval(&mut self, table: &Arc<Table>) -> Result<(), HostError> {
        let mut state = lock(&self.0);
        let index = state.select(table)?;
        state.end_of_interval(index)?;
        state.flush()
    }

    fn report_lost(&mut self, count: u64) {
        let mut state = lock(&self.0);
        state.lost = state.lost.saturating_add(count);
        state.numbers().count_lost(count);
    }

    fn flush(&mut self) -> Result<(), HostError> {
        lock(&self.0).flush()
    }
}

impl State {
    fn rows(&mut self, table: &Arc<Table>, rows: &[u8]) -> Result<(), HostError> {
        let index = self.select(table)?;
        if self.left == 0 {
            return Ok(());
        }
        if let Some(columns) = self.console.is_terminal().then(terminal::width).flatten() {
            self.stages[index].set_width(columns);
        }
        self.through(index, |stage, flow, pass_on| {
            stage.rows(rows, flow, pass_on)
        })
    }

    /// The stage of a table, made when the table is first seen.
    fn select(&mut self, table: &Arc<Table>) -> Result<usize, HostError> {
        let is_it = |stage: &Stage| Arc::ptr_eq(&stage.table, table);
        if let Some(index) = self.stages.iter().position(is_it) {
            return Ok(index);
        }
        if !self.declared.iter().any(|(name, _)| *name == table.name) {
            let shape = Shape::of(table).map_err(|reason| misfit(table, &reason))?;
            self.declared.push((table.name.clone(), shape));
        }
        self.check_names();
        let registry = Arc::clone(&self.registry);
        let mut registry = registry.lock().unwrap_or_else(PoisonError::into_inner);
        let is_terminal = self.console.is_terminal();
        let shared = (&mut self.names, &mut *registry);
        match Stage::new(table, &self.setting, is_terminal, shared) {
            // That names are unknown is told rather than what follows from it.
            _ if self.failure.is_some() => Err(refused()),
            Ok(stage) => {
                self.stages.push(stage);
                Ok(self.stages.len() - 1)
            }
            Err(reason) => {
                self.failure = Some(reason);
                Err(refused())
            }
        }
    }

    /// Lets rows through a stage.
    fn through(
        &mut self,
        index: usize,
        pass: impl FnOnce(
            &mut Stage,
            &mut Flow<'_>,
            &mut dyn FnMut(&mut Vec<u8>) -> Result<(), Trouble>,
        ) -> Result<(), Trouble>,
    ) -> Result<(), HostError> {
        let before = match self.current {
            None => Some(Begin::First),
            Some(current) if current != index => Some(Begin::Table),
            Some(_) => self.interval_ended.then_some(Begin::Interval),
        };
        let mut begin = before;
        let registry = Arc::clone(&self.registry);
        let mut registry = registry.lock().unwrap_or_else(PoisonError::into_inner);
        let mut flow = Flow {
            names: &mut self.names,
            registry: &mut registry,
            text: &mut self.text,
            left: &mut self.left,
            begin: &mut begin,
            scratch: &mut self.scratch,
        };
        let console = &mut self.console;
        let mut pass_on = |text: &mut Vec<u8>| {
            if text.len() >= BUFFER_BYTES {
                write_out(console, text).map_err(Trouble::Output)?;
            }
            Ok(())
        };
        let stage = &mut self.stages[index];
        let outcome = pass(stage, &mut flow, &mut pass_on);
        drop(registry);
        if begin != before || before.is_none() {
            self.current = Some(index);
            self.interval_ended = false;
        }
        match outcome {
            Ok(()) => {}
            Err(Trouble::Output(error)) => return Err(failed(&error)),
            Err(Trouble::Row(reason)) => {
                self.pass_on()?;
                return Err(misfit(&self.stages[index].table, &reason));
            }
        }
        self.tell_enough();
        self.pass_on()
    }

    fn end_of_interval(&mut self, index: usize) -> Result<(), HostError> {
        self.through(index, |stage, flow, pass_on| {
            stage.show_held(flow, pass_on)?;
            stage.end_of_interval(flow.registry);
            Ok(())
        })?;
        // The next rows begin anew, with a header.
        self.interval_ended = true;
        Ok(())
    }

    fn end_of_intervals(&mut self, of: impl Fn(&Stage) -> bool) -> Result<(), HostError> {
        for index in 0..self.stages.len() {
            if of(&self.stages[index]) {
                self.end_of_interval(index)?;
            }
        }
        Ok(())
    }

    fn tell_enough(&mut self) {
        if self.left == 0
            && let Some(enough) = self.enough.take()
        {
            enough();
        }
    }

    /// Checks the operator's names against the tables, once: tools declare all tables before they
    /// emit rows.
    fn check_names(&mut self) {
        if self.is_checked || self.declared.is_empty() {
            return;
        }
        self.is_checked = true;
        self.failure = check::check(&self.setting.choice, &self.declared).err();
    }

    /// Ends the output for programs with the number of events that were lost.
    fn write_lost(&mut self) {
        if self.declared.is_empty() {
            return;
        }
        let lost = self.lost;
        let line = match self.setting.format {
            Format::Json => format!("{{\"lost\":{lost}}}\n"),
            Format::Jsonpretty => format!("{{\n  \"lost\": {lost}\n}}\n"),
            Format::Yaml => format!("---\nlost: {lost}\n"),
            Format::Columns | Format::Csv | Format::None => return,
        };
        self.text.extend_from_slice(line.as_bytes());
    }

    fn numbers(&self) -> MutexGuard<'_, Registry> {
        // Numbers are whole at every point at which a panic could poison the lock.
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pass_on(&mut self) -> Result<(), HostError> {
        write_out(&mut self.console, &mut self.text).map_err(|error| failed(&error))
    }

    fn flush(&mut self) -> Result<(), HostError> {
        self.console.flush().map_err(|error| failed(&error))
    }
}

/// Why rows could not be shown.
enum Trouble {
    Row(String),
    Output(io::Error),
}

impl From<String> for Trouble {
    fn from(reason: String) -> Self {
        Self::Row(reason)
    }
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State")
            .field("setting", &self.setting)
            .field("stages", &self.stages)
            .finish_non_exhaustive()
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    // A row that panics half-way leaves text behind, which is the least of the problems then.
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn write_out(console: &mut Console, text: &mut Vec<u8>) -> io::Result<()> {
    let outcome = console.write_all(text);
    text.clear();
    outcome
}

/// Ends intervals from time to time, for as long as there are rows.
fn end_intervals(state: &Weak<Mutex<State>>, interval: Duration) {
    loop {
        std::thread::sleep(interval);
        let Some(state) = state.upgrade() else {
            return;
        };
        let mut state = lock(&state);
        // The next row tells the tool.
        let _ = state
            .end_of_intervals(|stage| !stage.is_state)
            .and_then(|()| state.flush());
    }
}

/// What a tool is told when the operator has to correct something: it need not say more.
fn refused() -> HostError {
    HostError::new(HostErrorKind::Closed, "emit rows: nobody wants them")
}

fn misfit(table: &Table, reason: &str) -> HostError {
    let message = format!("show rows of table `{}`: {reason}", table.name);
    HostError::new(HostErrorKind::InvalidArgument, message)
}

fn failed(error: &io::Error) -> HostError {
    if error.kind() == io::ErrorKind::BrokenPipe {
        return HostError::new(
            HostErrorKind::Closed,
            "write rows: nobody reads them any more",
        );
    }
    HostError::new(HostErrorKind::Other, format!("write rows: {error}"))
}
