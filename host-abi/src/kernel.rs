//! The kernel as guests see it: the traits behind the host functions.
//!
//! Three implementations share them: libbpf (crate `eunomia-runtime`), the deterministic
//! [`fake`](crate::fake) kernel for tests without root, and, later, record and replay.
//!
//! Names of programs, maps and globals, keys, values and lengths that arrive here come from a guest
//! and have only been checked for size: an implementation checks the rest and returns an
//! [`Error`](crate::Error); it never panics on them.

use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use crate::error::Result;
use crate::target::Target;

/// A boxed future, as dyn traits need it.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A kernel on which BPF objects are loaded. Shared by every guest of a runtime.
pub trait Kernel: Debug + Send + Sync {
    /// Open (parse, not yet load) a BPF object from the bytes of its ELF file.
    ///
    /// # Errors
    /// `InvalidArgument` when the bytes are not a BPF object of this CPU's byte order.
    fn open_object(&self, name: &str, elf: &[u8]) -> Result<Box<dyn Object>>;

    /// Do ahead what makes opening `elf` faster, if there is such a thing. It may take as long as
    /// opening, and fails silently.
    fn prepare_object(&self, _elf: &[u8]) {}

    /// The symbol of each address, `None` for those in no symbol.
    fn resolve_symbols(&self, addresses: &[u64]) -> Result<Vec<Option<Symbol>>>;

    /// The address of a kernel symbol.
    fn symbol_address(&self, name: &str) -> Result<Option<u64>>;

    /// CPUs for which per-CPU values are kept.
    fn possible_cpus(&self) -> u32;

    /// Linux version: major, minor, patch.
    fn version(&self) -> (u32, u32, u32);

    /// Time since the Unix epoch at which `bpf_ktime_get_ns` was 0.
    fn monotonic_epoch(&self) -> Duration;

    /// Time since the Unix epoch at which `bpf_ktime_get_boot_ns` was 0.
    fn boot_epoch(&self) -> Duration;

    /// Ready after `duration` of the kernel's monotonic clock.
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()>;

    /// What could not be opened, loaded or attached since this was asked before: the last of it.
    fn take_failure(&self) -> Option<Failure> {
        None
    }
}

/// What the kernel refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The object.
    pub object: String,
    /// The program that could not be attached; `None`: the object as a whole.
    pub program: Option<String>,
}

/// A kernel symbol and an offset into it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Symbol {
    /// Name without version or module.
    pub name: String,
    /// Bytes behind the start of the symbol.
    pub offset: u64,
    /// `None`: the kernel itself.
    pub module: Option<String>,
}

/// An opened, then loaded, BPF object. Dropping it unloads its programs and closes its maps; a
/// [`Link`] keeps what it needs of it alive.
pub trait Object: Debug + Send {
    /// Every program, in the order of the ELF file.
    fn programs(&self) -> Vec<ProgramInfo>;
    /// Every map, in the order of the ELF file, those for global data included.
    fn maps(&self) -> Vec<MapInfo>;
    /// Every global variable.
    fn globals(&self) -> Vec<GlobalInfo>;
    /// The bytes of the object's `.BTF` section.
    fn btf(&self) -> Result<Arc<[u8]>>;

    /// The value of a global: the initial one before load, the present one after.
    fn get_global(&self, name: &str) -> Result<Vec<u8>>;
    /// Set a global; `value` has exactly its size. Constants before load only.
    fn set_global(&mut self, name: &str, value: &[u8]) -> Result<()>;

