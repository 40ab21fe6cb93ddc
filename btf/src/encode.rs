//! Values written down by hand, as bytes: the opposite of [`decode`](crate::decode).
//!
//! ```
//! use eunomia_btf::encode::Literal;
//! # use eunomia_btf::{Btf, Kind};
//! # let header = [0xeb9f | 1 << 16, 24, 0, 16, 16, 5];
//! # let int = [1, 1 << 24, 4, 1 << 24 | 32];
//! # let words = header.into_iter().chain(int).flat_map(u32::to_le_bytes);
//! # let section: Vec<u8> = words.chain(*b"\0int\0").collect();
//! # let btf = Btf::parse(&section)?;
//! let int = btf.find("int", Kind::Int)?;
//! assert_eq!(btf.encode(int.id(), &Literal::Integer(-2))?, [0xfe, 0xff, 0xff, 0xff]);
//! # Ok::<(), eunomia_btf::Error>(())
//! ```

use std::cell::Cell;
use std::collections::{BTreeMap, HashSet};

use serde::Deserialize;

use crate::btf::{Btf, TypeId};
use crate::composite::{BitRange, Composite, Member, Place};
use crate::enumeration::Enumeration;
use crate::error::{Error, Result};
use crate::layout::{NESTING_MAX, POINTER_BYTES};
use crate::ty::{Array, Definition, Int, Type};

/// Bytes of one encoded value: what a map of the kernel holds at the most.
pub const VALUE_BYTES_MAX: usize = 1 << 20;

/// Anonymous structs and unions in one struct, so also in each other.
const TYPES_SEARCHED_MAX: usize = 256;

/// A value as TOML and JSON have it.
///
/// | C | literal |
/// |---|---|
/// | integer, `_Bool`, pointer | number, truth, or text: `"0xffffffffffffffff"`, `"-1"` |
/// | `char` | also the one character, as text |
/// | enum | name of a value, or as an integer |
/// | floating-point number | number |
/// | array of characters or bytes | text, filled up with NUL; or a list |
/// | array | list; what is left out is 0 |
/// | struct, union | record by member; what is left out is 0 |
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum Literal {
    /// `true`, `false`.
    Truth(bool),
    /// A number.
    Integer(i64),
    /// A number beyond `i64`.
    Unsigned(u64),
    /// A number with a fraction.
    Float(f64),
    /// Text.
    Text(String),
    /// Items.
    List(Vec<Literal>),
    /// Members by name; those of anonymous structs and unions in it count as its own.
    Record(BTreeMap<String, Literal>),
}

impl Btf {
    /// The bytes of a value of type `id`. A flexible array at its end adds its items' bytes.
    ///
    /// # Errors
    /// `WrongValue`, naming the member, when the literal does not fit the type; `TooLarge` above
    /// [`VALUE_BYTES_MAX`] bytes; those of [`Btf::size_of`].
    pub fn encode(&self, id: TypeId, literal: &Literal) -> Result<Vec<u8>> {
        let size = self.size_of(id)? as usize;
        if size > VALUE_BYTES_MAX {
            return Err(too_large(size));
        }
        let mut bytes = vec![0; size];
        let tail = self.flexible_array(id)?;
        let encoder = Encoder {
            btf: self,
            tail,
            end: Cell::new(tail.unwrap_or(size)),
        };
        encoder.put(id, literal, &mut bytes, 0, 0)?;
        // Padding behind the items would be more of them.
        bytes.truncate(encoder.end.get());
        Ok(bytes)
    }

    /// Where the flexible array is that a struct ends with.
    fn flexible_array(&self, id: TypeId) -> Result<Option<usize>> {
        let (mut id, mut at) = (id, 0_usize);
        for _ in 0..NESTING_MAX {
            let Definition::Struct(composite) = self.resolve(id)?.definition() else {
                return Ok(None);
            };
            let Some(last) = composite.members().last().transpose()? else {
                return Ok(None);
            };
            let Place::Byte { offset } = last.place else {
                return Ok(None);
            };
            at = at.saturating_add(offset as usize);
            match self.resolve(last.ty)?.definition() {
                Definition::Array(array) if array.count == 0 => return Ok(Some(at)),
                _ => id = last.ty,
            }
        }
        Ok(None)
    }
}

/// Writes into bytes that are 0 before, growing them only for a flexible array.
struct Encoder<'a> {
    btf: &'a Btf,
    /// Where the flexible array is at the end of the value.
    tail: Option<usize>,
    /// Where the value ends.
    end: Cell<usize>,
}

