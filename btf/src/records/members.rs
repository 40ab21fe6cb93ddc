//! The fields and accessors of structs and unions.

use super::collect::{Collector, FallbackName, Head, int_type};
use super::model::{Accessor, AccessorPlace, Body, DataType, Field, Form, Item, Role, Tail};
use super::names::{self, Namespace, Naming};
use super::reached::check_depth;
use crate::btf::TypeId;
use crate::composite::{BitRange, Composite, Place};
use crate::error::{Error, Result};
use crate::ty::Definition;

/// The widest bit field that has accessors.
const ACCESSOR_BITS_MAX: u32 = 64;

/// A member with its place in the outermost struct, once anonymous structs are taken apart.
struct FlatMember<'a> {
    name: &'a str,
    ty: TypeId,
    place: Place,
}

impl FlatMember<'_> {
    fn first_bit(&self) -> u64 {
        match self.place {
            Place::Byte { offset } => u64::from(offset) * 8,
            Place::Bits(bits) => u64::from(bits.offset),
        }
    }
}

impl<'a> Collector<'a> {
    pub(super) fn struct_item(
        &mut self,
        head: Head,
        composite: Composite<'a>,
        depth: usize,
    ) -> Result<Item> {
        let mut members = Vec::new();
        self.flatten(composite, Flatten::Structs, 0, depth, &mut members)?;
        members.sort_by_key(FlatMember::first_bit);
        let mut layout = StructLayout::new(composite.size, self.naming);
        for member in &members {
            self.place_member(&head, member, &mut layout, depth)?;
        }
        layout.finish();
        let StructLayout {
            fields,
            accessors,
            tail,
            ..
        } = layout;
        let align = fields.iter().map(|field| field.ty.align).max().unwrap_or(1);
        let is_packed = !composite.size.is_multiple_of(align)
            || fields
                .iter()
                .any(|field| !field.offset.is_multiple_of(field.ty.align));
        Ok(Item {
            name: head.name,
            c_name: head.c_name,
            shown: head.shown,
            size: composite.size,
            align: if is_packed { 1 } else { align },
            is_eq: fields.iter().all(|field| field.ty.is_eq),
            body: Body::Struct {
                fields,
                accessors,
                is_packed,
                tail,
            },
        })
    }

    pub(super) fn union_item(
        &mut self,
        head: Head,
        composite: Composite<'a>,
        depth: usize,
    ) -> Result<Item> {
        let mut names = Namespace::reserving(self.naming.reserved_members());
        let accessors =
            self.union_accessors(&head, composite, &Inside::Itself, depth, &mut names)?;
        // The widest alignment that is the same everywhere.
        let align = accessors
            .iter()
            .map(|accessor| accessor.ty.align.min(8))
            .max()
            .unwrap_or(1);
        Ok(Item {
            name: head.name,
            c_name: head.c_name,
            shown: head.shown,
            size: composite.size,
            align: if composite.size.is_multiple_of(align) {
                align
            } else {
                1
            },
            is_eq: true,
            body: Body::Union { accessors },
        })
    }

    /// Collects the members, and those of anonymous members, with their places in the whole.
    fn flatten(
        &mut self,
        composite: Composite<'a>,
        what: Flatten,
        base: u32,
        depth: usize,
        members: &mut Vec<FlatMember<'a>>,
    ) -> Result<()> {
        check_depth(depth)?;
        for member in composite.members() {
            let member = member?;
            self.reached.count_member()?;
            let place = shift(member.place, base)?;
            if let (true, Place::Byte { offset }) = (member.name.is_empty(), place) {
                let inner = match (self.btf.resolve(member.ty)?.definition(), what) {
                    (Definition::Struct(inner), _) => Some(inner),
                    (Definition::Union(inner), Flatten::StructsAndUnions) => Some(inner),
                    _ => None,
                };
                if let Some(inner) = inner {
                    self.flatten(inner, what, offset, depth + 1, members)?;
                    continue;
                }
            }
            members.push(FlatMember {
                name: member.name,
                ty: member.ty,
                place,
            });
        }
        Ok(())
    }

