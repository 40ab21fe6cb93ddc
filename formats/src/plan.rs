//! The neutral plan that every format becomes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use eunomia_host_abi::Target;
use eunomia_host_abi::output::Table;

use crate::options::OptionSpec;

/// All that the runtime needs to run a BPF object that has no program in user space.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// For `--help` and `--version`.
    pub about: About,
    /// What the user can choose.
    pub options: Vec<OptionSpec>,
    /// Variables to set before load.
    pub globals: Vec<(String, Vec<u8>)>,
    /// Where programs are attached, for those whose section does not say or does not count.
    pub targets: BTreeMap<String, Vec<Target>>,
    /// Entries of maps that are there before programs are attached: map, key, value.
    pub entries: Vec<(String, Vec<u8>, Vec<u8>)>,
    /// Changes to maps before load.
    pub map_changes: Vec<(String, MapChange)>,
    /// What is shown.
    pub sources: Vec<Source>,
    /// Maps are among that for want of something better: if the user names some, only those are.
    pub shows_all_maps: bool,
    /// Per-CPU arrays of one `u64` in which programs count what they had no room for.
    pub lost_counters: Vec<String>,
    /// What the user should know before it runs.
    pub warnings: Vec<String>,
}

/// What a package says about itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct About {
    /// How the user calls it.
    pub name: String,
    /// One line.
    pub brief: String,
    /// Any number of lines.
    pub details: String,
    /// Its own version.
    pub version: String,
}

/// A change to a map before load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MapChange {
    /// Bytes of a value.
    ValueSize(u32),
    /// Entries, or bytes of a ring buffer.
    MaxEntries(u32),
}

/// Something that becomes rows.
#[derive(Clone, Debug)]
pub struct Source {
    /// The map, or the iterator program.
    pub name: String,
    /// The rows.
    pub table: Arc<Table>,
    /// How they come about.
    pub kind: SourceKind,
    /// Stacks that rows name and another map has.
    pub stacks: Vec<StackLookup>,
}

/// A stack that a row has the identifier of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StackLookup {
    /// The map of stacks.
    pub map: String,
    /// Where in the row the identifier is, 4 bytes.
    pub id_at: usize,
    /// Where a number of 8 bytes is that is 0 if there is no stack.
    pub present_at: Option<usize>,
    /// Where the addresses go.
    pub at: usize,
    /// Their bytes.
    pub bytes: usize,
}

/// How rows come about.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SourceKind {
    /// Each record of a ring buffer or perf event array is a row.
    Events(Shape),
    /// Equal records of a ring buffer or perf event array are one row, with how many there were.
    Counted {
        /// Bytes of a record that count; the `u64` follows at the next multiple of 8.
        record_bytes: usize,
        /// How often the counts are shown.
        interval: Duration,
    },
    /// The entries of a map, again and again.
    Entries {
        /// How a row is put together.
        layout: EntryLayout,
        /// How often.
        interval: Duration,
        /// Entries are removed, or set to zero, once they were shown.
        clear: bool,
    },
    /// What an iterator program writes is text.
    Text,
    /// What an iterator program writes are structs of this many bytes.
    Structs {
        /// Bytes of one.
        bytes: usize,
        /// How often the program runs; `None`: once.
        interval: Option<Duration>,
    },
}

/// How a record becomes a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shape {
    /// The row begins with the time at which the host saw it: nanoseconds since 1970, 8 bytes.
    pub time: bool,
    /// Bytes that a record has at least; shorter ones are not rows.
    pub record_bytes_min: usize,
}

/// How key and value become a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntryLayout {
    /// Where the key is.
    pub key_at: usize,
    /// Its bytes.
    pub key_bytes: usize,
    /// Where the value is.
    pub value_at: usize,
    /// Its bytes.
    pub value_bytes: usize,
    /// Bytes of the row.
    pub row_bytes: usize,
    /// What becomes of the values of several CPUs.
    pub per_cpu: PerCpu,
    /// Entries whose value is zero are not shown: those of an array are all there from the start.
    pub skip_zero: bool,
}

/// What becomes of the values that a map has for each CPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PerCpu {
    /// The map has one value a key.
    No,
    /// The values are integers, which are added up; the row has the sums, of 8 bytes each.
    Sum(Integers),
    /// Each CPU has a row, with its number as a `u32` here.
    Rows {
        /// Where the number is.
        cpu_at: usize,
    },
}

/// What a value that is nothing but integers consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Integers {
    /// Bytes of one.
    pub bytes: usize,
    /// How many there are.
    pub count: usize,
    /// Whether they may be negative.
    pub signed: bool,
}
