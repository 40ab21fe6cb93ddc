//! Waiting.

use std::time::{Duration, Instant};

use eunomia_bpf::lifecycle::{self, Stop};
use eunomia_bpf::poll::Poller;
use eunomia_bpf::{ErrorCode, Object};

use crate::bpf::{self, maps};
use crate::{Outcome, equal, fails};

/// Sleeps, and is not woken.
pub(crate) fn sleep(_: &[String]) -> Outcome {
    let start = Instant::now();
    let time = Duration::from_millis(50);
    equal("sleep", lifecycle::sleep(time)?, true)?;
    equal("slept long enough", start.elapsed() >= time, true)
}

/// Waits for an interval and a delay at the same time.
pub(crate) fn poll(_: &[String]) -> Outcome {
    fails(
        "wait for nothing",
        Poller::new().wait(),
        ErrorCode::InvalidState,
    )?;
    let mut poller = Poller::new();
    let stop = poller.add(&Stop);
    let tick = poller.every(Duration::from_millis(5));
    let end = poller.after(Duration::from_millis(60));
    let mut ticks = 0;
    loop {
        let ready = poller.wait()?;
        equal("stop", ready.contains(stop), false)?;
        ticks += u32::from(ready.contains(tick));
        if ready.contains(end) {
            break;
        }
    }
    equal("ticks", (2..=12).contains(&ticks), true)
}

/// Waits for a ring buffer that gets records, and not for one that has none.
pub(crate) fn poll_ring_buffer() -> Outcome {
    let object = Object::open(bpf::OBJECT)?.load()?;
    let mut ring = object.ring_buffer(maps::EVENTS)?;
    let mut poller = Poller::new();
    let events = poller.add(&ring);
    let end = poller.after(Duration::from_millis(20));
    equal("nothing to read", poller.wait()?.contains(end), true)?;
    object.program("produce")?.test_run(&Default::default())?;
    equal("records", poller.wait()?.contains(events), true)?;
    while ring.try_next_batch()?.is_some() {}
    poller.after(Duration::from_millis(20));
    equal("all is read", poller.wait()?.contains(events), false)
}
