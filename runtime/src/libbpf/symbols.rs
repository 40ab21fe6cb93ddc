//! Kernel symbols, from `/proc/kallsyms`.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::sync::OnceLock;

use eunomia_host_abi::kernel::Symbol;
use eunomia_host_abi::{Error, ErrorKind, Result};

use super::failure::from_io;

const KALLSYMS: &str = "/proc/kallsyms";

/// Symbols by address. Read when first needed: there are some 150,000 of them, and reading takes
/// about 100 ms.
#[derive(Debug, Default)]
pub(super) struct Symbols {
    table: OnceLock<Table>,
}

#[derive(Debug)]
struct Table {
    /// By address.
    entries: Vec<Entry>,
    /// All names, one after the other.
    names: String,
    /// Names of modules.
    modules: Vec<String>,
    /// Names of absolute symbols: numbers (offsets of per-CPU variables), not addresses.
    absolute: HashSet<String>,
}

#[derive(Debug)]
struct Entry {
    address: u64,
    name_start: u32,
    name_bytes: u16,
    /// 0: the kernel itself, else the place in `modules`, from 1 on.
    module: u16,
}

impl Symbols {
    pub(super) fn resolve(&self, addresses: &[u64]) -> Result<Vec<Option<Symbol>>> {
        let table = self.table()?;
        Ok(addresses.iter().map(|address| table.at(*address)).collect())
    }

    pub(super) fn address(&self, name: &str) -> Result<Option<u64>> {
        let table = self.table()?;
        let named = table.entries.iter().find(|entry| table.name(entry) == name);
        Ok(named.map(|entry| entry.address))
    }

    /// Whether the kernel finds it by name, which it also does with what has no address.
    pub(super) fn is_listed(&self, name: &str) -> Result<bool> {
        Ok(self.address(name)?.is_some() || self.table()?.absolute.contains(name))
    }

    fn table(&self) -> Result<&Table> {
        if let Some(table) = self.table.get() {
            return Ok(table);
        }
        let file =
            File::open(KALLSYMS).map_err(|error| from_io(&error, format!("open {KALLSYMS}")))?;
        let table = Table::read(BufReader::with_capacity(1 << 16, file))
            .map_err(|error| from_io(&error, format!("read {KALLSYMS}")))?;
        if table.entries.iter().all(|entry| entry.address == 0) {
            return Err(Error::new(
                ErrorKind::PermissionDenied,
                format!(
                    "kernel symbols: {KALLSYMS} shows no addresses to this process; it needs \
                     CAP_SYSLOG, and `sysctl kernel.kptr_restrict` 0 or 1"
                ),
            ));
        }
        Ok(self.table.get_or_init(|| table))
    }
}

impl Table {
    /// Lines are `ffffffff81000000 T _text` and, of modules, `ffffffffc0000000 t name [module]`
    /// (with a tab).
    fn read(mut lines: impl BufRead) -> io::Result<Self> {
        let mut table = Self {
            entries: Vec::new(),
            names: String::new(),
            modules: Vec::new(),
            absolute: HashSet::new(),
        };
        let mut line = String::new();
        loop {
            line.clear();
            if lines.read_line(&mut line)? == 0 {
                break;
            }
            table.add(line.trim_end());
        }
        // Stable: of several names of one address the first stays in front.
        table.entries.sort_by_key(|entry| entry.address);
        table.entries.shrink_to_fit();
        table.names.shrink_to_fit();
        Ok(table)
    }

    fn add(&mut self, line: &str) {
        let mut words = line.split_ascii_whitespace();
        let (Some(address), Some(kind), Some(name)) = (words.next(), words.next(), words.next())
        else {
            return;
        };
        if matches!(kind, "a" | "A") {
            self.absolute.insert(name.to_owned());
            return;
        }
        let Ok(address) = u64::from_str_radix(address, 16) else {
            return;
        };
        let (Ok(name_start), Ok(name_bytes)) =
            (u32::try_from(self.names.len()), u16::try_from(name.len()))
        else {
            return;
        };
        let module = words
            .next()
            .map(|module| module.trim_matches(['[', ']']))
            .map_or(0, |module| self.module_number(module));
        self.names.push_str(name);
        self.entries.push(Entry {
            address,
            name_start,
            name_bytes,
            module,
        });
    }

