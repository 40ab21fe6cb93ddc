//! Guests that the host drives.

use std::cell::RefCell;
use std::thread::LocalKey;
use std::time::Duration;

use crate::batch::{Batch, FaultCell};
use crate::bindings::eunomia::bpf::driver as host;
use crate::bindings::eunomia::bpf::errors::Error as HostError;
use crate::error::{Error, ErrorCode, Result};
use crate::output;
use crate::perf_buffer::PerfBuffer;
use crate::poll;
use crate::ring_buffer::RingBuffer;

/// A guest that the host drives: it calls with events and at intervals, one call at a time. Made
/// the guest of a crate (`crate-type = ["cdylib"]`) with [`plugin!`](crate::plugin!).
///
/// ```no_run
/// use eunomia_bpf::plugin::{Driver, Plugin, SourceId};
/// use eunomia_bpf::{Batch, Link, Object, Result, RingBufferName};
///
/// struct Counter {
///     count: u64,
///     _links: Vec<Link>,
/// }
///
/// impl Plugin for Counter {
///     fn start(driver: &mut Driver) -> Result<Self> {
///         let object = Object::open_default()?.load()?;
///         driver.add_ring_buffer(object.ring_buffer(RingBufferName::new("events"))?)?;
///         let _links = object.attach()?;
///         Ok(Self { count: 0, _links })
///     }
///
///     fn on_events(&mut self, _: SourceId, batch: Batch<'_>, _: u64) -> Result<()> {
///         self.count += batch.raw_records().count() as u64;
///         Ok(())
///     }
///
///     fn stop(&mut self) -> Result<()> {
///         println!("{} events", self.count);
///         Ok(())
///     }
/// }
///
/// eunomia_bpf::plugin!(Counter);
/// # fn main() {}
/// ```
///
/// An error ends the plugin; one of `on_events` or `on_tick` after a last call of `stop`. For
/// `--help` print it and call [`std::process::exit`].
pub trait Plugin: Sized + 'static {
    /// Open, load, attach, and register with the driver.
    ///
    /// # Errors
    /// The plugin's; it ends at once.
    fn start(driver: &mut Driver) -> Result<Self>;

    /// Records from a source, and how many the kernel dropped since the last call. All of them
    /// count as read when this returns.
    ///
    /// # Errors
    /// The plugin's.
    fn on_events(&mut self, source: SourceId, batch: Batch<'_>, lost: u64) -> Result<()> {
        let _ = (source, batch, lost);
        Ok(())
    }

    /// An interval has passed.
    ///
    /// # Errors
    /// The plugin's.
    fn on_tick(&mut self) -> Result<()> {
        Ok(())
    }

    /// The last call: print a summary. Everything is detached after it.
    ///
    /// # Errors
    /// The plugin's.
    fn stop(&mut self) -> Result<()> {
        Ok(())
    }
}

/// What the host is to drive; there is one while [`Plugin::start`] runs.
#[derive(Debug)]
pub struct Driver(());

/// Names a source in [`Plugin::on_events`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SourceId(u32);

impl Driver {
    /// Deliver what arrives here to [`Plugin::on_events`].
    ///
    /// # Errors
    /// The host's.
    pub fn add_ring_buffer(&mut self, buffer: RingBuffer) -> Result<SourceId> {
        Ok(SourceId(host::add_ring_buffer(buffer.into_handle())?))
    }

    /// Deliver what arrives here to [`Plugin::on_events`].
    ///
    /// # Errors
    /// The host's.
    pub fn add_perf_buffer(&mut self, buffer: PerfBuffer) -> Result<SourceId> {
        Ok(SourceId(host::add_perf_buffer(buffer.into_handle())?))
    }

    /// Call [`Plugin::on_tick`] at this interval of at least 1 ms. Ticks that a slow plugin misses
    /// are not made up for.
    ///
    /// # Errors
    /// `InvalidArgument` below 1 ms.
    pub fn set_tick(&mut self, interval: Duration) -> Result<()> {
        Ok(host::set_tick(poll::nanoseconds(interval))?)
    }
}

/// Makes a [`Plugin`](crate::plugin::Plugin) the guest. Once, at the top of a `cdylib` crate.
#[macro_export]
macro_rules! plugin {
    ($plugin:ty) => {
        const _: () = {
            use $crate::plugin::exports;

            ::std::thread_local! {
                static PLUGIN: exports::State<$plugin> = const { exports::new_state() };
            }

            struct Handler;

            impl exports::Guest for Handler {
                fn start() -> exports::Returned {
                    exports::start(&PLUGIN)
                }

                fn on_events(
                    source: u32,
                    records: ::std::vec::Vec<u8>,
                    lost: u64,
                ) -> exports::Returned {
                    exports::on_events(&PLUGIN, source, &records, lost)
                }

                fn on_tick() -> exports::Returned {
                    exports::on_tick(&PLUGIN)
                }

                fn stop() -> exports::Returned {
                    exports::stop(&PLUGIN)
                }
            }

    $crate::bindings::export_handler!(Handler with_types_in $crate::bindings);
        };
    };
}

/// What [`plugin!`](crate::plugin!) expands to; nothing to call by hand.
#[doc(hidden)]
pub mod exports {
    use super::*;

    pub use crate::bindings::exports::eunomia::bpf::handler::Guest;

    pub type Returned = std::result::Result<(), HostError>;
    pub type State<P> = RefCell<Option<P>>;

    pub const fn new_state<P>() -> State<P> {
        RefCell::new(None)
    }

    pub fn start<P: Plugin>(state: &'static LocalKey<State<P>>) -> Returned {
        let started = P::start(&mut Driver(())).and_then(|plugin| {
            state.set(Some(plugin));
            output::flush_pending()
        });
        started.map_err(Error::into_host)
    }

    pub fn on_events<P: Plugin>(
        state: &'static LocalKey<State<P>>,
        source: u32,
        records: &[u8],
        lost: u64,
    ) -> Returned {
        let fault = FaultCell::new();
        call(state, |plugin| {
            let batch = Batch::new(records, &fault);
            plugin.on_events(SourceId(source), batch, lost)?;
            fault.take(format_args!("source {source}"))
        })
    }

    pub fn on_tick<P: Plugin>(state: &'static LocalKey<State<P>>) -> Returned {
        call(state, Plugin::on_tick)
    }

    pub fn stop<P: Plugin>(state: &'static LocalKey<State<P>>) -> Returned {
        // Dropped here, the plugin still can emit the rows that it has gathered.
        call(state, Plugin::stop).and_then(|()| {
            state.set(None);
            output::flush_pending().map_err(Error::into_host)
        })
    }

    fn call<P: Plugin>(
        state: &'static LocalKey<State<P>>,
        function: impl FnOnce(&mut P) -> Result<()>,
    ) -> Returned {
        state.with_borrow_mut(|plugin| {
            let plugin = plugin.as_mut().ok_or_else(not_started)?;
            let result = function(plugin);
            result
                .and(output::flush_pending())
                .map_err(Error::into_host)
        })
    }

    fn not_started() -> HostError {
        Error::new(ErrorCode::InvalidState, "the plugin was not started").into_host()
    }
}
