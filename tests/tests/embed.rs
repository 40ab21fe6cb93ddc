//! `examples/embed`, a program that runs a tool as its plugin, as its README says to run it.

use std::process::Output;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use eunomia_tests::{build, is_root, kernel_objects, program, wait_until};
use serde_json::Value;

const ROWS: usize = 5;

fn embed(arguments: &[&str]) -> Result<Output> {
    Ok(program("embed")?.args(arguments).output()?)
}

#[test]
fn a_program_takes_the_rows_of_its_plugin_and_stops_it() -> Result<()> {
    if !is_root() {
        return Ok(());
    }
    build("examples/syscount")?;
    let before = kernel_objects()?;
    let output = embed(&["syscount", &ROWS.to_string()])?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.code() == Some(0), "{}: {said}", output.status);
    ensure!(said.is_empty(), "{said}");

    let text = String::from_utf8(output.stdout)?;
    ensure!(text.lines().count() == ROWS, "{text}");
    for line in text.lines() {
        let (table, row) = line.split_once(' ').with_context(|| line.to_owned())?;
        ensure!(table == "totals", "{line}");
        let row: Value = serde_json::from_str(row).with_context(|| line.to_owned())?;
        let name = row["syscall"].as_str();
        ensure!(name.is_some_and(|name| !name.is_empty()), "{line}");
        ensure!(
            row["count"].as_u64().is_some_and(|count| count > 0),
            "{line}"
        );
    }
    wait_until(
        "the kernel has let go of everything",
        Duration::from_secs(20),
        || {
            Ok(kernel_objects()?
                .iter()
                .all(|object| before.contains(object)))
        },
    )
}

#[test]
fn what_a_program_cannot_run_ends_it_with_the_reason() -> Result<()> {
    for (arguments, reason) in [
        (&["there-is-no-such-image"][..], "there-is-no-such-image"),
        (&["syscount", "many"], "read ROWS"),
    ] {
        let output = embed(arguments)?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.code() == Some(1), "{}", output.status);
        ensure!(said.contains(reason), "{said}");
        ensure!(output.stdout.is_empty(), "{arguments:?}");
    }
    Ok(())
}
