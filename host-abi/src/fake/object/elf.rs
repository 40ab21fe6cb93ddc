//! Reading an object from the ELF file that clang wrote.

use std::sync::Arc;

use eunomia_btf::{Btf, Definition, Kind, TypeId};
use object::read::elf::ElfFile64;
use object::{Object as _, ObjectSection, ObjectSymbol, SectionFlags, SymbolKind, elf};

use crate::error::{Error, ErrorKind, Result};
use crate::fake::object::describe::{DataSection, is_constant};
use crate::fake::object::elf_maps;
use crate::fake::object::{FakeObject, FakeProgram, SectionName};
use crate::kernel::GlobalInfo;

/// The alignment that the ELF reader wants of the file's first byte.
const ELF_ALIGN_BYTES: usize = 8;

/// Bytes of all global data: real objects have some kilobytes. A section header can claim any size
/// for `.bss` without having bytes.
const DATA_BYTES_MAX: u64 = 64 * 1024 * 1024;

type Elf<'a> = ElfFile64<'a, object::LittleEndian>;

impl FakeObject {
    /// Reads what a BPF object declares: programs, maps of `.maps` and `.struct_ops`, global
    /// variables and their initial values. Instructions are not looked at; `.kconfig` is left out.
    ///
    /// # Errors
    /// `InvalidArgument` when the bytes are not a little-endian 64-bit BPF object with BTF.
    pub fn from_elf(file: &[u8]) -> Result<Self> {
        let storage;
        let file = if file.as_ptr().align_offset(ELF_ALIGN_BYTES) == 0 {
            file
        } else {
            storage = aligned(file);
            let start = storage.as_ptr().align_offset(ELF_ALIGN_BYTES);
            &storage[start..start + file.len()]
        };
        let elf = Elf::parse(file)
            .map_err(|error| malformed("not a little-endian 64-bit ELF file").with_source(error))?;
        if elf.architecture() != object::Architecture::Bpf {
            return Err(malformed("it is for another CPU than BPF"));
        }
        read(&elf)
    }
}

/// A copy with room to move it to an aligned address.
fn aligned(file: &[u8]) -> Vec<u8> {
    let mut storage = vec![0; file.len() + ELF_ALIGN_BYTES];
    let start = storage.as_ptr().align_offset(ELF_ALIGN_BYTES);
    storage[start..start + file.len()].copy_from_slice(file);
    storage
}

fn read(elf: &Elf<'_>) -> Result<FakeObject> {
    let section = elf
        .section_by_name(".BTF")
        .ok_or_else(|| malformed("it has no .BTF section: compile it with clang -g"))?;
    let bytes = section
        .uncompressed_data()
        .map_err(|error| malformed("section \".BTF\"").with_source(error))?;
    let btf =
        Btf::parse(&bytes).map_err(|error| malformed("section \".BTF\"").with_source(error))?;
    let symbols = symbols(elf)?;
    let sections = data_sections(elf, &btf)?;
    Ok(FakeObject {
        programs: programs(elf, &symbols),
        maps: elf_maps::maps(&btf, &symbols, &references(elf))?,
        globals: globals(&btf, &symbols, &sections)?,
        sections,
        btf: Some(Arc::from(bytes.as_ref())),
    })
}

/// A function or variable of a section.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) section: String,
    pub(super) name: String,
    pub(super) offset: u64,
    pub(super) size: u64,
    kind: SymbolKind,
    is_global: bool,
}

/// Every function and variable in order of section and offset.
fn symbols(elf: &Elf<'_>) -> Result<Vec<Place>> {
    let mut places = Vec::new();
    for symbol in elf.symbols() {
        let is_named = matches!(symbol.kind(), SymbolKind::Text | SymbolKind::Data);
        let Some(index) = symbol.section_index().filter(|_| is_named) else {
            continue;
        };
        let wrong = |error| malformed("symbol table").with_source(error);
        let section = elf.section_by_index(index).map_err(wrong)?;
        places.push((
            index.0,
            Place {
                section: section.name().map_err(wrong)?.to_owned(),
                name: symbol.name().map_err(wrong)?.to_owned(),
                offset: symbol.address(),
                size: symbol.size(),
                kind: symbol.kind(),
                is_global: symbol.is_global(),
            },
        ));
    }
    places.sort_by_key(|(index, place)| (*index, place.offset));
    Ok(places.into_iter().map(|(_, place)| place).collect())
}

/// Where a map declaration names a map or program that load puts into a slot.
#[derive(Debug)]
pub(super) struct Reference {
    /// In `.maps`.
    pub(super) offset: u64,
    /// Of the map or program.
    pub(super) name: String,
}

