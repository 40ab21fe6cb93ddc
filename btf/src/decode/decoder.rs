//! Decoding records by a plan.

use super::bits;
use super::builder::ValueBuilder;
use super::compile::{Plan, WEIGHT_BYTES, WEIGHT_MAX, compile};
use super::label::Label;
use super::plan::{Child, Form, Items, Meaning, Node, NumberForm};
use super::value::Value;
use super::visitor::{Group, Scalar, Visitor};
use crate::btf::{Btf, TypeId};
use crate::error::{Error, Result};

/// Decodes values of one type. Independent of the [`Btf`] that it was made from.
#[derive(Debug, Clone)]
pub struct Decoder {
    pub(super) plan: Plan,
    name: String,
    size: u32,
}

impl Decoder {
    /// Prepares decoding values of a type: a struct, but also a number or an array.
    ///
    /// # Errors
    /// `Malformed` when the type makes no sense, `Unsupported` when it has no values (a function),
    /// `TooLarge` above the limits of [this module](super); each names the member.
    pub fn new(btf: &Btf, id: TypeId) -> Result<Self> {
        let name = btf.ty(id)?.to_string();
        let plan = compile(btf, id).map_err(|error| error.within(format!("decode {name}")))?;
        Ok(Self {
            plan,
            name,
            size: btf.size_of(id)?,
        })
    }

    /// The same for the type that [`Btf::find_data`] finds.
    ///
    /// # Errors
    /// `NotFound` when there is none, and those of [`Decoder::new`].
    pub fn for_name(btf: &Btf, name: &str) -> Result<Self> {
        Self::new(btf, btf.find_data(name)?.id())
    }

    /// The type as C names it: `struct event`.
    pub fn type_name(&self) -> &str {
        &self.name
    }

    /// Bytes of a value, without a flexible array at its end. Records may lack padding at the end.
    pub fn size(&self) -> usize {
        self.size as usize
    }

    /// Bytes that a record has at least: without padding at its end and items of a flexible array.
    pub fn extent(&self) -> usize {
        self.node(self.plan.root).extent as usize
    }

    /// All labels that a visitor can meet, ordered by [`Label::index`].
    pub fn labels(&self) -> &[Label] {
        &self.plan.labels
    }

    /// The labels of the record's own members, in order: its columns. Of anything but a struct or a
    /// union, the label of the record itself.
    pub fn columns(&self) -> Vec<&Label> {
        let root = self.plan.root;
        match &self.node(root).form {
            Form::Struct(children) | Form::Union(children) => {
                children.iter().map(|child| self.label(*child)).collect()
            }
            _ => vec![self.label(root)],
        }
    }

    /// Decodes one record. Bytes beyond the type's are ignored, but for a flexible array.
    ///
    /// # Errors
    /// `ShortRecord`, before anything is visited, naming the first member that is not complete;
    /// `TooLarge` when a flexible array's items exceed [`WEIGHT_MAX`].
    pub fn decode<V: Visitor>(&self, record: &[u8], visitor: &mut V) -> Result<()> {
        self.check(record)?;
        // The record is long enough for all values, so this cannot fail.
        self.visit(self.plan.root, record, visitor)
            .ok_or_else(|| self.short_record(record))
    }

    /// Decodes one record into a tree.
    ///
    /// # Errors
    /// Those of [`Decoder::decode`].
    pub fn value(&self, record: &[u8]) -> Result<Value> {
        let mut builder = ValueBuilder::default();
        self.decode(record, &mut builder)?;
        builder
            .finish()
            .ok_or_else(|| Error::malformed(format!("{} has no values", self.name)))
    }

    pub(super) fn node(&self, child: Child) -> &Node {
        &self.plan.nodes[child.node.0]
    }

    pub(super) fn label(&self, child: Child) -> &Label {
        &self.plan.labels[child.label]
    }

