//! The types that are reached, each emitted before it is used.

use super::body::Body;
use super::names::identifier;
use crate::btf::{Btf, TypeId};
use crate::composite::Composite;
use crate::enumeration::Enumeration;
use crate::error::{Error, Result};
use crate::records::interface::{Map, Part};
use crate::records::names::Namespace;
use crate::records::reached::{self, Reached};
use crate::source::Source;
use crate::ty::{Definition, Int, Type};

/// A type as C declares something of it.
#[derive(Clone, Debug)]
pub(super) struct Declared {
    /// `char comm[16]`: the type around the declarator.
    pub(super) text: String,
    pub(super) size: u32,
    pub(super) align: u32,
    /// Passed by value to functions.
    pub(super) is_scalar: bool,
}

/// All types that were reached so far.
pub(super) struct Types<'a> {
    pub(super) btf: &'a Btf,
    /// Definitions, inner types first.
    pub(super) items: Vec<String>,
    pub(super) reached: Reached<Known>,
    tags: Namespace,
    /// Enumerators, which share one namespace with functions and typedefs.
    ordinary: Namespace,
}

/// An emitted struct, union or enum.
#[derive(Clone)]
pub(super) struct Known {
    /// `struct event`.
    name: String,
    size: u32,
    align: u32,
    is_scalar: bool,
}

impl<'a> Types<'a> {
    pub(super) fn new(btf: &'a Btf) -> Self {
        Self {
            btf,
            items: Vec::new(),
            reached: Reached::new(),
            tags: Namespace::default(),
            ordinary: Namespace::default(),
        }
    }

    /// Emits the types of a map's keys and values.
    pub(super) fn collect_map(&mut self, map: &Map<'_>) -> Result<()> {
        for (part, name) in [(map.key, "key"), (map.value, "value")] {
            if let Part::Typed(id) = part {
                self.declare(id, &format!("{}_{name}", map.name), "unused", 0)?;
            }
        }
        Ok(())
    }

    /// Declares `declarator` as of this type; `fallback` names an anonymous type.
    pub(super) fn declare(
        &mut self,
        id: TypeId,
        fallback: &str,
        declarator: &str,
        depth: usize,
    ) -> Result<Declared> {
        let (ty, size) = reached::sized(self.btf, id, depth)?;
        Ok(match ty.definition() {
            Definition::Int(int) => declare_int(int, declarator),
            // Pointers of the BPF machine, which no guest can follow.
            Definition::Pointer(_) => scalar("uint64_t", declarator, 8),
            Definition::Float { size: 4 } => scalar("float", declarator, 4),
            Definition::Float { size: 8 } => scalar("double", declarator, 8),
            Definition::Float { size } => bytes(declarator, size),
            Definition::Array(array) => {
                let declarator = format!("{declarator}[{}]", array.count);
                let item = self.declare(array.item, fallback, &declarator, depth + 1)?;
                Declared {
                    size,
                    is_scalar: false,
                    ..item
                }
            }
            Definition::Struct(_) | Definition::Union(_) | Definition::Enum(_) => {
                let known = self.item(id, ty, fallback, depth)?;
                Declared {
                    text: format!("{} {declarator}", known.name),
                    size: known.size,
                    align: known.align,
                    is_scalar: known.is_scalar,
                }
            }
            _ => return Err(Error::unsupported(format!("{ty} has no values"))),
        })
    }

    fn item(&mut self, id: TypeId, ty: Type<'a>, fallback: &str, depth: usize) -> Result<Known> {
        if let Some(known) = self.reached.open(ty)? {
            return Ok(known);
        }
        let c_name = reached::c_name(self.btf, id, ty)?;
        let tag = self.tags.take(identifier(c_name.unwrap_or(fallback)));
        let known = match ty.definition() {
            Definition::Struct(composite) => self.composite(&tag, composite, false, depth),
            Definition::Union(composite) => self.composite(&tag, composite, true, depth),
            Definition::Enum(enumeration) => self.enumeration(&tag, enumeration),
            _ => Err(Error::unsupported("it has no members")),
        }
        .map_err(|error| error.within(ty.to_string()))?;
        self.reached.done(ty, known.clone());
        Ok(known)
    }

