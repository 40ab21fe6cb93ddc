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
//! | flexible array | left out; `TAIL_OFFSET` says where it starts | left out |
//!
//! Unions hold their bytes and have a getter and a setter per member. Padding is explicit (`_padN`)
//! and written as zeros, so that records work as hash map keys.
//!
//! # What the guest SDK defines
//! In the root of crate `eunomia_bpf`: the traits `Record`, `NamedRecord` and `RecordRef`, the view
//! `Array`, and the typed names `Global`, `MapName`, `PerCpuMapName`, `RingBufferName`,
//! `PerfEventArrayName` and `UserRingBufferName`. They are in `guest-sdk/rust/src/record.rs`,
//! `array.rs` and `names.rs`, against which the generated code is tested.

mod emit_enum;
mod emit_struct;
mod emit_union;
mod emit_view;
mod expression;
mod names;
mod text;

use emit_struct::StructBody;
use names::RustNaming;
use text::Member;

use crate::btf::Btf;
use crate::error::Result;
use crate::records::interface::MapKind;
pub use crate::records::interface::{GLOBALS_MAX, MAPS_MAX};
use crate::records::model::{Body, DataType, Item};
use crate::records::names::{Namespace, shown};
pub use crate::records::reached::{MEMBERS_MAX, RECORD_BYTES_MAX};
use crate::records::{Records, TypedGlobal, TypedMap};
use crate::source::Source;

/// What to generate.
#[derive(Debug, Clone)]
pub struct Options {
    /// The name of the BPF object in its image, which becomes `OBJECT`.
    pub object: String,
    /// The name of the module that is generated. By default `bpf`.
    pub module: String,
    /// Names of further types to generate, for those that no map and no variable leads to. By
    /// default none.
    pub types: Vec<String>,
}

impl Options {
    /// The defaults for an object.
    pub fn new(object: impl Into<String>) -> Self {
        Self {
            object: object.into(),
            module: "bpf".to_owned(),
            types: Vec::new(),
        }
    }
}

/// Generates the Rust module for a BPF object.
///
/// # Errors
/// `Malformed` when types or maps make no sense, `Unsupported` for what has no Rust form,
/// `NotFound` when the BTF lacks one of [`Options::types`], `TooLarge` above [`RECORD_BYTES_MAX`],
/// [`MEMBERS_MAX`], [`MAPS_MAX`] and [`GLOBALS_MAX`]; each names the type and the member.
pub fn generate(btf: &Btf, options: &Options) -> Result<String> {
    let records = Records::collect(btf, &options.types, &RustNaming)?;
    let maps: Vec<_> = records.maps.iter().map(map_constant).collect();
    let globals: Vec<_> = records.globals.iter().map(global_constant).collect();
    let mut source = Source::default();
    source.line(format!(
        "/// The types, variables and maps of BPF object `{}`; @generated from its BTF.",
        shown(&options.object)
    ));
    source.line("#[allow(dead_code, missing_docs, missing_debug_implementations, clippy::all)]");
    source.line("#[allow(non_snake_case, non_upper_case_globals, unreachable_patterns)]");
    source.line("#[allow(unreachable_pub, unused_imports, clippy::pedantic)]");
    source.block(
        format!("pub mod {}", names::field_name(&options.module)),
        |source| {
            source.line("/// The name of the BPF object in its image.");
            source.line(format!("pub const OBJECT: &str = {:?};", options.object));
            for item in &records.items {
                emit_item(source, item);
            }
            emit_constants(source, "globals", "The global variables.", &globals);
            emit_constants(source, "maps", "The maps.", &maps);
            source.lines(PRELUDE);
        },
    );
    Ok(source.into_text())
}

/// Functions that generated code shares.
const PRELUDE: &str = include_str!("prelude.rs.txt");

/// A constant that holds a name with types.
struct TypedName<'a> {
    c_name: &'a str,
    documentation: String,
    /// The type in the SDK.
    constructor: &'static str,
    /// That type with its parameters.
    ty: String,
}

fn map_constant<'a>(map: &TypedMap<'a>) -> TypedName<'a> {
    let (constructor, has_types) = match map.kind {
        MapKind::Values => ("MapName", true),
        MapKind::PerCpuValues => ("PerCpuMapName", true),
        MapKind::RingBuffer => ("RingBufferName", false),
        MapKind::PerfEventArray => ("PerfEventArrayName", false),
        MapKind::UserRingBuffer => ("UserRingBufferName", false),
    };
    let text = |ty: &Option<DataType>| ty.as_ref().map_or("()".to_owned(), DataType::rust);
    TypedName {
        c_name: map.c_name,
        documentation: format!("Map `{}`.", shown(map.c_name)),
        constructor,
        ty: match has_types {
            true => format!("{constructor}<{}, {}>", text(&map.key), text(&map.value)),
            false => constructor.to_owned(),
        },
    }
}

fn global_constant<'a>(global: &TypedGlobal<'a>) -> TypedName<'a> {
    let when = match global.is_constant {
        true => ", which is fixed when the object is loaded",
        false => "",
    };
    TypedName {
        c_name: global.c_name,
        documentation: format!("Variable `{}`{when}.", shown(global.c_name)),
        constructor: "Global",
        ty: format!("Global<{}>", global.ty.rust()),
    }
}

fn emit_item(source: &mut Source, item: &Item) {
    source.line("");
    match &item.body {
        Body::Struct {
            fields,
            accessors,
            is_packed,
            tail,
        } => {
            let body = StructBody {
                fields,
                members: &Member::name_all(accessors, fields),
                is_packed: *is_packed,
                tail: tail.as_ref(),
            };
            emit_struct::emit(source, item, &body);
        }
        Body::Union { accessors } => emit_union::emit(source, item, accessors),
        Body::Enum {
            integer,
            enumerators,
        } => emit_enum::emit(source, item, integer.rust(), enumerators),
    }
    if let Some(c_name) = &item.c_name {
        source.line(format!(
            "impl ::eunomia_bpf::NamedRecord for {} {{ const NAME: &'static str = {c_name:?}; }}",
            item.name
        ));
    }
    source.block(
        format!("impl ::core::default::Default for {}", item.name),
        |source| {
            source.line("#[inline]");
            source.line("fn default() -> Self { <Self as ::eunomia_bpf::Record>::ZERO }");
        },
    );
}

fn emit_constants(
    source: &mut Source,
    module: &str,
    documentation: &str,
    constants: &[TypedName<'_>],
) {
    let mut taken = Namespace::default();
    source.line("");
    source.line(format!("/// {documentation}"));
    source.block(format!("pub mod {module}"), |source| {
        source.line("use super::*;");
        for constant in constants {
            let name = taken.take(names::constant_name(constant.c_name));
            let TypedName {
                c_name,
                documentation,
                constructor,
                ty,
            } = constant;
            source.line(format!("/// {documentation}"));
            source.line(format!(
                "pub const {name}: ::eunomia_bpf::{ty} = \
                 ::eunomia_bpf::{constructor}::new({c_name:?});"
            ));
        }
    });
    source.line("");
}
