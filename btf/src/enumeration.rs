//! Enums.

use crate::btf::Btf;

/// An enum, of any width.
#[derive(Debug, Clone, Copy)]
pub struct Enumeration<'a> {
    btf: &'a Btf,
    /// How many bytes a value has.
    pub size: u32,
    /// Whether values are signed. Compilers before clang 15 never say so.
    pub signed: bool,
    wide: bool,
    words: &'a [u32],
}

/// A named value of an enum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Enumerator<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its value: `i64` or `u64`, as the enum is signed or not.
    pub value: i128,
}

impl<'a> Enumeration<'a> {
    pub(crate) fn new(btf: &'a Btf, size: u32, signed: bool, wide: bool, words: &'a [u32]) -> Self {
        Self {
            btf,
            size,
            signed,
            wide,
            words,
        }
    }

    /// The named values in order.
    pub fn enumerators(&self) -> impl Iterator<Item = Enumerator<'a>> + use<'a> {
        let enumeration = *self;
        self.words
            .chunks_exact(if self.wide { 3 } else { 2 })
            .map(move |words| enumeration.enumerator(words))
    }

    fn enumerator(&self, words: &[u32]) -> Enumerator<'a> {
        let name = self.btf.name_at(words[0]);
        let value = match (self.wide, self.signed) {
            (false, false) => i128::from(words[1]),
            (false, true) => i128::from(words[1].cast_signed()),
            (true, signed) => {
                let value = u64::from(words[2]) << 32 | u64::from(words[1]);
                if signed {
                    i128::from(value.cast_signed())
                } else {
                    i128::from(value)
                }
            }
        };
        Enumerator { name, value }
    }
}