    fn composite(
        &mut self,
        tag: &str,
        composite: Composite<'a>,
        is_union: bool,
        depth: usize,
    ) -> Result<Known> {
        let mut names = Namespace::default();
        let body = Body::of(self, (tag, composite, is_union), &mut names, depth)?;
        let name = format!("{} {tag}", if is_union { "union" } else { "struct" });
        let size = composite.size;
        if size > 0 {
            let mut source = Source::default();
            source.line(format!("{name} {{"));
            for line in &body.lines {
                source.line(format!("\t{line}"));
            }
            let packed = if body.is_packed {
                " __attribute__((packed))"
            } else {
                ""
            };
            source.line(format!("}}{packed};"));
            source.line(format!(
                "ECLI_ASSERT(sizeof({name}) == {size}, \"size of {name}\");"
            ));
            for (member, offset) in &body.offsets {
                source.line(format!(
                    "ECLI_ASSERT(offsetof({name}, {member}) == {offset}, \"{member} of {name}\");"
                ));
            }
            self.items.push(source.into_text());
        }
        Ok(Known {
            name,
            size,
            align: body.align,
            is_scalar: false,
        })
    }

    fn enumeration(&mut self, tag: &str, enumeration: Enumeration<'_>) -> Result<Known> {
        let size = enumeration.size;
        let number = int_text(size, enumeration.signed)
            .filter(|_| size <= 8)
            .ok_or_else(|| Error::unsupported(format!("an enum of {size} bytes")))?;
        let mut source = Source::default();
        source.line(format!("enum {tag} {{"));
        for enumerator in enumeration.enumerators() {
            self.reached.count_member()?;
            let name = self.ordinary.take(identifier(enumerator.name));
            source.line(format!("\t{name} = {},", literal(enumerator.value)));
        }
        source.line("};");
        self.items.push(source.into_text());
        // C's enums have the bytes of an int; others are the integer.
        let has_c_size = size == 4 && enumeration.enumerators().next().is_some();
        Ok(Known {
            name: match has_c_size {
                true => format!("enum {tag}"),
                false => number.to_owned(),
            },
            size,
            align: size,
            is_scalar: true,
        })
    }
}

/// The least number has no literal of its own in C.
fn literal(value: i128) -> String {
    match i64::try_from(value) {
        Ok(i64::MIN) => format!("{} - 1", i64::MIN + 1),
        Ok(value) if i32::try_from(value).is_ok() => value.to_string(),
        Ok(value) => format!("{value}LL"),
        Err(_) => format!("{value}ULL"),
    }
}

fn scalar(text: &str, declarator: &str, size: u32) -> Declared {
    Declared {
        text: format!("{text} {declarator}"),
        size,
        align: size,
        is_scalar: true,
    }
}

fn bytes(declarator: &str, size: u32) -> Declared {
    Declared {
        text: format!("uint8_t {declarator}[{size}]"),
        size,
        align: 1,
        is_scalar: false,
    }
}

fn declare_int(int: Int, declarator: &str) -> Declared {
    if int.boolean && int.size == 1 {
        return scalar("bool", declarator, 1);
    }
    if int.character && int.size == 1 {
        return scalar("char", declarator, 1);
    }
    match int_text(int.size, int.signed) {
        Some(text) => scalar(text, declarator, int.size),
        None => bytes(declarator, int.size),
    }
}

fn int_text(size: u32, signed: bool) -> Option<&'static str> {
    Some(match (size, signed) {
        (1, false) => "uint8_t",
        (1, true) => "int8_t",
        (2, false) => "uint16_t",
        (2, true) => "int16_t",
        (4, false) => "uint32_t",
        (4, true) => "int32_t",
        (8, false) => "uint64_t",
        (8, true) => "int64_t",
        (16, false) => "unsigned __int128",
        (16, true) => "__int128",
        _ => return None,
    })
}
