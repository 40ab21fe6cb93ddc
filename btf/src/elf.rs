//! Finding the `.BTF` section and what goes with it in an ELF file.

use std::borrow::Cow;

use object::read::elf::ElfFile64;
use object::{Object, ObjectSection};

use crate::error::{Error, Result};

/// The alignment that the ELF reader wants of the file's first byte.
const ELF_ALIGN_BYTES: usize = 8;

/// The bytes of the `.BTF` section of a 64-bit ELF file.
pub(crate) fn btf_section(file: &[u8]) -> Result<Vec<u8>> {
    section(file, ".BTF")?.ok_or_else(|| {
        Error::not_found("the ELF file has no .BTF section: compile it with clang -g")
    })
}

/// The bytes of the section with a name, of a 64-bit ELF file, if it has one.
pub(crate) fn section(file: &[u8], name: &str) -> Result<Option<Vec<u8>>> {
    let mut storage = Vec::new();
    let file = aligned_elf(file, &mut storage);
    let elf: ElfFile64<'_> = ElfFile64::parse(file)
        .map_err(|error| Error::malformed(format!("not a 64-bit ELF file: {error}")))?;
    let Some(section) = elf.section_by_name(name) else {
        return Ok(None);
    };
    let data = section
        .uncompressed_data()
        .map_err(|error| Error::malformed(format!("the {name} section: {error}")))?;
    Ok(Some(Cow::into_owned(data)))
}

/// The bytes of an ELF file at an address as readers of ELF want it: where they are, if that is
/// one, else copied to `storage`.
pub fn aligned_elf<'a>(file: &'a [u8], storage: &'a mut Vec<u8>) -> &'a [u8] {
    if file.as_ptr().align_offset(ELF_ALIGN_BYTES) == 0 {
        return file;
    }
    storage.resize(file.len() + ELF_ALIGN_BYTES, 0);
    let start = storage
        .as_ptr()
        .align_offset(ELF_ALIGN_BYTES)
        .min(ELF_ALIGN_BYTES);
    let copy = &mut storage[start..start + file.len()];
    copy.copy_from_slice(file);
    copy
}
