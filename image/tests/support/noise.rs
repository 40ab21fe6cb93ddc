//! Content that does not repeat, so that a shift or a swap is noticed, and nothing compresses it.
//! Tests of other crates and the benchmark use this file too.

/// The same bytes for the same seed.
pub(crate) fn noise(len: usize, seed: u64) -> Vec<u8> {
    let mut state = seed;
    let mut next = || {
        state = state
            .wrapping_mul(0x5851_f42d_4c95_7f2d)
            .wrapping_add(0x1405_7b7e_f767_814f);
        (state >> 33) as u8
    };
    (0..len).map(|_| next()).collect()
}
