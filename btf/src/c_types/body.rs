//! The members of a struct or union, each where BTF says that it is.

use super::names::identifier;
use super::types::{Declared, Types};
use crate::btf::TypeId;
use crate::composite::{Composite, Member, Place};
use crate::error::{Error, Result};
use crate::records::names::Namespace;
use crate::records::reached::check_depth;
use crate::ty::Definition;

/// What stands between the braces.
pub(super) struct Body {
    pub(super) lines: Vec<String>,
    pub(super) align: u32,
    pub(super) is_packed: bool,
    /// Named members that are no bit fields, with their offsets.
    pub(super) offsets: Vec<(String, u32)>,
}

/// A member, declared.
struct Part {
    /// All of it but for the semicolon; bit fields without their width.
    lines: Vec<String>,
    place: Place,
    size: u32,
    align: u32,
    offsets: Vec<(String, u32)>,
}

impl Body {
    /// Declares the members of `composite`, which is called `tag`; `names` are those that its
    /// members share with the ones of the struct around it.
    pub(super) fn of<'a>(
        types: &mut Types<'a>,
        (tag, composite, is_union): (&str, Composite<'a>, bool),
        names: &mut Namespace,
        depth: usize,
    ) -> Result<Self> {
        check_depth(depth)?;
        let mut parts = Vec::new();
        for member in composite.members() {
            let member = member?;
            types.reached.count_member()?;
            // Unnamed bit fields are padding.
            if member.name.is_empty() && matches!(member.place, Place::Bits(_)) {
                continue;
            }
            let part = declare(types, tag, member, names, depth)
                .map_err(|error| error.within(format!("member \"{}\"", member.name)))?;
            parts.push(part);
        }
        match is_union {
            true => union(composite, parts, names),
            false => Layout::new(composite, &parts, names).place_all(parts),
        }
    }
}

/// Declares a member; an anonymous one in place, with its own members.
fn declare<'a>(
    types: &mut Types<'a>,
    tag: &str,
    member: Member<'a>,
    names: &mut Namespace,
    depth: usize,
) -> Result<Part> {
    if member.name.is_empty()
        && let Some((inner, is_union)) = composite_behind(types, member.ty)?
    {
        let body = Body::of(types, (tag, inner, is_union), names, depth + 1)?;
        let head = if is_union { "union {" } else { "struct {" };
        let end = if body.is_packed {
            "} __attribute__((packed))"
        } else {
            "}"
        };
        let inner_lines = body.lines.into_iter().map(|line| format!("\t{line}"));
        let lines = std::iter::once(head.to_owned())
            .chain(inner_lines)
            .chain([end.to_owned()])
            .collect();
        return Ok(Part {
            lines,
            place: member.place,
            size: inner.size,
            align: body.align,
            offsets: body.offsets,
        });
    }
    let name = names.take(identifier(member.name));
    let fallback = format!("{tag}_{}", member.name);
    let Declared {
        text, size, align, ..
    } = types.declare(member.ty, &fallback, &name, depth + 1)?;
    let offsets = match member.place {
        Place::Byte { .. } => vec![(name, 0)],
        Place::Bits(_) => Vec::new(),
    };
    Ok(Part {
        lines: vec![text],
        place: member.place,
        size,
        align,
        offsets,
    })
}

fn composite_behind<'a>(types: &Types<'a>, id: TypeId) -> Result<Option<(Composite<'a>, bool)>> {
    Ok(match types.btf.resolve(id)?.definition() {
        Definition::Struct(inner) => Some((inner, false)),
        Definition::Union(inner) => Some((inner, true)),
        _ => None,
    })
}

fn union(composite: Composite<'_>, parts: Vec<Part>, names: &mut Namespace) -> Result<Body> {
    let align = parts.iter().map(|part| part.align).max().unwrap_or(1);
    let is_packed = !composite.size.is_multiple_of(align.max(1));
    let mut body = Body {
        lines: Vec::new(),
        align: if is_packed { 1 } else { align },
        is_packed,
        offsets: Vec::new(),
    };
    let mut bytes = 0;
    for part in parts {
        match part.place {
            Place::Byte { offset: 0 } => push(&mut body.lines, part.lines, ""),
            Place::Bits(bits) if bits.offset == 0 => {
                push(&mut body.lines, part.lines, &format!(" : {}", bits.size));
            }
            _ => {
                return Err(Error::unsupported(
                    "a member of a union that is not at its start",
                ));
            }
        }
        body.offsets.extend(part.offsets);
        bytes = bytes.max(part.size);
    }
    if bytes < composite.size {
        let name = names.take("_pad".to_owned());
        body.lines
            .push(format!("uint8_t {name}[{}];", composite.size));
    }
    Ok(body)
}

