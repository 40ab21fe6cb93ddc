//! Arrays of records.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Range;

use crate::record::{Record, RecordRef};

impl<T: Record, const N: usize> Record for [T; N] {
    const SIZE: usize = N * T::SIZE;
    const ZERO: Self = [T::ZERO; N];
    type Ref<'a> = Array<'a, T, N>;
    #[inline]
    fn write_to(&self, out: &mut [u8]) -> Option<()> {
        let out = out.get_mut(..Self::SIZE)?;
        // `max(1)`: the unit record has no bytes, and no chunks then.
        for (item, chunk) in self.iter().zip(out.chunks_exact_mut(T::SIZE.max(1))) {
            item.write_to(chunk)?;
        }
        Some(())
    }
}

/// A borrowed view of `[T; N]`.
pub struct Array<'a, T, const N: usize> {
    bytes: &'a [u8],
    item: PhantomData<fn() -> T>,
}

impl<T, const N: usize> Clone for Array<'_, T, N> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T, const N: usize> Copy for Array<'_, T, N> {}

impl<T: Record + fmt::Debug, const N: usize> fmt::Debug for Array<'_, T, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.to_array()).finish()
    }
}

impl<'a, T: Record, const N: usize> Array<'a, T, N> {
    /// Views an array of bytes that is exactly as long as the records: checked at compile time.
    #[inline]
    pub const fn from_array<const SIZE: usize>(bytes: &'a [u8; SIZE]) -> Self {
        const { assert!(SIZE == N * T::SIZE, "as many bytes as the items have") };
        Self {
            bytes,
            item: PhantomData,
        }
    }

    /// How many items: `N`.
    #[inline]
    pub const fn len(&self) -> usize {
        N
    }

    /// Whether `N` is zero.
    #[inline]
    pub const fn is_empty(&self) -> bool {
        N == 0
    }

    /// The bytes of all items.
    #[inline]
    pub const fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The item at `index`; `None` from `N` on.
    #[inline]
    pub fn get(&self, index: usize) -> Option<T::Ref<'a>> {
        if index >= N {
            return None;
        }
        <T::Ref<'a> as RecordRef<'a>>::new(self.bytes.get(index * T::SIZE..)?)
    }

    /// All items in order.
    #[inline]
    pub fn iter(&self) -> ArrayIter<'a, T, N> {
        ArrayIter {
            array: *self,
            indexes: 0..N,
        }
    }

    /// Copies all items.
    #[inline]
    pub fn to_array(self) -> [T; N] {
        let mut items = [T::ZERO; N];
        for (item, view) in items.iter_mut().zip(self.iter()) {
            *item = view.to_record();
        }
        items
    }
}

impl<'a, T: Record, const N: usize> RecordRef<'a> for Array<'a, T, N> {
    type Record = [T; N];
    #[inline]
    fn new(bytes: &'a [u8]) -> Option<Self> {
        let bytes = bytes.get(..N * T::SIZE)?;
        Some(Self {
            bytes,
            item: PhantomData,
        })
    }
    #[inline]
    fn to_record(self) -> [T; N] {
        self.to_array()
    }
}

impl<'a, T: Record, const N: usize> IntoIterator for Array<'a, T, N> {
    type Item = T::Ref<'a>;
    type IntoIter = ArrayIter<'a, T, N>;

    #[inline]
    fn into_iter(self) -> ArrayIter<'a, T, N> {
        self.iter()
    }
}

/// The items of an [`Array`].
#[derive(Clone)]
pub struct ArrayIter<'a, T, const N: usize> {
    array: Array<'a, T, N>,
    indexes: Range<usize>,
}

impl<'a, T: Record, const N: usize> Iterator for ArrayIter<'a, T, N> {
    type Item = T::Ref<'a>;

    #[inline]
    fn next(&mut self) -> Option<T::Ref<'a>> {
        self.array.get(self.indexes.next()?)
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        self.indexes.size_hint()
    }
}

impl<T: Record, const N: usize> ExactSizeIterator for ArrayIter<'_, T, N> {}

impl<T, const N: usize> fmt::Debug for ArrayIter<'_, T, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ArrayIter")
            .field("indexes", &self.indexes)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BYTES: [u8; 6] = [1, 0, 2, 0, 3, 0];

    #[test]
    fn an_array_is_viewed_in_place() {
        let array = Array::<u16, 3>::from_array(&BYTES);
        assert_eq!(array.get(2), Some(3));
        assert_eq!(array.get(3), None);
        assert_eq!(array.iter().len(), 3);
        assert_eq!(array.iter().collect::<Vec<_>>(), [1, 2, 3]);
        assert_eq!(array.to_array(), [1, 2, 3]);
        assert_eq!(format!("{array:?}"), "[1, 2, 3]");
    }

    #[test]
    fn arrays_nest_and_ignore_what_follows() {
        let view = <Array<'_, [u8; 2], 2> as RecordRef>::new(&BYTES);
        assert_eq!(view.map(Array::to_array), Some([[1, 0], [2, 0]]));
        assert!(<Array<'_, u32, 2> as RecordRef>::new(&BYTES).is_none());
        assert_eq!(Array::<(), 4>::from_array(&[]).iter().count(), 4);
    }

    #[test]
    fn an_array_is_written_as_its_items() {
        let mut out = [9; 7];
        assert_eq!([1_u16, 2, 3].write_to(&mut out), Some(()));
        assert_eq!(out, [1, 0, 2, 0, 3, 0, 9]);
        assert_eq!([1_u32, 2].write_to(&mut out), None);
    }
}