impl<'a> Encoder<'a> {
    fn put(
        &self,
        id: TypeId,
        literal: &Literal,
        bytes: &mut Vec<u8>,
        offset: usize,
        depth: usize,
    ) -> Result<()> {
        if depth > NESTING_MAX {
            return Err(Error::too_large(format!(
                "more than {NESTING_MAX} types in each other"
            )));
        }
        let ty = self.btf.resolve(id)?;
        match ty.definition() {
            Definition::Struct(composite) | Definition::Union(composite) => {
                let Literal::Record(members) = literal else {
                    return Err(wrong(literal, "a record of its members", ty));
                };
                for (name, literal) in members {
                    self.put_member(ty, composite, name, literal, (bytes, offset), depth)
                        .map_err(|error| error.within(format!("member \"{name}\"")))?;
                }
                Ok(())
            }
            Definition::Array(array) => self.put_array(ty, array, literal, bytes, offset, depth),
            Definition::Float { size } => {
                let number = match literal {
                    Literal::Float(number) => *number,
                    Literal::Integer(number) => *number as f64,
                    _ => return Err(wrong(literal, "a number", ty)),
                };
                match size {
                    4 => write(bytes, offset, &(number as f32).to_le_bytes()),
                    8 => write(bytes, offset, &number.to_le_bytes()),
                    _ => Err(Error::unsupported(format!("{ty}: a float of {size} bytes"))),
                }
            }
            _ => {
                let (number, size) = self.number(ty, literal)?;
                write(bytes, offset, &number.to_le_bytes()[..size.min(16)])
            }
        }
    }

    fn put_member(
        &self,
        ty: Type<'_>,
        composite: Composite<'a>,
        name: &str,
        literal: &Literal,
        (bytes, offset): (&mut Vec<u8>, usize),
        depth: usize,
    ) -> Result<()> {
        let Some((member, base)) = self.find(composite, name, &mut HashSet::new())? else {
            return Err(Error::wrong_value(format!("{ty} has no such member")));
        };
        let offset = offset + base;
        match member.place {
            Place::Byte { offset: own } => {
                self.put(member.ty, literal, bytes, offset + own as usize, depth + 1)
            }
            Place::Bits(range) => {
                let ty = self.btf.resolve(member.ty)?;
                let (number, _) = self.number(ty, literal)?;
                put_bits(bytes, offset, range, number)
            }
        }
    }

    /// The member of this name, also of anonymous structs and unions, and where that starts which
    /// holds it. `searched` are those that do not have it: types may be in each other in many ways.
    fn find(
        &self,
        composite: Composite<'a>,
        name: &str,
        searched: &mut HashSet<TypeId>,
    ) -> Result<Option<(Member<'a>, usize)>> {
        if searched.len() > TYPES_SEARCHED_MAX {
            return Err(Error::too_large(format!(
                "more than {TYPES_SEARCHED_MAX} anonymous structs and unions in each other"
            )));
        }
        for member in composite.members() {
            let member = member?;
            if member.name == name {
                return Ok(Some((member, 0)));
            }
            let Place::Byte { offset } = member.place else {
                continue;
            };
            if !member.name.is_empty() {
                continue;
            }
            let ty = self.btf.resolve(member.ty)?;
            let inner = match ty.definition() {
                Definition::Struct(inner) | Definition::Union(inner) => inner,
                _ => continue,
            };
            if searched.insert(ty.id())
                && let Some((member, base)) = self.find(inner, name, searched)?
            {
                return Ok(Some((member, base + offset as usize)));
            }
        }
        Ok(None)
    }

    fn put_array(
        &self,
        ty: Type<'_>,
        array: Array,
        literal: &Literal,
        bytes: &mut Vec<u8>,
        offset: usize,
        depth: usize,
    ) -> Result<()> {
        let item_bytes = self.btf.size_of(array.item)? as usize;
        let is_flexible = array.count == 0;
        let mut grow = |items: usize| -> Result<()> {
            if !is_flexible {
                let count = array.count as usize;
                return match items > count {
                    true => Err(Error::wrong_value(format!(
                        "{items} items do not fit in {count}"
                    ))),
                    false => Ok(()),
                };
            }
            let end = items.saturating_mul(item_bytes).saturating_add(offset);
            if end > VALUE_BYTES_MAX {
                return Err(too_large(end));
            }
            bytes.resize(bytes.len().max(end), 0);
            if self.tail == Some(offset) {
                self.end.set(end);
            }
            Ok(())
        };
        match literal {
            Literal::Text(text) if item_bytes == 1 => {
                grow(text.len())?;
                write(bytes, offset, text.as_bytes())
            }
            Literal::List(items) => {
                grow(items.len())?;
                for (index, item) in items.iter().enumerate() {
                    let offset = offset + index * item_bytes;
                    self.put(array.item, item, bytes, offset, depth + 1)
                        .map_err(|error| error.within(format!("item {index}")))?;
                }
                Ok(())
            }
            _ if item_bytes == 1 => Err(wrong(literal, "text or a list", ty)),
            _ => Err(wrong(literal, "a list", ty)),
        }
    }

