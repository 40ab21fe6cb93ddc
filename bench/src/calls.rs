//! What the sandbox itself costs.

use std::time::Instant;

use anyhow::Result;

use crate::drain::ns_per_item;
use crate::guest::Sandbox;
use crate::report::{Case, Group};
use crate::samples::Samples;

/// Rounds of calls in a run.
const ROUNDS: usize = 8;

/// Guests that are started and end at once, in a run.
const GUESTS: u32 = 20;

pub(crate) fn measure(sandbox: &Sandbox, runs: usize) -> Result<Vec<Group>> {
    let (mut calls, mut guests) = (Vec::new(), Vec::new());
    for _ in 0..runs {
        calls.extend(ns_per_item(
            &sandbox.run(&["calls".into(), ROUNDS.to_string()])?,
        ));
        let start = Instant::now();
        for _ in 0..GUESTS {
            sandbox.run(&["nothing".into()])?;
        }
        guests.push(start.elapsed().as_secs_f64() * 1e6 / f64::from(GUESTS));
    }
    Ok(vec![
        group(
            "Call the host for nothing",
            "ns",
            "lifecycle.stop-requested",
            calls,
        ),
        group(
            "Run a guest that does nothing",
            "us",
            "thread, store, instance, main, end",
            guests,
        ),
    ])
}

fn group(title: &str, unit: &'static str, case: &str, samples: Vec<f64>) -> Group {
    Group {
        title: title.into(),
        unit,
        subjects: vec!["Rust guest".into()],
        cases: vec![Case {
            name: case.into(),
            cells: vec![Samples::new(samples)],
        }],
    }
}
