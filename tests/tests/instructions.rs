//! Instructions of user space on the hot paths, counted by callgrind: none may take a tenth more
//! than it did. Unlike times, they are the same on a busy machine.
//!
//! The benchmark's guest empties rings and perf event arrays that a BPF program filled, reads a
//! map, calls the host. What the kernel does is not counted. A short and a long run are compared,
//! so that starting does not count either.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use eunomia_runtime::{Outcome, Runtime, Settings};
use eunomia_tests::{Printed, build, is_root, target};

/// What the guest does, and instructions for each item (a record, an entry of a map, a call), as
/// counted when this was written. Copying counts as one for each byte, as the C library copies with
/// one instruction that repeats itself. Fewer is no failure: a change elsewhere may move what the
/// compiler inlines, as it does with `record::push`, whose call makes 31 of a sample's 307.
const CASES: &[(&str, &[&str], f64)] = &[
    ("drain", &["16", "1048576", "0"], 74.2),
    ("drain", &["64", "1048576", "0"], 130.5),
    ("drain", &["1024", "1048576", "0"], 1349.5),
    ("samples", &["64"], 307.0),
    ("samples", &["1024"], 1795.4),
    ("map", &[], 72.3),
    ("calls", &[], 611.1),
];

/// By how much the count may be higher: compilers and C libraries differ from machine to machine.
const TOLERANCE: f64 = 0.1;

/// Rounds of the short and of the long run.
const ROUNDS: [u32; 2] = [4, 12];

/// Tells the helper below what to run.
const ARGUMENTS: &str = "ECLI_MEASURED_ARGUMENTS";

#[test]
fn hot_paths_take_no_more_instructions_than_they_did() -> Result<()> {
    if !is_root() {
        return Ok(());
    }
    build("bench/guest")?;
    let folder = tempfile::tempdir()?;
    // The first run compiles the guest, and makes the part of the kernel's types that its object
    // needs.
    count(folder.path(), "map 1")?;
    let mut wrong = Vec::new();
    for (verb, numbers, expected) in CASES {
        let mut instructions = [0.0; 2];
        let mut items = [0.0; 2];
        for (index, rounds) in ROUNDS.iter().enumerate() {
            let arguments = [&[*verb, &rounds.to_string()], *numbers].concat().join(" ");
            (instructions[index], items[index]) = count(folder.path(), &arguments)
                .with_context(|| format!("count instructions of `{arguments}`"))?;
        }
        let each = (instructions[1] - instructions[0]) / (items[1] - items[0]);
        let case = format!("{verb} {}", numbers.join(" "));
        println!("{case}: {each:.2} instructions an item, {expected} expected");
        if each < expected * (1.0 - TOLERANCE) {
            println!("{case}: a tenth fewer; if that is no luck, write the smaller number down");
        }
        if each > expected * (1.0 + TOLERANCE) {
            wrong.push(format!("{case}: {each:.2} instead of {expected}"));
        }
    }
    ensure!(
        wrong.is_empty(),
        "items take more instructions than they did: {}",
        wrong.join(", ")
    );
    Ok(())
}

/// Instructions and items of one run of the guest in a process of its own.
fn count(folder: &Path, arguments: &str) -> Result<(f64, f64)> {
    let counts = folder.join("callgrind");
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--quiet"])
        .arg(format!("--callgrind-out-file={}", counts.display()))
        .arg(std::env::current_exe()?)
        .args(["--exact", "measured", "--ignored", "--nocapture"])
        .env(ARGUMENTS, arguments)
        .output()
        .context("run valgrind, which scripts/setup installs")?;
    let printed = String::from_utf8_lossy(&output.stdout);
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{printed}{said}");
    let items = printed.lines().filter_map(|line| {
        let words: Vec<&str> = line.split(' ').collect();
        // Nanoseconds, items, sum.
        match words[..] {
            [_, items, sum] if sum.parse::<u64>().is_ok() => items.parse::<f64>().ok(),
            _ => None,
        }
    });
    let items = items.sum();
    ensure!(items > 0.0, "the guest did nothing: {printed}{said}");
    let counts = std::fs::read_to_string(counts).context("read what callgrind counted")?;
    let total = counts
        .lines()
        .find_map(|line| line.strip_prefix("totals: "))
        .context("find the total of what callgrind counted")?;
    Ok((total.trim().parse()?, items))
}

/// What is counted.
#[test]
#[ignore = "started by the test above, below callgrind"]
fn measured() -> Result<()> {
    let arguments = std::env::var(ARGUMENTS).context("started by hand")?;
    let runtime = Runtime::builder()
        // Callgrind's CPU is not this machine's: its code is kept elsewhere.
        .cache_dir(Some(target()?.join("test-components-callgrind")))
        .build()?;
    let printed = Printed::default();
    let settings = Settings {
        args: arguments.split(' ').map(str::to_owned).collect(),
        stdio: printed.stdio(),
        ..Settings::default()
    };
    let running = runtime.open(build("bench/guest")?)?.load()?.run(settings)?;
    match running.wait().outcome {
        Outcome::Exited(0) => {}
        outcome => bail!("the guest ended otherwise: {outcome:?}"),
    }
    // The harness has begun a line.
    println!("\n{}", printed.text());
    Ok(())
}
