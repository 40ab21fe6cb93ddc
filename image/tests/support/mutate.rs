//! Changing bytes at random, to find input that a parser does not expect. Tests of other crates use
//! this file too.

/// How often each test changes something; `ECLI_FUZZ_ROUNDS` says otherwise, for long runs.
pub(crate) fn rounds() -> usize {
    const ROUNDS: usize = 20_000;
    let wanted = std::env::var("ECLI_FUZZ_ROUNDS").ok();
    wanted.map_or(ROUNDS, |text| {
        text.parse().expect("ECLI_FUZZ_ROUNDS is a number")
    })
}

/// The same numbers at each run: a failure comes again.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(0x5851_f42d_4c95_7f2d)
            .wrapping_add(0x1405_7b7e_f767_814f);
        (self.0 >> 33) as usize % bound.max(1)
    }

    /// Some changes to `bytes`: flips, cuts, copies, and `pieces` that have meaning somewhere.
    pub(crate) fn mutate(&mut self, bytes: &[u8], pieces: &[&str]) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        for _ in 0..=self.below(3) {
            let at = self.below(bytes.len() + 1);
            let end = at + self.below(bytes.len() - at + 1).min(40);
            match self.below(5) {
                0 if at < bytes.len() => bytes[at] ^= 1 << self.below(8),
                1 => drop(bytes.drain(at..end)),
                2 => {
                    let copy = bytes[at..end].to_vec();
                    bytes.splice(at..at, copy);
                }
                3 => bytes.truncate(at),
                _ => {
                    let piece = pieces[self.below(pieces.len())].bytes();
                    bytes.splice(at..end, piece);
                }
            }
        }
        bytes
    }
}
