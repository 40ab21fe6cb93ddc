//! Guests that drive themselves: world `command`.

use wasmtime::Store;
use wasmtime::component::InstancePre;
use wasmtime_wasi::p2::bindings::CommandPre;

use crate::lifecycle::Outcome;
use crate::state::GuestState;

/// Run the guest's `main`.
pub(crate) async fn run(
    instance: &InstancePre<GuestState>,
    store: &mut Store<GuestState>,
) -> wasmtime::Result<Outcome> {
    let command = CommandPre::new(instance.clone())?
        .instantiate_async(&mut *store)
        .await?;
    let status = command.wasi_cli_run().call_run(store).await?;
    Ok(Outcome::Exited(if status.is_ok() { 0 } else { 1 }))
}
