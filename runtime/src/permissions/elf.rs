//! Programs and calls in a BPF object. The file is hostile: everything is bounded, nothing panics,
//! and where readers of ELF could differ the larger answer is given.

use eunomia_host_abi::target::Section as ProgramSection;
use object::elf::SHF_EXECINSTR;
use object::read::elf::ElfFile64;
use object::{Object as _, ObjectSection, SectionFlags};

use super::instruction::{BYTES, Call, call};
use super::{Permissions, helper, types};

/// Bytes of instructions in one object: 32 times the largest program that a kernel takes. Sections
/// of a hostile file can overlap, so that the file's size bounds nothing.
const CODE_BYTES_MAX: u64 = 256 << 20;
/// Different names in one set: sections, helpers, functions.
pub(super) const NAMES_MAX: usize = 4096;
/// Bytes of such a name.
pub(super) const NAME_BYTES_MAX: usize = 512;

/// Functions in this section are called by programs and attached nowhere.
const SUBPROGRAMS: &str = ".text";
/// What programs of a section are that libbpf does not know.
const UNKNOWN_TYPE: &str = "unspec";

/// Adds what the object `bytes` can do.
///
/// # Errors
/// Why it cannot be told.
pub(super) fn read(bytes: &[u8], permissions: &mut Permissions) -> Result<(), String> {
    let mut storage = Vec::new();
    let bytes = eunomia_btf::aligned_elf(bytes, &mut storage);
    let elf: ElfFile64<'_> =
        ElfFile64::parse(bytes).map_err(|error| format!("it is not a 64-bit ELF file: {error}"))?;
    let mut code_bytes: u64 = 0;
    for section in elf.sections() {
        let SectionFlags::Elf { sh_flags } = section.flags() else {
            continue;
        };
        if sh_flags & u64::from(SHF_EXECINSTR) == 0 || section.size() == 0 {
            continue;
        }
        code_bytes = code_bytes.saturating_add(section.size());
        if code_bytes > CODE_BYTES_MAX {
            return Err(format!("it has more than {CODE_BYTES_MAX} bytes of code"));
        }
        let name = section
            .name()
            .map_err(|error| format!("a section's name: {error}"))?;
        add_section(name, permissions)?;
        let code = section
            .data()
            .map_err(|error| format!("section {name:?}: {error}"))?;
        add_calls(code, elf.is_little_endian(), permissions)?;
    }
    types::read(&elf, permissions)
}

fn add_section(name: &str, permissions: &mut Permissions) -> Result<(), String> {
    if name == SUBPROGRAMS {
        return Ok(());
    }
    if name.len() > NAME_BYTES_MAX {
        return Err(format!("it has a name of more than {NAME_BYTES_MAX} bytes"));
    }
    // A program that is not loaded unless the guest asks for it.
    let name = name.strip_prefix('?').unwrap_or(name);
    let known = ProgramSection::find(name);
    let type_name = known.map_or(UNKNOWN_TYPE, |known| known.type_name());
    permissions.program_types.insert(type_name.to_owned());
    permissions.attach_targets.insert(name.to_owned());
    if permissions.attach_targets.len() > NAMES_MAX {
        return Err(format!("it has more than {NAMES_MAX} sections of programs"));
    }
    Ok(())
}

fn add_calls(
    code: &[u8],
    is_little_endian: bool,
    permissions: &mut Permissions,
) -> Result<(), String> {
    let (slots, rest) = code.as_chunks::<BYTES>();
    if !rest.is_empty() {
        return Err("a section's length is no multiple of an instruction's".into());
    }
    for slot in slots {
        match call(slot, is_little_endian) {
            Some(Call::Helper(number)) => {
                permissions.helpers.insert(helper::name(number));
            }
            Some(Call::KernelFunction(id)) => {
                permissions.kernel_functions.insert(format!("#{id}"));
            }
            Some(Call::Other(kind)) => {
                return Err(format!("it has calls of unknown kind {kind}"));
            }
            Some(Call::Function) | None => {}
        }
        if permissions
            .helpers
            .len()
            .max(permissions.kernel_functions.len())
            > NAMES_MAX
        {
            return Err(format!("it calls more than {NAMES_MAX} functions"));
        }
    }
    Ok(())
}
