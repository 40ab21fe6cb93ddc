//! Bounds on what a package may hold. Real packages have kilobytes and tens of entries.

use std::time::Duration;

/// Bytes of a package's JSON text, compressed object included.
pub const PACKAGE_BYTES_MAX: usize = 128 << 20;

/// Bytes of a BPF object after decompression: a compressed kilobyte can claim gigabytes.
pub const OBJECT_BYTES_MAX: usize = 64 << 20;

/// Bytes of a BPF object in a bytecode image, as bpfman has it.
pub const BYTECODE_BYTES_MAX: usize = 16 << 20;

/// Bytes of the types of one kernel, which have some megabytes in whole.
pub const KERNEL_TYPES_BYTES_MAX: usize = 32 << 20;

/// Files of one archive: btfhub's has some thousands.
pub const ARCHIVE_ENTRIES_MAX: usize = 20_000;

/// Entries of one list of a package: maps, programs, variables, types, members.
pub const LIST_MAX: usize = 4096;

/// Bytes of a `gadget.yaml`.
pub const YAML_BYTES_MAX: usize = 1 << 20;

/// Levels of a `gadget.yaml`.
pub const YAML_DEPTH_MAX: usize = 32;

/// Values in a `gadget.yaml`.
pub const YAML_NODES_MAX: usize = 100_000;

/// Options of one tool.
pub const OPTIONS_MAX: usize = 1024;

/// Arguments of one run.
pub const ARGUMENTS_MAX: usize = 4096;

/// Bytes of one row: record, key and value together.
pub const ROW_BYTES_MAX: u32 = 1 << 20;

/// How often maps are shown unless somebody says otherwise.
pub const INTERVAL_DEFAULT: Duration = Duration::from_secs(1);

/// The shortest interval: a map that is shown more often keeps a CPU busy.
pub const INTERVAL_MIN: Duration = Duration::from_millis(10);

/// The longest interval.
pub const INTERVAL_MAX: Duration = Duration::from_secs(24 * 3600);
