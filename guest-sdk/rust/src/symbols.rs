//! Kernel symbols.

use crate::bindings::eunomia::bpf::symbols as host;
use crate::error::Result;

pub use host::Symbol;

/// The symbol of each address, none for those in no symbol; at most 65536 addresses.
///
/// # Errors
/// `PermissionDenied` when the kernel hides its symbols (`kernel.kptr_restrict`).
pub fn resolve_kernel(addresses: &[u64]) -> Result<Vec<Option<Symbol>>> {
    let bytes: Vec<u8> = addresses
        .iter()
        .flat_map(|address| address.to_le_bytes())
        .collect();
    Ok(host::resolve_kernel(&bytes)?)
}

/// The address of a kernel symbol, or none.
///
/// # Errors
/// `PermissionDenied` when the kernel hides its symbols (`kernel.kptr_restrict`).
pub fn kernel_address(name: &str) -> Result<Option<u64>> {
    Ok(host::kernel_address(name)?)
}
