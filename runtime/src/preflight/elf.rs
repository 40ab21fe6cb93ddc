//! What the programs of a BPF object call and relocate, read from its ELF file. The file is
//! untrusted: whatever its bytes are, they end in an error or in numbers.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::CString;

use object::read::elf::ElfFile64;
use object::{Object as _, ObjectSection as _, ObjectSymbol as _, RelocationTarget, SymbolKind};

/// Bytes of an instruction.
const INSTRUCTION_BYTES: usize = 8;
/// `BPF_JMP | BPF_CALL`.
const CALL: u8 = 0x85;
/// Where functions are that programs share.
const SUBPROGRAMS: &str = ".text";
/// Where an object says what it is licensed under.
const LICENSE: &str = "license";
/// Where maps are whose members are programs; a `?` in front: not made unless asked for.
const STRUCT_OPS_SECTIONS: [&str; 2] = [".struct_ops", ".struct_ops.link"];
/// Bytes of code that are read: 32 times the largest program that a kernel takes. Functions of a
/// hostile file can overlap, so that its size bounds nothing.
const CODE_BYTES_MAX: u64 = 256 << 20;
/// Functions that are read; each looks through the relocations of its section.
const FUNCTIONS_MAX: usize = 4096;
/// The ELF reader wants the file at such an address.
const ALIGN_BYTES: usize = 8;

/// A CO-RE relocation (`struct bpf_core_relo`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Relocation {
    /// The type at which the access starts, in the object's BTF.
    pub(super) root: u32,
    /// The way from there: `0:3:1`.
    pub(super) access: String,
    /// `enum bpf_core_relo_kind`.
    pub(super) kind: u32,
}

/// What one program does.
#[derive(Clone, Debug, Default)]
pub(super) struct Code {
    /// Numbers of helpers.
    pub(super) helpers: BTreeSet<u32>,
    pub(super) relocations: Vec<Relocation>,
}

/// What an object's file says.
#[derive(Clone, Debug, Default)]
pub(super) struct Elf {
    /// By name of the program. What functions in `.text` do counts for each that calls any.
    pub(super) programs: BTreeMap<String, Code>,
    /// Functions that members of `struct_ops` maps are.
    pub(super) operations: BTreeSet<String>,
    /// What it takes from the kernel by name, and whether it can do without.
    pub(super) externs: Vec<(String, bool)>,
    /// Empty when it has none.
    pub(super) license: CString,
}

pub(super) fn read(bytes: &[u8]) -> Result<Elf, String> {
    // A copy of words is aligned, whatever `bytes` are.
    let mut words = vec![0_u64; bytes.len().div_ceil(ALIGN_BYTES)];
    for (word, chunk) in words.iter_mut().zip(bytes.chunks(ALIGN_BYTES)) {
        let mut whole = [0; ALIGN_BYTES];
        whole[..chunk.len()].copy_from_slice(chunk);
        *word = u64::from_ne_bytes(whole);
    }
    let aligned: Vec<u8> = words.iter().flat_map(|word| word.to_ne_bytes()).collect();
    let elf: ElfFile64<'_> = ElfFile64::parse(&*aligned).map_err(|error| error.to_string())?;
    let relocations = relocations(&elf)?;
    let mut shared = Code::default();
    let mut code_bytes = 0_u64;
    let mut functions = 0;
    let mut programs = BTreeMap::new();
    for symbol in elf
        .symbols()
        .filter(|symbol| symbol.kind() == SymbolKind::Text)
    {
        let Some(section) = symbol.section_index() else {
            continue;
        };
        let section = elf.section_by_index(section).map_err(|e| e.to_string())?;
        let name = section.name().map_err(|error| error.to_string())?;
        let range = symbol.address()..symbol.address().saturating_add(symbol.size());
        code_bytes = code_bytes.saturating_add(symbol.size().min(section.size()));
        functions += 1;
        if code_bytes > CODE_BYTES_MAX || functions > FUNCTIONS_MAX {
            return Err(format!(
                "it has more than {CODE_BYTES_MAX} bytes of code or {FUNCTIONS_MAX} functions"
            ));
        }
        let code = section.data().map_err(|error| error.to_string())?;
        let code = usize::try_from(range.start)
            .ok()
            .zip(usize::try_from(range.end).ok())
            .and_then(|(start, end)| code.get(start..end))
            .unwrap_or_default();
        let (helpers, calls_functions) = calls(code);
        let own = relocations.get(name).into_iter().flatten();
        let own = own.filter(|(offset, _)| range.contains(offset));
        let found = Code {
            helpers,
            relocations: own.map(|(_, relocation)| relocation.clone()).collect(),
        };
        if name == SUBPROGRAMS {
            shared.helpers.extend(found.helpers);
            shared.relocations.extend(found.relocations);
        } else {
            let name = symbol.name().map_err(|error| error.to_string())?;
            programs.insert(name.to_owned(), (found, calls_functions));
        }
    }
    let complete = programs
        .into_iter()
        .map(|(name, (mut code, calls_functions))| {
            if calls_functions {
                code.helpers.extend(&shared.helpers);
                code.relocations.extend_from_slice(&shared.relocations);
            }
            (name, code)
        });
    Ok(Elf {
        programs: complete.collect(),
        operations: operations(&elf),
        externs: externs(&elf),
        license: license(&elf),
    })
}

