//! Queues, stacks and bloom filters: maps without keys.

use std::collections::{BTreeSet, VecDeque};

use crate::error::Result;
use crate::fake::errno::Errno;
use crate::fake::map::table::{Existence, Table};

/// A queue or a stack.
#[derive(Debug)]
pub(crate) struct QueueTable {
    values: VecDeque<Vec<u8>>,
    entries_max: usize,
    order: QueueOrder,
}

/// Which value comes out next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum QueueOrder {
    /// The oldest: a queue.
    OldestFirst,
    /// The youngest: a stack.
    YoungestFirst,
}

impl QueueTable {
    pub(crate) fn new(entries_max: u32, order: QueueOrder) -> Self {
        Self {
            values: VecDeque::new(),
            entries_max: entries_max as usize,
            order,
        }
    }
}

impl Table for QueueTable {
    /// Peeks.
    fn lookup(&mut self, _key: &[u8]) -> Result<Option<Vec<u8>>> {
        Ok(match self.order {
            QueueOrder::OldestFirst => self.values.front().cloned(),
            QueueOrder::YoungestFirst => self.values.back().cloned(),
        })
    }

    /// Pushes; with `BPF_EXIST` onto a full one, in the place of the oldest.
    fn update(&mut self, _key: &[u8], value: &[u8], existence: Existence) -> Result<()> {
        if existence == Existence::New {
            return Err(Errno::Invalid.error("BPF_NOEXIST: a queue or stack has no keys"));
        }
        if self.values.len() >= self.entries_max {
            if existence == Existence::Any {
                return Err(Errno::TooBig.error(format!("it is full with {}", self.values.len())));
            }
            self.values.pop_front();
        }
        self.values.push_back(value.to_vec());
        Ok(())
    }

    fn delete(&mut self, _key: &[u8]) -> Result<bool> {
        Err(no_keys())
    }

    /// Pops.
    fn take(&mut self, _key: &[u8]) -> Result<Option<Vec<u8>>> {
        Ok(self.take_next())
    }

    fn key_after(&self, _key: Option<&[u8]>) -> Result<Option<Vec<u8>>> {
        Err(no_keys())
    }

    fn contains(&self, _key: &[u8]) -> bool {
        false
    }

    fn len(&self) -> usize {
        self.values.len()
    }

    fn value_mut(&mut self, _key: &[u8]) -> Option<&mut [u8]> {
        None
    }

    fn take_next(&mut self) -> Option<Vec<u8>> {
        match self.order {
            QueueOrder::OldestFirst => self.values.pop_front(),
            QueueOrder::YoungestFirst => self.values.pop_back(),
        }
    }
}

/// A bloom filter, without false positives. What the kernel takes as value comes here as key.
#[derive(Debug, Default)]
pub(crate) struct BloomTable(BTreeSet<Vec<u8>>);

impl Table for BloomTable {
    fn lookup(&mut self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        Ok(self.0.contains(key).then(Vec::new))
    }

    fn update(&mut self, _key: &[u8], value: &[u8], existence: Existence) -> Result<()> {
        if existence != Existence::Any {
            return Err(Errno::Invalid.error("a bloom filter takes BPF_ANY only"));
        }
        self.0.insert(value.to_vec());
        Ok(())
    }

    fn delete(&mut self, _key: &[u8]) -> Result<bool> {
        Err(Errno::NotSupported.error("a bloom filter cannot forget"))
    }

    fn take(&mut self, _key: &[u8]) -> Result<Option<Vec<u8>>> {
        Err(Errno::NotSupported.error("a bloom filter cannot forget"))
    }

    fn key_after(&self, _key: Option<&[u8]>) -> Result<Option<Vec<u8>>> {
        Err(Errno::NotSupported.error("a bloom filter has no keys"))
    }

    fn contains(&self, key: &[u8]) -> bool {
        self.0.contains(key)
    }

    fn len(&self) -> usize {
        self.0.len()
    }

    fn value_mut(&mut self, _key: &[u8]) -> Option<&mut [u8]> {
        None
    }
}

fn no_keys() -> crate::Error {
    Errno::Invalid.error("a queue or stack has no keys")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(order: QueueOrder) -> QueueTable {
        let mut table = QueueTable::new(2, order);
        table.update(b"", b"1", Existence::Any).unwrap();
        table.update(b"", b"2", Existence::Any).unwrap();
        table
    }

    #[test]
    fn a_queue_gives_the_oldest_and_a_stack_the_youngest() {
        for (order, expected) in [
            (QueueOrder::OldestFirst, [b"1", b"2"]),
            (QueueOrder::YoungestFirst, [b"2", b"1"]),
        ] {
            let mut table = filled(order);
            for value in expected {
                assert_eq!(table.lookup(b"").unwrap().as_deref(), Some(&value[..]));
                assert_eq!(table.take(b"").unwrap().as_deref(), Some(&value[..]));
            }
            assert_eq!(table.take(b"").unwrap(), None);
            assert_eq!(table.lookup(b"").unwrap(), None);
        }
    }

    #[test]
    fn a_full_queue_refuses_unless_told_to_drop_the_oldest() {
        let mut table = filled(QueueOrder::OldestFirst);
        let error = table.update(b"", b"3", Existence::Any).unwrap_err();
        assert_eq!(error.errno(), 7);
        table.update(b"", b"3", Existence::Present).unwrap();
        assert_eq!(table.take(b"").unwrap().as_deref(), Some(&b"2"[..]));
        assert_eq!(table.len(), 1);
    }

    #[test]
    fn there_are_no_keys() {
        let mut table = filled(QueueOrder::OldestFirst);
        assert_eq!(table.delete(b"").unwrap_err().errno(), 22);
        assert_eq!(table.key_after(None).unwrap_err().errno(), 22);
        let error = table.update(b"", b"3", Existence::New).unwrap_err();
        assert_eq!(error.errno(), 22);
    }

    #[test]
    fn a_bloom_filter_knows_what_was_pushed() {
        let mut filter = BloomTable::default();
        filter.update(b"", b"abcd", Existence::Any).unwrap();
        assert_eq!(filter.lookup(b"abcd").unwrap(), Some(Vec::new()));
        assert_eq!(filter.lookup(b"abce").unwrap(), None);
        assert!(filter.update(b"", b"abcd", Existence::New).is_err());
        assert!(filter.delete(b"abcd").is_err());
    }
}
