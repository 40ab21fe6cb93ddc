use std::ops::BitOr;

/// How to update a key: the kernel's flags of `BPF_MAP_UPDATE_ELEM`. By default `ANY`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UpdateFlags(u64);

impl UpdateFlags {
    /// Whether or not the key is there (`BPF_ANY`).
    pub const ANY: Self = Self(0);
    /// Only when the key is not there, else `AlreadyExists` (`BPF_NOEXIST`).
    pub const NO_EXIST: Self = Self(1);
    /// Only when the key is there, else `NotFound` (`BPF_EXIST`).
    pub const EXIST: Self = Self(2);
    /// Take the spin lock in the value meanwhile (`BPF_F_LOCK`).
    pub const LOCK: Self = Self(4);

    /// The kernel's number.
    pub const fn bits(self) -> u64 {
        self.0
    }
}

impl BitOr for UpdateFlags {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}
