//! Bit fields in bytes.

use crate::composite::BitRange;

/// The bits of a range, at most 128; nothing when they are not all there.
pub(super) fn read(bytes: &[u8], range: BitRange) -> Option<u128> {
    let shift = range.offset % 8;
    let first = (range.offset / 8) as usize;
    let end = (range.offset.checked_add(range.size)?.div_ceil(8)) as usize;
    let bytes = bytes.get(first..end)?;
    let mut low: u128 = 0;
    // 128 bits that do not start at a byte lie in 17 bytes.
    for (index, byte) in bytes.iter().take(16).enumerate() {
        low |= u128::from(*byte) << (index * 8);
    }
    let mut value = low >> shift;
    if let Some(last) = bytes.get(16).filter(|_| shift > 0) {
        value |= u128::from(*last) << (128 - shift);
    }
    Some(value & u128::MAX >> (128 - range.size.clamp(1, 128)))
}

/// The same bits as a number with a sign.
pub(super) fn sign_extend(value: u128, size: u32) -> i128 {
    let unused = 128 - size.clamp(1, 128);
    (value << unused).cast_signed() >> unused
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_counted_from_the_least_significant() {
        let bytes = [0b1010_0110, 0xff];
        let read = |offset, size| read(&bytes, BitRange { offset, size });
        assert_eq!(read(0, 1), Some(0));
        assert_eq!(read(1, 2), Some(0b11));
        assert_eq!(read(5, 5), Some(0b11101));
        assert_eq!(read(12, 4), Some(0xf));
        assert_eq!(read(12, 5), None);
    }

    #[test]
    fn the_widest_bit_field_may_start_inside_of_a_byte() {
        let mut bytes = [0xff; 17];
        bytes[16] = 0x7f;
        assert_eq!(
            read(
                &bytes,
                BitRange {
                    offset: 7,
                    size: 128
                }
            ),
            Some(u128::MAX)
        );
        bytes[16] = 0x3f;
        assert_eq!(
            read(
                &bytes,
                BitRange {
                    offset: 7,
                    size: 128
                }
            ),
            Some(u128::MAX >> 1)
        );
    }

    #[test]
    fn the_highest_bit_is_the_sign() {
        assert_eq!(sign_extend(0b101, 3), -3);
        assert_eq!(sign_extend(0b011, 3), 3);
        assert_eq!(sign_extend(u128::MAX, 128), -1);
    }
}