/// What the declarations of maps refer to.
fn references(elf: &Elf<'_>) -> Vec<Reference> {
    let Some(section) = elf.section_by_name(".maps") else {
        return Vec::new();
    };
    let relocations = section.relocations();
    let named = relocations.filter_map(|(offset, relocation)| {
        let object::RelocationTarget::Symbol(index) = relocation.target() else {
            return None;
        };
        let name = elf.symbol_by_index(index).ok()?.name().ok()?.to_owned();
        Some(Reference { offset, name })
    });
    named
        .filter(|reference| !reference.name.is_empty())
        .collect()
}

/// Global functions in sections of code; `.text` holds functions that others call.
fn programs(elf: &Elf<'_>, symbols: &[Place]) -> Vec<FakeProgram> {
    let is_code = |name: &str| {
        let section = elf.section_by_name(name);
        section.is_some_and(|section| match section.flags() {
            SectionFlags::Elf { sh_flags } => sh_flags & u64::from(elf::SHF_EXECINSTR) != 0,
            _ => false,
        })
    };
    symbols
        .iter()
        .filter(|place| place.kind == SymbolKind::Text && place.is_global)
        .filter(|place| place.section != ".text" && is_code(&place.section))
        .map(|place| FakeProgram::new(&place.name, SectionName(&place.section)))
        .collect()
}

fn data_sections(elf: &Elf<'_>, btf: &Btf) -> Result<Vec<DataSection>> {
    let mut sections = Vec::new();
    let mut bytes_left = DATA_BYTES_MAX;
    for section in elf.sections() {
        let name = section.name().unwrap_or_default();
        let size = section.size();
        if !is_data(name) || size == 0 {
            continue;
        }
        bytes_left = bytes_left.checked_sub(size).ok_or_else(|| {
            malformed(format!(
                "section \"{name}\" of {size} bytes: at most {DATA_BYTES_MAX} of global data"
            ))
        })?;
        let bytes = if name == ".bss" || name.starts_with(".bss.") {
            vec![0; size as usize]
        } else {
            let data = section.uncompressed_data();
            data.map_err(|error| malformed(format!("section \"{name}\"")).with_source(error))?
                .into_owned()
        };
        sections.push(DataSection {
            name: name.to_owned(),
            bytes,
            type_id: btf.find(name, Kind::DataSection).map_or(0, |ty| ty.id().0),
        });
    }
    Ok(sections)
}

fn is_data(section: &str) -> bool {
    [".data", ".bss"].iter().any(|stem| {
        section
            .strip_prefix(stem)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    }) || is_constant(section)
}

/// The variables that the BTF knows; clang leaves their offsets to the symbols.
fn globals(btf: &Btf, symbols: &[Place], sections: &[DataSection]) -> Result<Vec<GlobalInfo>> {
    let mut globals = Vec::new();
    for section in sections.iter().filter(|section| section.type_id != 0) {
        let ty = btf.ty(TypeId(section.type_id)).map_err(wrong_btf)?;
        let Definition::DataSection(data) = ty.definition() else {
            continue;
        };
        for variable in data.variables() {
            let ty = btf.ty(variable.variable).map_err(wrong_btf)?;
            let Definition::Variable(definition) = ty.definition() else {
                continue;
            };
            let mut places = symbols.iter();
            let place = places.find(|it| it.section == section.name && it.name == ty.name());
            let Some(place) = place else {
                continue;
            };
            let end = place.offset.checked_add(u64::from(variable.size));
            if end.is_none_or(|end| end > section.bytes.len() as u64) {
                return Err(malformed(format!(
                    "variable \"{}\" lies outside of section \"{}\"",
                    place.name, section.name
                )));
            }
            globals.push(GlobalInfo {
                name: place.name.clone(),
                section: section.name.clone(),
                offset: u32::try_from(place.offset).unwrap_or(u32::MAX),
                size: variable.size,
                type_id: definition.ty.0,
                constant: is_constant(&section.name),
            });
        }
    }
    globals.sort_by(|a, b| (&a.section, a.offset).cmp(&(&b.section, b.offset)));
    Ok(globals)
}

pub(super) fn malformed(message: impl Into<String>) -> Error {
    let message = format!("open a BPF object: {}", message.into());
    Error::new(ErrorKind::InvalidArgument, message)
}

pub(super) fn wrong_btf(error: eunomia_btf::Error) -> Error {
    malformed("its types").with_source(error)
}
