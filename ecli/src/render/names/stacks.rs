//! Stacks: names for the addresses in them.

use std::sync::Arc;

use eunomia_runtime::kernel::Kernel;

use super::user_symbols::UserSymbols;

/// Frames of one stack that are shown; the kernel collects at most 127 unless it is told otherwise.
const FRAMES_MAX: usize = 1024;

/// Resolves addresses.
#[derive(Debug)]
pub(in crate::render) struct Stacks {
    kernel: Option<Arc<dyn Kernel>>,
    users: UserSymbols,
}

impl Stacks {
    pub(super) fn new(kernel: Option<Arc<dyn Kernel>>) -> Self {
        Self {
            kernel,
            users: UserSymbols::default(),
        }
    }

    /// The frames of a stack of the kernel: `do_exit+0x1f`, `handler+0x4 [module]`. Without
    /// permission to see the kernel's symbols, its addresses.
    pub(in crate::render) fn kernel_frames(&self, addresses: &[u64]) -> Vec<String> {
        let addresses = used(addresses);
        let symbols = self
            .kernel
            .as_ref()
            .and_then(|kernel| kernel.resolve_symbols(addresses).ok())
            .unwrap_or_default();
        let frame = |(index, address): (usize, &u64)| match symbols.get(index) {
            Some(Some(symbol)) => frame(&symbol.name, symbol.offset, symbol.module.as_deref()),
            _ => format!("{address:#x}"),
        };
        addresses.iter().enumerate().map(frame).collect()
    }

    /// The frames of a stack of a process, whose addresses alone are shown when it has ended.
    pub(in crate::render) fn user_frames(
        &mut self,
        pid: Option<u32>,
        addresses: &[u64],
    ) -> Vec<String> {
        let frame = |address: &u64| {
            let found = pid.and_then(|pid| self.users.resolve(pid, *address));
            found.unwrap_or_else(|| format!("{address:#x}"))
        };
        used(addresses).iter().map(frame).collect()
    }
}

/// How a frame is shown.
pub(super) fn frame(name: &str, offset: u64, module: Option<&str>) -> String {
    match module {
        Some(module) => format!("{name}+{offset:#x} [{module}]"),
        None => format!("{name}+{offset:#x}"),
    }
}

/// The addresses in front of the zeros that fill an array.
fn used(addresses: &[u64]) -> &[u64] {
    let end = addresses.iter().position(|address| *address == 0);
    &addresses[..end.unwrap_or(addresses.len()).min(FRAMES_MAX)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_end_a_stack_and_unknown_addresses_are_shown() {
        let mut stacks = Stacks::new(None);
        assert_eq!(stacks.kernel_frames(&[0x10, 0x20, 0, 0]), ["0x10", "0x20"]);
        assert_eq!(stacks.user_frames(None, &[1]), ["0x1"]);
        assert_eq!(stacks.user_frames(Some(u32::MAX), &[1, 0]), ["0x1"]);
        assert_eq!(frame("f", 16, Some("net")), "f+0x10 [net]");
    }

    #[test]
    fn functions_of_this_process_have_names() {
        let mut stacks = Stacks::new(None);
        let address = functions_of_this_process_have_names as fn() as usize as u64;
        let library = address_in_libc();
        let frames = stacks.user_frames(Some(std::process::id()), &[address + 1, library]);
        // Needs CAP_CHECKPOINT_RESTORE or CAP_SYS_ADMIN, which root has.
        if rustix::process::geteuid().is_root() {
            assert!(
                frames[0].contains("functions_of_this_process_have_names"),
                "{frames:?}"
            );
            assert!(frames[1].contains("libc.so.6"), "{frames:?}");
        } else {
            eprintln!("NOT RUN: names of a process's functions, which needs root");
            assert!(std::env::var_os("CI").is_none(), "CI runs as root");
        }
    }

    /// An address in the code of the C library, as `/proc/self/maps` has it.
    fn address_in_libc() -> u64 {
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
        let line = maps
            .lines()
            .find(|line| line.contains(" r-xp ") && line.contains("libc.so.6"));
        let start = line.unwrap().split('-').next().unwrap();
        u64::from_str_radix(start, 16).unwrap()
    }
}