fn externs(elf: &ElfFile64<'_>) -> Vec<(String, bool)> {
    let undefined = elf.symbols().filter(|symbol| symbol.is_undefined());
    let named = undefined.filter_map(|symbol| {
        let name = symbol.name().ok().filter(|name| !name.is_empty())?;
        Some((name.to_owned(), symbol.is_weak()))
    });
    named.take(FUNCTIONS_MAX).collect()
}

fn license(elf: &ElfFile64<'_>) -> CString {
    let section = elf.section_by_name(LICENSE);
    let text = section.and_then(|section| section.data().ok());
    let text = text.unwrap_or_default().split(|byte| *byte == 0).next();
    CString::new(text.unwrap_or_default()).unwrap_or_default()
}

/// The functions that `struct_ops` maps refer to.
fn operations(elf: &ElfFile64<'_>) -> BTreeSet<String> {
    let is_maps = |name: &str| STRUCT_OPS_SECTIONS.contains(&name.trim_start_matches('?'));
    let sections = elf
        .sections()
        .filter(|section| section.name().is_ok_and(is_maps));
    sections
        .flat_map(|section| section.relocations())
        .filter_map(|(_, relocation)| match relocation.target() {
            RelocationTarget::Symbol(symbol) => elf.symbol_by_index(symbol).ok(),
            _ => None,
        })
        .filter_map(|symbol| symbol.name().ok().map(str::to_owned))
        .collect()
}

/// The helpers that are called, and whether functions of the object are.
fn calls(code: &[u8]) -> (BTreeSet<u32>, bool) {
    let mut helpers = BTreeSet::new();
    let mut calls_functions = false;
    for instruction in code.as_chunks::<INSTRUCTION_BYTES>().0 {
        let [CALL, registers, _, _, immediate @ ..] = instruction else {
            continue;
        };
        match registers >> 4 {
            0 => drop(helpers.insert(u32::from_le_bytes(*immediate))),
            1 => calls_functions = true,
            _ => {}
        }
    }
    (helpers, calls_functions)
}

type BySection = BTreeMap<String, Vec<(u64, Relocation)>>;

/// Those of `.BTF.ext`, by section, with the offset of their instruction.
fn relocations(elf: &ElfFile64<'_>) -> Result<BySection, String> {
    let section = |name| {
        elf.section_by_name(name)
            .and_then(|section| section.data().ok())
    };
    let (Some(btf), Some(ext)) = (section(".BTF"), section(".BTF.ext")) else {
        return Ok(BySection::new());
    };
    parse(btf, ext).ok_or_else(|| "its .BTF.ext section is damaged".to_owned())
}

/// `struct btf_ext_header`: magic, version, flags, header length, then pairs of offset and length;
/// the third pair is that of the relocations, behind which come their size and, for each section,
/// its name, their number and they themselves.
fn parse(btf: &[u8], ext: &[u8]) -> Option<BySection> {
    /// Offset of the third pair.
    const PAIR_AT: usize = 24;
    /// `sizeof(struct bpf_core_relo)`.
    const RECORD_BYTES: usize = 16;

    let mut found = BySection::new();
    let header = word(ext, 4)? as usize;
    if header < PAIR_AT + 8 || word(ext, PAIR_AT + 4)? == 0 {
        return Some(found);
    }
    let mut at = header.checked_add(word(ext, PAIR_AT)? as usize)?;
    let end = at.checked_add(word(ext, PAIR_AT + 4)? as usize)?;
    let size = word(ext, at)? as usize;
    if size < RECORD_BYTES {
        return None;
    }
    at += 4;
    while at < end {
        let name = text(btf, word(ext, at)?)?;
        let count = word(ext, at + 4)?;
        at += 8;
        let records = found.entry(name).or_default();
        for _ in 0..count {
            let relocation = Relocation {
                root: word(ext, at + 4)?,
                access: text(btf, word(ext, at + 8)?)?,
                kind: word(ext, at + 12)?,
            };
            records.push((u64::from(word(ext, at)?), relocation));
            at = at.checked_add(size)?;
        }
    }
    Some(found)
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..)?.first_chunk::<4>()?;
    Some(u32::from_le_bytes(*bytes))
}

/// The string at an offset of the strings of a `.BTF` section (`struct btf_header`).
fn text(btf: &[u8], offset: u32) -> Option<String> {
    let start = word(btf, 4)?
        .checked_add(word(btf, 16)?)?
        .checked_add(offset)?;
    let bytes = btf.get(start as usize..)?;
    let end = bytes.iter().position(|byte| *byte == 0)?;
    String::from_utf8(bytes[..end].to_vec()).ok()
}
