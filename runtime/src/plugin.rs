//! Guests that the host drives: world `plugin`.
//!
//! start -> (on-events | on-tick)* -> stop. An error of `start` ends the plugin at once, an error
//! of `on-events` or `on-tick` after a last call of `stop`.

use std::future::poll_fn;
use std::task::Poll;

use eunomia_host_abi::bindings::eunomia::bpf::errors::Error as GuestError;
use eunomia_host_abi::bindings::exports::eunomia::bpf::handler::{Guest, GuestIndices};
use eunomia_host_abi::host::{BpfView, Driver, HostError, Source};
use eunomia_host_abi::stop::StopSignal;
use tokio::time::{Instant, MissedTickBehavior};
use wasmtime::Store;
use wasmtime::component::InstancePre;

use crate::error::{Error, ErrorKind};
use crate::lifecycle::Outcome;
use crate::state::GuestState;

/// Batches that are still delivered from each source after the operator asked to stop.
const FINAL_BATCHES_MAX: usize = 1024;

/// Why a plugin's function did not succeed.
enum Failure {
    /// It returned an error.
    Guest(Error),
    /// It trapped, or the host failed.
    Ended(wasmtime::Error),
}

impl From<wasmtime::Error> for Failure {
    fn from(error: wasmtime::Error) -> Self {
        Self::Ended(error)
    }
}

/// Run the plugin until the operator asks it to stop or it fails.
pub(crate) async fn run(
    name: &str,
    instance_pre: &InstancePre<GuestState>,
    store: &mut Store<GuestState>,
    stop: &StopSignal,
) -> wasmtime::Result<Outcome> {
    let instance = instance_pre.instantiate_async(&mut *store).await?;
    let handler = GuestIndices::new(instance_pre)?.load(&mut *store, &instance)?;
    let plugin = Plugin { name, handler };
    match plugin.live(store, stop).await {
        Ok(()) => Ok(Outcome::Exited(0)),
        // What the guest makes of it, in its own words, is no failure of its own.
        Err(Failure::Guest(_)) if store.data_mut().bpf_ctx().is_output_closed() => {
            Ok(Outcome::OutputClosed)
        }
        Err(Failure::Guest(error)) => Ok(Outcome::Failed(error)),
        Err(Failure::Ended(error)) => Err(error),
    }
}

struct Plugin<'a> {
    name: &'a str,
    handler: Guest,
}

impl Plugin<'_> {
    async fn live(&self, store: &mut Store<GuestState>, stop: &StopSignal) -> Result<(), Failure> {
        store.data_mut().bpf_ctx().open_driver();
        let started = self.handler.call_start(&mut *store).await?;
        let mut driver = store.data_mut().bpf_ctx().take_driver();
        self.told("start", started)?;
        let worked = match self.deliver(store, stop, &mut driver).await {
            Err(Failure::Ended(error)) => return Err(Failure::Ended(error)),
            worked => worked,
        };
        let stopped = self.handler.call_stop(&mut *store).await?;
        worked.and(self.told("stop", stopped))
    }

    /// Deliver events and ticks until the operator asks to stop.
    async fn deliver(
        &self,
        store: &mut Store<GuestState>,
        stop: &StopSignal,
        driver: &mut Driver,
    ) -> Result<(), Failure> {
        let mut ticks = driver.tick.map(|interval| {
            let mut ticks = tokio::time::interval_at(Instant::now() + interval, interval);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
            ticks
        });
        let mut consumed = vec![0; driver.sources.len()];
        while !stop.is_requested() {
            let busy = self
                .deliver_round(store, &mut driver.sources, &mut consumed)
                .await?;
            if !busy {
                store.data_mut().bpf().ctx.output().before_wait();
            }
            // Also while events keep coming: a tick is due on time however many there are.
            if wait(&mut driver.sources, ticks.as_mut(), stop, busy).await {
                let ticked = self.handler.call_on_tick(&mut *store).await?;
                self.told("on-tick", ticked)?;
            }
        }
        for _ in 0..FINAL_BATCHES_MAX {
            if !self
                .deliver_round(store, &mut driver.sources, &mut consumed)
                .await?
            {
                break;
            }
        }
        Ok(())
    }

    /// Deliver one batch from each source that has one; false when none had.
    async fn deliver_round(
        &self,
        store: &mut Store<GuestState>,
        sources: &mut [Source],
        consumed: &mut [usize],
    ) -> Result<bool, Failure> {
        let mut delivered = false;
        for (id, source) in sources.iter_mut().enumerate() {
            let taken = std::mem::take(&mut consumed[id]);
            let (records, lost) = match source {
                Source::Ring(ring) => {
                    let lost = ring.take_lost();
                    ring.next_batch(taken, 0).map(|records| (records, lost))
                }
                Source::Perf(perf) => perf.next_batch(taken, 0),
                _ => continue,
            }
            .map_err(|error| self.unreadable(error))?;
            if records.is_empty() && lost == 0 {
                continue;
            }
            consumed[id] = records.len();
            delivered = true;
            if lost > 0 {
                store.data_mut().bpf_ctx().output().report_lost(lost);
            }
            let id = u32::try_from(id).expect("a plugin has at most SOURCES_MAX sources");
            let outcome = self
                .handler
                .call_on_events(&mut *store, id, records, lost)
                .await?;
            self.told("on-events", outcome)?;
        }
        Ok(delivered)
    }

    fn told(&self, function: &str, outcome: Result<(), GuestError>) -> Result<(), Failure> {
        outcome.map_err(|error| {
            Failure::Guest(Error::new(
                ErrorKind::Guest,
                format!("plugin `{}`: {function}: {}", self.name, error.message),
            ))
        })
    }

    fn unreadable(&self, error: HostError) -> Failure {
        match error {
            HostError::Trap(trap) => Failure::Ended(trap),
            HostError::Expected(error) => Failure::Guest(
                Error::new(
                    ErrorKind::Host,
                    format!("read events for plugin `{}`", self.name),
                )
                .with_source(error),
            ),
        }
    }
}

/// Wait for records, a tick or the operator, or only look when `busy`; true when a tick is due.
async fn wait(
    sources: &mut [Source],
    ticks: Option<&mut tokio::time::Interval>,
    stop: &StopSignal,
    busy: bool,
) -> bool {
    let mut readiness: Vec<_> = sources
        .iter_mut()
        .filter_map(|source| match source {
            Source::Ring(ring) => Some(ring.records_ready()),
            Source::Perf(perf) => Some(perf.records_ready()),
            _ => None,
        })
        .collect();
    let records = poll_fn(|ctx| {
        let ready = readiness
            .iter_mut()
            .any(|ready| ready.as_mut().poll(ctx).is_ready());
        if ready {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    });
    let tick = async {
        match ticks {
            Some(ticks) => drop(ticks.tick().await),
            None => std::future::pending().await,
        }
    };
    let enough = async {
        if busy {
            tokio::task::yield_now().await;
        } else {
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        biased;
        () = tick => true,
        () = stop.requested() => false,
        () = records => false,
        () = enough => false,
    }
}
