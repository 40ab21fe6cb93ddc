//! Functions in other processes, from the symbol tables of the files that they have mapped.
//!
//! blazesym would also read DWARF and unwind inlined functions, but it switches on a feature of a
//! crate that the whole WebAssembly engine stands on, and all that a stack needs is in the symbol
//! tables. Those come from processes that may be hostile: every length has a bound.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::sync::Arc;
use std::time::{Duration, Instant};

use object::read::elf::ElfFile64;
use object::{Object, ObjectSegment, ObjectSymbol, ReadCache, SymbolKind};

use super::stacks::frame;

/// Bytes of `/proc/PID/maps`: more than 65,530 mappings no process has by default.
const MAPS_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// How long mappings are believed: processes load libraries, and numbers of processes are reused.
const MAPS_AGE_MAX: Duration = Duration::from_secs(1);

/// Processes whose mappings are kept.
const PROCESSES_MAX: usize = 256;

/// Files whose symbols are kept.
const FILES_MAX: usize = 128;

/// Symbols of one file; Chromium has 500,000.
const SYMBOLS_MAX: usize = 1 << 20;

/// Bytes of the names of one file's symbols.
const NAMES_BYTES_MAX: usize = 128 * 1024 * 1024;

/// Bytes of a name that are shown: those of C++ and Rust are long.
const NAME_BYTES_MAX: usize = 512;

#[derive(Debug, Default)]
pub(super) struct UserSymbols {
    processes: HashMap<u32, Process>,
    files: HashMap<FileId, Option<Arc<Symbols>>>,
}

/// A file, as `/proc/PID/maps` identifies it.
type FileId = (String, u64);

#[derive(Debug)]
struct Process {
    read: Instant,
    mappings: Vec<Mapping>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Mapping {
    start: u64,
    end: u64,
    offset: u64,
    file: FileId,
    path: String,
}

#[derive(Debug)]
struct Symbols {
    /// Where the file's bytes lie in its address space.
    segments: Vec<Segment>,
    /// By address.
    entries: Vec<Entry>,
    names: String,
}

#[derive(Debug)]
struct Segment {
    offset: u64,
    bytes: u64,
    address: u64,
}

#[derive(Debug)]
struct Entry {
    address: u64,
    size: u64,
    name_start: u32,
    name_bytes: u32,
}

impl UserSymbols {
    /// The frame of an address, by the function it is in or else the file.
    pub(super) fn resolve(&mut self, pid: u32, address: u64) -> Option<String> {
        let mapping = self.mapping(pid, address)?;
        let module = mapping.path.rsplit('/').next().unwrap_or(&mapping.path);
        let in_file = address - mapping.start + mapping.offset;
        let symbols = self.symbols(pid, &mapping);
        let named = symbols.as_ref().and_then(|symbols| symbols.at(in_file));
        Some(match named {
            Some((name, offset)) => {
                // Without the hash at the end.
                let name = format!("{:#}", rustc_demangle::demangle(name));
                frame(&name, offset, Some(module))
            }
            None => frame(module, in_file, None),
        })
    }

    fn mapping(&mut self, pid: u32, address: u64) -> Option<Mapping> {
        let is_fresh = |process: &Process| process.read.elapsed() < MAPS_AGE_MAX;
        if !self.processes.get(&pid).is_some_and(is_fresh) {
            if self.processes.len() >= PROCESSES_MAX {
                self.processes.clear();
            }
            let process = Process {
                read: Instant::now(),
                mappings: read_mappings(pid),
            };
            self.processes.insert(pid, process);
        }
        let mappings = &self.processes.get(&pid)?.mappings;
        let behind = mappings.partition_point(|mapping| mapping.start <= address);
        let mapping = mappings.get(behind.checked_sub(1)?)?;
        (address < mapping.end).then(|| mapping.clone())
    }

