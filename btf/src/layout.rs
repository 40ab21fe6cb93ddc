//! What lies behind names and qualifiers, and how large it is.

use std::collections::HashMap;

use crate::btf::{Btf, TypeId};
use crate::composite::{Composite, Place};
use crate::error::{Error, Result};
use crate::ty::{Definition, Type};

/// Typedefs, qualifiers and array dimensions in one chain: twice what the kernel follows.
pub const CHAIN_LENGTH_MAX: usize = 64;
/// Structs, unions and arrays within each other: the kernel's `MAX_RESOLVE_DEPTH`.
pub const NESTING_MAX: usize = 32;
/// Bytes of a pointer on the BPF machine.
pub const POINTER_BYTES: u32 = 8;

impl Btf {
    /// The type behind typedefs, qualifiers and type tags.
    ///
    /// # Errors
    /// `Malformed` when they form a circle or a chain longer than [`CHAIN_LENGTH_MAX`].
    pub fn resolve(&self, id: TypeId) -> Result<Type<'_>> {
        let mut ty = self.ty(id)?;
        for _ in 0..CHAIN_LENGTH_MAX {
            match ty.definition() {
                Definition::Typedef(target) | Definition::Qualifier(target) => {
                    ty = self.ty(target)?;
                }
                _ => return Ok(ty),
            }
        }
        Err(Error::malformed(format!(
            "type {}: more than {CHAIN_LENGTH_MAX} typedefs and qualifiers in a chain",
            id.0
        )))
    }

    /// How many bytes a value of a type has. A flexible array has none.
    ///
    /// # Errors
    /// `Malformed` for circles, `Unsupported` for what has no size (`void`, functions, forward
    /// declarations), `TooLarge` from 4 GiB on.
    pub fn size_of(&self, id: TypeId) -> Result<u32> {
        let mut count: u64 = 1;
        let mut ty = self.resolve(id)?;
        for _ in 0..CHAIN_LENGTH_MAX {
            let size = match ty.definition() {
                Definition::Array(array) => {
                    count = count.saturating_mul(u64::from(array.count));
                    ty = self.resolve(array.item)?;
                    continue;
                }
                Definition::Int(int) => int.size,
                Definition::Pointer(_) => POINTER_BYTES,
                Definition::Struct(composite) | Definition::Union(composite) => composite.size,
                Definition::Enum(enumeration) => enumeration.size,
                Definition::Float { size } => size,
                _ => return Err(Error::unsupported(format!("{ty} has no size"))),
            };
            return u32::try_from(count.saturating_mul(u64::from(size)))
                .map_err(|_| Error::too_large(format!("type {} has 4 GiB or more", id.0)));
        }
        Err(Error::malformed(format!(
            "type {}: an array with more than {CHAIN_LENGTH_MAX} dimensions",
            id.0
        )))
    }

    /// To a multiple of how many bytes C aligns values of a type. BTF does not record `aligned`
    /// attributes; a struct with a member off its natural place counts as packed.
    ///
    /// # Errors
    /// As [`Btf::size_of`]; `TooLarge` for more than [`NESTING_MAX`] types within each other.
    pub fn align_of(&self, id: TypeId) -> Result<u32> {
        Alignments {
            btf: self,
            known: HashMap::new(),
        }
        .of(id, 0)
    }
}

/// Alignments of composites that were found already: without, shared members cost exponential time.
struct Alignments<'a> {
    btf: &'a Btf,
    known: HashMap<TypeId, u32>,
}

impl Alignments<'_> {
    fn of(&mut self, id: TypeId, depth: usize) -> Result<u32> {
        if depth > NESTING_MAX {
            return Err(Error::too_large(format!(
                "more than {NESTING_MAX} types in each other"
            )));
        }
        let ty = self.btf.resolve(id)?;
        match ty.definition() {
            Definition::Int(int) => Ok(int.size.max(1)),
            Definition::Float { size } => Ok(size.max(1)),
            Definition::Enum(enumeration) => Ok(enumeration.size.max(1)),
            Definition::Pointer(_) => Ok(POINTER_BYTES),
            Definition::Array(array) => self.of(array.item, depth + 1),
            Definition::Struct(composite) | Definition::Union(composite) => {
                if let Some(align) = self.known.get(&ty.id()) {
                    return Ok(*align);
                }
                let align = self.of_composite(composite, depth)?;
                self.known.insert(ty.id(), align);
                Ok(align)
            }
            _ => Err(Error::unsupported(format!("{ty} has no alignment"))),
        }
    }

    fn of_composite(&mut self, composite: Composite<'_>, depth: usize) -> Result<u32> {
        let mut max = 1;
        for member in composite.members() {
            let member = member?;
            let align = self.of(member.ty, depth + 1)?;
            if let Place::Byte { offset } = member.place
                && !offset.is_multiple_of(align)
            {
                return Ok(1);
            }
            max = max.max(align);
        }
        Ok(if composite.size.is_multiple_of(max) {
            max
        } else {
            1
        })
    }
}
