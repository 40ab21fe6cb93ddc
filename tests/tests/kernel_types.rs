//! Kernels that do not show their types: in a mount namespace where nothing is in
//! `/sys/kernel/btf`, which is all that libbpf and ecli know of them.

use std::process::{Command, Output};

use anyhow::{Context, Result, ensure};
use eunomia_tests::{ecli, is_root, repository};

const KERNEL_BTF: &str = "/sys/kernel/btf/vmlinux";

/// `ecli` with these arguments, on such a kernel.
fn without_types(arguments: &[&str]) -> Result<Output> {
    let ecli = ecli()?;
    let mut command = Command::new("unshare");
    command
        .args(["--mount", "sh", "-c"])
        .arg("mount -t tmpfs none /sys/kernel/btf && exec \"$@\"")
        .arg("sh")
        .arg(ecli.get_program())
        .args(arguments);
    for (name, value) in ecli.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command.output().context("run unshare, of util-linux")
}

fn build(example: &str, arguments: &[&str]) -> Result<()> {
    let output = ecli()?
        .arg("build")
        .arg(repository().join("examples").join(example))
        .args(arguments)
        .output()?;
    ensure!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}

/// Runs it for a while, in which programs are started: here, and by other tests.
fn run(arguments: &[&str]) -> Result<Output> {
    let arguments = [&["run", "-o", "json", "--timeout", "2s"], arguments].concat();
    let starts = std::thread::spawn(|| {
        for _ in 0..20 {
            // Whether it can be started, the rows show.
            let _ = Command::new("true").status();
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
    });
    let output = without_types(&arguments);
    let _ = starts.join();
    output
}

fn saw_starts(output: &Output) -> Result<()> {
    let (rows, said) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    ensure!(output.status.success(), "{said}");
    ensure!(rows.contains("\"comm\":\"true\""), "{rows}\n{said}");
    Ok(())
}

#[test]
fn types_come_from_the_image_or_a_file_or_are_missed_with_a_reason() -> Result<()> {
    if !is_root() {
        return Ok(());
    }
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease")?;
    let own = format!("{}={KERNEL_BTF}", release.trim());
    let other = format!("4.19.0-27-amd64={KERNEL_BTF}");
    build(
        "execsnoop",
        &["--tag", "types-own", "--btf-for", &own, &other],
    )?;
    build("execsnoop", &["--tag", "types-other", "--btf-for", &other])?;

    saw_starts(&run(&["types-own"])?)?;
    let checked = without_types(&["check", "--all", "types-own"])?;
    let report = String::from_utf8_lossy(&checked.stdout).into_owned();
    ensure!(checked.status.success(), "{report}");
    ensure!(report.contains("that the image carries"), "{report}");

    let failed = run(&["types-other"])?;
    let said = String::from_utf8_lossy(&failed.stderr).into_owned();
    ensure!(failed.status.code() == Some(1), "{said}");
    ensure!(said.contains("does not describe its types"), "{said}");
    ensure!(said.contains("--btf"), "{said}");
    let checked = without_types(&["check", "types-other"])?;
    ensure!(checked.status.code() == Some(1), "as running it");

    let folder = tempfile::tempdir()?;
    let file = folder.path().join("vmlinux.btf");
    std::fs::copy(KERNEL_BTF, &file)?;
    let file = file.to_str().context("the path is UTF-8")?;
    saw_starts(&run(&["--btf", file, "types-other"])?)
}

#[test]
fn programs_that_the_kernel_verifies_by_its_own_types_say_so() -> Result<()> {
    if !is_root() {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("vmlinux.btf");
    std::fs::copy(KERNEL_BTF, &file)?;
    let file = file.to_str().context("the path is UTF-8")?;
    build("runqlat", &["--tag", "types-runqlat"])?;
    for arguments in [
        &["run", "--timeout", "1s", "--btf", file, "types-runqlat"][..],
        &["check", "types-runqlat"],
    ] {
        let output = without_types(arguments)?;
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said).into_owned();
        ensure!(output.status.code() == Some(1), "{arguments:?}: {said}");
        ensure!(
            said.contains("no BTF file can stand in"),
            "{arguments:?}: {said}"
        );
    }
    Ok(())
}