    /// Visits a value in the bytes of what it is part of. Recursion is bounded by `NESTING_MAX`.
    pub(super) fn visit<V: Visitor>(
        &self,
        child: Child,
        whole: &[u8],
        visitor: &mut V,
    ) -> Option<()> {
        let (node, label) = (self.node(child), self.label(child));
        let bytes = whole.get(child.offset as usize..)?;
        match &node.form {
            Form::Array(items, count) => {
                self.visit_items(label, *items, *count as usize, bytes, visitor)
            }
            Form::FlexibleArray(items) => {
                let count = bytes.len() / items.stride as usize;
                self.visit_items(label, *items, count, bytes, visitor)
            }
            Form::Struct(children) => {
                self.visit_members(label, Group::Struct, children, bytes, visitor)
            }
            Form::Union(children) => {
                self.visit_members(label, Group::Union, children, bytes, visitor)
            }
            _ => {
                visitor.scalar(label, self.scalar(child, whole)?);
                Some(())
            }
        }
    }

    /// The single value at a place in the bytes of what it is part of.
    pub(super) fn scalar<'a>(&'a self, child: Child, whole: &'a [u8]) -> Option<Scalar<'a>> {
        let node = self.node(child);
        let bytes = whole.get(child.offset as usize..)?;
        Some(match &node.form {
            Form::Number(number) => read_number(bytes, number)?,
            Form::Bits(range, number) => {
                let value = bits::read(bytes, *range)?;
                scalar_of(number, value, bits::sign_extend(value, range.size))
            }
            Form::Float32 => Scalar::Float32(f32::from_le_bytes(*bytes.first_chunk()?)),
            Form::Float64 => Scalar::Float64(f64::from_le_bytes(*bytes.first_chunk()?)),
            Form::Bytes => Scalar::Bytes(bytes.get(..node.extent as usize)?),
            Form::FlexibleBytes => Scalar::Bytes(bytes),
            Form::Text => Scalar::Text(until_nul(bytes.get(..node.extent as usize)?)),
            Form::FlexibleText => Scalar::Text(until_nul(bytes)),
            Form::Array(..) | Form::FlexibleArray(_) | Form::Struct(_) | Form::Union(_) => {
                return None;
            }
        })
    }

    fn visit_members<V: Visitor>(
        &self,
        label: &Label,
        group: Group,
        children: &[Child],
        bytes: &[u8],
        visitor: &mut V,
    ) -> Option<()> {
        visitor.begin(label, group);
        for child in children {
            self.visit(*child, bytes, visitor)?;
        }
        visitor.end(label, group);
        Some(())
    }

    fn visit_items<V: Visitor>(
        &self,
        label: &Label,
        items: Items,
        count: usize,
        bytes: &[u8],
        visitor: &mut V,
    ) -> Option<()> {
        visitor.begin(label, Group::Array(count));
        for index in 0..count {
            let item = bytes.get(index.checked_mul(items.stride as usize)?..)?;
            self.visit(items.child, item, visitor)?;
        }
        visitor.end(label, Group::Array(count));
        Some(())
    }

    /// Refuses records whose flexible array has too many items. It is the last member of the last
    /// member of.. the record.
    pub(super) fn check_flexible(&self, root: Child, length: usize) -> Result<()> {
        let (mut child, mut length) = (root, length);
        loop {
            length = length.saturating_sub(child.offset as usize);
            let weight = match &self.node(child).form {
                Form::Struct(children) => match children.last() {
                    Some(last) => {
                        child = *last;
                        continue;
                    }
                    None => 0,
                },
                Form::FlexibleArray(items) => ((length / items.stride as usize) as u64)
                    .saturating_mul(self.node(items.child).weight),
                Form::FlexibleText | Form::FlexibleBytes => length as u64 / u64::from(WEIGHT_BYTES),
                _ => 0,
            };
            if weight > WEIGHT_MAX {
                return Err(Error::too_large(format!(
                    "{}: decoding \"{}\" costs {weight}, the limit is {WEIGHT_MAX}",
                    self.name,
                    self.label(child).name()
                )));
            }
            return Ok(());
        }
    }

