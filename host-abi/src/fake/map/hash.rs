//! Hash maps, also those that forget the key that was used least recently.

use std::collections::BTreeMap;
use std::ops::Bound;

use crate::error::Result;
use crate::fake::errno::Errno;
use crate::fake::map::table::{Existence, Table};

/// A map that holds what it is given, up to a bound.
#[derive(Debug)]
pub(crate) struct HashTable {
    entries: BTreeMap<Vec<u8>, Entry>,
    entries_max: usize,
    when_full: WhenFull,
    used: u64,
}

/// What a full map does with a new key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WhenFull {
    /// Refuse it.
    Refuse,
    /// Forget the key that was set, or used by a program, longest ago. The kernel comes close to
    /// that, in batches.
    Forget,
}

#[derive(Debug)]
struct Entry {
    value: Vec<u8>,
    /// Higher: more recently.
    used: u64,
}

impl HashTable {
    pub(crate) fn new(entries_max: u32, when_full: WhenFull) -> Self {
        Self {
            entries: BTreeMap::new(),
            entries_max: usize::try_from(entries_max).unwrap_or(usize::MAX),
            when_full,
            used: 0,
        }
    }

    fn make_room(&mut self) -> Result<()> {
        if self.entries.len() < self.entries_max {
            return Ok(());
        }
        if self.when_full == WhenFull::Refuse {
            return Err(Errno::TooBig.error(format!("it is full with {}", self.entries.len())));
        }
        let oldest = self.entries.iter().min_by_key(|(_, entry)| entry.used);
        if let Some(key) = oldest.map(|(key, _)| key.clone()) {
            self.entries.remove(&key);
        }
        Ok(())
    }
}

impl Table for HashTable {
    fn lookup(&mut self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        // As in the kernel, user space's look at a value does not keep it from being forgotten.
        Ok(self.entries.get(key).map(|entry| entry.value.clone()))
    }

    fn update(&mut self, key: &[u8], value: &[u8], existence: Existence) -> Result<()> {
        let present = self.contains(key);
        existence.check(present)?;
        if !present {
            self.make_room()?;
        }
        self.used += 1;
        let entry = Entry {
            value: value.to_vec(),
            used: self.used,
        };
        self.entries.insert(key.to_vec(), entry);
        Ok(())
    }

    fn delete(&mut self, key: &[u8]) -> Result<bool> {
        Ok(self.entries.remove(key).is_some())
    }

    fn take(&mut self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        Ok(self.entries.remove(key).map(|entry| entry.value))
    }

    fn key_after(&self, key: Option<&[u8]>) -> Result<Option<Vec<u8>>> {
        let start = key.map_or(Bound::Unbounded, Bound::Excluded);
        let mut rest = self.entries.range::<[u8], _>((start, Bound::Unbounded));
        Ok(rest.next().map(|(key, _)| key.clone()))
    }

    fn contains(&self, key: &[u8]) -> bool {
        self.entries.contains_key(key)
    }

    fn len(&self) -> usize {
        self.entries.len()
    }

    fn value_mut(&mut self, key: &[u8]) -> Option<&mut [u8]> {
        let entry = self.entries.get_mut(key)?;
        self.used += 1;
        entry.used = self.used;
        Some(&mut entry.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(table: &HashTable) -> Vec<Vec<u8>> {
        let next = |key: Option<Vec<u8>>| table.key_after(key.as_deref()).unwrap();
        std::iter::successors(next(None), |key| next(Some(key.clone()))).collect()
    }

    #[test]
    fn values_are_set_read_and_removed() {
        let mut table = HashTable::new(2, WhenFull::Refuse);
        table.update(b"a", b"1", Existence::Any).unwrap();
        table.update(b"a", b"2", Existence::Any).unwrap();
        assert_eq!(table.lookup(b"a").unwrap().as_deref(), Some(&b"2"[..]));
        assert_eq!(table.lookup(b"b").unwrap(), None);
        assert!(table.delete(b"a").unwrap());
        assert!(!table.delete(b"a").unwrap());
        assert_eq!(table.take(b"a").unwrap(), None);
    }

    #[test]
    fn a_full_map_refuses_new_keys_but_takes_new_values() {
        let mut table = HashTable::new(1, WhenFull::Refuse);
        table.update(b"a", b"1", Existence::Any).unwrap();
        let error = table.update(b"b", b"1", Existence::Any).unwrap_err();
        assert_eq!(error.errno(), 7);
        table.update(b"a", b"2", Existence::Any).unwrap();
    }

    #[test]
    fn flags_decide_between_new_and_present_keys() {
        let mut table = HashTable::new(1, WhenFull::Refuse);
        let error = table.update(b"a", b"1", Existence::Present).unwrap_err();
        assert_eq!(error.errno(), 2);
        table.update(b"a", b"1", Existence::New).unwrap();
        let error = table.update(b"a", b"1", Existence::New).unwrap_err();
        assert_eq!(error.errno(), 17);
        table.update(b"a", b"2", Existence::Present).unwrap();
    }

    #[test]
    fn a_full_lru_map_forgets_the_key_used_longest_ago() {
        let mut table = HashTable::new(2, WhenFull::Forget);
        table.update(b"a", b"1", Existence::Any).unwrap();
        table.update(b"b", b"1", Existence::Any).unwrap();
        table.value_mut(b"a").unwrap()[0] = b'2';
        table.update(b"c", b"1", Existence::Any).unwrap();
        assert_eq!(keys(&table), [b"a", b"c"]);
        // User space's look does not count as use.
        table.lookup(b"a").unwrap();
        table.update(b"d", b"1", Existence::Any).unwrap();
        assert_eq!(keys(&table), [b"c", b"d"]);
    }

    #[test]
    fn the_walk_goes_on_behind_a_key_that_is_gone() {
        let mut table = HashTable::new(3, WhenFull::Refuse);
        for key in [b"c", b"a", b"b"] {
            table.update(key, b"1", Existence::Any).unwrap();
        }
        assert_eq!(keys(&table), [b"a", b"b", b"c"]);
        table.delete(b"b").unwrap();
        assert_eq!(table.key_after(Some(b"b")).unwrap(), Some(b"c".to_vec()));
        assert_eq!(table.key_after(Some(b"c")).unwrap(), None);
    }
}
