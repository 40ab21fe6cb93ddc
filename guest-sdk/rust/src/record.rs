//! Plain data that is shared with a BPF object. Generated types implement these traits; the numbers
//! and arrays of them do too.

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

/// Bytes of a record that [`with_bytes`] keeps on the stack: keys seldom have more.
const INLINE_BYTES: usize = 64;

/// Calls `use_bytes` with the bytes of a record, for which most need no allocation.
pub(crate) fn with_bytes<T: Record, R>(record: &T, use_bytes: impl FnOnce(&[u8]) -> R) -> R {
    let mut inline = [0; INLINE_BYTES];
    let mut allocated = Vec::new();
    let bytes = match inline.get_mut(..T::SIZE) {
        Some(bytes) => bytes,
        None => {
            allocated.resize(T::SIZE, 0);
            &mut allocated[..]
        }
    };
    record
        .write_to(bytes)
        .expect("there is room for the whole record");
    use_bytes(bytes)
}

/// Text as a C array of `char`, filled up with NULs, for globals and keys: `nul_padded("bash")`.
/// None when there is no room for it and a NUL.
pub fn nul_padded<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    let room = N.checked_sub(1)?;
    bytes[..room]
        .get_mut(..text.len())?
        .copy_from_slice(text.as_bytes());
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars_are_little_endian_and_ignore_what_follows() {
        assert_eq!(u32::read_from(&[1, 2, 0, 0, 9]), Some(0x201));
        assert_eq!(u32::read_from(&[1, 2, 0]), None);
        assert_eq!(bool::read_from(&[2]), Some(true));
        assert_eq!(with_bytes(&-2_i16, <[u8]>::to_vec), [0xfe, 0xff]);
    }

    #[test]
    fn records_of_any_size_have_bytes() {
        assert_eq!(with_bytes(&(), <[u8]>::len), 0);
        assert_eq!(with_bytes(&[7_u64; 8], <[u8]>::len), 64);
        assert_eq!(
            with_bytes(&[7_u64; 9], |bytes| bytes[64..].to_vec()),
            [7, 0, 0, 0, 0, 0, 0, 0]
        );
    }

    #[test]
    fn text_needs_room_for_its_nul() {
        assert_eq!(nul_padded("abc"), Some(*b"abc\0"));
        assert_eq!(nul_padded::<4>("abcd"), None);
        assert_eq!(nul_padded::<0>(""), None);
    }
}
