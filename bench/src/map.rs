//! Reading a hash map in batches.

use anyhow::Result;

use crate::drain::{check_equal, ns_per_item};
use crate::guest::Sandbox;
use crate::native::Native;
use crate::report::{Case, Group};
use crate::samples::Samples;

/// Walks in a run.
const WALKS: usize = 8;

pub(crate) fn measure(sandbox: &Sandbox, native: &Native, runs: usize) -> Result<Group> {
    let arguments = ["map".to_owned(), WALKS.to_string()];
    let mut samples = [const { Vec::new() }; 2];
    for _ in 0..runs {
        let batches = native.read(&arguments)?;
        let guest = sandbox.run(&arguments)?;
        check_equal(&batches, &guest)?;
        for (samples, rounds) in samples.iter_mut().zip([batches, guest]) {
            samples.extend(ns_per_item(&rounds));
        }
    }
    Ok(Group {
        title: "Read a hash map in batches".into(),
        unit: "ns an entry",
        subjects: vec!["C, libbpf".into(), "Rust guest".into()],
        cases: vec![Case {
            name: "100,000 entries, 4 B keys, 8 B values".into(),
            cells: samples.into_iter().map(Samples::new).collect(),
        }],
    })
}
