//! Calling the host for nothing.

use std::error::Error;
use std::time::Instant;

use eunomia_bpf::{Result, lifecycle};

use crate::{Round, print};

/// So many that the clock, which is a host call too, does not count.
const CALLS: u64 = 100_000;

pub(crate) fn measure(rounds: usize) -> Result<(), Box<dyn Error>> {
    let mut measured = Vec::with_capacity(rounds);
    for _ in 0..rounds {
        let mut sum = 0;
        let start = Instant::now();
        for _ in 0..CALLS {
            sum += u64::from(lifecycle::stop_requested());
        }
        measured.push(Round {
            time: start.elapsed(),
            items: CALLS,
            sum,
        });
    }
    print(&measured)
}