    fn symbols(&mut self, pid: u32, mapping: &Mapping) -> Option<Arc<Symbols>> {
        if let Some(known) = self.files.get(&mapping.file) {
            return known.clone();
        }
        if self.files.len() >= FILES_MAX {
            self.files.clear();
        }
        // This link leads to the very file, whatever is at its path now.
        let path = format!(
            "/proc/{pid}/map_files/{:x}-{:x}",
            mapping.start, mapping.end
        );
        let symbols = File::open(path).ok().and_then(read_symbols).map(Arc::new);
        self.files.insert(mapping.file.clone(), symbols.clone());
        symbols
    }
}

impl Symbols {
    /// The function at an offset of the file, and the bytes behind its start.
    fn at(&self, in_file: u64) -> Option<(&str, u64)> {
        let holds = |segment: &&Segment| in_file.wrapping_sub(segment.offset) < segment.bytes;
        let segment = self.segments.iter().find(holds)?;
        let address = segment.address.wrapping_add(in_file - segment.offset);
        let behind = self
            .entries
            .partition_point(|entry| entry.address <= address);
        let entry = self.entries.get(behind.checked_sub(1)?)?;
        let offset = address - entry.address;
        // Functions in assembly have no size.
        if entry.size > 0 && offset >= entry.size {
            return None;
        }
        let start = entry.name_start as usize;
        let name = self.names.get(start..start + entry.name_bytes as usize)?;
        Some((name, offset))
    }
}

/// The mappings of files, by address. None when the process has ended.
fn read_mappings(pid: u32) -> Vec<Mapping> {
    let mut text = Vec::new();
    let _ = File::open(format!("/proc/{pid}/maps"))
        .and_then(|file| file.take(MAPS_BYTES_MAX).read_to_end(&mut text));
    let text = String::from_utf8_lossy(&text);
    text.lines().filter_map(parse_mapping).collect()
}

/// `7f12a000-7f12b000 r-xp 00001000 fd:01 1234    /usr/lib/libc.so.6`
fn parse_mapping(line: &str) -> Option<Mapping> {
    let mut words = line.splitn(6, ' ');
    let (start, end) = words.next()?.split_once('-')?;
    let (_, offset, device, inode) = (words.next()?, words.next()?, words.next()?, words.next()?);
    let path = words.next()?.trim_start();
    let hex = |text| u64::from_str_radix(text, 16).ok();
    path.starts_with('/').then_some(())?;
    Some(Mapping {
        start: hex(start)?,
        end: hex(end)?,
        offset: hex(offset)?,
        file: (device.to_owned(), inode.parse().ok()?),
        path: path.to_owned(),
    })
}

fn read_symbols(file: File) -> Option<Symbols> {
    let cache = ReadCache::new(file);
    let elf = ElfFile64::<object::Endianness, _>::parse(&cache).ok()?;
    let segments = elf.segments().map(|segment| {
        let (offset, bytes) = segment.file_range();
        Segment {
            offset,
            bytes,
            address: segment.address(),
        }
    });
    let mut symbols = Symbols {
        segments: segments.collect(),
        entries: Vec::new(),
        names: String::new(),
    };
    for symbol in elf.symbols().chain(elf.dynamic_symbols()).take(SYMBOLS_MAX) {
        let is_function = symbol.kind() == SymbolKind::Text && symbol.is_definition();
        if let (true, Ok(name)) = (is_function, symbol.name())
            && !symbols.add(symbol.address(), symbol.size(), name)
        {
            break;
        }
    }
    symbols.entries.sort_by_key(|entry| entry.address);
    symbols.entries.dedup_by_key(|entry| entry.address);
    Some(symbols)
}

impl Symbols {
    /// Adds a symbol; whether there is room for more.
    fn add(&mut self, address: u64, size: u64, name: &str) -> bool {
        let name = &name[..name.floor_char_boundary(NAME_BYTES_MAX)];
        let (Ok(name_start), Ok(name_bytes)) =
            (u32::try_from(self.names.len()), u32::try_from(name.len()))
        else {
            return false;
        };
        self.names.push_str(name);
        self.entries.push(Entry {
            address,
            size,
            name_start,
            name_bytes,
        });
        self.names.len() < NAMES_BYTES_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mappings_of_files_are_read_and_others_passed_over() {
        let line = "7f1000-7f3000 r-xp 00001000 fd:01 1234                  /a b/lib c.so";
        let mapping = parse_mapping(line).unwrap();
        assert_eq!(
            (mapping.start, mapping.end, mapping.offset),
            (0x7f_1000, 0x7f_3000, 0x1000)
        );
        assert_eq!(mapping.path, "/a b/lib c.so");
        for other in [
            "",
            "7f1000-7f3000 r-xp 00001000 fd:01 1234                  [heap]",
            "7f1000-7f3000 rw-p 00000000 00:00 0 ",
            "x-y r-xp 0 fd:01 1 /a",
        ] {
            assert_eq!(parse_mapping(other), None, "{other}");
        }
    }

    #[test]
    fn an_address_outside_of_all_functions_has_no_name() {
        let mut symbols = Symbols {
            segments: vec![Segment {
                offset: 0x1000,
                bytes: 0x1000,
                address: 0x40_1000,
            }],
            entries: Vec::new(),
            names: String::new(),
        };
        symbols.add(0x40_1100, 0x10, "first");
        symbols.add(0x40_1200, 0, "assembly");
        assert_eq!(symbols.at(0x1104), Some(("first", 4)));
        assert_eq!(symbols.at(0x1110), None);
        assert_eq!(symbols.at(0x1300), Some(("assembly", 0x100)));
        assert_eq!(
            [symbols.at(0), symbols.at(0x1000), symbols.at(0x2000)],
            [None; 3]
        );
    }

    #[test]
    fn files_that_are_no_elf_have_no_symbols() {
        assert!(read_symbols(File::open("/proc/self/maps").unwrap()).is_none());
        assert!(read_symbols(File::open("/dev/null").unwrap()).is_none());
    }
}