    pub(super) fn short_record(&self, record: &[u8]) -> Error {
        let mut path = String::new();
        let missing = self.find_missing(self.plan.root, 0, record.len(), &mut path);
        let end = missing.unwrap_or(u64::from(self.size));
        let length = record.len();
        Error::short_record(match path.as_str() {
            "" => format!("{} needs {end} bytes, the record has {length}", self.name),
            path => format!(
                "{}: field \"{path}\" ends at byte {end}, the record has {length}",
                self.name
            ),
        })
    }

    /// Finds the first value that ends behind the record, and where it ends.
    fn find_missing(
        &self,
        child: Child,
        start: u64,
        length: usize,
        path: &mut String,
    ) -> Option<u64> {
        let node = self.node(child);
        let start = start + u64::from(child.offset);
        let end = start + u64::from(node.extent);
        if end <= length as u64 {
            return None;
        }
        let name = self.label(child).name();
        if !name.is_empty() {
            if !path.is_empty() {
                path.push('.');
            }
            path.push_str(name);
        }
        match &node.form {
            Form::Struct(children) | Form::Union(children) => children
                .iter()
                .find_map(|child| self.find_missing(*child, start, length, path)),
            Form::Array(items, _) => {
                let item_extent = u64::from(self.node(items.child).extent);
                let available = (length as u64).saturating_sub(start);
                let index = match available.checked_sub(item_extent) {
                    Some(rest) => rest / u64::from(items.stride) + 1,
                    None => 0,
                };
                path.push_str(&format!("[{index}]"));
                let start = start + index * u64::from(items.stride);
                self.find_missing(items.child, start, length, path)
            }
            _ => Some(end),
        }
    }
}

fn until_nul(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().position(|byte| *byte == 0);
    &bytes[..end.unwrap_or(bytes.len())]
}

fn read_number<'a>(bytes: &[u8], number: &'a NumberForm) -> Option<Scalar<'a>> {
    let (unsigned, signed) = match number.size {
        1 => bytes
            .first()
            .map(|byte| (u64::from(*byte), i64::from(byte.cast_signed())))?,
        2 => {
            let value = u16::from_le_bytes(*bytes.first_chunk()?);
            (u64::from(value), i64::from(value.cast_signed()))
        }
        4 => {
            let value = u32::from_le_bytes(*bytes.first_chunk()?);
            (u64::from(value), i64::from(value.cast_signed()))
        }
        8 => {
            let value = u64::from_le_bytes(*bytes.first_chunk()?);
            (value, value.cast_signed())
        }
        _ => {
            let value = u128::from_le_bytes(*bytes.first_chunk()?);
            return Some(scalar_of(number, value, value.cast_signed()));
        }
    };
    Some(match &number.meaning {
        Meaning::Unsigned => Scalar::Unsigned(unsigned),
        Meaning::Signed => Scalar::Signed(signed),
        _ => scalar_of(number, u128::from(unsigned), i128::from(signed)),
    })
}

/// The scalar for the bits of an integer, given without and with their sign.
fn scalar_of(number: &NumberForm, unsigned: u128, signed: i128) -> Scalar<'_> {
    match &number.meaning {
        Meaning::Unsigned => match u64::try_from(unsigned) {
            Ok(value) if number.size <= 8 => Scalar::Unsigned(value),
            _ => Scalar::Unsigned128(unsigned),
        },
        Meaning::Signed => match i64::try_from(signed) {
            Ok(value) if number.size <= 8 => Scalar::Signed(value),
            _ => Scalar::Signed128(signed),
        },
        Meaning::Boolean => Scalar::Boolean(unsigned != 0),
        // Both were widened from at most 8 bytes, or are the low bits that C would show.
        Meaning::Character => Scalar::Character(unsigned as u8),
        Meaning::Pointer => Scalar::Pointer(unsigned as u64),
        Meaning::Enum {
            signed: is_signed,
            names,
        } => {
            let number = if *is_signed {
                signed
            } else {
                unsigned.cast_signed()
            };
            Scalar::Enum {
                number,
                name: names.find(number),
            }
        }
    }
}
