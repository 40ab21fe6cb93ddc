//! The kernel's symbol table, as the test wrote it.

use std::collections::BTreeMap;

use crate::kernel::Symbol;

/// Symbols by their address.
#[derive(Debug, Default)]
pub(crate) struct Symbols(BTreeMap<u64, Entry>);

#[derive(Debug)]
struct Entry {
    name: String,
    module: Option<String>,
    size: u64,
}

impl Symbols {
    pub(crate) fn add(&mut self, name: String, module: Option<String>, address: u64, size: u64) {
        let entry = Entry { name, module, size };
        self.0.insert(address, entry);
    }

    pub(crate) fn resolve(&self, address: u64) -> Option<Symbol> {
        let (start, entry) = self.0.range(..=address).next_back()?;
        let offset = address - start;
        (offset < entry.size).then(|| Symbol {
            name: entry.name.clone(),
            offset,
            module: entry.module.clone(),
        })
    }

    /// The lowest address, when there are several symbols of one name.
    pub(crate) fn address(&self, name: &str) -> Option<u64> {
        let mut entries = self.0.iter();
        entries
            .find(|(_, entry)| entry.name == name)
            .map(|(address, _)| *address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn symbols() -> Symbols {
        let mut symbols = Symbols::default();
        symbols.add("do_exit".into(), None, 0x1000, 0x20);
        symbols.add("ext4_sync".into(), Some("ext4".into()), 0x2000, 0x10);
        symbols
    }

    #[test]
    fn an_address_inside_a_symbol_resolves_with_its_offset() {
        let symbol = symbols().resolve(0x1008).unwrap();
        assert_eq!((symbol.name.as_str(), symbol.offset), ("do_exit", 8));
        assert_eq!(symbol.module, None);
        let symbol = symbols().resolve(0x2000).unwrap();
        assert_eq!(symbol.module.as_deref(), Some("ext4"));
    }

    #[test]
    fn addresses_before_between_and_behind_symbols_resolve_to_none() {
        for address in [0, 0xfff, 0x1020, 0x1fff, 0x2010, u64::MAX] {
            assert_eq!(symbols().resolve(address), None, "{address:#x}");
        }
    }

    #[test]
    fn a_name_has_the_address_it_was_added_with() {
        assert_eq!(symbols().address("ext4_sync"), Some(0x2000));
        assert_eq!(symbols().address("ext4"), None);
    }
}
