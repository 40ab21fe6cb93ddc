//! Several sections of maps made into the one that libbpf knows.
//!
//! Maps in `.maps.print`, `.maps.counter` and so on are moved to one `.maps`: the sections are laid
//! end to end, their symbols and their BTF follow. All else stays in its place; what is new stands
//! at the end of the file.

use std::collections::BTreeMap;

use object::read::elf::{ElfFile64, FileHeader, SectionHeader, Sym};
use object::{Endianness, elf};

use crate::error::{Error, Result};

const PREFIX: &str = ".maps.";
const MERGED: &str = ".maps";
/// Bytes of a section of maps: one declaration has tens.
const SECTION_BYTES_MAX: u64 = 1 << 20;
/// Bytes of a section header, and where its fields are.
const HEADER_BYTES: usize = 64;
const NAME_AT: usize = 0;
const OFFSET_AT: usize = 24;
const SIZE_AT: usize = 32;
/// Bytes of a symbol, and where its fields are.
const SYMBOL_BYTES: usize = 24;
const INDEX_AT: usize = 6;
const VALUE_AT: usize = 8;

/// The object with one section of maps, and for each map that was in another one, what followed
/// `.maps.` in its name.
pub(crate) fn merge(file: Vec<u8>) -> Result<(Vec<u8>, BTreeMap<String, String>)> {
    let Some(edit) = survey(&file)? else {
        return Ok((file, BTreeMap::new()));
    };
    edit.apply(file)
}

/// A section of maps.
struct Section {
    index: usize,
    /// What follows `.maps.`; nothing for `.maps` itself.
    suffix: Option<String>,
    bytes: u64,
    /// Where it starts in the merged one.
    start: u64,
}

struct Edit {
    sections: Vec<Section>,
    /// Where section headers begin in the file.
    headers_at: usize,
    /// Where symbols begin, and how many there are.
    symbols_at: usize,
    symbols: Vec<(usize, usize, String)>,
    strings_index: usize,
    strings: Vec<u8>,
    btf_index: usize,
    btf: Vec<u8>,
}

fn broken(error: impl std::fmt::Display) -> Error {
    Error::new(format!("read the ELF file: {error}"))
}

fn survey(file: &[u8]) -> Result<Option<Edit>> {
    // The reader wants a start that is aligned to 8, as every allocation of this size is.
    let bytes = file;
    let elf_file: ElfFile64<'_, Endianness> = ElfFile64::parse(bytes).map_err(broken)?;
    let endian = elf_file.endian();
    let header = elf_file.elf_header();
    let table = header.sections(endian, bytes).map_err(broken)?;
    let mut sections = Vec::new();
    let mut end = 0;
    for (index, section) in table.enumerate() {
        let name = table.section_name(endian, section).map_err(broken)?;
        let Ok(name) = std::str::from_utf8(name) else {
            continue;
        };
        let suffix = name.strip_prefix(PREFIX).map(str::to_owned);
        if suffix.is_none() && name != MERGED {
            continue;
        }
        let size = section.sh_size(endian);
        if size > SECTION_BYTES_MAX {
            return Err(Error::new(format!("section {name}: {size} bytes of maps")));
        }
        sections.push(Section {
            index: index.0,
            suffix,
            bytes: size,
            start: end,
        });
        end += size.next_multiple_of(8);
    }
    if sections.iter().all(|section| section.suffix.is_none()) {
        return Ok(None);
    }
    let symbol_table = table
        .symbols(endian, bytes, elf::SHT_SYMTAB)
        .map_err(broken)?;
    let mut symbols = Vec::new();
    for (index, symbol) in symbol_table.enumerate() {
        let of = usize::from(symbol.st_shndx(endian));
        let name = symbol_table.symbol_name(endian, symbol).map_err(broken)?;
        if let Some(place) = sections.iter().position(|section| section.index == of) {
            symbols.push((index.0, place, String::from_utf8_lossy(name).into_owned()));
        }
    }
    let symbols_section = table.section(symbol_table.section()).map_err(broken)?;
    let (btf_index, btf) = table
        .section_by_name(endian, b".BTF")
        .ok_or_else(|| Error::new("the object has no BTF: its maps cannot be read"))?;
    let strings_index = header.shstrndx(endian, bytes).map_err(broken)?;
    let strings = table
        .section(object::SectionIndex(strings_index as usize))
        .and_then(|section| section.data(endian, bytes))
        .map_err(broken)?;
    Ok(Some(Edit {
        sections,
        headers_at: usize::try_from(header.e_shoff(endian)).map_err(broken)?,
        symbols_at: usize::try_from(symbols_section.sh_offset(endian)).map_err(broken)?,
        symbols,
        strings_index: strings_index as usize,
        strings: strings.to_vec(),
        btf_index: btf_index.0,
        btf: btf.data(endian, bytes).map_err(broken)?.to_vec(),
    }))
}

