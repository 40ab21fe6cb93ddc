//! Zig source text for the types of a BPF object, for guests on `wasm32`: an `extern struct` there
//! is laid out like a struct of BPF, but for packed ones.
//!
//! | C | Zig |
//! |---|---|
//! | integers, `bool`, `float`, `double` | the same; 128 bits: `[16]u8` |
//! | pointers | `u64` |
//! | `char[N]`, `u8[N]` | `[N]u8`; `commText()` up to the first NUL |
//! | struct | `extern struct` with explicit padding; sizes and offsets are checked when compiled |
//! | packed struct, union | its bytes, with a function for each member |
//! | enum | a non-exhaustive enum; a second name of a number is a constant in it |
//! | bit field | bytes, with a function for each member |
//! | flexible array | left out; `Event.tail_offset` says where it starts |
//!
//! Maps and global variables are constants with types: `maps.counts`, `globals.targ_pid`.

use std::collections::HashSet;

use crate::btf::Btf;
use crate::error::Result;
use crate::records::interface::MapKind;
use crate::records::model::{Accessor, AccessorPlace, Body, DataType, EnumConstant, Field, Form};
use crate::records::model::{Integer, Item, Role, Tail};
use crate::records::names::{Namespace, Naming, camel_case, identifier, shown, snake_case};
use crate::records::{Records, TypedMap};
use crate::source::Source;

/// The start of a file; the text of one or more objects follows.
pub const HEAD: &str = "\
// Written by ecli from the BTF of BPF objects.
// @generated

const std = @import(\"std\");
const bpf = @import(\"bpf\");
";

/// What to generate.
#[derive(Debug, Clone)]
pub struct Options {
    /// The name of the BPF object in its image.
    pub object: String,
    /// The struct that everything is in, to tell several objects apart. By default none.
    pub namespace: Option<String>,
    /// Names of further types to generate. By default none.
    pub types: Vec<String>,
}

impl Options {
    /// The defaults for an object.
    pub fn new(object: impl Into<String>) -> Self {
        Self {
            object: object.into(),
            namespace: None,
            types: Vec::new(),
        }
    }
}

/// Generates the types of a BPF object.
///
/// # Errors
/// As [`crate::rust_types::generate`], whose limits hold here too.
pub fn generate(btf: &Btf, options: &Options) -> Result<String> {
    let records = Records::collect(btf, &options.types, &ZigNaming)?;
    let mut zig = Zig {
        source: Source::default(),
    };
    zig.source.line("");
    match &options.namespace {
        Some(namespace) => {
            let name = quoted(&identifier(shown(namespace), "unnamed"));
            zig.source.line(format!("pub const {name} = struct {{"));
            zig.object(&options.object, &records);
            zig.source.line("};");
        }
        None => zig.object(&options.object, &records),
    }
    Ok(zig.source.into_text())
}

struct ZigNaming;

impl Naming for ZigNaming {
    fn type_name(&self, c_name: &str) -> String {
        camel_case(c_name)
    }

    fn member_name(&self, c_name: &str) -> String {
        snake_case(c_name)
    }

    fn reserved_members(&self) -> &'static [&'static str] {
        &["bytes", "tail_offset"]
    }
}

/// Names that mean something in Zig are written in quotes.
fn quoted(name: &str) -> String {
    let is_number_type = name
        .strip_prefix(['u', 'i', 'f'])
        .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit()));
    match is_number_type || KEYWORDS.contains(&name) {
        true => format!("@\"{name}\""),
        false => name.to_owned(),
    }
}

/// Keywords, primitive types and values, and what generated text itself refers to.
const KEYWORDS: &[&str] = &[
    "_",
    "addrspace",
    "align",
    "allowzero",
    "and",
    "anyerror",
    "anyframe",
    "anyopaque",
    "anytype",
    "asm",
    "bool",
    "bpf",
    "break",
    "callconv",
    "catch",
    "comptime",
    "comptime_float",
    "comptime_int",
    "const",
    "continue",
    "defer",
    "else",
    "enum",
    "errdefer",
    "error",
    "export",
    "extern",
    "false",
    "fn",
    "for",
    "globals",
    "if",
    "inline",
    "isize",
    "linksection",
    "maps",
    "noalias",
    "noinline",
    "noreturn",
    "nosuspend",
    "null",
    "object_name",
    "opaque",
    "or",
    "orelse",
    "packed",
    "pub",
    "resume",
    "return",
    "self",
    "std",
    "struct",
    "suspend",
    "switch",
    "test",
    "threadlocal",
    "true",
    "try",
    "type",
    "undefined",
    "union",
    "unreachable",
    "usize",
    "var",
    "void",
    "volatile",
    "while",
];

