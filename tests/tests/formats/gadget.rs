//! Inspektor Gadget images without a WebAssembly part.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use eunomia_tests::is_root;

use super::forms::{Part, index, layout};
use super::running::{Run, namesake, object, printed, refused, run, run_with};

const YAML: &str = "\
name: execs
description: trace execs
homepageURL: https://example.org
datasources:
  execs:
    fields:
      pid:
        annotations:
          columns.width: 9
          description: process
      comm:
        annotations:
          columns.hidden: true
params:
  ebpf:
    target_pid:
      key: pid
      defaultValue: \"0\"
      description: Only this process
";

fn image(root: &Path, yaml: Option<&str>, module: Option<&[u8]>) -> Result<()> {
    image_of(root, "opens", yaml, module)
}

/// An image of the object that `tests/formats/NAME.bpf.c` becomes.
pub(crate) fn image_of(
    root: &Path,
    name: &str,
    yaml: Option<&str>,
    module: Option<&[u8]>,
) -> Result<()> {
    let config = match yaml {
        Some(yaml) => Part {
            media_type: "application/vnd.gadget.config.v1+yaml",
            title: None,
            content: yaml.as_bytes(),
        },
        None => Part {
            media_type: "application/vnd.oci.empty.v1+json",
            title: None,
            content: b"{}",
        },
    };
    let object = object(name)?;
    let part = |media_type, content| Part {
        media_type,
        title: None,
        content,
    };
    let mut layers = vec![
        part("application/vnd.gadget.ebpf.program.v1+binary", &*object),
        part("application/vnd.gadget.btfgen.v1+binary", b"not looked at"),
        part("application/vnd.gadget.unheard-of.v1", b"?"),
    ];
    layers
        .extend(module.map(|module| part("application/vnd.gadget.wasm.program.v1+binary", module)));
    layout(
        root,
        &config,
        &layers,
        Some("application/vnd.gadget.v1+binary"),
    )
}

#[test]
fn data_sources_come_from_symbols_and_fields_from_types() -> Result<()> {
    if !is_root() {
        return Ok(());
    }
    for yaml in [Some(YAML), None] {
        let folder = tempfile::tempdir()?;
        image(folder.path(), yaml, None)?;
        // As they are published: an image a CPU.
        index(folder.path())?;
        let path = folder.path().to_str().unwrap_or_default();
        let run = run(&[path], None, |run| !run.own_rows().is_empty())?;
        let own = run.own_rows();
        let row = own.first().context("an exec was reported")?;
        ensure!(row["comm"] == "true", "{row}");
        ensure!(
            !row["timestamp"].is_null() && !row["error"].is_null(),
            "{row}"
        );
        ensure!(row["__private"].is_null(), "{row}");
    }
    Ok(())
}

#[test]
fn parameters_are_options() -> Result<()> {
    if !is_root() {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    image(folder.path(), Some(YAML), None)?;
    let path = folder.path().to_str().unwrap_or_default();
    let help = printed(&[path, "--help"])?;
    ensure!(
        help.contains("--pid <u32>") && help.contains("Only this process"),
        "{help}"
    );
    ensure!(!help.contains("gadget_"), "{help}");
    Ok(())
}

#[test]
fn images_that_cannot_run_say_why() -> Result<()> {
    for (yaml, module, reason) in [
        (
            YAML,
            Some(&b"\0asm\x01\0\0\0"[..]),
            "WebAssembly part of Inspektor Gadget",
        ),
        ("a: [", None, "gadget.yaml"),
        ("a: &x [1]\nb: *x\n", None, "gadget.yaml: aliases"),
    ] {
        let folder = tempfile::tempdir()?;
        image(folder.path(), Some(yaml), module)?;
        let said = refused(&[folder.path().to_str().unwrap_or_default()])?;
        ensure!(said.contains(reason), "{reason}: {said}");
    }
    Ok(())
}

#[test]
fn the_usual_filters_are_options() -> Result<()> {
    if !is_root() {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    image(folder.path(), None, None)?;
    let path = folder.path().to_str().unwrap_or_default();
    let program = namesake(folder.path(), "elsewhere")?;
    let own = std::fs::read_link("/proc/self/ns/mnt")?;
    let own = own.to_str().context("the link is text")?;
    // The program runs in our namespace and in one of its own, in turn.
    let run_filtered = |more: &[&str], enough: &dyn Fn(&Run) -> bool| {
        run_with(&[&[path][..], more].concat(), None, enough, || {
            std::process::Command::new(&program).status()?;
            std::process::Command::new("unshare")
                .arg("-m")
                .arg(&program)
                .status()?;
            Ok(None)
        })
    };
    let namespaces = |run: &Run| {
        let rows = run.rows.iter().filter(|row| row["comm"] == "elsewhere");
        let namespaces = rows.filter_map(|row| row["mntns_id"].as_u64());
        namespaces.collect::<std::collections::BTreeSet<u64>>()
    };
    let all = run_filtered(&[], &|run| namespaces(run).len() > 1)?;
    let number = own
        .trim_start_matches("mnt:[")
        .trim_end_matches(']')
        .parse()?;
    ensure!(namespaces(&all).contains(&number), "{:?}", namespaces(&all));
    let more = ["--mntns", own, "--uid", "0"];
    let ours = run_filtered(&more, &|run| run.rows.len() > 8)?;
    ensure!(
        namespaces(&ours) == [number].into(),
        "{:?}",
        namespaces(&ours)
    );
    Ok(())
}