impl Edit {
    fn apply(mut self, mut file: Vec<u8>) -> Result<(Vec<u8>, BTreeMap<String, String>)> {
        let mut roles = BTreeMap::new();
        let target = self.sections[0].index;
        let target_number = u16::try_from(target).map_err(broken)?;
        for (index, place, name) in &self.symbols {
            let section = &self.sections[*place];
            let at = self.symbols_at + index * SYMBOL_BYTES;
            let value = read_u64(&file, at + VALUE_AT)?;
            put(
                &mut file,
                at + VALUE_AT,
                &(value.saturating_add(section.start)).to_le_bytes(),
            )?;
            put(&mut file, at + INDEX_AT, &target_number.to_le_bytes())?;
            if let Some(suffix) = section.suffix.as_ref().filter(|_| !name.is_empty()) {
                roles.insert(name.clone(), suffix.clone());
            }
        }
        let name = u32::try_from(self.strings.len()).map_err(broken)?;
        self.strings.extend_from_slice(MERGED.as_bytes());
        self.strings.push(0);
        let all: u64 = self
            .sections
            .iter()
            .map(|it| it.bytes.next_multiple_of(8))
            .sum();
        let btf = merged_btf(&self.btf, &self.sections)?;
        self.put_header(&mut file, target, NAME_AT, &name.to_le_bytes())?;
        for (index, bytes) in [
            (target, vec![0; usize::try_from(all).map_err(broken)?]),
            (self.strings_index, std::mem::take(&mut self.strings)),
            (self.btf_index, btf),
        ] {
            file.resize(file.len().next_multiple_of(8), 0);
            let offset = file.len() as u64;
            let size = bytes.len() as u64;
            file.extend_from_slice(&bytes);
            self.put_header(&mut file, index, OFFSET_AT, &offset.to_le_bytes())?;
            self.put_header(&mut file, index, SIZE_AT, &size.to_le_bytes())?;
        }
        Ok((file, roles))
    }

    fn put_header(&self, file: &mut [u8], index: usize, at: usize, bytes: &[u8]) -> Result<()> {
        put(file, self.headers_at + index * HEADER_BYTES + at, bytes)
    }
}

fn read_u64(file: &[u8], at: usize) -> Result<u64> {
    let bytes = file.get(at..).and_then(|rest| rest.first_chunk::<8>());
    bytes
        .map(|bytes| u64::from_le_bytes(*bytes))
        .ok_or_else(|| broken("it ends too soon"))
}

fn put(file: &mut [u8], at: usize, bytes: &[u8]) -> Result<()> {
    let place = file.get_mut(at..at.saturating_add(bytes.len()));
    place
        .ok_or_else(|| broken("it ends too soon"))?
        .copy_from_slice(bytes);
    Ok(())
}