/// `u8 x[2][4]` is `[2][4]u8`.
fn zig_type(ty: &DataType) -> String {
    match &ty.form {
        Form::Integer(integer) => zig_integer(*integer),
        Form::Float => format!("f{}", ty.size * 8),
        Form::Bool => "bool".to_owned(),
        Form::Enum { name, .. } | Form::Composite { name } => quoted(name),
        Form::Bytes { .. } => format!("[{}]u8", ty.size),
        Form::Array { item, count } => format!("[{count}]{}", zig_type(item)),
    }
}

fn zig_integer(integer: Integer) -> String {
    match integer {
        // Zig aligns them to 16, which C need not.
        Integer { bytes: 16, .. } => "[16]u8".to_owned(),
        Integer {
            bytes,
            signed: true,
        } => format!("i{}", bytes * 8),
        Integer { bytes, .. } => format!("u{}", bytes * 8),
    }
}

fn map_type(map: &TypedMap<'_>) -> String {
    let text = |ty: &Option<DataType>| ty.as_ref().map_or("void".to_owned(), zig_type);
    let name = match map.kind {
        MapKind::Values => "MapName",
        MapKind::PerCpuValues => "PerCpuMapName",
        MapKind::RingBuffer => return "RingBufferName".to_owned(),
        MapKind::PerfEventArray => return "PerfEventArrayName".to_owned(),
        MapKind::UserRingBuffer => return "UserRingBufferName".to_owned(),
    };
    format!("{name}({}, {})", text(&map.key), text(&map.value))
}

struct Zig {
    source: Source,
}

impl Zig {
    fn object(&mut self, object: &str, records: &Records<'_>) {
        self.source
            .line(format!("/// The name of BPF object {}.", shown(object)));
        self.source
            .line(format!("pub const object_name = {object:?};"));
        for item in &records.items {
            self.item(item);
        }
        let maps = records.maps.iter().map(|map| (map.c_name, map_type(map)));
        self.constants("maps", maps);
        let globals = records.globals.iter();
        let globals =
            globals.map(|global| (global.c_name, format!("Global({})", zig_type(&global.ty))));
        self.constants("globals", globals);
    }

