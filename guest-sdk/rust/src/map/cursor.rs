//! Walks over maps.

use std::fmt;
use std::marker::PhantomData;

use crate::error::{Error, ErrorCode, Result};
use crate::map::typed::{decode, too_short};
use crate::map::{RawCursor, RawEntries, Value};
use crate::record::{Record, RecordRef};

/// A walk over a [`Map`](crate::map::Map): an iterator over owned entries, or with
/// [`Cursor::next_entries`] over borrowed ones.
///
/// After an error it is at its end.
pub struct Cursor<K, V> {
    raw: RawCursor,
    entries: RawEntries,
    /// How many of `entries` the iterator has returned.
    position: usize,
    /// Bytes of each value in `entries`.
    value_bytes: usize,
    is_over: bool,
    types: PhantomData<fn() -> (K, V)>,
}

impl<K: Record, V: Value> Cursor<K, V> {
    pub(super) fn new(raw: RawCursor) -> Self {
        Self {
            raw,
            entries: no_entries(),
            position: 0,
            value_bytes: 0,
            is_over: false,
            types: PhantomData,
        }
    }

    /// Further entries, as many as the host gives at once (up to 1 MiB); none at the end. Those
    /// that the iterator has not returned yet are lost.
    ///
    /// # Errors
    /// The host's.
    pub fn next_entries(&mut self) -> Result<Option<Entries<'_, K, V>>> {
        if !self.fetch()? {
            return Ok(None);
        }
        self.position = self.entries.count as usize;
        Ok(Some(self.entries(0)))
    }

    /// Get the next entries; false at the end.
    fn fetch(&mut self) -> Result<bool> {
        if self.is_over {
            return Ok(false);
        }
        // Their memory serves for the next ones.
        self.entries = no_entries();
        self.position = 0;
        self.is_over = true;
        if let Some(entries) = self.raw.next_entries(0)? {
            self.value_bytes = value_bytes::<K, V>(&entries)?;
            self.entries = entries;
            self.is_over = false;
        }
        Ok(!self.is_over)
    }

    /// Those from `position` on.
    fn entries(&self, position: usize) -> Entries<'_, K, V> {
        let keys = self.entries.keys.get(position * K::SIZE..);
        let values = self.entries.values.get(position * self.value_bytes..);
        Entries {
            keys: keys.unwrap_or_default(),
            values: values.unwrap_or_default(),
            count: self.entries.count as usize - position,
            value_bytes: self.value_bytes,
            types: PhantomData,
        }
    }

    fn next_entry(&mut self) -> Result<Option<(K, V)>> {
        if self.position == self.entries.count as usize && !self.fetch()? {
            return Ok(None);
        }
        let entry = self.entries(self.position).next_bytes();
        let (key, value) = entry.unwrap_or_default();
        let key = K::read_from(key).ok_or_else(|| too_short(key.len(), K::SIZE))?;
        let value = decode(value)?;
        self.position += 1;
        Ok(Some((key, value)))
    }
}

impl<K: Record, V: Value> Iterator for Cursor<K, V> {
    type Item = Result<(K, V)>;

    fn next(&mut self) -> Option<Result<(K, V)>> {
        let entry = self.next_entry();
        if entry.is_err() {
            self.entries = no_entries();
            self.position = 0;
            self.is_over = true;
        }
        entry.transpose()
    }
}

impl<K, V> fmt::Debug for Cursor<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cursor")
            .field("entries", &self.entries.count)
            .field("position", &self.position)
            .finish_non_exhaustive()
    }
}

/// Some entries of a map, borrowed.
pub struct Entries<'a, K, V> {
    keys: &'a [u8],
    values: &'a [u8],
    count: usize,
    /// Bytes of each value, of all CPUs for per-CPU maps.
    value_bytes: usize,
    types: PhantomData<fn() -> (K, V)>,
}

impl<'a, K: Record, V: Value> Entries<'a, K, V> {
    /// How many they are.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Views of the keys and values.
    #[inline]
    pub fn iter(&self) -> EntriesIter<'a, K, V> {
        EntriesIter { rest: *self }
    }

    /// Takes the first key and value off.
    #[inline]
    fn next_bytes(&mut self) -> Option<(&'a [u8], &'a [u8])> {
        let count = self.count.checked_sub(1)?;
        let (key, keys) = self.keys.split_at_checked(K::SIZE)?;
        let (value, values) = self.values.split_at_checked(self.value_bytes)?;
        (self.keys, self.values, self.count) = (keys, values, count);
        Some((key, value))
    }
}

