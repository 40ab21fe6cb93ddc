//! Bounds on what a guest may ask of the host. Bounds on its memory and CPU time are the runtime's.

/// Bounds of one guest. Every field says its unit; [`Limits::default`] is what `ecli run` uses.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Handles (objects, programs, maps, cursors, links, buffers, tables, pollables, streams) that
    /// a guest holds at a time. A tool needs tens.
    pub handles_max: usize,
    /// Objects that a guest holds open at a time: each may pin megabytes of kernel memory.
    pub objects_max: usize,
    /// Links that a guest holds at a time.
    pub links_max: usize,
    /// Pages of one CPU's ring of a perf event array. A power of two.
    pub perf_pages_per_cpu_max: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            handles_max: 16 * 1024,
            objects_max: 16,
            links_max: 4096,
            perf_pages_per_cpu_max: 4096,
        }
    }
}

/// Bytes of one batch of records, and of keys and values of one cursor step. Larger batches are
/// slower (they fall out of the CPU's cache) and let a guest pin the host's memory.
pub const BATCH_BYTES_MAX: usize = 1024 * 1024;

/// Bytes of a batch when the guest leaves the choice to the host: fits the CPU's second-level
/// cache.
pub const BATCH_BYTES_DEFAULT: usize = 256 * 1024;

/// The same of a perf event array, whose samples are gathered first: both copies stay in the cache.
pub const PERF_BATCH_BYTES_DEFAULT: usize = 32 * 1024;

/// Bytes of a BPF object that a guest brings in its own memory (`wasm_bpf`); as of one in an image.
pub const ELF_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Bytes of a name; the kernel's and C's are far shorter.
pub const NAME_BYTES_MAX: usize = 256;

/// Bytes of a path (`PATH_MAX`) or of a target in text form.
pub const PATH_BYTES_MAX: usize = 4096;

/// Bytes of the name of a pinned map.
pub const PIN_NAME_BYTES_MAX: usize = 64;

/// Pages of one CPU's ring of a perf event array when the guest leaves the choice to the host.
pub const PERF_PAGES_PER_CPU_DEFAULT: u32 = 64;

/// Runs of one `program.test-run`: the kernel does not notice meanwhile that a guest is to be
/// ended.
pub const RUN_REPEAT_MAX: usize = 1_000_000;

/// Shortest interval of `driver.set-tick`, in nanoseconds.
pub const TICK_NS_MIN: u64 = 1_000_000;

/// Addresses of one `resolve-kernel` call.
pub const ADDRESSES_MAX: usize = 65_536;

/// Bytes of data of one `program.run`.
pub const RUN_DATA_BYTES_MAX: usize = 1024 * 1024;

/// Bytes of context of one `program.run`.
pub const RUN_CONTEXT_BYTES_MAX: usize = 64 * 1024;

/// Types of one `btf.closure` call.
pub const CLOSURE_TYPES_MAX: usize = 4096;

/// Fields of one output table.
pub const FIELDS_MAX: usize = 256;

/// Tables of one guest.
pub const TABLES_MAX: usize = 64;

/// Hints of one field.
pub const HINTS_MAX: usize = 64;

/// Symbols of one multi-probe target.
pub const TARGET_SYMBOLS_MAX: usize = 4096;

/// Event sources of one plugin.
pub const SOURCES_MAX: usize = 256;

/// Bytes of a hint's key or value.
pub const HINT_BYTES_MAX: usize = 256;
