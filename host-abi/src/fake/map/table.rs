//! What maps with keys have in common.

use std::fmt::Debug;

use crate::error::Result;
use crate::fake::errno::Errno;

/// What must hold of a key before it is set: `BPF_ANY` and its like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Existence {
    /// Nothing (`BPF_ANY`).
    Any,
    /// It is new (`BPF_NOEXIST`).
    New,
    /// It is there (`BPF_EXIST`).
    Present,
}

/// `BPF_F_LOCK`: under the value's spin lock. Every change here is a single step anyway.
const F_LOCK: u64 = 4;

impl Existence {
    /// From the flags of a system call.
    pub(crate) fn from_flags(flags: u64) -> Result<Self> {
        match flags & !F_LOCK {
            0 => Ok(Self::Any),
            1 => Ok(Self::New),
            2 => Ok(Self::Present),
            _ => Err(Errno::Invalid.error(format!("flags {flags:#x}: unknown to map updates"))),
        }
    }

    /// Refuses a key that is there though it must not be, and the reverse.
    pub(crate) fn check(self, present: bool) -> Result<()> {
        match (self, present) {
            (Self::New, true) => Err(Errno::Exists.error("the key exists")),
            (Self::Present, false) => Err(Errno::NoEntry.error("there is no such key")),
            _ => Ok(()),
        }
    }
}

/// Values by keys. Lengths of keys and values have been checked.
///
/// The walk order is that of the keys' bytes, or of numbers for arrays: always the same for the
/// same contents, other than the kernel's.
pub(crate) trait Table: Debug + Send {
    fn lookup(&mut self, key: &[u8]) -> Result<Option<Vec<u8>>>;
    fn update(&mut self, key: &[u8], value: &[u8], existence: Existence) -> Result<()>;
    /// True when it was there.
    fn delete(&mut self, key: &[u8]) -> Result<bool>;
    /// Takes out a value.
    fn take(&mut self, key: &[u8]) -> Result<Option<Vec<u8>>>;
    /// The first key of the walk that comes after `key`, be it there or not.
    fn key_after(&self, key: Option<&[u8]>) -> Result<Option<Vec<u8>>>;
    fn contains(&self, key: &[u8]) -> bool;
    fn len(&self) -> usize;

    /// The value for the program to change in place, as a program does with what it looked up.
    fn value_mut(&mut self, key: &[u8]) -> Option<&mut [u8]>;

    /// All values end to end, each padded to 8, for the types that user space can map.
    fn memory(&mut self) -> Option<&mut [u8]> {
        None
    }

    /// Takes out the next value of a queue or stack; keys elsewhere say what is next.
    fn take_next(&mut self) -> Option<Vec<u8>> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_of_updates_are_those_of_the_kernel() {
        assert_eq!(Existence::from_flags(0).unwrap(), Existence::Any);
        assert_eq!(Existence::from_flags(1).unwrap(), Existence::New);
        assert_eq!(Existence::from_flags(2).unwrap(), Existence::Present);
        assert_eq!(Existence::from_flags(4).unwrap(), Existence::Any);
        for flags in [3, 8, u64::MAX] {
            assert_eq!(Existence::from_flags(flags).unwrap_err().errno(), 22);
        }
    }
}
