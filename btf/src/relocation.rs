//! CO-RE relocations: what an object asks of the kernel's types.
//!
//! Format: `struct btf_ext_header` of `tools/lib/bpf/libbpf_internal.h`, `struct bpf_core_relo` and
//! `enum bpf_core_relo_kind` of `include/uapi/linux/bpf.h`.

use crate::btf::{Btf, TypeId};
use crate::elf;
use crate::error::{Error, Result};
use crate::kind::Kind;

/// Steps in one access, those through anonymous members included: libbpf's `BPF_CORE_SPEC_MAX_LEN`.
pub(crate) const STEPS_MAX: usize = 64;
/// Bytes of an access in text form: as many numbers of ten digits, and colons.
const ACCESS_BYTES_MAX: usize = STEPS_MAX * 11;
/// Different relocations of one object. Large tools have some thousands; each is looked for in all
/// members of the structs on its way.
pub(crate) const RELOCATIONS_MAX: usize = 16_384;

const MAGIC: u16 = 0xeb9f;
const WORD_BYTES: usize = 4;
/// Where the header holds offset and length of the relocations.
const RELOCATIONS_AT: usize = 24;
/// `sizeof(struct bpf_core_relo)`; longer ones are allowed, their ends skipped.
const RELOCATION_BYTES_MIN: usize = 16;

/// One relocation: of one instruction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Relocation {
    /// A type of the object, at which the access starts.
    pub(crate) root: TypeId,
    /// `enum bpf_core_relo_kind`.
    pub(crate) kind: u32,
    /// Where the object's strings hold the way from the root: `0:3:1`.
    access: u32,
}

/// A step from a type to a part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Step<'a> {
    /// To a member with a name, through anonymous structs and unions.
    Member(&'a str),
    /// To an item of an array.
    Item,
}

/// The types of an object, and its relocations, each of them once.
pub(crate) fn read(file: &[u8]) -> Result<(Btf, Vec<Relocation>)> {
    let btf = Btf::from_elf(file)?;
    let Some(section) = elf::section(file, ".BTF.ext")? else {
        return Ok((btf, Vec::new()));
    };
    let mut relocations = parse(&section).map_err(|error| error.within("the .BTF.ext section"))?;
    relocations
        .sort_unstable_by_key(|relocation| (relocation.root, relocation.kind, relocation.access));
    relocations.dedup();
    if relocations.len() > RELOCATIONS_MAX {
        return Err(Error::too_large(format!(
            "more than {RELOCATIONS_MAX} relocations"
        )));
    }
    for relocation in &relocations {
        btf.ty(relocation.root)?;
        if relocation.access as usize >= btf.strings.len()
            || !btf.strings.is_char_boundary(relocation.access as usize)
        {
            return Err(Error::malformed("a relocation whose access is no string"));
        }
    }
    Ok((btf, relocations))
}

fn parse(section: &[u8]) -> Result<Vec<Relocation>> {
    let word = |at: usize| {
        let bytes = section.get(at..)?.first_chunk::<WORD_BYTES>()?;
        Some(u32::from_le_bytes(*bytes))
    };
    let ends = || Error::malformed("it ends too early");
    let magic = word(0).ok_or_else(ends)?;
    if magic & 0xffff != u32::from(MAGIC) {
        return Err(Error::malformed(
            "it does not start with BTF's magic number",
        ));
    }
    let header_bytes = word(4).ok_or_else(ends)? as usize;
    if header_bytes < RELOCATIONS_AT + 2 * WORD_BYTES {
        return Ok(Vec::new()); // Of a time before relocations.
    }
    let (offset, length) = (
        word(RELOCATIONS_AT).ok_or_else(ends)? as usize,
        word(RELOCATIONS_AT + WORD_BYTES).ok_or_else(ends)? as usize,
    );
    if length == 0 {
        return Ok(Vec::new());
    }
    let start = header_bytes.checked_add(offset).ok_or_else(ends)?;
    let end = start
        .checked_add(length)
        .filter(|end| *end <= section.len());
    let part = &section[..end.ok_or_else(ends)?];
    records(part, start)
}

/// The records of `section` from `at` to its end: their size, then for each program section its
/// name, the number of records and the records.
fn records(section: &[u8], mut at: usize) -> Result<Vec<Relocation>> {
    let ends = || Error::malformed("its relocations end too early");
    let mut next = |skipped: usize| {
        let bytes = section.get(at..)?.first_chunk::<WORD_BYTES>()?;
        at += WORD_BYTES + skipped;
        Some(u32::from_le_bytes(*bytes))
    };
    let record_bytes = next(0).ok_or_else(ends)? as usize;
    if record_bytes < RELOCATION_BYTES_MIN || !record_bytes.is_multiple_of(WORD_BYTES) {
        return Err(Error::malformed(format!(
            "relocations of {record_bytes} bytes each"
        )));
    }
    let mut relocations = Vec::new();
    while next(0).is_some() {
        let count = next(0).ok_or_else(ends)?;
        for _ in 0..count {
            next(0).ok_or_else(ends)?; // Which instruction it is.
            let root = TypeId(next(0).ok_or_else(ends)?);
            let access = next(0).ok_or_else(ends)?;
            let kind = next(record_bytes - RELOCATION_BYTES_MIN).ok_or_else(ends)?;
            relocations.push(Relocation { root, kind, access });
        }
    }
    Ok(relocations)
}

impl Relocation {
    /// The way from the root to what the instruction accesses.
    ///
    /// # Errors
    /// When the types of the object `btf` do not have it.
    pub(crate) fn steps<'a>(&self, btf: &'a Btf) -> Result<Vec<Step<'a>>> {
        let text = access_at(btf, self.access)?;
        let wrong = || Error::malformed(format!("the access `{text}` of a relocation"));
        let mut numbers = text.split(':').map(|number| number.parse::<u32>());
        // Like the index of a pointer: it moves by whole roots.
        numbers
            .next()
            .and_then(|number| number.ok())
            .ok_or_else(wrong)?;
        let mut steps = Vec::new();
        let mut ty = btf.resolve(self.root)?;
        for (taken, number) in numbers.enumerate() {
            let index = number.map_err(|_| wrong())? as usize;
            if taken == STEPS_MAX {
                return Err(Error::too_large(format!(
                    "a relocation of more than {STEPS_MAX} steps"
                )));
            }
            let next = match ty.kind() {
                Kind::Struct | Kind::Union => {
                    let member = ty.members().get(index).ok_or_else(wrong)?;
                    match btf.name_at(member[0]) {
                        "" => {}
                        name => steps.push(Step::Member(name)),
                    }
                    member[1]
                }
                Kind::Array => {
                    steps.push(Step::Item);
                    ty.words()[3]
                }
                _ => return Err(wrong()),
            };
            ty = btf.resolve(TypeId(next))?;
        }
        Ok(steps)
    }
}

/// An access in text form. Unlike a name it was not checked.
fn access_at(btf: &Btf, offset: u32) -> Result<&str> {
    let rest = btf.strings.get(offset as usize..).unwrap_or_default();
    let mut start = rest.as_bytes().iter().take(ACCESS_BYTES_MAX + 1);
    let length = start
        .position(|byte| *byte == 0)
        .ok_or_else(|| Error::malformed("the access of a relocation has no end"))?;
    Ok(&rest[..length])
}
