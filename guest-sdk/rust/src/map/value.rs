//! Values as user space sees them: of per-CPU maps one for each CPU.

use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

use crate::host;
use crate::record::{Record, RecordRef};

/// The value of a map: a [`Record`], or [`PerCpu`] of one.
pub trait Value: Sized {
    /// A borrowed view of the same bytes.
    type View<'a>;

    /// Bytes of the value as the BPF program sees it.
    const BYTES: usize;

    /// Views a value; none when there are fewer bytes than it has.
    fn view(bytes: &[u8]) -> Option<Self::View<'_>>;

    /// Copies a value out; none when there are fewer bytes than it has.
    fn decode(bytes: &[u8]) -> Option<Self>;

    /// Appends the bytes of the value.
    fn encode(&self, out: &mut Vec<u8>);
}

impl<T: Record> Value for T {
    type View<'a> = T::Ref<'a>;

    const BYTES: usize = <T as Record>::SIZE;

    #[inline]
    fn view(bytes: &[u8]) -> Option<T::Ref<'_>> {
        <T::Ref<'_> as RecordRef<'_>>::new(bytes)
    }

    #[inline]
    fn decode(bytes: &[u8]) -> Option<T> {
        T::read_from(bytes)
    }

    #[inline]
    fn encode(&self, out: &mut Vec<u8>) {
        append(self, <T as Record>::SIZE, out);
    }
}

/// One value for each possible CPU, in order.
///
/// It is a slice: `counts.iter().sum::<u64>()`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PerCpu<T>(Vec<T>);

impl<T: Record> PerCpu<T> {
    /// The same value for each CPU of this machine.
    pub fn all(value: T) -> Self {
        Self(vec![value; host::possible_cpus() as usize])
    }
}

impl<T> From<Vec<T>> for PerCpu<T> {
    fn from(values: Vec<T>) -> Self {
        Self(values)
    }
}

impl<T> Deref for PerCpu<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<T> DerefMut for PerCpu<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.0
    }
}

impl<T> IntoIterator for PerCpu<T> {
    type Item = T;
    type IntoIter = std::vec::IntoIter<T>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<T: Record> Value for PerCpu<T> {
    type View<'a> = PerCpuView<'a, T>;

    const BYTES: usize = T::SIZE;

    #[inline]
    fn view(bytes: &[u8]) -> Option<PerCpuView<'_, T>> {
        Some(PerCpuView {
            bytes,
            value: PhantomData,
        })
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let view = Self::view(bytes)?;
        Some(Self(view.iter().map(RecordRef::to_record).collect()))
    }

    fn encode(&self, out: &mut Vec<u8>) {
        for value in &self.0 {
            append(value, stride::<T>(), out);
        }
    }
}

/// A borrowed view of a [`PerCpu`].
pub struct PerCpuView<'a, T> {
    bytes: &'a [u8],
    value: PhantomData<fn() -> T>,
}

impl<'a, T: Record> PerCpuView<'a, T> {
    /// The values of the CPUs, in order.
    #[inline]
    pub fn iter(&self) -> impl Iterator<Item = T::Ref<'a>> + use<'a, T> {
        // `max(1)`: there is no chunk of no bytes.
        let values = self.bytes.chunks_exact(stride::<T>().max(1));
        values.filter_map(<T::Ref<'a> as RecordRef<'a>>::new)
    }
}

impl<T> Clone for PerCpuView<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for PerCpuView<'_, T> {}

impl<T> fmt::Debug for PerCpuView<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PerCpuView")
            .field("bytes", &self.bytes.len())
            .finish_non_exhaustive()
    }
}

/// From the value of one CPU to that of the next.
const fn stride<T: Record>() -> usize {
    T::SIZE.next_multiple_of(8)
}

/// Appends a record and zeros up to `size` bytes.
fn append<T: Record>(record: &T, size: usize, out: &mut Vec<u8>) {
    let start = out.len();
    out.resize(start + size, 0);
    record
        .write_to(&mut out[start..])
        .expect("there is room for the whole record");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_cpus_are_padded_to_eight_bytes() {
        let counts = PerCpu::from(vec![1_u32, 2, 3]);
        let mut bytes = Vec::new();
        counts.encode(&mut bytes);
        assert_eq!(bytes.len(), 24);
        assert_eq!(bytes[8..16], [2, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(PerCpu::<u32>::decode(&bytes), Some(counts));
    }

    #[test]
    fn a_view_reads_each_cpu_in_place() {
        let mut bytes = Vec::new();
        PerCpu::from(vec![[1_u64, 2], [3, 4]]).encode(&mut bytes);
        let view = PerCpu::<[u64; 2]>::view(&bytes).unwrap();
        let second: Vec<_> = view.iter().filter_map(|pair| pair.get(1)).collect();
        assert_eq!(second, [2, 4]);
    }

    #[test]
    fn a_value_that_is_too_short_is_none() {
        assert_eq!(<u64 as Value>::decode(&[0; 7]), None);
    }
}