    /// A number in the two's complement of a type with that many bytes.
    fn number(&self, ty: Type<'_>, literal: &Literal) -> Result<(u128, usize)> {
        let (size, bits, signed) = match ty.definition() {
            Definition::Int(Int {
                size, bits, signed, ..
            }) => (size, bits, signed),
            Definition::Pointer(_) => (POINTER_BYTES, POINTER_BYTES * 8, false),
            Definition::Enum(enumeration) => {
                if let Literal::Text(name) = literal
                    && let Some(value) = named(enumeration, name)
                {
                    return Ok((value as u128, enumeration.size as usize));
                }
                // Compilers before clang 15 do not say that an enum is signed.
                (enumeration.size, enumeration.size * 8, true)
            }
            _ => return Err(Error::unsupported(format!("{ty} cannot be written down"))),
        };
        if let (Definition::Int(int), Literal::Text(text)) = (ty.definition(), literal)
            && let ([byte], true) = (text.as_bytes(), int.character)
        {
            return Ok((u128::from(*byte), size as usize));
        }
        let bits = bits.clamp(1, 128);
        let (magnitude, is_negative) = match literal {
            Literal::Truth(truth) => (u128::from(*truth), false),
            Literal::Integer(number) => (u128::from(number.unsigned_abs()), *number < 0),
            Literal::Unsigned(number) => (u128::from(*number), false),
            Literal::Text(text) => {
                parse(text).ok_or_else(|| wrong(literal, "a number or one of its names", ty))?
            }
            _ => return Err(wrong(literal, "a number", ty)),
        };
        // Unsigned values are accepted for signed types too: 0xffffffff is how people write masks.
        let max = match is_negative {
            true if signed => 1 << (bits - 1),
            true => 0,
            false => u128::MAX >> (128 - bits),
        };
        if magnitude > max {
            return Err(wrong(literal, &format!("a value of {bits} bits"), ty));
        }
        let number = match is_negative {
            true => magnitude.wrapping_neg(),
            false => magnitude,
        };
        Ok((number, size as usize))
    }
}

fn named(enumeration: Enumeration<'_>, name: &str) -> Option<i128> {
    let mut enumerators = enumeration.enumerators();
    let found = enumerators.find(|enumerator| enumerator.name == name)?;
    Some(found.value)
}

/// Decimal or hexadecimal, with a sign; and whether it is negative.
fn parse(text: &str) -> Option<(u128, bool)> {
    let (is_negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let number = match digits.strip_prefix("0x") {
        Some(digits) => u128::from_str_radix(digits, 16),
        None => digits.parse(),
    };
    number.ok().map(|number| (number, is_negative))
}

fn put_bits(bytes: &mut [u8], offset: usize, range: BitRange, number: u128) -> Result<()> {
    if range.size < 128 && number >> range.size != 0 && (!number) >> (range.size - 1) != 0 {
        return Err(Error::wrong_value(format!(
            "the value does not fit in {} bits",
            range.size
        )));
    }
    for bit in 0..range.size {
        let at = (range.offset + bit) as usize;
        let byte = bytes
            .get_mut(offset + at / 8)
            .ok_or_else(|| Error::malformed("a bit field outside of its struct"))?;
        if number >> bit & 1 == 1 {
            *byte |= 1 << (at % 8);
        }
    }
    Ok(())
}

fn write(bytes: &mut [u8], offset: usize, value: &[u8]) -> Result<()> {
    let place = bytes
        .get_mut(offset..)
        .and_then(|bytes| bytes.get_mut(..value.len()));
    place
        .ok_or_else(|| Error::malformed("a member outside of its struct"))?
        .copy_from_slice(value);
    Ok(())
}

fn wrong(literal: &Literal, wanted: &str, ty: Type<'_>) -> Error {
    let found = match literal {
        Literal::Truth(truth) => truth.to_string(),
        Literal::Integer(number) => number.to_string(),
        Literal::Unsigned(number) => number.to_string(),
        Literal::Float(number) => number.to_string(),
        Literal::Text(text) => format!("{text:?}"),
        Literal::List(_) => "a list".to_owned(),
        Literal::Record(_) => "a record".to_owned(),
    };
    Error::wrong_value(format!("{found} is not {wanted}, which {ty} takes"))
}

fn too_large(bytes: usize) -> Error {
    Error::too_large(format!(
        "a value of {bytes} bytes: there may be {VALUE_BYTES_MAX}"
    ))
}
