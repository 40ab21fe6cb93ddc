//! Names of numbers: those that the kernel fixed, and those that this machine has for them now.

mod containers;
mod modes;
mod numbers;
mod stacks;
mod user_symbols;
mod users;

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use eunomia_runtime::kernel::Kernel;

use containers::Containers;
use stacks::Stacks;
use users::Users;

pub(super) use containers::Namespace;
pub(super) use modes::{file_flags, write_file_mode};
pub(super) use numbers::{errno_name, errno_number, signal_name, signal_number};

/// When the kernel's clocks were zero, as time since 1970.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct KernelClocks {
    /// `bpf_ktime_get_ns`.
    pub(crate) monotonic: Duration,
    /// `bpf_ktime_get_boot_ns`.
    pub(crate) boot: Duration,
    /// Times of day are UTC's, not this machine's zone's.
    pub(crate) is_utc: bool,
}

/// Names that this machine has for numbers. What is looked up is kept, within bounds.
#[derive(Debug)]
pub(super) struct Names {
    pub(super) clocks: KernelClocks,
    pub(super) users: Users,
    pub(super) groups: Users,
    pub(super) containers: Containers,
    pub(super) stacks: Stacks,
}

impl Names {
    pub(super) fn new(clocks: KernelClocks, kernel: Option<Arc<dyn Kernel>>) -> Self {
        Self {
            clocks,
            users: Users::of("/etc/passwd"),
            groups: Users::of("/etc/group"),
            containers: Containers::default(),
            stacks: Stacks::new(kernel),
        }
    }
}

/// The name of a system call of this CPU.
pub(super) fn syscall_name(number: i64) -> Option<&'static str> {
    let number = usize::try_from(number).ok()?;
    syscalls::Sysno::new(number).map(|call| call.name())
}

/// The number of a system call of this CPU.
pub(super) fn syscall_number(name: &str) -> Option<i64> {
    let call: syscalls::Sysno = name.parse().ok()?;
    Some(i64::from(call.id()))
}
