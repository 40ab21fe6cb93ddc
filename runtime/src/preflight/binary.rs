//! Whether a program or library has the places that probes are set at. Files are those of the
//! host, which may be anybody's: whatever their bytes are, they end in an error or in an answer.

use std::fs::File;
use std::path::Path;

use eunomia_host_abi::glob;
use eunomia_host_abi::target::{UprobeLocation, UprobeLocations};
use object::read::elf::{ElfFile64, SectionHeader as _};
use object::{Endianness, Object as _, ObjectSymbol as _, ReadCache, ReadRef, SymbolKind};

use crate::libbpf::places;

/// Section and owner of the notes that say where USDT probes are (systemtap's `sys/sdt.h`), and the
/// type of such a note.
const USDT_SECTION: &str = ".note.stapsdt";
const USDT_OWNER: &[u8] = b"stapsdt";
const USDT_TYPE: u32 = 3;
/// In front of the names in such a note: the addresses of the probe, of `.stapsdt.base` and of the
/// semaphore.
const USDT_ADDRESSES_BYTES: usize = 3 * size_of::<u64>();

/// Where in a binary.
pub(super) enum Place<'a> {
    One(&'a UprobeLocation),
    Several(&'a UprobeLocations),
    Usdt { provider: &'a str, name: &'a str },
}

/// What keeps probes from being set there, if something does.
pub(super) fn missing(binary: &str, place: &Place<'_>) -> Option<String> {
    let Some(path) = places::binary(binary) else {
        return Some("there is no such file".to_owned());
    };
    let shown = path.display().to_string();
    match missing_of(&path, place) {
        Ok(None) => None,
        Ok(Some(missing)) => Some(format!("{shown} has {missing}")),
        Err(reason) => Some(format!("{shown}: {reason}")),
    }
}

fn missing_of(path: &Path, place: &Place<'_>) -> Result<Option<String>, String> {
    if !path.is_file() {
        return Err("it is no file".to_owned());
    }
    // Read as it is asked for: libraries have hundreds of megabytes.
    let file = File::open(path).map_err(|error| error.to_string())?;
    let bytes = file.metadata().map_err(|error| error.to_string())?.len();
    let cache = ReadCache::new(file);
    let elf = ElfFile64::<Endianness, _>::parse(&cache)
        .map_err(|_| "it is no ELF file of 64 bits".to_owned())?;
    let no_function = |wanted: &str| format!("no function `{wanted}`");
    let is_behind_end = |offset: &u64| *offset >= bytes;
    let only = || format!("only {bytes} bytes");
    Ok(match place {
        Place::One(UprobeLocation::FileOffset(offset)) => is_behind_end(offset).then(only),
        Place::One(UprobeLocation::Symbol(wanted, _)) => {
            (!has_function(&elf, wanted)).then(|| no_function(wanted))
        }
        Place::Several(UprobeLocations::FileOffsets(offsets)) => {
            offsets.iter().any(is_behind_end).then(only)
        }
        Place::Several(UprobeLocations::Symbols(symbols)) => {
            let mut symbols = symbols.iter();
            let lacking = symbols.find(|wanted| !has_function(&elf, wanted));
            lacking.map(|wanted| no_function(wanted))
        }
        Place::Several(UprobeLocations::Pattern(pattern)) => {
            let found = any_symbol(&elf, |name| glob::matches(pattern, name));
            (!found).then(|| format!("no function that matches `{pattern}`"))
        }
        Place::Usdt { provider, name } => {
            let found = has_usdt_probe(&elf, provider, name)?;
            (!found).then(|| format!("no USDT probe `{provider}:{name}`"))
        }
    })
}

type Elf<'data, R> = ElfFile64<'data, Endianness, R>;

/// A version, as of `memcpy@GLIBC_2.14`, is not in the table of symbols.
fn has_function<'data, R: ReadRef<'data>>(elf: &Elf<'data, R>, wanted: &str) -> bool {
    let wanted = wanted.split('@').next().unwrap_or_default();
    any_symbol(elf, |name| name == wanted)
}

fn any_symbol<'data, R: ReadRef<'data>>(elf: &Elf<'data, R>, is_it: impl Fn(&str) -> bool) -> bool {
    let mut symbols = elf.symbols().chain(elf.dynamic_symbols());
    symbols.any(|symbol| {
        // What libbpf takes for a function (STT_FUNC).
        let is_function = symbol.is_definition() && symbol.kind() == SymbolKind::Text;
        is_function && symbol.name().is_ok_and(&is_it)
    })
}

fn has_usdt_probe<'data, R: ReadRef<'data>>(
    elf: &Elf<'data, R>,
    provider: &str,
    name: &str,
) -> Result<bool, String> {
    let damaged = |error| format!("its USDT probes are damaged: {error}");
    let Some(section) = elf.section_by_name(USDT_SECTION) else {
        return Ok(false);
    };
    let header = section.elf_section_header();
    let Some(mut notes) = header.notes(elf.endian(), elf.data()).map_err(damaged)? else {
        return Ok(false);
    };
    let wanted = [provider.as_bytes(), name.as_bytes()];
    while let Some(note) = notes.next().map_err(damaged)? {
        let is_probe = note.name() == USDT_OWNER && note.n_type(elf.endian()) == USDT_TYPE;
        let names = note.desc().get(USDT_ADDRESSES_BYTES..).unwrap_or_default();
        if is_probe && names.split(|byte| *byte == 0).take(2).eq(wanted) {
            return Ok(true);
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// This program: it has symbols, and is where every test runs.
    fn this() -> String {
        let path = std::env::current_exe().unwrap();
        path.to_str().unwrap().to_owned()
    }

    #[test]
    fn what_a_binary_lacks_is_named() {
        let missing_here = |place: Place<'_>| missing(&this(), &place).unwrap_or_default();
        let pattern = |text: &str| UprobeLocations::Pattern(text.to_owned());
        let symbol = |text: &str| UprobeLocation::Symbol(text.to_owned(), 0);
        let symbols = |texts: &[&str]| {
            UprobeLocations::Symbols(texts.iter().map(|text| (*text).to_owned()).collect())
        };
        assert_eq!(missing_here(Place::One(&symbol("main"))), "");
        assert_eq!(missing_here(Place::Several(&pattern("ma?n"))), "");
        assert_eq!(missing_here(Place::Several(&symbols(&["main"]))), "");
        for (place, reason) in [
            (Place::One(&symbol("mainx")), "no function `mainx`"),
            (
                Place::Several(&symbols(&["main", "mainx"])),
                "no function `mainx`",
            ),
            (
                Place::Several(&pattern("mainx*y")),
                "no function that matches `mainx*y`",
            ),
            (
                Place::Several(&UprobeLocations::FileOffsets(vec![0, 1 << 40])),
                "only ",
            ),
            (
                Place::Usdt {
                    provider: "nobody",
                    name: "nothing",
                },
                "no USDT probe `nobody:nothing`",
            ),
        ] {
            let said = missing_here(place);
            assert!(said.contains(reason), "{said:?} lacks {reason:?}");
        }
        let place = Place::One(&symbol("main"));
        assert_eq!(
            missing("/nowhere/x", &place).as_deref(),
            Some("there is no such file")
        );
        assert!(missing("/etc/passwd", &place).is_some_and(|said| said.contains("no ELF file")));
    }
}
