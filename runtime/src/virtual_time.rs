//! Guests on a [`FakeKernel`]: time passes only when everybody waits, and then jumps to what is due
//! next, on the kernel's side or by a timer of the guest. A run of hours takes milliseconds and
//! gives the same result each time.

use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use eunomia_host_abi::fake::FakeKernel;
use eunomia_host_abi::kernel::Kernel as _;
use tokio::time::{Instant, Sleep, sleep_until};
use wasmtime_wasi::{Deterministic, HostMonotonicClock, HostWallClock, WasiCtxBuilder};

/// What the guest runs by.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum Time {
    /// The machine's clocks.
    #[default]
    Real,
    /// The clock of this kernel, which must be the one that the runtime was built with. Timers are
    /// exact to a millisecond; random numbers are the same in each run.
    Virtual(FakeKernel),
}

impl Time {
    pub(crate) fn is_virtual(&self) -> bool {
        matches!(self, Self::Virtual(_))
    }

    /// Runs a guest by it, on an event loop whose clock is paused if it is virtual.
    pub(crate) async fn run<F: Future>(&self, guest: F) -> F::Output {
        let Self::Virtual(kernel) = self else {
            return guest.await;
        };
        let mut guest = pin!(guest);
        let mut clock = pin!(sleep_until(Instant::now()));
        // Counted from the same moment on both sides.
        let start = Instant::now() - kernel.now();
        std::future::poll_fn(|ctx| {
            pass(kernel, start, clock.as_mut(), ctx);
            if let Poll::Ready(output) = guest.as_mut().poll(ctx) {
                return Poll::Ready(output);
            }
            // For what the guest waits for since just now.
            pass(kernel, start, clock.as_mut(), ctx);
            Poll::Pending
        })
        .await
    }

    /// Gives the guest clocks that agree with it.
    pub(crate) fn give(&self, wasi: &mut WasiCtxBuilder) {
        if let Self::Virtual(kernel) = self {
            wasi.monotonic_clock(Clock(kernel.clone()))
                .wall_clock(Clock(kernel.clone()))
                .secure_random(Deterministic::new((0..=u8::MAX).collect()))
                .insecure_random(Deterministic::new((0..=u8::MAX).collect()))
                .insecure_random_seed(0);
        }
    }
}

/// Brings the kernel's clock to the event loop's, and sets an alarm for what is due next there. The
/// event loop's clock jumps to its earliest alarm when nobody has anything left to do.
fn pass(kernel: &FakeKernel, start: Instant, mut alarm: Pin<&mut Sleep>, ctx: &mut Context<'_>) {
    loop {
        let late = start.elapsed().saturating_sub(kernel.now());
        if !late.is_zero() {
            kernel.advance(late);
        }
        let Some(due) = kernel.next_due() else { return };
        alarm.as_mut().reset(start + due);
        if alarm.as_mut().poll(ctx).is_pending() {
            return;
        }
        // What is due at this very moment.
        kernel.advance(Duration::ZERO);
    }
}

/// The kernel's clock as WASI's.
struct Clock(FakeKernel);

impl HostMonotonicClock for Clock {
    fn resolution(&self) -> u64 {
        1
    }

    fn now(&self) -> u64 {
        // Real clocks never show 0, at which Go's runtime gives up.
        u64::try_from(self.0.now().as_nanos()).map_or(u64::MAX, |now| now.saturating_add(1))
    }
}

impl HostWallClock for Clock {
    fn resolution(&self) -> Duration {
        Duration::from_nanos(1)
    }

    fn now(&self) -> Duration {
        self.0.monotonic_epoch() + self.0.now()
    }
}
