//! The traits that generated types implement, as the guest SDK (crate `eunomia_bpf`) defines them.
//!
//! Tests compile this file as a crate of that name and the generated code against it. The SDK's
//! copy must stay the same in meaning; see the documentation of `eunomia_btf::rust_types`.
#![forbid(unsafe_code)]

use core::marker::PhantomData;

/// Plain data with a fixed size and byte layout, shared with a BPF object. Little-endian.
pub trait Record: Copy + 'static {
    /// Size in bytes, as the BPF object's BTF says.
    const SIZE: usize;

    /// The value whose bytes are all zero.
    const ZERO: Self;

    /// A borrowed view of the same bytes, which reads single fields without copying the rest.
    /// For scalars and enums it is the value itself.
    type Ref<'a>: RecordRef<'a, Record = Self>;

    /// Copies a value out of the first `SIZE` bytes; `None` when there are fewer. The bytes need no
    /// alignment.
    #[inline]
    fn read_from(bytes: &[u8]) -> Option<Self> {
        <Self::Ref<'_> as RecordRef<'_>>::new(bytes).map(RecordRef::to_record)
    }

    /// Writes exactly `SIZE` bytes to the start of `out`, padding as zeros; `None`, and nothing
    /// written, when `out` is shorter.
    fn write_to(&self, out: &mut [u8]) -> Option<()>;
}

/// A record with a name in the BPF object's BTF: a struct, a union or an enum.
pub trait NamedRecord: Record {
    /// The C name, without `struct`; the typedef's name if the type itself has none.
    const NAME: &'static str;
}

/// A view of one [`Record`] in borrowed bytes.
pub trait RecordRef<'a>: Copy {
    /// The owned form.
    type Record: Record;

    /// Views the first `Record::SIZE` bytes; `None` when there are fewer.
    fn new(bytes: &'a [u8]) -> Option<Self>;

    /// Copies the whole record.
    fn to_record(self) -> Self::Record;
}

macro_rules! scalar {
    ($($scalar:ty),*) => {$(
        impl Record for $scalar {
            const SIZE: usize = size_of::<$scalar>();
            const ZERO: Self = 0 as $scalar;
            type Ref<'a> = Self;
            #[inline]
            fn write_to(&self, out: &mut [u8]) -> Option<()> {
                *out.first_chunk_mut()? = self.to_le_bytes();
                Some(())
            }
        }
        impl<'a> RecordRef<'a> for $scalar {
            type Record = Self;
            #[inline]
            fn new(bytes: &'a [u8]) -> Option<Self> {
                bytes.first_chunk().map(|chunk| Self::from_le_bytes(*chunk))
            }
            #[inline]
            fn to_record(self) -> Self {
                self
            }
        }
    )*};
}

scalar!(u8, u16, u32, u64, u128, i8, i16, i32, i64, i128, f32, f64);

/// `_Bool`: every byte except 0 reads as true.
impl Record for bool {
    const SIZE: usize = 1;
    const ZERO: Self = false;
    type Ref<'a> = Self;
    #[inline]
    fn write_to(&self, out: &mut [u8]) -> Option<()> {
        u8::from(*self).write_to(out)
    }
}

impl<'a> RecordRef<'a> for bool {
    type Record = Self;
    #[inline]
    fn new(bytes: &'a [u8]) -> Option<Self> {
        bytes.first().map(|byte| *byte != 0)
    }
    #[inline]
    fn to_record(self) -> Self {
        self
    }
}

/// The key of maps that have none (queues, stacks, bloom filters).
impl Record for () {
    const SIZE: usize = 0;
    const ZERO: Self = ();
    type Ref<'a> = Self;
    #[inline]
    fn write_to(&self, _out: &mut [u8]) -> Option<()> {
        Some(())
    }
}

impl<'a> RecordRef<'a> for () {
    type Record = Self;
    #[inline]
    fn new(_bytes: &'a [u8]) -> Option<Self> {
        Some(())
    }
    #[inline]
    fn to_record(self) -> Self {
        self
    }
}

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

impl<'a, T: Record, const N: usize> Array<'a, T, N> {
    /// Views an array of bytes that is exactly as long as the records: checked at compile time.
    #[inline]
    pub const fn from_array<const SIZE: usize>(bytes: &'a [u8; SIZE]) -> Self {
        const { assert!(SIZE == N * T::SIZE, "as many bytes as the items have") };
        Self { bytes, item: PhantomData }
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
        Some(Self { bytes, item: PhantomData })
    }
    #[inline]
    fn to_record(self) -> [T; N] {
        self.to_array()
    }
}

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident<$($param:ident),*>;)*) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name<$($param),*> {
            name: &'static str,
            types: PhantomData<fn() -> ($($param,)*)>,
        }
        impl<$($param),*> $name<$($param),*> {
            /// Only generated code calls this: the name and the types come from one BPF object.
            #[inline]
            pub const fn new(name: &'static str) -> Self {
                Self { name, types: PhantomData }
            }
            /// The name in the BPF object.
            #[inline]
            pub const fn name(&self) -> &'static str {
                self.name
            }
        }
        impl<$($param),*> Clone for $name<$($param),*> {
            fn clone(&self) -> Self {
                *self
            }
        }
        impl<$($param),*> Copy for $name<$($param),*> {}
    )*};
}

names! {
    /// The name and type of a global variable in `.rodata*`, `.data*` or `.bss*`.
    Global<T>;
    /// The name of a map with the types of its key (`()` for queues, stacks and bloom filters) and
    /// value.
    MapName<K, V>;
    /// The same for a per-CPU map: one `V` for each CPU.
    PerCpuMapName<K, V>;
    /// The name of a ring buffer (`BPF_MAP_TYPE_RINGBUF`).
    RingBufferName<>;
    /// The name of a perf event array (`BPF_MAP_TYPE_PERF_EVENT_ARRAY`).
    PerfEventArrayName<>;
    /// The name of a user ring buffer (`BPF_MAP_TYPE_USER_RINGBUF`).
    UserRingBufferName<>;
}