    /// Change how a program will be loaded or attached. Before load, except `Autoattach`.
    fn set_program(&mut self, program: &str, setting: ProgramSetting<'_>) -> Result<()>;
    /// Change how a map will be created. Before load.
    fn set_map(&mut self, map: &str, setting: MapSetting<'_>) -> Result<()>;

    /// Create the maps, relocate and verify the programs.
    ///
    /// # Errors
    /// `Rejected` with the end of the verifier's log in the message. The object is useless then.
    fn load(&mut self) -> Result<()>;

    /// A loaded map by name.
    fn map(&self, name: &str) -> Result<Arc<dyn Map>>;

    /// Whether the section of a program says all that attaching it needs.
    fn can_attach_by_section(&self, program: &str) -> bool;
    /// Attach a program, to `target` or to where its section says.
    fn attach(&self, program: &str, target: Option<&Target>) -> Result<Box<dyn Link>>;
    /// Register a `struct_ops` map.
    fn attach_struct_ops(&self, map: &str) -> Result<Box<dyn Link>>;
    /// Put a program in the place of the one that `link` holds.
    fn replace_in(&self, program: &str, link: &mut dyn Link) -> Result<()>;
    /// Put a program into a slot of a program array.
    fn store_in(&self, program: &str, map: &dyn Map, index: u32) -> Result<()>;
    /// `BPF_PROG_TEST_RUN`.
    fn test_run(&self, program: &str, input: &RunInput) -> Result<RunOutput>;
    /// The kernel's run statistics of a program.
    fn statistics(&self, program: &str) -> Result<ProgramStatistics>;
}

/// What is known of a program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProgramInfo {
    /// Name of the C function.
    pub name: String,
    /// ELF section.
    pub section: String,
    /// `enum bpf_prog_type`.
    pub program_type: u32,
    /// Its name as libbpf prints it.
    pub type_name: String,
    /// `expected_attach_type`, `enum bpf_attach_type`.
    pub attach_type: u32,
    /// The kernel function that it is verified against, or empty.
    pub attach_target: String,
    /// Load loads it.
    pub autoload: bool,
    /// `bpf-object.attach` attaches it.
    pub autoattach: bool,
    /// The kernel's id; 0 before load.
    pub id: u32,
}

/// What is known of a map; see `map-info` in `wit/bpf-map.wit` for units.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MapInfo {
    /// Name in the object.
    pub name: String,
    /// `enum bpf_map_type`, see [`map_type`].
    pub map_type: u32,
    /// Its name as libbpf prints it.
    pub type_name: String,
    /// Bytes of a key.
    pub key_size: u32,
    /// Bytes of a value as the BPF program sees it.
    pub value_size: u32,
    /// Bytes of a value as user space sees it: for per-CPU maps all CPUs, each padded to 8.
    pub user_value_size: u32,
    /// Entries, or bytes of a ring buffer.
    pub max_entries: u32,
    /// `BPF_F_*` of the declaration.
    pub map_flags: u32,
    /// BTF type of the key, 0 when not declared.
    pub key_type_id: u32,
    /// BTF type of the value, 0 when not declared.
    pub value_type_id: u32,
    /// `map_extra` of the declaration.
    pub map_extra: u64,
    /// The name it is shared under.
    pub pin_name: Option<String>,
    /// User space can no longer change it.
    pub frozen: bool,
    /// The kernel's id; 0 before load.
    pub id: u32,
}

/// What is known of a global variable.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GlobalInfo {
    /// Name of the C variable.
    pub name: String,
    /// ELF section, and the name of the map that holds it.
    pub section: String,
    /// Bytes from the start of the section.
    pub offset: u32,
    /// Bytes.
    pub size: u32,
    /// BTF type.
    pub type_id: u32,
    /// In read-only data.
    pub constant: bool,
}

/// A change to a program before load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProgramSetting<'a> {
    /// Whether load loads it.
    Autoload(bool),
    /// Whether attaching the object attaches it.
    Autoattach(bool),
    /// The kernel function that it is verified against.
    AttachTarget(&'a str),
}

/// A change to a map before load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MapSetting<'a> {
    /// Entries, or bytes of a ring buffer.
    MaxEntries(u32),
    /// Bytes of a value.
    ValueSize(u32),
    /// `enum bpf_map_type`.
    MapType(u32),
    /// Whether load creates it.
    Autocreate(bool),
    /// Name under which it is pinned and shared.
    PinName(&'a str),
}

/// Input of [`Object::test_run`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunInput {
    /// Packet or data.
    pub data: Vec<u8>,
    /// Context.
    pub context: Vec<u8>,
    /// How many times.
    pub repeat: u32,
    /// `BPF_F_TEST_*`.
    pub flags: u32,
    /// Run on this CPU.
    pub cpu: Option<u32>,
    /// Frames at a time, with live frames.
    pub batch_size: u32,
}

/// Output of [`Object::test_run`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunOutput {
    /// What the program returned.
    pub return_value: u32,
    /// Packet or data afterwards.
    pub data: Vec<u8>,
    /// Context afterwards.
    pub context: Vec<u8>,
    /// Average nanoseconds of one run.
    pub duration_ns: u32,
}

/// The kernel's statistics of a program.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProgramStatistics {
    /// Runs since load.
    pub run_count: u64,
    /// Nanoseconds in all runs.
    pub run_time_ns: u64,
    /// Runs left out because of recursion.
    pub recursion_misses: u64,
}

/// A loaded map. Every method is one system call or a bounded number of them.
///
/// `flags` are `BPF_ANY` and its like, already checked against those that a guest may use.
pub trait Map: Debug + Send + Sync {
    /// What is known of it.
    fn info(&self) -> &MapInfo;

