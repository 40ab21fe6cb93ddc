//! Programs for functions of the kernel: only on full kernels, as that of `make vm-test`.

use anyhow::{Result, ensure};
use eunomia_tests::is_root;
use serde_json::{Value, json};

use super::bpfman::{OCI, image};
use super::forms::{gzip, tar};
use super::gadget::image_of;
use super::running::{object, run_with};

/// Says that the kernel is a full one.
const FULL: &str = "ECLI_TEST_FULL_KERNEL";

/// Says so where they cannot run.
fn can_run() -> bool {
    let can = is_root() && std::env::var_os(FULL).is_some();
    if !can {
        println!("NOT RUN: it takes a kernel with kprobes and fentry (make vm-test)");
    }
    can
}

/// Removes files until all four kinds of programs have reported it.
fn removals_are_reported(args: &[&str]) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let own = std::process::id();
    let places = ["KPROBE", "KRETPROBE", "FENTRY", "FEXIT"];
    let count = |rows: &[Value], place: &str| {
        let is_ours = |row: &&Value| row["pid"] == own && row["place"] == place;
        rows.iter().filter(is_ours).count()
    };
    let mut removed = 0;
    let run = run_with(
        args,
        None,
        |run| places.iter().all(|place| count(&run.rows, place) > 3),
        || {
            let path = folder.path().join("file");
            std::fs::write(&path, "x")?;
            std::fs::remove_file(&path)?;
            removed += 1;
            Ok(None)
        },
    )?;
    for place in places {
        let count = count(&run.rows, place);
        ensure!(count <= removed, "{place}: {count} of {removed}");
    }
    Ok(())
}

#[test]
fn a_bytecode_image_traces_the_function_that_the_operator_names() -> Result<()> {
    if !can_run() {
        return Ok(());
    }
    let programs = json!({ "on_call": "kprobe", "on_return": "kretprobe",
                           "on_entry": "fentry", "on_exit": "fexit" });
    let labels = json!({ "io.ebpf.programs": programs.to_string(), "io.ebpf.maps": "{}" });
    let layer = gzip(&tar(&[("functions.o", &object("functions")?)])?)?;
    let folder = tempfile::tempdir()?;
    image(folder.path(), &labels, OCI, &layer)?;
    let path = folder.path().to_str().unwrap_or_default();
    removals_are_reported(&[path, "--function", "do_unlinkat"])
}

const YAML: &str = "\
name: calls
programs:
  on_call: {attach_to: do_unlinkat}
  on_return: {attach_to: do_unlinkat}
  on_entry: {attach_to: do_unlinkat}
  on_exit: {attach_to: do_unlinkat}
";

#[test]
fn a_gadget_traces_the_function_that_its_description_names() -> Result<()> {
    if !can_run() {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    image_of(folder.path(), "functions", Some(YAML), None)?;
    removals_are_reported(&[folder.path().to_str().unwrap_or_default()])
}

#[test]
#[ignore = "scripts/vm asks for it, which takes them to a machine without a compiler"]
fn objects_are_compiled_for_another_machine() -> Result<()> {
    super::running::compile_for_another_machine(&["functions"])
}
