//! Images of bumblebee.

use anyhow::{Result, ensure};
use eunomia_tests::is_root;

use super::forms::{Part, layout};
use super::running::{object, run};

/// An image of one object.
pub(crate) fn image(root: &std::path::Path, object: &[u8]) -> Result<()> {
    let config = Part {
        media_type: "application/ebpf.oci.image.config.v1+json",
        title: Some("config.json"),
        content: b"{}",
    };
    let program = Part {
        media_type: "application/ebpf.oci.image.program.v1+binary",
        title: Some("program.o"),
        content: object,
    };
    layout(root, &config, &[program], None)
}

#[test]
fn sections_of_older_images_say_what_is_shown() -> Result<()> {
    if !is_root() {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    image(folder.path(), &object("sections")?)?;
    let path = folder.path().to_str().unwrap_or_default();
    let run = run(&[path], None, |run| {
        let own = run.own_rows();
        let has = |field: &str| own.iter().any(|row| !row[field].is_null());
        has("took") && has("value")
    })?;
    let own = run.own_rows();
    let printed = own.iter().find(|row| row["took"] == 1500);
    ensure!(printed.is_some(), "{own:?}");
    let counted = own.iter().filter(|row| row["value"] == 1).count();
    let levels = own.iter().filter(|row| row["value"] == 7).count();
    ensure!(counted > 0 && levels > 0, "{own:?}");
    ensure!(own.iter().all(|row| !row["address"].is_null()), "{own:?}");
    Ok(())
}

#[test]
fn names_of_maps_say_what_is_shown() -> Result<()> {
    if !is_root() {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    image(folder.path(), &object("names")?)?;
    let path = folder.path().to_str().unwrap_or_default();
    let run = run(&[path], None, |run| {
        let own = run.own_rows();
        own.iter().any(|row| row["count"] == 1) && own.iter().any(|row| row["value"] == 7)
    })?;
    ensure!(!run.own_rows().is_empty());
    Ok(())
}

#[test]
fn an_object_without_conventions_is_shown_like_any_other() -> Result<()> {
    if !is_root() {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    image(folder.path(), &object("execs")?)?;
    let path = folder.path().to_str().unwrap_or_default();
    let run = run(&[path], None, |run| !run.own_rows().is_empty())?;
    ensure!(run.own_rows().iter().all(|row| row["comm"] == "true"));
    Ok(())
}
