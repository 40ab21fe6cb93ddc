//! Which types were reached, and how much they may be.

use std::collections::HashMap;

use crate::btf::{Btf, TypeId};
use crate::error::{Error, Result};
use crate::layout::NESTING_MAX;
use crate::ty::{Definition, Type};

/// Bytes of one type: far above any BPF record, and it keeps the compiler of the guest alive.
pub const RECORD_BYTES_MAX: u32 = 16 << 20;
/// Members and enumerators of all types together, so that types which share members cannot multiply
/// without end.
pub const MEMBERS_MAX: usize = 1 << 14;

/// The structs, unions and enums that were reached so far, each with what the language knows of it.
pub(crate) struct Reached<T> {
    known: HashMap<TypeId, Progress<T>>,
    member_count: usize,
}

enum Progress<T> {
    /// Its members are being collected: who meets it again is inside of it.
    Open,
    Done(T),
}

impl<T: Clone> Reached<T> {
    pub(crate) fn new() -> Self {
        Self {
            known: HashMap::new(),
            member_count: 0,
        }
    }

    /// What is known of a type; `None` opens it: [`Self::done`] follows, or an error.
    ///
    /// # Errors
    /// `Malformed` for a type that contains itself.
    pub(crate) fn open(&mut self, ty: Type<'_>) -> Result<Option<T>> {
        match self.known.get(&ty.id()) {
            Some(Progress::Done(known)) => Ok(Some(known.clone())),
            Some(Progress::Open) => Err(Error::malformed(format!("{ty} contains itself"))),
            None => {
                self.known.insert(ty.id(), Progress::Open);
                Ok(None)
            }
        }
    }

    pub(crate) fn done(&mut self, ty: Type<'_>, known: T) {
        self.known.insert(ty.id(), Progress::Done(known));
    }

    /// Counts a member or an enumerator against [`MEMBERS_MAX`].
    pub(crate) fn count_member(&mut self) -> Result<()> {
        self.member_count += 1;
        if self.member_count > MEMBERS_MAX {
            return Err(Error::too_large(format!(
                "more than {MEMBERS_MAX} members in all types"
            )));
        }
        Ok(())
    }
}

/// The type behind names and qualifiers with its size, within the limits.
pub(crate) fn sized(btf: &Btf, id: TypeId, depth: usize) -> Result<(Type<'_>, u32)> {
    check_depth(depth)?;
    let ty = btf.resolve(id)?;
    let size = btf.size_of(ty.id())?;
    if size > RECORD_BYTES_MAX {
        return Err(Error::too_large(format!(
            "{ty} has {size} bytes, the limit is {RECORD_BYTES_MAX}"
        )));
    }
    Ok((ty, size))
}

pub(crate) fn check_depth(depth: usize) -> Result<()> {
    if depth > NESTING_MAX {
        return Err(Error::too_large(format!(
            "more than {NESTING_MAX} types in each other"
        )));
    }
    Ok(())
}

/// The C name of a type: its own, or else that of the typedef next to it.
pub(crate) fn c_name<'a>(btf: &'a Btf, id: TypeId, ty: Type<'a>) -> Result<Option<&'a str>> {
    match ty.name() {
        "" => innermost_typedef(btf, id),
        name => Ok(Some(name)),
    }
}

/// The typedef next to the type behind `id`, which was resolved before.
pub(crate) fn innermost_typedef(btf: &Btf, id: TypeId) -> Result<Option<&str>> {
    let mut name = None;
    let mut ty = btf.ty(id)?;
    // Ends: the chain was resolved before, so it is no circle.
    loop {
        match ty.definition() {
            Definition::Typedef(target) => {
                name = Some(ty.name()).filter(|name| !name.is_empty());
                ty = btf.ty(target)?;
            }
            Definition::Qualifier(target) => ty = btf.ty(target)?,
            _ => return Ok(name),
        }
    }
}
