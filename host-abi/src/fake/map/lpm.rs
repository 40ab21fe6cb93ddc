//! Tries that find the longest prefix.

use std::collections::BTreeMap;
use std::ops::Bound;

use crate::error::Result;
use crate::fake::errno::Errno;
use crate::fake::map::shape::PREFIX_LENGTH_BYTES;
use crate::fake::map::table::{Existence, Table};

/// An LPM trie. Keys are a little-endian u32 prefix length in bits, then data.
#[derive(Debug)]
pub(crate) struct LpmTable {
    /// By the bits of the prefix, the others 0, then its length.
    entries: BTreeMap<Prefix, Entry>,
    entries_max: usize,
    data_bits: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Prefix {
    data: Vec<u8>,
    length: u32,
}

#[derive(Debug)]
struct Entry {
    /// As it was set: bits behind the prefix are kept, though they mean nothing.
    key: Vec<u8>,
    value: Vec<u8>,
}

impl LpmTable {
    pub(crate) fn new(entries_max: u32, key_size: u32) -> Self {
        Self {
            entries: BTreeMap::new(),
            entries_max: entries_max as usize,
            data_bits: key_size.saturating_sub(PREFIX_LENGTH_BYTES) * 8,
        }
    }

    fn prefix(&self, key: &[u8]) -> Result<Prefix> {
        let (length, data) = key
            .split_first_chunk()
            .ok_or_else(|| Errno::Invalid.error("the key has no prefix length"))?;
        let length = u32::from_le_bytes(*length);
        if length > self.data_bits {
            return Err(Errno::Invalid.error(format!(
                "prefix of {length} bits: the key has {}",
                self.data_bits
            )));
        }
        Ok(Prefix::new(data, length))
    }

    /// The longest prefix of the key that is there, as the kernel's lookup finds it: none, and no
    /// error, for a key of more bits than there are.
    fn longest(&self, key: &[u8]) -> Option<Prefix> {
        let wanted = self.prefix(key).ok()?;
        let mut lengths = (0..=wanted.length).rev();
        lengths.find_map(|length| {
            let prefix = Prefix::new(&wanted.data, length);
            self.entries.contains_key(&prefix).then_some(prefix)
        })
    }
}

impl Prefix {
    fn new(data: &[u8], length: u32) -> Self {
        let mut data = data.to_vec();
        for (index, byte) in data.iter_mut().enumerate() {
            let bits = length.saturating_sub(index as u32 * 8).min(8);
            *byte &= !u8::MAX.checked_shr(bits).unwrap_or(0);
        }
        Self { data, length }
    }
}

impl Table for LpmTable {
    fn lookup(&mut self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        let longest = self.longest(key);
        let entry = longest.and_then(|prefix| self.entries.get(&prefix));
        Ok(entry.map(|entry| entry.value.clone()))
    }

    fn update(&mut self, key: &[u8], value: &[u8], existence: Existence) -> Result<()> {
        let prefix = self.prefix(key)?;
        let present = self.entries.contains_key(&prefix);
        existence.check(present)?;
        if !present && self.entries.len() == self.entries_max {
            return Err(Errno::TooBig.error(format!("it is full with {}", self.entries.len())));
        }
        let entry = Entry {
            key: key.to_vec(),
            value: value.to_vec(),
        };
        self.entries.insert(prefix, entry);
        Ok(())
    }

    fn delete(&mut self, key: &[u8]) -> Result<bool> {
        let prefix = self.prefix(key)?;
        Ok(self.entries.remove(&prefix).is_some())
    }

    fn take(&mut self, _key: &[u8]) -> Result<Option<Vec<u8>>> {
        Err(Errno::NotSupported.error("the kernel cannot take out of an LPM trie"))
    }

