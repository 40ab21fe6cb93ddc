//! Guests that are core modules of the older ABI: WASI preview 1 and `wasm_bpf`.

use wasmtime::{InstancePre, Linker, Module, Store};

use eunomia_host_abi::wasm_bpf::{self, CallbackNames};

use crate::lifecycle::Outcome;
use crate::preview1;
use crate::state::GuestState;

/// What a command of WASI preview 1 exports.
pub(crate) const START: &str = "_start";

/// Link what a module imports.
///
/// # Errors
/// When it imports what there is not, or as something else.
pub(crate) fn link(
    module: &Module,
    names: &CallbackNames,
) -> wasmtime::Result<InstancePre<GuestState>> {
    let mut linker = Linker::new(module.engine());
    preview1::add_to_linker(&mut linker, module)?;
    wasm_bpf::add_to_linker(&mut linker, module, names)?;
    linker.instantiate_pre(module)
}

/// Run the guest's `main`.
pub(crate) async fn run(
    instance: &InstancePre<GuestState>,
    store: &mut Store<GuestState>,
) -> wasmtime::Result<Outcome> {
    let instance = instance.instantiate_async(&mut *store).await?;
    let start = instance.get_typed_func::<(), ()>(&mut *store, START)?;
    start.call_async(store, ()).await?;
    Ok(Outcome::Exited(0))
}
