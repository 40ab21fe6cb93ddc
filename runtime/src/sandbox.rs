//! Limits on what a guest may use of the host: memory, tables, CPU time.

use std::time::Duration;

use wasmtime::ResourceLimiter;

/// Bounds of one guest's WebAssembly instance. [`Sandbox::default`] is what `ecli run` uses.
#[derive(Clone, Debug)]
pub struct Sandbox {
    /// Bytes of all linear memories. Rust and C tools need 2 MiB, Python 40 MiB.
    pub memory_bytes_max: usize,
    /// Elements of all tables.
    pub table_elements_max: usize,
    /// Core instances of the component; adapters count.
    pub instances_max: usize,
    /// CPU time that a guest may use without calling the host: a loop that never ends.
    pub cpu_burst_max: Duration,
    /// CPU time of the guest in all; none: any.
    pub cpu_total_max: Option<Duration>,
    /// How long a guest that was asked to stop may take to print its summary and leave.
    pub stop_grace: Duration,
}

impl Default for Sandbox {
    fn default() -> Self {
        Self {
            memory_bytes_max: 256 << 20,
            table_elements_max: 1 << 20,
            instances_max: 64,
            cpu_burst_max: Duration::from_secs(10),
            cpu_total_max: None,
            stop_grace: Duration::from_secs(5),
        }
    }
}

/// Counts what an instance has and refuses what is beyond its [`Sandbox`].
#[derive(Debug)]
pub(crate) struct Limiter {
    memory_bytes_max: usize,
    table_elements_max: usize,
    instances_max: usize,
    memory_bytes: usize,
    table_elements: usize,
}

impl Limiter {
    pub(crate) fn new(sandbox: &Sandbox) -> Self {
        Self {
            memory_bytes_max: sandbox.memory_bytes_max,
            table_elements_max: sandbox.table_elements_max,
            instances_max: sandbox.instances_max,
            memory_bytes: 0,
            table_elements: 0,
        }
    }
}

/// The guest wanted more of something than its [`Sandbox`] allows.
#[derive(Debug)]
pub(crate) struct LimitExceeded(pub(crate) String);

impl std::fmt::Display for LimitExceeded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for LimitExceeded {}

// An error rather than "no": a guest that gets -1 from `memory.grow` aborts, and the operator would
// see an abort instead of the reason.
impl ResourceLimiter for Limiter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let total = self
            .memory_bytes
            .saturating_add(desired.saturating_sub(current));
        if total > self.memory_bytes_max {
            return Err(wasmtime::Error::new(LimitExceeded(format!(
                "the guest wants {} MiB of memory, its limit is {} MiB",
                total.div_ceil(1 << 20),
                self.memory_bytes_max >> 20
            ))));
        }
        self.memory_bytes = total;
        Ok(true)
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let total = self
            .table_elements
            .saturating_add(desired.saturating_sub(current));
        if total > self.table_elements_max {
            return Err(wasmtime::Error::new(LimitExceeded(format!(
                "the guest wants {total} table elements, its limit is {}",
                self.table_elements_max
            ))));
        }
        self.table_elements = total;
        Ok(true)
    }

    fn instances(&self) -> usize {
        self.instances_max
    }

    fn tables(&self) -> usize {
        self.instances_max
    }

    fn memories(&self) -> usize {
        self.instances_max
    }
}
