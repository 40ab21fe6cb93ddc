//! BPF programs in Rust: tests/rust-bpf, whose package `probe` uses aya-ebpf.
//!
//! `eval "$(scripts/bpf-toolchain)"` says where the compiler and the linker are.

use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use eunomia_tests::{Running, ecli, is_root, repository, wait_until};

const PROJECT: &str = "tests/rust-bpf";

/// The files of the project.
const FILES: &[&str] = &[
    "ecli.toml",
    "guest.c",
    "probe/Cargo.toml",
    "probe/Cargo.lock",
    "probe/src/main.rs",
];

/// Until an event is seen.
const PATIENCE: Duration = Duration::from_secs(60);

/// A copy of the project, which is called as it, in a folder that goes with it.
fn copy() -> Result<tempfile::TempDir> {
    let copy = tempfile::tempdir()?;
    for file in FILES {
        let path = copy.path().join(file);
        std::fs::create_dir_all(path.parent().context("a file is in a folder")?)?;
        std::fs::copy(repository().join(PROJECT).join(file), path)?;
    }
    let manifest = copy.path().join("ecli.toml");
    let named = format!(
        "name = \"rust-bpf\"\n{}",
        std::fs::read_to_string(&manifest)?
    );
    std::fs::write(&manifest, named)?;
    Ok(copy)
}

fn build(project: &Path) -> Result<Output> {
    let mut command = ecli()?;
    command.args(["build", "--quiet", "--tag", "rust-bpf"]);
    Ok(command.arg(project).output()?)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn a_program_in_rust_is_loaded_and_its_types_are_the_guests() -> Result<()> {
    let mut command = ecli()?;
    let output = command
        .arg("test")
        .arg(repository().join(PROJECT))
        .output()?;
    let shown = text(&output.stdout) + &text(&output.stderr);
    ensure!(
        output.status.success() && shown.contains("1 passed"),
        "{shown}"
    );
    if !is_root() {
        return Ok(());
    }
    let built = build(&repository().join(PROJECT))?;
    ensure!(built.status.success(), "{}", text(&built.stderr));
    let mut tool = Running::start(["rust-bpf"])?;
    wait_until("an event is seen", PATIENCE, || {
        tool.must_run()?;
        Command::new("true").status()?;
        let lines = tool.new_lines()?;
        Ok(lines.iter().any(|line| line.ends_with(" true")))
    })?;
    tool.stop().map(drop)
}

#[test]
fn the_same_programs_make_the_same_image_in_any_folder() -> Result<()> {
    let copy = copy()?;
    let (here, there) = (build(&repository().join(PROJECT))?, build(copy.path())?);
    ensure!(here.status.success(), "{}", text(&here.stderr));
    ensure!(there.status.success(), "{}", text(&there.stderr));
    ensure!(here.stdout == there.stdout, "two builds differ");
    Ok(())
}

#[test]
fn what_cannot_be_built_is_explained() -> Result<()> {
    let copy = copy()?;
    let mut command = ecli()?;
    command.arg("build").arg(copy.path());
    let output = command.env("ECLI_BPF_LINKER", "/nonexistent").output()?;
    let said = text(&output.stderr);
    for part in [
        "find bpf-linker: run /nonexistent",
        "Arch: pacman -S bpf-linker",
    ] {
        ensure!(said.contains(part), "{part} is not in: {said}");
    }
    // Of another name than the package that other tests build at the same time, in the same folder.
    for file in ["probe/Cargo.toml", "probe/Cargo.lock"] {
        let file = copy.path().join(file);
        let written = std::fs::read_to_string(&file)?;
        std::fs::write(
            &file,
            written.replace("name = \"probe\"", "name = \"probe-old\""),
        )?;
    }
    let source = copy.path().join("probe/src/main.rs");
    let old = "\n#[used]\n#[unsafe(no_mangle)]\n#[unsafe(link_section = \"maps\")]\n\
        static OLD: [u32; 5] = [27, 0, 0, 4096, 0];\n";
    std::fs::write(&source, std::fs::read_to_string(&source)? + old)?;
    let said = text(&build(copy.path())?.stderr);
    for part in ["maps of aya's older form", "`#[btf_map]`"] {
        ensure!(said.contains(part), "{part} is not in: {said}");
    }
    Ok(())
}