/// BTF with one data section for all maps. The other data sections become pointers to void, so that
/// no type number changes.
fn merged_btf(btf: &[u8], sections: &[Section]) -> Result<Vec<u8>> {
    // Checks all that is relied on below.
    eunomia_btf::Btf::parse(btf)?;
    let word = |at: usize| -> Result<u32> {
        let bytes = btf.get(at..).and_then(|rest| rest.first_chunk::<4>());
        bytes
            .map(|it| u32::from_le_bytes(*it))
            .ok_or_else(|| broken("the BTF ends too soon"))
    };
    let header = word(4)? as usize;
    let types_at = header + word(8)? as usize;
    let types_end = types_at + word(12)? as usize;
    let strings_at = header + word(16)? as usize;
    let strings_end = strings_at + word(20)? as usize;
    let mut strings = btf[strings_at..strings_end].to_vec();
    let name_of = |offset: u32| {
        let rest = btf[strings_at..strings_end]
            .get(offset as usize..)
            .unwrap_or_default();
        let name = rest.split(|byte| *byte == 0).next().unwrap_or_default();
        String::from_utf8_lossy(name).into_owned()
    };
    let mut records: Vec<Vec<u8>> = Vec::new();
    let mut variables = Vec::new();
    let mut first = None;
    // clang leaves sizes and offsets to libbpf, which finds them by the symbols.
    let mut is_sized = false;
    let mut at = types_at;
    while at < types_end {
        let (name, info, size) = (word(at)?, word(at + 4)?, word(at + 8)?);
        let (kind, count) = (info >> 24 & 0x1f, (info & 0xffff) as usize);
        let tail = 4 * match kind {
            1 | 14 | 17 => 1,
            3 => 3,
            4 | 5 | 15 | 19 => count * 3,
            6 | 13 => count * 2,
            _ => 0,
        };
        let record = &btf[at..at + 12 + tail];
        at += 12 + tail;
        let own = name_of(name);
        let is_maps = own == MERGED || own.starts_with(PREFIX);
        if kind != DATA_SECTION || !is_maps {
            records.push(record.to_vec());
            continue;
        }
        is_sized |= size != 0;
        let start = sections.iter().find(|section| match &section.suffix {
            Some(suffix) => own.strip_prefix(PREFIX) == Some(suffix),
            None => own == MERGED,
        });
        let start = start.map_or(0, |section| section.start);
        for variable in record[12..].chunks_exact(12) {
            let mut variable = variable.to_vec();
            let offset = u32::from_le_bytes([variable[4], variable[5], variable[6], variable[7]]);
            let moved = u64::from(offset).saturating_add(start);
            let moved = u32::try_from(moved).map_err(broken)?;
            variable[4..8].copy_from_slice(&moved.to_le_bytes());
            variables.push(variable);
        }
        first.get_or_insert(records.len());
        records.push([0u32, POINTER << 24, 0].map(u32::to_le_bytes).concat());
    }
    let first = first.ok_or_else(|| Error::new("the BTF does not know the sections of maps"))?;
    let name = u32::try_from(strings.len()).map_err(broken)?;
    strings.extend_from_slice(MERGED.as_bytes());
    strings.push(0);
    let all: u64 = match is_sized {
        true => sections.iter().map(|it| it.bytes.next_multiple_of(8)).sum(),
        false => 0,
    };
    let count = u32::try_from(variables.len()).map_err(broken)?;
    let head = [
        name,
        DATA_SECTION << 24 | count,
        u32::try_from(all).map_err(broken)?,
    ];
    records[first] = head.map(u32::to_le_bytes).concat();
    records[first].extend(variables.concat());
    let types = records.concat();
    let lengths = [types.len(), strings.len()].map(u32::try_from);
    let [Ok(type_bytes), Ok(string_bytes)] = lengths else {
        return Err(Error::new("the BTF is too large"));
    };
    let mut out = btf[..4].to_vec();
    for word in [24, 0, type_bytes, type_bytes, string_bytes] {
        out.extend_from_slice(&word.to_le_bytes());
    }
    out.extend(types);
    out.extend(strings);
    Ok(out)
}

/// `BTF_KIND_DATASEC` and `BTF_KIND_PTR`.
const DATA_SECTION: u32 = 15;
const POINTER: u32 = 2;