    fn constants<'a>(&mut self, head: &str, all: impl Iterator<Item = (&'a str, String)>) {
        let mut names = Namespace::default();
        self.source.line("");
        self.source
            .line(format!("/// The {head} by their names, with their types."));
        self.source.line(format!("pub const {head} = struct {{"));
        for (c_name, ty) in all {
            let name = quoted(&names.take(snake_case(c_name)));
            self.source.line(format!(
                "    pub const {name}: bpf.{ty} = .{{ .name = {c_name:?} }};"
            ));
        }
        self.source.line("};");
    }

    fn item(&mut self, item: &Item) {
        let name = quoted(&item.name);
        self.source.line("");
        self.source
            .line(format!("/// {} is {}.", item.name, item.shown));
        match &item.body {
            Body::Enum {
                integer,
                enumerators,
            } => self.enumeration(&name, *integer, enumerators),
            Body::Union { accessors } => self.bytes(item, &name, accessors),
            Body::Struct {
                accessors,
                is_packed: true,
                tail,
                ..
            } => {
                self.bytes(item, &name, accessors);
                debug_assert!(tail.is_none() || item.size > 0);
            }
            Body::Struct {
                fields,
                accessors,
                tail,
                ..
            } => self.structure(&name, fields, accessors, tail.as_ref()),
        }
        self.source.line(format!(
            "comptime {{ std.debug.assert(@sizeOf({name}) == {}); }}",
            item.size
        ));
    }

    fn enumeration(&mut self, name: &str, integer: Integer, enumerators: &[EnumConstant]) {
        let mut numbers = HashSet::new();
        let mut names = Namespace::default();
        let mut aliases = Vec::new();
        self.source.line(format!(
            "pub const {name} = enum({}) {{",
            zig_integer(integer)
        ));
        for enumerator in enumerators {
            let tag = quoted(&names.take(enumerator.name.clone()));
            match numbers.insert(enumerator.value) {
                true => self
                    .source
                    .line(format!("    {tag} = {},", enumerator.value)),
                false => aliases.push((tag, enumerator.value)),
            }
        }
        self.source.line("    _,");
        for (alias, value) in aliases {
            self.source.line(format!(
                "    pub const {alias}: {name} = @enumFromInt({value});"
            ));
        }
        self.source.line("};");
    }

    /// A type that Zig would lay out otherwise.
    fn bytes(&mut self, item: &Item, name: &str, accessors: &[Accessor]) {
        self.source
            .line(format!("pub const {name} = extern struct {{"));
        self.source.line(format!("    bytes: [{}]u8,", item.size));
        let mut names = Namespace::reserving(&["bytes"]);
        for accessor in accessors {
            self.function(name, accessor, &mut names);
        }
        self.source.line("};");
    }

    fn structure(
        &mut self,
        name: &str,
        fields: &[Field],
        accessors: &[Accessor],
        tail: Option<&Tail>,
    ) {
        let mut names = Namespace::reserving(&["tail_offset"]);
        let mut offsets = Vec::new();
        self.source
            .line(format!("pub const {name} = extern struct {{"));
        for field in fields {
            let ty = zig_type(&field.ty);
            let member = quoted(&names.take(field.name.clone()));
            let default = match field.role {
                Role::Padding | Role::Bits | Role::Union => zeros(&field.ty),
                Role::Member => "",
            };
            self.source.line(format!("    {member}: {ty}{default},"));
            offsets.push((member, field));
        }
        for (member, field) in &offsets {
            if matches!(field.ty.form, Form::Bytes { is_text: true }) {
                let function = names.take(format!("{}_text", field.name));
                let function = lower_camel_case(&function);
                self.source.line("");
                self.source
                    .line(format!("    /// {} up to the first NUL.", field.name));
                self.source.line(format!(
                    "    pub fn {function}(self: *const {name}) []const u8 {{"
                ));
                self.source
                    .line(format!("        return bpf.text(&self.{member});"));
                self.source.line("    }");
            }
        }
        for accessor in accessors
            .iter()
            .filter(|accessor| accessor.inside.is_some())
        {
            self.function(name, accessor, &mut names);
        }
        if let Some(tail) = tail {
            self.source.line("");
            self.source
                .line(format!("    /// Where {} starts.", tail.name));
            self.source
                .line(format!("    pub const tail_offset = {};", tail.offset));
        }
        self.source.line("};");
        self.source.line("comptime {");
        for (member, field) in &offsets {
            let member = member.trim_start_matches("@\"").trim_end_matches('"');
            self.source.line(format!(
                "    std.debug.assert(@offsetOf({name}, \"{member}\") == {});",
                field.offset
            ));
        }
        self.source.line("}");
    }

    /// A function that reads a member that is no field.
    fn function(&mut self, name: &str, accessor: &Accessor, names: &mut Namespace) {
        let function = quoted(&lower_camel_case(&names.take(accessor.name.clone())));
        let ty = zig_type(&accessor.ty);
        let value = match accessor.place {
            AccessorPlace::Byte(offset) => format!("bpf.record.member({ty}, self, {offset})"),
            AccessorPlace::Bits(bits) => format!(
                "bpf.record.bits({ty}, self, {}, {})",
                bits.offset, bits.size
            ),
        };
        self.source.line("");
        self.source.line("    /// Reads the member.");
        self.source.line(format!(
            "    pub fn {function}(self: *const {name}) {ty} {{"
        ));
        self.source.line(format!("        return {value};"));
        self.source.line("    }");
    }
}

/// What is no member of the C struct is 0 unless it is said otherwise.
fn zeros(ty: &DataType) -> &'static str {
    match ty.form {
        Form::Integer(Integer { bytes, .. }) if bytes < 16 => " = 0",
        Form::Bytes { .. } | Form::Integer(_) => " = @splat(0)",
        _ => "",
    }
}

/// `target_pid` is `targetPid`.
fn lower_camel_case(name: &str) -> String {
    let mut words = name.split('_').filter(|word| !word.is_empty());
    let mut text = words.next().unwrap_or("unnamed").to_owned();
    for word in words {
        let mut letters = word.chars();
        text.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        text.extend(letters);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_zig_has_are_quoted() {
        for (name, zig) in [
            ("pid", "pid"),
            ("type", "@\"type\""),
            ("u32", "@\"u32\""),
            ("under", "under"),
            ("error", "@\"error\""),
        ] {
            assert_eq!(quoted(name), zig, "{name}");
        }
    }

    #[test]
    fn functions_are_named_as_zig_does() {
        for (name, zig) in [("pid", "pid"), ("comm_text", "commText"), ("_a_b", "aB")] {
            assert_eq!(lower_camel_case(name), zig, "{name}");
        }
    }
}