    /// The value of a key (`user_value_size` bytes), or `None`. `key` has `key_size` bytes.
    fn lookup(&self, key: &[u8], flags: u64) -> Result<Option<Vec<u8>>>;
    /// Set a key; `value` has `user_value_size` bytes.
    fn update(&self, key: &[u8], value: &[u8], flags: u64) -> Result<()>;
    /// Remove a key; true if it was there.
    fn delete(&self, key: &[u8]) -> Result<bool>;
    /// Take out a value.
    fn lookup_and_delete(&self, key: &[u8], flags: u64) -> Result<Option<Vec<u8>>>;
    /// The key after `key`, or the first.
    fn next_key(&self, key: Option<&[u8]>) -> Result<Option<Vec<u8>>>;

    /// Append up to `entries_max` further entries to `entries` and return how many; 0 at the end.
    /// `cursor` is the walk's place, `Cursor::default()` for its start.
    ///
    /// # Errors
    /// `NotSupported` when a map of this kind cannot be walked (or, with `delete`, emptied) at all.
    fn next_entries(
        &self,
        cursor: &mut Cursor,
        entries: &mut Entries,
        entries_max: u32,
    ) -> Result<u32>;

    /// Set many entries; returns how many were set. `keys` and `values` are whole multiples of
    /// their sizes and of the same count.
    fn update_batch(&self, keys: &[u8], values: &[u8], flags: u64) -> Result<u32>;
    /// Remove many keys; returns how many were there.
    fn delete_batch(&self, keys: &[u8]) -> Result<u32>;

    /// The map in a slot of a map of maps.
    fn lookup_inner(&self, key: &[u8]) -> Result<Option<Arc<dyn Map>>>;
    /// Put `inner` into a slot of a map of maps.
    fn update_inner(&self, key: &[u8], inner: &dyn Map, flags: u64) -> Result<()>;
    /// A new map in the shape that this map of maps declares.
    fn create_inner(&self) -> Result<Arc<dyn Map>>;

    /// Copy from the memory of a `BPF_F_MMAPABLE` array.
    fn read_memory(&self, offset: u64, length: usize) -> Result<Vec<u8>>;
    /// Copy into the memory of a `BPF_F_MMAPABLE` array.
    fn write_memory(&self, offset: u64, bytes: &[u8]) -> Result<()>;
    /// Forbid changes from user space.
    fn freeze(&self) -> Result<()>;

    /// Become the reader of this ring buffer. `Busy` when there is one.
    fn open_ring_buffer(&self) -> Result<Box<dyn RingBuffer>>;
    /// Become the reader of this perf event array; `pages_per_cpu` is a power of two.
    fn open_perf_buffer(&self, pages_per_cpu: u32) -> Result<Box<dyn PerfBuffer>>;
    /// Become the writer of this user ring buffer. `Busy` when there is one.
    fn open_user_ring_buffer(&self) -> Result<Box<dyn UserRingBuffer>>;

    /// For implementations that must recognise their own maps ([`Object::store_in`]).
    fn as_any(&self) -> &dyn std::any::Any;
}

/// Keys and values laid end to end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entries {
    /// The keys.
    pub keys: Vec<u8>,
    /// As many values.
    pub values: Vec<u8>,
}

/// Where a walk over a map is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cursor {
    /// The walk removes what it returns.
    pub drain: bool,
    /// The walk is over.
    pub done: bool,
    /// What the implementation resumes from: the kernel's opaque batch position or the last key.
    pub position: Option<Vec<u8>>,
    /// The kernel cannot walk this map in batches: key by key from here on.
    pub single: bool,
}

/// The reader of a ring buffer.
pub trait RingBuffer: Debug + Send {
    /// Free the first `consumed` bytes of the last batch, then return the committed records that
    /// follow, as raw records (see `types` in the WIT): at most `bytes_max` bytes but at least
    /// one whole record, ending at the end of a record, contiguous; empty when there is nothing.
    ///
    /// The bytes do not change until the next call: the producer writes to them only after they are
    /// freed.
    ///
    /// # Errors
    /// `InvalidArgument` when `consumed` is not the end of a record of the last batch.
    fn batch(&mut self, consumed: usize, bytes_max: usize) -> Result<&[u8]>;

    /// Resolves when `batch(0, _)` may have something. May resolve for nothing.
    fn ready(&mut self) -> BoxFuture<'_, ()>;

