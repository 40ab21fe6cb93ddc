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
    /// Rows and bytes written by the guest in one second are not bounded by default: the reader of
    /// the output is what slows a guest down.
    pub output_bytes_per_second_max: Option<u64>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            handles_max: 16 * 1024,
            objects_max: 16,
            links_max: 4096,
            perf_pages_per_cpu_max: 4096,
            output_bytes_per_second_max: None,
        }
    }
}

/// Bytes of one batch of records, and of keys and values of one cursor step. Larger batches are slower
/// (they fall out of the CPU's cache) and let a guest pin the host's memory.
pub const BATCH_BYTES_MAX: usize = 1024 * 1024;

/// Bytes of a name: kernel and ELF names are far shorter, paths are at most `PATH_MAX`.
pub const NAME_BYTES_MAX: usize = 4096;

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

/// Hints of one field.
pub const HINTS_MAX: usize = 64;

/// Symbols of one multi-probe target.
pub const TARGET_SYMBOLS_MAX: usize = 4096;
