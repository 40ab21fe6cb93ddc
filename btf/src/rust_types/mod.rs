//! Rust source text for the types of a BPF object: its layouts are written once, in C.
//!
//! The text is for guests (`wasm32`, crate `eunomia_bpf`) and holds no `unsafe`. It is one module,
//! `pub mod NAME { .. }`, to be included at the top of a source file:
//! `include!(concat!(env!("OUT_DIR"), "/execsnoop.rs"));`.
//!
//! # What is generated
//! For `struct event { __u32 pid; char comm[16]; enum kind kind; }`:
//!
//! ```ignore
//! #[repr(C)]
//! #[derive(Clone, Copy, PartialEq, Eq, Hash)]
//! pub struct Event { pub pid: u32, pub comm: [u8; 16], pub kind: Kind }   // owned; Debug, Default
//! impl Event { pub fn comm_str(&self) -> Cow<'_, str> }                   // up to the first NUL
//! #[derive(Clone, Copy)]
//! pub struct EventRef<'a>(&'a [u8; 24]);                                  // borrowed; Debug
//! impl<'a> EventRef<'a> {
//!     pub const fn from_array(bytes: &'a [u8; 24]) -> Self;
//!     pub fn pid(self) -> u32;
//!     pub fn comm(self) -> &'a [u8; 16];
//!     pub fn comm_str(self) -> Cow<'a, str>;
//!     pub fn kind(self) -> Kind;
//! }
//! impl eunomia_bpf::Record for Event { .. type Ref<'a> = EventRef<'a>; .. }
//! impl eunomia_bpf::NamedRecord for Event { const NAME: &'static str = "event"; }
//! impl<'a> eunomia_bpf::RecordRef<'a> for EventRef<'a> { .. }
//! const _: () = assert!(size_of::<Event>() == 24);                        // and every offset
//!
//! #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
//! pub struct Kind(pub u32);                                               // every value is valid
//! impl Kind { pub const KIND_EXEC: Self = Self(1); pub fn name(self) -> Option<&'static str> }
//!
//! pub const OBJECT: &str = "execsnoop";
//! pub mod globals { pub const TARG_PID: Global<i32> = Global::new("targ_pid"); }
//! pub mod maps {
//!     pub const EVENTS: RingBufferName = RingBufferName::new("events");
//!     pub const START: MapName<u32, Event> = MapName::new("start");
//! }
//! ```
//!
//! | C | Rust field | view accessor |
//! |---|---|---|
//! | integers, `bool`, `float`, `double` | the same | by value |
//! | pointers | `u64` | by value |
//! | `char[N]`, `u8[N]` | `[u8; N]` | `&'a [u8; N]` |
//! | `T[N]` | `[T; N]` | `eunomia_bpf::Array<'a, T, N>` |
//! | struct, union | its type | its view |
//! | enum | newtype with constants | by value |
//! | bit field | storage `bits_N: [u8; K]`, getter and setter methods | by value |
//! | flexible array | left out: `SIZE` is where it starts | left out |
//!
//! Unions hold their bytes and have a getter and a setter per member. Padding is explicit (`_padN`)
//! and written as zeros, so that records work as hash map keys.
//!
//! # What the guest SDK must define
//! In the root of crate `eunomia_bpf`; `tests/support/eunomia_bpf.rs` is a complete definition,
//! against which the generated code is tested, to be copied.
//!
//! ```ignore
//! /// Plain data with a fixed size and byte layout, shared with a BPF object. Little-endian.
//! pub trait Record: Copy + 'static {
//!     const SIZE: usize;
//!     const ZERO: Self;
//!     type Ref<'a>: RecordRef<'a, Record = Self>;
//!     fn read_from(bytes: &[u8]) -> Option<Self> {
//!         <Self::Ref<'_> as RecordRef<'_>>::new(bytes).map(RecordRef::to_record)
//!     }
//!     /// `None`, and nothing written, when `out` is shorter than `SIZE`.
//!     fn write_to(&self, out: &mut [u8]) -> Option<()>;
//! }
//! /// A struct, union or enum: it has a name in the object's BTF.
//! pub trait NamedRecord: Record { const NAME: &'static str; }
//! /// A view of one record in borrowed bytes.
//! pub trait RecordRef<'a>: Copy {
//!     type Record: Record;
//!     /// `None` when there are fewer than `Record::SIZE` bytes; more are ignored.
//!     fn new(bytes: &'a [u8]) -> Option<Self>;
//!     fn to_record(self) -> Self::Record;
//! }
//! // `Record` for u8..u128, i8..i128, f32, f64, bool, () with `Ref<'a> = Self`, and for
//! // `[T; N]` with `Ref<'a> = Array<'a, T, N>`, which has:
//! impl<'a, T: Record, const N: usize> Array<'a, T, N> {
//!     pub const fn from_array<const SIZE: usize>(bytes: &'a [u8; SIZE]) -> Self; // SIZE == N * T::SIZE
//!     pub fn get(&self, index: usize) -> Option<T::Ref<'a>>;
//!     pub fn iter(&self) -> impl Iterator<Item = T::Ref<'a>>;
//!     pub fn to_array(self) -> [T; N];
//! }
//! // Typed names, each with `const fn new(&'static str) -> Self`:
//! pub struct Global<T>; pub struct MapName<K, V>; pub struct PerCpuMapName<K, V>;
//! pub struct RingBufferName; pub struct PerfEventArrayName; pub struct UserRingBufferName;
//! ```