    /// Let more records gather, if that is worth it, when `ready` has just taken `waited`. Blocks
    /// the thread for less than a millisecond: only for a caller that would read nothing else.
    fn gather(&mut self, waited: Duration) {
        let _ = waited;
    }

    /// Bytes between the producer and the reader.
    fn available(&self) -> u64;

    /// Records that the kernel has dropped since the last call, as far as it counts them: for a
    /// ring it does not, and the program that had no room knows.
    fn take_lost(&mut self) -> u64 {
        0
    }
}

/// The reader of a perf event array.
pub trait PerfBuffer: Debug + Send {
    /// Move what the rings hold to the end of `records`, as raw records whose second word is the
    /// CPU, until one more would make `records` longer than `bytes_max` bytes or the rings are
    /// empty; the first one fits always. Returns how many records the kernel had dropped since the
    /// last call.
    fn take(&mut self, records: &mut Vec<u8>, bytes_max: usize) -> Result<u64>;

    /// Resolves when `take` may have something. May resolve for nothing.
    fn ready(&mut self) -> BoxFuture<'_, ()>;
}

/// The writer of a user ring buffer.
pub trait UserRingBuffer: Debug + Send {
    /// Submit one record. False: no room now.
    ///
    /// # Errors
    /// `InvalidArgument` when it can never fit.
    fn submit(&mut self, payload: &[u8]) -> Result<bool>;

    /// Whether a record with a payload of this many bytes would fit now.
    fn has_room(&self, payload_bytes: usize) -> bool;

    /// The largest payload that can ever fit, in bytes.
    fn payload_bytes_max(&self) -> usize;

    /// Resolves when there may be room. May resolve for nothing.
    fn ready(&mut self) -> BoxFuture<'_, ()>;
}

/// An attached program. Dropping it detaches.
pub trait Link: Debug + Send {
    /// What is attached where.
    fn info(&self) -> LinkInfo;

    /// Detach and report errors. Called at most once.
    fn detach(&mut self) -> Result<()>;

    /// Run an attached iterator and return a reader of what it writes.
    fn iterate(&self) -> Result<Box<dyn std::io::Read + Send>>;

    /// For implementations that must recognise their own links ([`Object::replace_in`]).
    fn as_any_mut(&mut self) -> &mut dyn std::any::Any;
}

/// What is known of a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkInfo {
    /// Name of the program, or of the `struct_ops` map.
    pub name: String,
    /// `enum bpf_link_type`; 0 where the kernel has no link for it.
    pub link_type: u32,
    /// Text form of the target.
    pub target: String,
    /// The kernel's ids, as far as the kernel lists links of this kind.
    pub ids: Vec<u32>,
}

/// Numbers of `enum bpf_map_type` that host code must tell apart (`linux/bpf.h`).
#[allow(missing_docs)]
pub mod map_type {
    pub const HASH: u32 = 1;
    pub const ARRAY: u32 = 2;
    pub const PROG_ARRAY: u32 = 3;
    pub const PERF_EVENT_ARRAY: u32 = 4;
    pub const PERCPU_HASH: u32 = 5;
    pub const PERCPU_ARRAY: u32 = 6;
    pub const STACK_TRACE: u32 = 7;
    pub const CGROUP_ARRAY: u32 = 8;
    pub const LRU_HASH: u32 = 9;
    pub const LRU_PERCPU_HASH: u32 = 10;
    pub const LPM_TRIE: u32 = 11;
    pub const ARRAY_OF_MAPS: u32 = 12;
    pub const HASH_OF_MAPS: u32 = 13;
    pub const DEVMAP: u32 = 14;
    pub const SOCKMAP: u32 = 15;
    pub const CPUMAP: u32 = 16;
    pub const XSKMAP: u32 = 17;
    pub const SOCKHASH: u32 = 18;
    pub const REUSEPORT_SOCKARRAY: u32 = 20;
    pub const PERCPU_CGROUP_STORAGE: u32 = 21;
    pub const QUEUE: u32 = 22;
    pub const STACK: u32 = 23;
    pub const SK_STORAGE: u32 = 24;
    pub const DEVMAP_HASH: u32 = 25;
    pub const STRUCT_OPS: u32 = 26;
    pub const RINGBUF: u32 = 27;
    pub const INODE_STORAGE: u32 = 28;
    pub const TASK_STORAGE: u32 = 29;
    pub const BLOOM_FILTER: u32 = 30;
    pub const USER_RINGBUF: u32 = 31;
    pub const CGRP_STORAGE: u32 = 32;
    pub const ARENA: u32 = 33;
}
