//! `proc_exit`, `sched_yield`.

use eunomia_host_abi::host::GuestExit;
use wasmtime::{Caller, Linker};

use super::{MODULE, Preview1View};

pub(super) fn add_to_linker<T: Preview1View>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    linker.func_wrap(
        MODULE,
        "proc_exit",
        |_: Caller<'_, T>, code: u32| -> wasmtime::Result<()> {
            // What a parent sees of an exit code on Linux: `exit(-1)` is 255.
            let code = code.to_le_bytes()[0];
            Err(wasmtime::Error::new(GuestExit { code }))
        },
    )?;
    linker.func_wrap(MODULE, "sched_yield", |_: Caller<'_, T>| 0)?;
    Ok(())
}
