//! `lifecycle`: the operator's request to stop.

use wasmtime::component::Resource;
use wasmtime_wasi_io::poll::{DynPollable, Pollable, subscribe};

use super::BpfCtxView;
use crate::bindings::eunomia::bpf::lifecycle::Host;
use crate::stop::StopSignal;

/// What ends a guest that called `lifecycle.exit`: an error that unwinds it, not a failure.
#[derive(Debug)]
pub struct GuestExit {
    /// The guest's exit code.
    pub code: u8,
}

impl std::fmt::Display for GuestExit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the guest left with code {}", self.code)
    }
}

impl std::error::Error for GuestExit {}

/// Ready when the guest is asked to stop.
struct StopPollable(StopSignal);

#[wasmtime_wasi_io::async_trait]
impl Pollable for StopPollable {
    async fn ready(&mut self) {
        self.0.requested().await;
    }
}

impl Host for BpfCtxView<'_> {
    fn stop_requested(&mut self) -> wasmtime::Result<bool> {
        Ok(self.ctx.stop.is_requested())
    }

    fn subscribe_stop(&mut self) -> wasmtime::Result<Resource<DynPollable>> {
        let stop = self.table.push(StopPollable(self.ctx.stop.clone()))?;
        subscribe(self.table, stop)
    }

    fn request_stop(&mut self) -> wasmtime::Result<()> {
        self.ctx.stop.request();
        Ok(())
    }

    fn exit(&mut self, code: u8) -> wasmtime::Result<()> {
        Err(wasmtime::Error::new(GuestExit { code }))
    }
}
