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
//!     /// `SIZE` is `N * T::SIZE`, checked when compiled.
//!     pub const fn from_array<const SIZE: usize>(bytes: &'a [u8; SIZE]) -> Self;
//!     pub fn get(&self, index: usize) -> Option<T::Ref<'a>>;
//!     pub fn iter(&self) -> impl Iterator<Item = T::Ref<'a>>;
//!     pub fn to_array(self) -> [T; N];
//! }
//! // Typed names, each with `const fn new(&'static str) -> Self`:
//! pub struct Global<T>; pub struct MapName<K, V>; pub struct PerCpuMapName<K, V>;
//! pub struct RingBufferName; pub struct PerfEventArrayName; pub struct UserRingBufferName;
//! ```

pub(crate) mod collect;
mod emit_enum;
mod emit_struct;
mod emit_union;
mod emit_view;
mod expression;
pub(crate) mod interface;
mod members;
pub(crate) mod model;
pub(crate) mod names;
pub(crate) mod source;

pub(crate) use collect::innermost_typedef;
use collect::{Collector, FallbackName};
pub use collect::{MEMBERS_MAX, RECORD_BYTES_MAX};
use emit_struct::StructBody;
pub use interface::{GLOBALS_MAX, MAPS_MAX};
use interface::{GlobalVariable, Map, MapKind, Part};
use model::{Body, Item, RustType};
use names::Namespace;
use source::Source;

use crate::btf::{Btf, TypeId};
use crate::error::Result;
use crate::ty::Definition;

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
    let mut collector = Collector::new(btf);
    let maps = typed_maps(&mut collector)?;
    let globals = typed_globals(&mut collector)?;
    for name in &options.types {
        let ty = btf.find_data(name)?;
        collector.rust_type(ty.id(), &FallbackName(name.clone()), 0)?;
    }
    let mut source = Source::default();
    source.line(format!(
        "/// The types, variables and maps of BPF object `{}`; @generated from its BTF.",
        names::shown(&options.object)
    ));
    source.line("#[allow(dead_code, missing_docs, missing_debug_implementations, clippy::all)]");
    source.line("#[allow(non_snake_case, non_upper_case_globals, unreachable_patterns)]");
    source.line("#[allow(unreachable_pub, unused_imports, clippy::pedantic)]");
    source.block(
        format!("pub mod {}", names::field_name(&options.module)),
        |source| {
            source.line("/// The name of the BPF object in its image.");
            source.line(format!("pub const OBJECT: &str = {:?};", options.object));
            for item in &collector.items {
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
pub(crate) struct TypedName<'a> {
    pub(crate) c_name: &'a str,
    documentation: String,
    /// The type in the SDK.
    pub(crate) constructor: &'static str,
    /// Its parameters, as Rust types.
    pub(crate) arguments: Vec<String>,
}

impl TypedName<'_> {
    /// The type with its parameters.
    fn ty(&self) -> String {
        match self.arguments.is_empty() {
            true => self.constructor.to_owned(),
            false => format!("{}<{}>", self.constructor, self.arguments.join(", ")),
        }
    }
}

/// The maps, and the types of their keys and values.
pub(crate) fn typed_maps<'a>(collector: &mut Collector<'a>) -> Result<Vec<TypedName<'a>>> {
    let maps = interface::maps(collector.btf)?;
    maps.iter()
        .map(|map| {
            map_constant(collector, map)
                .map_err(|error| error.within(format!("map \"{}\"", map.name)))
        })
        .collect()
}

fn map_constant<'a>(collector: &mut Collector<'a>, map: &Map<'a>) -> Result<TypedName<'a>> {
    let key = part_type(collector, map, map.key, "key")?;
    let value = part_type(collector, map, map.value, "value")?;
    let (constructor, arguments) = match map.kind {
        MapKind::Values => ("MapName", vec![key, value]),
        MapKind::PerCpuValues => ("PerCpuMapName", vec![key, value]),
        MapKind::RingBuffer => ("RingBufferName", Vec::new()),
        MapKind::PerfEventArray => ("PerfEventArrayName", Vec::new()),
        MapKind::UserRingBuffer => ("UserRingBufferName", Vec::new()),
    };
    Ok(TypedName {
        c_name: map.name,
        documentation: format!("Map `{}`.", names::shown(map.name)),
        constructor,
        arguments,
    })
}

/// The Rust type of a map's key or value; `()` when it has none.
fn part_type(
    collector: &mut Collector<'_>,
    map: &Map<'_>,
    part: Part,
    name: &str,
) -> Result<String> {
    Ok(match part {
        Part::Absent => "()".to_owned(),
        Part::Sized(size) => match collect::int_name(size, false).filter(|_| size <= 8) {
            Some(name) => name.to_owned(),
            None => format!("[u8; {size}]"),
        },
        Part::Typed(id) => {
            let fallback = FallbackName(format!("{}_{name}", map.name));
            let ty = collector.rust_type(id, &fallback, 0)?;
            if ty.size == 0 {
                "()".to_owned()
            } else {
                ty.text
            }
        }
    })
}

/// The global variables with their types.
pub(crate) fn typed_globals<'a>(collector: &mut Collector<'a>) -> Result<Vec<TypedName<'a>>> {
    let mut constants = Vec::new();
    for global in interface::globals(collector.btf)? {
        let ty = global_type(collector, &global)
            .map_err(|error| error.within(format!("variable \"{}\"", global.name)))?;
        let Some(ty) = ty.filter(|ty| ty.size > 0) else {
            continue;
        };
        let when = match global.section.starts_with(".rodata") {
            true => ", which is fixed when the object is loaded",
            false => "",
        };
        constants.push(TypedName {
            c_name: global.name,
            documentation: format!("Variable `{}`{when}.", names::shown(global.name)),
            constructor: "Global",
            arguments: vec![ty.text],
        });
    }
    Ok(constants)
}

/// The type of a variable; nothing for a pointer, which user space cannot follow. It may be there
/// for the sake of the type that it points to: `struct event *unused __attribute__((unused));`.
fn global_type(
    collector: &mut Collector<'_>,
    global: &GlobalVariable<'_>,
) -> Result<Option<RustType>> {
    let fallback = FallbackName(global.name.to_owned());
    let Some(target) = interface::pointee(collector.btf, global.ty)? else {
        return collector.rust_type(global.ty, &fallback, 0).map(Some);
    };
    if is_composite_or_enum(collector.btf, target)? {
        collector.rust_type(target, &fallback, 0)?;
    }
    Ok(None)
}

fn is_composite_or_enum(btf: &Btf, id: TypeId) -> Result<bool> {
    Ok(matches!(
        btf.resolve(id)?.definition(),
        Definition::Struct(_) | Definition::Union(_) | Definition::Enum(_)
    ))
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
            let (is_packed, tail) = (*is_packed, tail.as_ref());
            emit_struct::emit(
                source,
                item,
                &StructBody {
                    fields,
                    accessors,
                    is_packed,
                    tail,
                },
            );
        }
        Body::Union { accessors } => emit_union::emit(source, item, accessors),
        Body::Enum { repr, enumerators } => emit_enum::emit(source, item, repr, enumerators),
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
            let ty = constant.ty();
            let TypedName {
                c_name,
                documentation,
                constructor,
                ..
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
