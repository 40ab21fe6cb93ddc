//! Structs and unions.

use crate::btf::{Btf, TypeId};
use crate::error::{Error, Result};
use crate::ty::Definition;

/// A struct or a union.
#[derive(Debug, Clone, Copy)]
pub struct Composite<'a> {
    btf: &'a Btf,
    /// Its bytes, with padding, without a flexible array at its end.
    pub size: u32,
    /// Whether member offsets also hold the sizes of bit fields.
    kind_flag: bool,
    members: &'a [[u32; 3]],
}

/// A member of a struct or union.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Member<'a> {
    /// Its name; empty for an anonymous struct or union, and for unnamed bit fields.
    pub name: &'a str,
    /// Its type.
    pub ty: TypeId,
    /// Where it is.
    pub place: Place,
}

/// Where a member is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// It starts at a byte.
    Byte {
        /// Offset from the start of the struct.
        offset: u32,
    },
    /// It is a bit field.
    Bits(BitRange),
}

/// The bits of a bit field, counted from the least significant bit of the struct's first byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BitRange {
    /// The first bit.
    pub offset: u32,
    /// How many bits: 1 to 128.
    pub size: u32,
}

/// Bits of the widest integer, and so of the widest bit field.
const BIT_FIELD_BITS_MAX: u32 = 128;

impl<'a> Composite<'a> {
    pub(crate) fn new(btf: &'a Btf, size: u32, kind_flag: bool, members: &'a [[u32; 3]]) -> Self {
        Self {
            btf,
            size,
            kind_flag,
            members,
        }
    }

    /// How many members it has.
    pub fn member_count(&self) -> usize {
        self.members.len()
    }

    /// The members in order.
    ///
    /// # Errors
    /// Each with `Malformed`, when it does not start at a byte and is no bit field, or lies outside
    /// of the struct.
    pub fn members(&self) -> impl Iterator<Item = Result<Member<'a>>> + use<'a> {
        let composite = *self;
        self.members
            .iter()
            .map(move |words| composite.member(*words))
    }

    fn member(&self, [name, ty, offset]: [u32; 3]) -> Result<Member<'a>> {
        let name = self.btf.name_at(name);
        let ty = TypeId(ty);
        let place = self
            .place(ty, offset)
            .map_err(|error| error.within(format!("member \"{name}\"")))?;
        Ok(Member { name, ty, place })
    }

    fn place(&self, ty: TypeId, offset: u32) -> Result<Place> {
        let (offset, size) = match self.kind_flag {
            true => (offset & 0x00ff_ffff, offset >> 24),
            false => self.int_place(ty, offset)?,
        };
        if size == 0 && offset.is_multiple_of(8) {
            let offset = offset / 8;
            if offset > self.size {
                return Err(self.outside());
            }
            return Ok(Place::Byte { offset });
        }
        if size == 0 || size > BIT_FIELD_BITS_MAX {
            return Err(Error::malformed(format!(
                "it starts at bit {offset} and has {size} bits"
            )));
        }
        if u64::from(offset) + u64::from(size) > u64::from(self.size) * 8 {
            return Err(self.outside());
        }
        Ok(Place::Bits(BitRange { offset, size }))
    }

    /// Old compilers say in the member's integer type that it is a bit field.
    fn int_place(&self, ty: TypeId, offset: u32) -> Result<(u32, u32)> {
        if let Definition::Int(int) = self.btf.resolve(ty)?.definition()
            && (int.bits != int.size.saturating_mul(8) || int.bit_offset != 0)
        {
            return Ok((offset.saturating_add(int.bit_offset), int.bits));
        }
        Ok((offset, 0))
    }

    fn outside(&self) -> Error {
        Error::malformed(format!(
            "it lies outside of its struct of {} bytes",
            self.size
        ))
    }
}