    fn place_member(
        &mut self,
        head: &Head,
        member: &FlatMember<'a>,
        layout: &mut StructLayout<'_>,
        depth: usize,
    ) -> Result<()> {
        let within = |error: Error| error.within(format!("member \"{}\"", member.name));
        match member.place {
            // Unnamed bit fields are padding.
            Place::Bits(_) if member.name.is_empty() => Ok(()),
            Place::Bits(bits) => {
                let ty = self.bit_field_type(head, member, depth).map_err(within)?;
                layout.push_bits(member.name, bits, ty).map_err(within)
            }
            Place::Byte { offset } => {
                let is_union = member.name.is_empty();
                let fallback = match is_union {
                    true => FallbackName(format!("{}_anon_{}", head.name, layout.union_count)),
                    false => FallbackName(format!("{}_{}", head.name, member.name)),
                };
                let ty = self
                    .data_type(member.ty, &fallback, depth + 1)
                    .map_err(within)?;
                if ty.size == 0 {
                    layout.push_empty(member.name, offset);
                    return Ok(());
                }
                if !is_union {
                    return layout.push_member(member.name, offset, ty).map_err(within);
                }
                let field = layout.push_union(offset, ty).map_err(within)?;
                if let Definition::Union(inner) = self.btf.resolve(member.ty)?.definition() {
                    let inside = Inside::Field {
                        field: &field,
                        offset,
                    };
                    let inner =
                        self.union_accessors(head, inner, &inside, depth + 1, &mut layout.names)?;
                    layout.accessors.extend(inner);
                }
                Ok(())
            }
        }
    }

    fn union_accessors(
        &mut self,
        head: &Head,
        composite: Composite<'a>,
        inside: &Inside<'_>,
        depth: usize,
        names: &mut Namespace,
    ) -> Result<Vec<Accessor>> {
        let mut members = Vec::new();
        self.flatten(composite, Flatten::StructsAndUnions, 0, depth, &mut members)?;
        let mut accessors = Vec::new();
        for member in members.iter().filter(|member| !member.name.is_empty()) {
            let within = |error: Error| error.within(format!("member \"{}\"", member.name));
            let ty = match member.place {
                Place::Byte { .. } => {
                    let fallback = FallbackName(format!("{}_{}", head.name, member.name));
                    self.data_type(member.ty, &fallback, depth + 1)
                        .map_err(within)?
                }
                Place::Bits(_) => self.bit_field_type(head, member, depth).map_err(within)?,
            };
            if ty.size == 0 || !fits(member.place, &ty, composite.size) {
                continue;
            }
            let (place, inside) = match inside {
                Inside::Itself => (member.place, None),
                Inside::Field { field, offset } => {
                    (shift(member.place, *offset)?, Some((*field).to_owned()))
                }
            };
            accessors.push(accessor(
                names.take(self.naming.member_name(member.name)),
                place,
                ty,
                inside,
            ));
        }
        Ok(accessors)
    }

    fn bit_field_type(
        &mut self,
        head: &Head,
        member: &FlatMember<'a>,
        depth: usize,
    ) -> Result<DataType> {
        let fallback = FallbackName(format!("{}_{}", head.name, member.name));
        match self.btf.resolve(member.ty)?.definition() {
            Definition::Int(int) => Ok(int_type(int)),
            Definition::Enum(_) => self.data_type(member.ty, &fallback, depth + 1),
            _ => Err(Error::malformed(
                "a bit field that is neither an integer nor an enum",
            )),
        }
    }
}

/// Which anonymous members are replaced by their own members.
#[derive(Clone, Copy)]
enum Flatten {
    Structs,
    StructsAndUnions,
}

/// Where the members of a union are.
enum Inside<'a> {
    Itself,
    Field { field: &'a str, offset: u32 },
}

/// The fields of a struct so far, in the order of their places.
struct StructLayout<'n> {
    naming: &'n dyn Naming,
    size: u32,
    end: u32,
    fields: Vec<Field>,
    accessors: Vec<Accessor>,
    names: Namespace,
    union_count: u32,
    bits_count: u32,
    padding_count: u32,
    tail: Option<Tail>,
}

impl<'n> StructLayout<'n> {
    fn new(size: u32, naming: &'n dyn Naming) -> Self {
        Self {
            naming,
            size,
            end: 0,
            fields: Vec::new(),
            accessors: Vec::new(),
            names: Namespace::reserving(naming.reserved_members()),
            union_count: 0,
            bits_count: 0,
            padding_count: 0,
            tail: None,
        }
    }

    fn take(&mut self, c_name: &str) -> String {
        self.names.take(self.naming.member_name(c_name))
    }

