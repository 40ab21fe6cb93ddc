//! Lists that are lowered into a guest's memory straight from where the host has them: no copy in
//! between. The interfaces that have them are bound by hand rather than by generated code.
#![allow(unsafe_code)] // One lifetime, in `lend`.

use super::error::{HostError, HostResult, to_guest};
use crate::bindings::eunomia::bpf::errors::Error as GuestError;

/// Sort a failure into one that the guest gets and one that ends it.
pub(super) fn expected<R>(result: HostResult<R>) -> wasmtime::Result<Result<R, GuestError>> {
    match result {
        Ok(value) => Ok(Ok(value)),
        Err(HostError::Expected(error)) => Ok(Err(to_guest(&error))),
        Err(HostError::Trap(trap)) => Err(trap),
    }
}

/// Let wasmtime lower a reader's `batch` after the borrow of the handle table has ended.
///
/// Lowering takes place as soon as the host function has returned, on the same stack, before any
/// other host function can run: a component may not call imports while its `cabi_realloc` runs
/// (component model, Canonical ABI, `may_leave`), which is the only guest code in between. So the
/// reader is neither dropped nor advanced meanwhile, and `kernel::RingBuffer::batch` promises that
/// nobody else writes to the bytes until then; those of a perf event array are the reader's own. If
/// the guest is ended in between, its stack goes before its handles do, and the slice is not read
/// again.
pub(super) fn lend(batch: &[u8]) -> &'static [u8] {
    // SAFETY: the bytes are initialised, outlive the lowering and do not change during it, as
    // above.
    unsafe { std::slice::from_raw_parts(batch.as_ptr(), batch.len()) }
}