fn push(lines: &mut Vec<String>, mut declaration: Vec<String>, end: &str) {
    if let Some(last) = declaration.last_mut() {
        last.push_str(end);
        last.push(';');
    }
    lines.extend(declaration);
}

/// The members of a struct so far, in bits: where C would put the next one, and where it is.
struct Layout<'n> {
    size_bits: u64,
    at: u64,
    is_packed: bool,
    padding_count: u32,
    names: &'n mut Namespace,
    body: Body,
}

impl<'n> Layout<'n> {
    fn new(composite: Composite<'_>, parts: &[Part], names: &'n mut Namespace) -> Self {
        let align = parts
            .iter()
            .map(|part| part.align)
            .max()
            .unwrap_or(1)
            .max(1);
        // C puts members at multiples of their alignment, and bit fields into one unit.
        let is_off = |part: &Part| match part.place {
            Place::Byte { offset } => !offset.is_multiple_of(part.align.max(1)),
            Place::Bits(bits) => {
                let unit = u64::from(part.size.max(1)) * 8;
                u64::from(bits.offset) % unit + u64::from(bits.size) > unit
            }
        };
        let is_packed = !composite.size.is_multiple_of(align) || parts.iter().any(is_off);
        Self {
            size_bits: u64::from(composite.size) * 8,
            at: 0,
            is_packed,
            padding_count: 0,
            names,
            body: Body {
                lines: Vec::new(),
                align: if is_packed { 1 } else { align },
                is_packed,
                offsets: Vec::new(),
            },
        }
    }

    fn place_all(mut self, parts: Vec<Part>) -> Result<Body> {
        let last = parts.len().saturating_sub(1);
        for (index, part) in parts.into_iter().enumerate() {
            match part.place {
                Place::Byte { offset } => self.place_bytes(part, offset, index == last)?,
                Place::Bits(bits) => {
                    let (offset, size) = (u64::from(bits.offset), u64::from(bits.size));
                    let unit = u64::from(part.size.max(1)) * 8;
                    let natural = match !self.is_packed && self.at % unit + size > unit {
                        true => self.at.next_multiple_of(unit),
                        false => self.at,
                    };
                    self.move_to(natural, offset)?;
                    push(&mut self.body.lines, part.lines, &format!(" : {size}"));
                    self.at = offset + size;
                }
            }
        }
        let align = u64::from(self.body.align) * 8;
        if self.at.next_multiple_of(8).next_multiple_of(align) < self.size_bits {
            self.pad_to(self.size_bits);
        }
        Ok(self.body)
    }

    fn place_bytes(&mut self, mut part: Part, offset: u32, is_last: bool) -> Result<()> {
        let align = if self.is_packed {
            1
        } else {
            u64::from(part.align.max(1))
        };
        let natural = self.at.next_multiple_of(align * 8);
        self.move_to(natural, u64::from(offset) * 8)?;
        let ends = u64::from(offset) + u64::from(part.size);
        if ends * 8 > self.size_bits {
            return Err(Error::malformed("a member lies outside of its struct"));
        }
        // A flexible array is one only at the end, and not alone.
        let struct_align = u64::from(self.body.align);
        let is_end = is_last && ends.next_multiple_of(struct_align) * 8 >= self.size_bits;
        let is_alone = self.body.lines.is_empty();
        if let (0, true, false, Some(line)) = (part.size, is_end, is_alone, part.lines.last_mut())
            && let Some(start) = line.strip_suffix("[0]")
        {
            *line = format!("{start}[]");
        }
        push(&mut self.body.lines, part.lines, "");
        let offsets = part.offsets.into_iter();
        self.body
            .offsets
            .extend(offsets.map(|(name, inner)| (name, offset + inner)));
        self.at = ends * 8;
        Ok(())
    }

    /// Makes the next member start at `wanted`, where C would put it at `natural`.
    fn move_to(&mut self, natural: u64, wanted: u64) -> Result<()> {
        if self.at > wanted || natural > wanted {
            return Err(Error::unsupported(
                "a member that overlaps the one before it",
            ));
        }
        if natural != wanted {
            self.pad_to(wanted);
        }
        self.at = wanted;
        Ok(())
    }

    fn pad_to(&mut self, wanted: u64) {
        let rest_of_byte = (self.at.next_multiple_of(8) - self.at).min(wanted - self.at);
        if rest_of_byte > 0 {
            self.body.lines.push(format!("uint8_t : {rest_of_byte};"));
            self.at += rest_of_byte;
        }
        let bytes = (wanted - self.at) / 8;
        if bytes > 0 {
            let name = self.names.take(format!("_pad{}", self.padding_count));
            self.padding_count += 1;
            self.body.lines.push(format!("uint8_t {name}[{bytes}];"));
            self.at += bytes * 8;
        }
        if wanted > self.at {
            self.body
                .lines
                .push(format!("uint8_t : {};", wanted - self.at));
            self.at = wanted;
        }
    }
}