impl<K, V> Clone for Entries<'_, K, V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K, V> Copy for Entries<'_, K, V> {}

impl<K, V> fmt::Debug for Entries<'_, K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entries")
            .field("count", &self.count)
            .finish_non_exhaustive()
    }
}

/// Views of the keys and values of [`Entries`].
#[derive(Clone, Debug)]
pub struct EntriesIter<'a, K, V> {
    rest: Entries<'a, K, V>,
}

impl<'a, K: Record, V: Value> Iterator for EntriesIter<'a, K, V> {
    type Item = (K::Ref<'a>, V::View<'a>);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let (key, value) = self.rest.next_bytes()?;
        Some((<K::Ref<'a> as RecordRef<'a>>::new(key)?, V::view(value)?))
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.rest.count, Some(self.rest.count))
    }
}

impl<K: Record, V: Value> ExactSizeIterator for EntriesIter<'_, K, V> {}

impl<'a, K: Record, V: Value> IntoIterator for Entries<'a, K, V> {
    type Item = (K::Ref<'a>, V::View<'a>);
    type IntoIter = EntriesIter<'a, K, V>;

    fn into_iter(self) -> EntriesIter<'a, K, V> {
        self.iter()
    }
}

fn no_entries() -> RawEntries {
    RawEntries {
        count: 0,
        keys: Vec::new(),
        values: Vec::new(),
    }
}

/// Bytes of each value. Checks once what the host says, so that every key and value is there.
fn value_bytes<K: Record, V: Value>(entries: &RawEntries) -> Result<usize> {
    let count = entries.count as usize;
    let value_bytes = entries.values.len().checked_div(count).unwrap_or(0);
    if Some(entries.keys.len()) != count.checked_mul(K::SIZE) {
        return Err(wrong_count(count, "keys", entries.keys.len()));
    }
    if entries.values.len() != count * value_bytes || value_bytes < V::BYTES {
        return Err(wrong_count(count, "values", entries.values.len()));
    }
    Ok(value_bytes)
}

#[cold]
fn wrong_count(count: usize, what: &str, bytes: usize) -> Error {
    Error::new(
        ErrorCode::Other,
        format!("the host returned {bytes} bytes of {what} for {count} map entries"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::map::PerCpu;

    fn raw(count: u32, keys: &[u8], values: &[u8]) -> RawEntries {
        RawEntries {
            count,
            keys: keys.to_vec(),
            values: values.to_vec(),
        }
    }

    fn entries<K: Record, V: Value>(raw: &RawEntries) -> Result<Entries<'_, K, V>> {
        Ok(Entries {
            keys: &raw.keys,
            values: &raw.values,
            count: raw.count as usize,
            value_bytes: value_bytes::<K, V>(raw)?,
            types: PhantomData,
        })
    }

    #[test]
    fn entries_pair_each_key_with_its_value() -> Result<()> {
        let raw = raw(2, &[1, 0, 2, 0], &[10, 0, 0, 0, 20, 0, 0, 0]);
        let entries = entries::<u16, u32>(&raw)?;
        assert_eq!(entries.iter().collect::<Vec<_>>(), [(1, 10), (2, 20)]);
        Ok(())
    }

    #[test]
    fn entries_of_per_cpu_maps_have_one_value_for_each_cpu() -> Result<()> {
        let mut values = Vec::new();
        PerCpu::from(vec![1_u32, 2]).encode(&mut values);
        PerCpu::from(vec![3_u32, 4]).encode(&mut values);
        let raw = raw(2, &[7, 8], &values);
        let sums: Vec<_> = entries::<u8, PerCpu<u32>>(&raw)?
            .iter()
            .map(|(key, counts)| (key, counts.iter().sum::<u32>()))
            .collect();
        assert_eq!(sums, [(7, 3), (8, 7)]);
        Ok(())
    }

    #[test]
    fn drained_queues_have_values_and_no_keys() -> Result<()> {
        let raw = raw(3, &[], &[5, 6, 7]);
        let values: Vec<_> = entries::<(), u8>(&raw)?.iter().collect();
        assert_eq!(values, [((), 5), ((), 6), ((), 7)]);
        Ok(())
    }

    #[test]
    fn a_host_that_returns_the_wrong_number_of_bytes_is_an_error() {
        for (count, keys, values) in [(2, 3, 8), (2, 4, 7), (2, 4, 0), (1, 0, 4), (0, 2, 0)] {
            let raw = raw(count, &vec![0; keys], &vec![0; values]);
            let result = entries::<u16, u32>(&raw);
            assert!(result.is_err(), "{count} {keys} {values}");
        }
    }
}
