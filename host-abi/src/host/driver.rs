//! `driver`: what a plugin asks its host to drive.

use std::time::Duration;

use wasmtime::component::Resource;

use super::BpfCtxView;
use super::error::HostResult;
use super::perf_buffer::PerfBuffer;
use super::ring_buffer::RingBuffer;
use crate::bindings::eunomia::bpf::driver::Host;
use crate::error::{Error, ErrorKind};
use crate::limits::{SOURCES_MAX, TICK_NS_MIN};

/// What a plugin registered in its `start`.
#[derive(Debug, Default)]
pub struct Driver {
    /// Event sources; the index is the `source-id`.
    pub sources: Vec<Source>,
    /// Interval of `on-tick`.
    pub tick: Option<Duration>,
}

/// An event source that the host reads for a plugin.
#[derive(Debug)]
#[non_exhaustive]
pub enum Source {
    /// A ring buffer.
    Ring(RingBuffer),
    /// A perf event array.
    Perf(PerfBuffer),
}

impl BpfCtxView<'_> {
    fn driver(&mut self) -> Result<&mut Driver, Error> {
        self.ctx.driver.as_mut().ok_or_else(|| {
            Error::new(
                ErrorKind::InvalidState,
                "register with the driver: `start` is over",
            )
        })
    }

    fn add_source(&mut self, source: Source) -> HostResult<u32> {
        let sources = &mut self.driver()?.sources;
        let id = sources.len();
        if id == SOURCES_MAX {
            return Err(Error::new(
                ErrorKind::LimitExceeded,
                format!("add a source: a plugin has at most {SOURCES_MAX}"),
            )
            .into());
        }
        sources.push(source);
        Ok(u32::try_from(id).expect("at most SOURCES_MAX"))
    }
}

impl Host for BpfCtxView<'_> {
    fn add_ring_buffer(&mut self, buffer: Resource<RingBuffer>) -> HostResult<u32> {
        let ring = self.table.delete(buffer)?;
        self.add_source(Source::Ring(ring))
    }

    fn add_perf_buffer(&mut self, buffer: Resource<PerfBuffer>) -> HostResult<u32> {
        let perf = self.table.delete(buffer)?;
        self.add_source(Source::Perf(perf))
    }

    fn set_tick(&mut self, interval: u64) -> HostResult<()> {
        if interval < TICK_NS_MIN {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                format!("set the tick: {interval} ns is less than {TICK_NS_MIN}"),
            )
            .into());
        }
        self.driver()?.tick = Some(Duration::from_nanos(interval));
        Ok(())
    }
}