    fn push_member(&mut self, c_name: &str, offset: u32, ty: DataType) -> Result<()> {
        let name = self.take(c_name);
        self.accessors.push(accessor(
            name.clone(),
            Place::Byte { offset },
            ty.clone(),
            None,
        ));
        self.push(name, offset, Role::Member, ty)
    }

    fn push_union(&mut self, offset: u32, ty: DataType) -> Result<String> {
        let name = self.take(&format!("anon_{}", self.union_count));
        self.union_count += 1;
        self.push(name.clone(), offset, Role::Union, ty)?;
        Ok(name)
    }

    fn push_empty(&mut self, c_name: &str, offset: u32) {
        if offset == self.size || offset == self.end {
            self.tail = Some(Tail {
                name: names::shown(c_name),
                offset,
            });
        }
    }

    /// Adds a bit field to the storage of the ones before it, when it begins in or next to it.
    fn push_bits(&mut self, c_name: &str, bits: BitRange, ty: DataType) -> Result<()> {
        let start = bits.offset / 8;
        let end = bits.offset.saturating_add(bits.size).div_ceil(8);
        let joins = self
            .fields
            .last()
            .is_some_and(|last| last.role == Role::Bits);
        if joins && start <= self.end {
            self.grow_bits(end)?;
        } else {
            let name = self.take(&format!("bits_{}", self.bits_count));
            self.bits_count += 1;
            self.push(name, start, Role::Bits, DataType::bytes(end - start, false))?;
        }
        let storage = self.fields.last().map(|field| field.name.clone());
        if bits.size <= ACCESSOR_BITS_MAX && !matches!(ty.form, Form::Bytes { .. }) {
            let name = self.take(c_name);
            self.accessors
                .push(accessor(name, Place::Bits(bits), ty, storage));
        }
        Ok(())
    }

    fn grow_bits(&mut self, end: u32) -> Result<()> {
        if end > self.size {
            return Err(self.outside());
        }
        if let Some(last) = self.fields.last_mut()
            && end > self.end
        {
            last.ty = DataType::bytes(end - last.offset, false);
            self.end = end;
        }
        Ok(())
    }

    fn push(&mut self, name: String, offset: u32, role: Role, ty: DataType) -> Result<()> {
        let end = offset.checked_add(ty.size).filter(|end| *end <= self.size);
        let end = end.ok_or_else(|| self.outside())?;
        if offset < self.end {
            return Err(Error::malformed("it overlaps the member before it"));
        }
        self.pad_to(offset);
        self.fields.push(Field {
            name,
            offset,
            role,
            ty,
        });
        self.end = end;
        self.tail = None;
        Ok(())
    }

    fn outside(&self) -> Error {
        Error::malformed(format!(
            "it lies outside of its struct of {} bytes",
            self.size
        ))
    }

    fn pad_to(&mut self, offset: u32) {
        if offset > self.end {
            let name = self.take(&format!("_pad{}", self.padding_count));
            self.padding_count += 1;
            let ty = DataType::bytes(offset - self.end, false);
            self.fields.push(Field {
                name,
                offset: self.end,
                role: Role::Padding,
                ty,
            });
            self.end = offset;
        }
    }

    fn finish(&mut self) {
        self.pad_to(self.size);
    }
}

fn accessor(name: String, place: Place, ty: DataType, inside: Option<String>) -> Accessor {
    let place = match place {
        Place::Byte { offset } => AccessorPlace::Byte(offset),
        Place::Bits(bits) => AccessorPlace::Bits(bits),
    };
    Accessor {
        name,
        place,
        ty,
        inside,
    }
}

fn shift(place: Place, base: u32) -> Result<Place> {
    let shifted = match place {
        Place::Byte { offset } => offset
            .checked_add(base)
            .map(|offset| Place::Byte { offset }),
        Place::Bits(bits) => base
            .checked_mul(8)
            .and_then(|base| bits.offset.checked_add(base))
            .map(|offset| Place::Bits(BitRange { offset, ..bits })),
    };
    shifted.ok_or_else(|| Error::malformed("a member beyond the 4 GiB of a type"))
}

fn fits(place: Place, ty: &DataType, size: u32) -> bool {
    match place {
        Place::Byte { offset } => offset.checked_add(ty.size).is_some_and(|end| end <= size),
        // Checked when the member was read.
        Place::Bits(bits) => bits.size <= ACCESSOR_BITS_MAX,
    }
}
