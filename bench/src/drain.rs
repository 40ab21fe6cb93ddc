//! Draining full ring buffers and perf event arrays.

use anyhow::{Result, ensure};

use crate::guest::{Round, Sandbox};
use crate::native::Native;
use crate::report::{Case, Group};
use crate::samples::Samples;

const MIB: u32 = 1 << 20;
const RING_BYTES: [u32; 2] = [MIB, 16 * MIB];
const RECORD_BYTES: [u32; 4] = [16, 64, 256, 1024];
/// 0: what the host chooses.
const BATCH_BYTES: [u32; 5] = [0, 16 << 10, 64 << 10, 256 << 10, MIB];

/// Drains in a run. The first ones, in which pages are touched for the first time, do not count.
const DRAINS: usize = 15;
pub(crate) const WARM_UP: usize = 3;

pub(crate) fn measure(sandbox: &Sandbox, native: &Native, runs: usize) -> Result<Vec<Group>> {
    let mut cases = Vec::new();
    for ring_bytes in RING_BYTES {
        for record_bytes in RECORD_BYTES {
            cases.push(case(sandbox, native, runs, (record_bytes, ring_bytes))?);
        }
    }
    let subjects = vec![
        "C, libbpf".into(),
        "Rust guest".into(),
        "C, loop by hand".into(),
    ];
    let sizes = Group {
        title: "Drain a full ring buffer".into(),
        unit: "ns an event",
        subjects,
        cases,
    };
    Ok(vec![
        sizes,
        batches(sandbox, runs)?,
        samples(sandbox, native, runs)?,
    ])
}

fn case(
    sandbox: &Sandbox,
    native: &Native,
    runs: usize,
    (record_bytes, ring_bytes): (u32, u32),
) -> Result<Case> {
    let numbers = [
        DRAINS.to_string(),
        record_bytes.to_string(),
        ring_bytes.to_string(),
    ];
    let with = |verb: &str| [&[verb.to_owned()], &numbers[..]].concat();
    let mut samples = [const { Vec::new() }; 3];
    for _ in 0..runs {
        let consume = native.read(&with("drain"))?;
        let guest = sandbox.run(&[&with("drain")[..], &["0".into()]].concat())?;
        let by_hand = native.read(&with("loop"))?;
        check_equal(&consume, &guest)?;
        check_equal(&consume, &by_hand)?;
        for (samples, rounds) in samples.iter_mut().zip([consume, guest, by_hand]) {
            samples.extend(ns_per_item(&rounds));
        }
    }
    Ok(Case {
        name: format!("{record_bytes} B, ring of {} MiB", ring_bytes / MIB),
        cells: samples.into_iter().map(Samples::new).collect(),
    })
}

/// What the size of batches does to a guest.
fn batches(sandbox: &Sandbox, runs: usize) -> Result<Group> {
    let mut cases = Vec::new();
    for ring_bytes in RING_BYTES {
        let mut samples = [const { Vec::new() }; BATCH_BYTES.len()];
        for _ in 0..runs {
            for (samples, batch_bytes) in samples.iter_mut().zip(BATCH_BYTES) {
                let numbers = [DRAINS as u32, 64, ring_bytes, batch_bytes];
                let arguments = ["drain".to_owned()].into_iter();
                let arguments = arguments.chain(numbers.map(|number| number.to_string()));
                let rounds = sandbox.run(&arguments.collect::<Vec<_>>())?;
                samples.extend(ns_per_item(&rounds));
            }
        }
        cases.push(Case {
            name: format!("64 B, ring of {} MiB", ring_bytes / MIB),
            cells: samples.into_iter().map(Samples::new).collect(),
        });
    }
    let subjects = BATCH_BYTES.iter().map(|bytes| match bytes {
        0 => "the host's choice".into(),
        bytes => format!("{} KiB", bytes >> 10),
    });
    Ok(Group {
        title: "Rust guest by size of batch".into(),
        unit: "ns an event",
        subjects: subjects.collect(),
        cases,
    })
}

/// Perf event arrays.
fn samples(sandbox: &Sandbox, native: &Native, runs: usize) -> Result<Group> {
    let mut cases = Vec::new();
    for record_bytes in RECORD_BYTES {
        let numbers = [DRAINS as u32, record_bytes];
        let arguments = ["samples".to_owned()].into_iter();
        let arguments = arguments.chain(numbers.map(|number| number.to_string()));
        let arguments: Vec<_> = arguments.collect();
        let mut samples = [const { Vec::new() }; 2];
        for _ in 0..runs {
            let consume = native.read(&arguments)?;
            let guest = sandbox.run(&arguments)?;
            check_equal(&consume, &guest)?;
            for (samples, rounds) in samples.iter_mut().zip([consume, guest]) {
                samples.extend(ns_per_item(&rounds));
            }
        }
        cases.push(Case {
            name: format!("{record_bytes} B, ring of 1 MiB"),
            cells: samples.into_iter().map(Samples::new).collect(),
        });
    }
    Ok(Group {
        title: "Drain the full ring of a perf event array".into(),
        unit: "ns an event",
        subjects: vec!["C, libbpf".into(), "Rust guest".into()],
        cases,
    })
}

/// The median of the rounds of a run, which is one sample.
pub(crate) fn ns_per_item(rounds: &[Round]) -> Option<f64> {
    let rounds = rounds
        .iter()
        .skip(WARM_UP.min(rounds.len().saturating_sub(1)));
    Samples::new(rounds.map(Round::ns_per_item).collect()).map(|samples| samples.median())
}

/// Both sides must have read the same.
pub(crate) fn check_equal(native: &[Round], guest: &[Round]) -> Result<()> {
    let contents = |rounds: &[Round]| rounds.iter().map(Round::content).collect::<Vec<_>>();
    let (native, guest) = (contents(native), contents(guest));
    ensure!(
        native == guest,
        "native programs and guest read different things: {native:?}, {guest:?}"
    );
    Ok(())
}
