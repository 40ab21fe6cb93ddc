//! Arrays: all keys are there from the start.

use crate::error::Result;
use crate::fake::errno::Errno;
use crate::fake::map::shape::stride;
use crate::fake::map::table::{Existence, Table};

/// An array, per-CPU or not: there the value is that of all CPUs.
#[derive(Debug)]
pub(crate) struct ArrayTable {
    memory: Vec<u8>,
    value_size: usize,
    stride: usize,
    entries_max: u32,
}

impl ArrayTable {
    /// `user_value_size` is the value as user space passes it. The caller has checked that all
    /// values together are not too many bytes.
    pub(crate) fn new(entries_max: u32, user_value_size: u32) -> Self {
        let stride = stride(user_value_size) as usize;
        Self {
            memory: vec![0; stride * entries_max as usize],
            value_size: user_value_size as usize,
            stride,
            entries_max,
        }
    }

    fn index(&self, key: &[u8]) -> Option<u32> {
        let index = u32::from_le_bytes(key.try_into().ok()?);
        (index < self.entries_max).then_some(index)
    }
}

impl Table for ArrayTable {
    fn lookup(&mut self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        Ok(self.value_mut(key).map(|value| value.to_vec()))
    }

    fn update(&mut self, key: &[u8], value: &[u8], existence: Existence) -> Result<()> {
        let entries_max = self.entries_max;
        let place = self.value_mut(key).ok_or_else(|| {
            Errno::TooBig.error(format!(
                "index {key:?}: the array has {entries_max} entries"
            ))
        })?;
        existence.check(true)?;
        place.copy_from_slice(value);
        Ok(())
    }

    fn delete(&mut self, _key: &[u8]) -> Result<bool> {
        Err(Errno::Invalid.error("entries of arrays cannot be deleted"))
    }

    fn take(&mut self, _key: &[u8]) -> Result<Option<Vec<u8>>> {
        Err(Errno::NotSupported.error("entries of arrays cannot be deleted"))
    }

    fn key_after(&self, key: Option<&[u8]>) -> Result<Option<Vec<u8>>> {
        let next = match key {
            None => 0,
            // An index that is out of range starts again, as in the kernel.
            Some(key) => self.index(key).map_or(0, |index| index + 1),
        };
        Ok((next < self.entries_max).then(|| next.to_le_bytes().to_vec()))
    }

    fn contains(&self, key: &[u8]) -> bool {
        self.index(key).is_some()
    }

    fn len(&self) -> usize {
        self.entries_max as usize
    }

    fn value_mut(&mut self, key: &[u8]) -> Option<&mut [u8]> {
        let start = self.index(key)? as usize * self.stride;
        self.memory.get_mut(start..start + self.value_size)
    }

    fn memory(&mut self) -> Option<&mut [u8]> {
        Some(&mut self.memory)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(index: u32) -> [u8; 4] {
        index.to_le_bytes()
    }

    #[test]
    fn every_index_below_the_size_is_there_from_the_start() {
        let mut array = ArrayTable::new(2, 3);
        assert_eq!(array.lookup(&key(1)).unwrap(), Some(vec![0; 3]));
        assert_eq!(array.lookup(&key(2)).unwrap(), None);
        array.update(&key(1), b"abc", Existence::Any).unwrap();
        assert_eq!(array.lookup(&key(1)).unwrap(), Some(b"abc".to_vec()));
    }

    #[test]
    fn updates_behind_the_end_and_of_new_keys_fail() {
        let mut array = ArrayTable::new(1, 1);
        let errno = |result: Result<()>| result.unwrap_err().errno();
        assert_eq!(errno(array.update(&key(1), b"a", Existence::Any)), 7);
        assert_eq!(errno(array.update(&key(0), b"a", Existence::New)), 17);
        array.update(&key(0), b"a", Existence::Present).unwrap();
    }

    #[test]
    fn entries_cannot_be_deleted() {
        let mut array = ArrayTable::new(1, 1);
        assert_eq!(array.delete(&key(0)).unwrap_err().errno(), 22);
        assert!(array.take(&key(0)).is_err());
    }

    #[test]
    fn the_walk_counts_up_and_ends() {
        let array = ArrayTable::new(2, 1);
        assert_eq!(array.key_after(None).unwrap(), Some(key(0).to_vec()));
        assert_eq!(
            array.key_after(Some(&key(0))).unwrap(),
            Some(key(1).to_vec())
        );
        assert_eq!(array.key_after(Some(&key(1))).unwrap(), None);
    }

    #[test]
    fn memory_has_each_value_padded_to_8() {
        let mut array = ArrayTable::new(2, 3);
        array.update(&key(1), b"abc", Existence::Any).unwrap();
        assert_eq!(array.memory().unwrap(), b"\0\0\0\0\0\0\0\0abc\0\0\0\0\0");
    }
}