    fn key_after(&self, key: Option<&[u8]>) -> Result<Option<Vec<u8>>> {
        let start = match key {
            None => Bound::Unbounded,
            Some(key) => Bound::Excluded(self.prefix(key)?),
        };
        let mut rest = self.entries.range((start, Bound::Unbounded));
        Ok(rest.next().map(|(_, entry)| entry.key.clone()))
    }

    fn contains(&self, key: &[u8]) -> bool {
        self.prefix(key)
            .is_ok_and(|prefix| self.entries.contains_key(&prefix))
    }

    fn len(&self) -> usize {
        self.entries.len()
    }

    fn value_mut(&mut self, key: &[u8]) -> Option<&mut [u8]> {
        let prefix = self.longest(key)?;
        let entry = self.entries.get_mut(&prefix)?;
        Some(&mut entry.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(length: u32, data: [u8; 4]) -> Vec<u8> {
        [&length.to_le_bytes()[..], &data].concat()
    }

    fn trie() -> LpmTable {
        let mut trie = LpmTable::new(3, 8);
        for (length, data, value) in [
            (8, [10, 0, 0, 0], b"eight"),
            (16, [10, 1, 0, 0], b"sixtn"),
            (32, [10, 1, 2, 3], b"whole"),
        ] {
            trie.update(&key(length, data), value, Existence::New)
                .unwrap();
        }
        trie
    }

    #[test]
    fn the_longest_prefix_wins() {
        for (address, value) in [
            ([10, 1, 2, 3], Some(&b"whole"[..])),
            ([10, 1, 2, 4], Some(&b"sixtn"[..])),
            ([10, 2, 2, 3], Some(&b"eight"[..])),
            ([11, 1, 2, 3], None),
        ] {
            let found = trie().lookup(&key(32, address)).unwrap();
            assert_eq!(found.as_deref(), value, "{address:?}");
        }
    }

    #[test]
    fn a_prefix_is_not_found_by_a_shorter_one() {
        assert_eq!(trie().lookup(&key(7, [10, 0, 0, 0])).unwrap(), None);
        assert_eq!(
            trie().lookup(&key(8, [10, 0, 0, 0])).unwrap().as_deref(),
            Some(&b"eight"[..])
        );
    }

    #[test]
    fn a_prefix_of_no_bits_matches_everything() {
        let mut trie = LpmTable::new(1, 8);
        trie.update(&key(0, [0; 4]), b"all", Existence::Any)
            .unwrap();
        assert!(trie.lookup(&key(32, [9, 9, 9, 9])).unwrap().is_some());
    }

    #[test]
    fn bits_behind_the_prefix_do_not_count_but_are_kept() {
        let mut trie = trie();
        assert!(trie.delete(&key(8, [10, 9, 9, 9])).unwrap());
        trie.update(&key(8, [10, 7, 7, 7]), b"again", Existence::New)
            .unwrap();
        let first = trie.key_after(None).unwrap();
        assert_eq!(first, Some(key(8, [10, 7, 7, 7])));
    }

    #[test]
    fn a_prefix_longer_than_the_key_is_found_nowhere_and_cannot_be_set() {
        let mut trie = trie();
        let long = key(33, [0; 4]);
        assert_eq!(trie.lookup(&long).unwrap(), None);
        let error = trie.update(&long, b"xxxxx", Existence::Any).unwrap_err();
        assert_eq!(error.errno(), 22);
    }

    #[test]
    fn a_full_trie_refuses_new_prefixes() {
        let mut trie = trie();
        let error = trie
            .update(&key(9, [1, 0, 0, 0]), b"xxxxx", Existence::Any)
            .unwrap_err();
        assert_eq!(error.errno(), 7);
        let replaced = trie.update(&key(8, [10, 0, 0, 0]), b"xxxxx", Existence::Present);
        replaced.unwrap();
    }

    #[test]
    fn deletion_wants_the_exact_prefix() {
        assert!(!trie().delete(&key(24, [10, 1, 2, 0])).unwrap());
        assert!(trie().delete(&key(16, [10, 1, 0, 0])).unwrap());
    }
}
