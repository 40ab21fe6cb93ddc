//! Arrays of records.

use std::fmt;
use std::marker::PhantomData;

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
    pub fn iter(&self) -> impl Iterator<Item = T::Ref<'a>> + use<'a, T, N> {
        let array = *self;
        (0..N).filter_map(move |index| array.get(index))
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