    fn module_number(&mut self, name: &str) -> u16 {
        // A module's symbols are next to each other.
        if self.modules.last().is_none_or(|last| last != name) {
            self.modules.push(name.to_owned());
        }
        u16::try_from(self.modules.len()).unwrap_or(0)
    }

    fn at(&self, address: u64) -> Option<Symbol> {
        let behind = self
            .entries
            .partition_point(|entry| entry.address <= address);
        let nearest = self.entries.get(behind.checked_sub(1)?)?;
        // A BPF program may well be the last symbol of all: its code lies behind the kernel's.
        let end = self
            .entries
            .get(behind)
            .map_or(u64::MAX, |next| next.address);
        // The first of those that share the address.
        let first = self
            .entries
            .partition_point(|entry| entry.address < nearest.address);
        let entry = self.entries.get(first)?;
        let before_a_hole = end - entry.address > SYMBOL_BYTES_MAX;
        let offset = address - entry.address;
        if entry.address == 0 || (before_a_hole && offset >= BEFORE_A_HOLE_BYTES_MAX) {
            return None;
        }
        let module = usize::from(entry.module)
            .checked_sub(1)
            .and_then(|module| self.modules.get(module));
        Some(Symbol {
            name: self.name(entry).to_owned(),
            offset,
            module: module.cloned(),
        })
    }

    fn name(&self, entry: &Entry) -> &str {
        let start = entry.name_start as usize;
        self.names
            .get(start..start + usize::from(entry.name_bytes))
            .unwrap_or_default()
    }
}

/// Bytes of the longest symbol that is believed: the text of a kernel has some 20 MiB, and symbols
/// farther apart than this have a hole between them.
const SYMBOL_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Bytes that a symbol in front of a hole, whose end nothing tells, is believed to have.
const BEFORE_A_HOLE_BYTES_MAX: u64 = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    const LINES: &str = "\
0000000000000000 A fixed_percpu_data
ffffffff81000000 T _text
ffffffff81000000 T startup_64
ffffffff81000040 t helper
ffffffff81000100 T _end
ffffffffc0000000 t probe\t[net]
ffffffffc0000010 t probe_end\t[net]
";

    fn table() -> Table {
        Table::read(LINES.as_bytes()).unwrap()
    }

    #[test]
    fn an_address_belongs_to_the_symbol_before_it() {
        let symbol = table().at(0xffff_ffff_8100_0044).unwrap();
        assert_eq!((symbol.name.as_str(), symbol.offset), ("helper", 4));
        assert_eq!(symbol.module, None);
    }

    #[test]
    fn what_has_no_address_is_listed() {
        let symbols = Symbols {
            table: OnceLock::from(table()),
        };
        assert_eq!(symbols.address("fixed_percpu_data").unwrap(), None);
        assert!(symbols.is_listed("fixed_percpu_data").unwrap());
        assert!(!symbols.is_listed("nothing_like_it").unwrap());
    }

    #[test]
    fn of_several_names_the_first_counts() {
        assert_eq!(table().at(0xffff_ffff_8100_0000).unwrap().name, "_text");
    }

    #[test]
    fn a_symbol_of_a_module_names_it() {
        let symbol = table().at(0xffff_ffff_c000_0001).unwrap();
        assert_eq!(symbol.module.as_deref(), Some("net"));
    }

    #[test]
    fn the_last_symbol_and_the_one_before_a_hole_have_an_end_of_their_own() {
        let table = table();
        for (name, address) in [
            ("probe_end", 0xffff_ffff_c000_0010),
            ("_end", 0xffff_ffff_8100_0100),
        ] {
            let symbol = table.at(address + 0xd9).unwrap();
            assert_eq!((symbol.name.as_str(), symbol.offset), (name, 0xd9));
            assert_eq!(table.at(address + BEFORE_A_HOLE_BYTES_MAX), None);
        }
    }

    #[test]
    fn addresses_before_behind_and_between_symbols_have_none() {
        let table = table();
        for address in [0, 0x1000, 0xffff_ffff_9000_0000, u64::MAX] {
            assert_eq!(table.at(address), None, "{address:x}");
        }
    }
}
