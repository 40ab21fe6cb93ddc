//! Adding types to those of an object: rows that put several values of an object side by side.

use crate::btf::{Btf, TypeId};
use crate::error::{Error, Result};
use crate::kind::Kind;
use crate::parse::{NAME_BYTES_MAX, TYPES_MAX};

/// Members of one added struct.
pub const NEW_MEMBERS_MAX: usize = 1024;

/// Types that are added to a copy of a [`Btf`]. Numbers of existing types stay what they are.
///
/// ```
/// # fn pair(btf: &eunomia_btf::Btf, key: eunomia_btf::TypeId) -> eunomia_btf::Result<()> {
/// use eunomia_btf::{Extension, NewMember};
///
/// let mut extension = Extension::of(btf);
/// let count = extension.unsigned("count_t", 8)?;
/// let members = [
///     NewMember { name: "key", ty: key, offset: 0 },
///     NewMember { name: "count", ty: count, offset: 8 },
/// ];
/// let row = extension.structure("row", 16, &members)?;
/// let btf = extension.finish();
/// assert_eq!(btf.size_of(row)?, 16);
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Extension {
    words: Vec<u32>,
    starts: Vec<u32>,
    strings: String,
}

/// A member of an added struct. Without a name, the members of its struct appear in its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewMember<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its type, which exists already.
    pub ty: TypeId,
    /// Bytes from the start of the struct.
    pub offset: u32,
}

impl Extension {
    /// Nothing added yet.
    pub fn of(btf: &Btf) -> Self {
        Self {
            words: btf.words.to_vec(),
            starts: btf.starts.to_vec(),
            strings: btf.strings.to_string(),
        }
    }

    /// The types of an object that has none.
    pub fn of_nothing() -> Self {
        Self {
            words: Vec::new(),
            starts: vec![0],
            strings: "\0".to_owned(),
        }
    }

    /// An unsigned integer of 1, 2, 4, 8 or 16 bytes.
    ///
    /// # Errors
    /// `TooLarge` when there is no room for it, `Malformed` for a name that is none.
    pub fn unsigned(&mut self, name: &str, bytes: u32) -> Result<TypeId> {
        self.add(name, Kind::Int, 0, bytes, &[bytes * 8])
    }

    /// A signed integer of 1, 2, 4, 8 or 16 bytes.
    ///
    /// # Errors
    /// As [`Extension::unsigned`].
    pub fn signed(&mut self, name: &str, bytes: u32) -> Result<TypeId> {
        self.add(name, Kind::Int, 0, bytes, &[(1 << 24) | (bytes * 8)])
    }

    /// An array.
    ///
    /// # Errors
    /// As [`Extension::unsigned`].
    pub fn array(&mut self, item: TypeId, count: u32) -> Result<TypeId> {
        self.add("", Kind::Array, 0, 0, &[item.0, item.0, count])
    }

    /// A struct.
    ///
    /// # Errors
    /// As [`Extension::unsigned`]; `TooLarge` for more than [`NEW_MEMBERS_MAX`] members or 512 MiB.
    pub fn structure(
        &mut self,
        name: &str,
        bytes: u32,
        members: &[NewMember<'_>],
    ) -> Result<TypeId> {
        if members.len() > NEW_MEMBERS_MAX {
            return Err(Error::too_large(format!(
                "struct {name}: {} members, at most {NEW_MEMBERS_MAX}",
                members.len()
            )));
        }
        let mut tail = Vec::with_capacity(members.len() * 3);
        for member in members {
            let bits = member.offset.checked_mul(8).ok_or_else(|| {
                Error::too_large(format!("struct {name}: a member at {}", member.offset))
            })?;
            if member.ty.0 as usize >= self.starts.len() {
                return Err(Error::not_found(format!(
                    "struct {name}: member \"{}\" is of type {}, which there is not",
                    member.name, member.ty.0
                )));
            }
            tail.extend([self.name(member.name)?, member.ty.0, bits]);
        }
        let count = u32::try_from(members.len()).unwrap_or(u32::MAX);
        self.add(name, Kind::Struct, count, bytes, &tail)
    }

    /// The types with those that were added.
    pub fn finish(self) -> Btf {
        Btf {
            words: self.words.into(),
            starts: self.starts.into(),
            strings: self.strings.into(),
        }
    }

    fn add(
        &mut self,
        name: &str,
        kind: Kind,
        count: u32,
        size: u32,
        tail: &[u32],
    ) -> Result<TypeId> {
        let id = self.starts.len();
        if id > TYPES_MAX {
            return Err(Error::too_large(format!("more than {TYPES_MAX} types")));
        }
        let name = self.name(name)?;
        let number = match kind {
            Kind::Int => 1,
            Kind::Array => 3,
            _ => 4,
        };
        self.words.extend([name, number << 24 | count, size]);
        self.words.extend(tail);
        let end = u32::try_from(self.words.len())
            .map_err(|_| Error::too_large("the types have 16 GiB or more"))?;
        self.starts.push(end);
        Ok(TypeId(u32::try_from(id).unwrap_or(u32::MAX)))
    }

    fn name(&mut self, name: &str) -> Result<u32> {
        if name.is_empty() {
            return Ok(0);
        }
        if name.len() > NAME_BYTES_MAX || name.contains('\0') {
            return Err(Error::malformed(format!("{name:?} is no name")));
        }
        let offset = u32::try_from(self.strings.len())
            .map_err(|_| Error::too_large("names of 4 GiB or more"))?;
        self.strings.push_str(name);
        self.strings.push('\0');
        Ok(offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::Decoder;

    #[test]
    fn added_structs_decode_and_unnamed_members_appear_in_their_place() {
        let mut extension = Extension::of_nothing();
        let word = extension.unsigned("u32", 4).unwrap();
        let long = extension.signed("s64", 8).unwrap();
        let member = |name, ty, offset| NewMember { name, ty, offset };
        let inner = extension
            .structure("inner", 8, &[member("a", word, 0), member("b", word, 4)])
            .unwrap();
        let members = [member("", inner, 0), member("c", long, 8)];
        let row = extension.structure("row", 16, &members).unwrap();
        let btf = extension.finish();
        let decoder = Decoder::new(&btf, row).unwrap();
        let names: Vec<_> = decoder.columns().iter().map(|it| it.name()).collect();
        assert_eq!(names, ["a", "b", "c"]);
        let mut again = Extension::of(&btf);
        let pair = again.array(row, 2).unwrap();
        assert_eq!(again.finish().size_of(pair).unwrap(), 32);
    }

    #[test]
    fn what_does_not_exist_cannot_be_a_member() {
        let mut extension = Extension::of_nothing();
        let member = NewMember {
            name: "x",
            ty: TypeId(7),
            offset: 0,
        };
        assert!(extension.structure("row", 4, &[member]).is_err());
        assert!(extension.unsigned("a\0b", 4).is_err());
    }
}
