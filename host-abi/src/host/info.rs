//! `host`: what a guest may know of the machine.

use std::time::Duration;

use super::BpfCtxView;
use crate::bindings::eunomia::bpf::host::{Host, Version};
use crate::bindings::wasi::clocks::wall_clock::Datetime;

impl Host for BpfCtxView<'_> {
    fn possible_cpus(&mut self) -> wasmtime::Result<u32> {
        Ok(self.ctx.kernel.possible_cpus())
    }

    fn kernel_version(&mut self) -> wasmtime::Result<Version> {
        let (major, minor, patch) = self.ctx.kernel.version();
        Ok(Version {
            major,
            minor,
            patch,
        })
    }

    fn monotonic_epoch(&mut self) -> wasmtime::Result<Datetime> {
        Ok(datetime(self.ctx.kernel.monotonic_epoch()))
    }

    fn boot_epoch(&mut self) -> wasmtime::Result<Datetime> {
        Ok(datetime(self.ctx.kernel.boot_epoch()))
    }
}

fn datetime(since_epoch: Duration) -> Datetime {
    Datetime {
        seconds: since_epoch.as_secs(),
        nanoseconds: since_epoch.subsec_nanos(),
    }
}
