//! The harness of the tests: where things are, how images are built, what needs root.

mod printed;
mod running;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use eunomia_image::{Platform, Reference, Store};
use eunomia_runtime::Tool;

pub use printed::Printed;
pub use running::{Ended, Running};

/// The repository's folder.
pub fn repository() -> &'static Path {
    // This crate's folder is `tests/`, which has a parent.
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap_or(Path::new("/"))
}

/// The folder of built programs, where this test itself is.
pub fn target() -> Result<PathBuf> {
    let test = std::env::current_exe().context("find this test's own file")?;
    // target/release/deps/TEST
    let folder = test
        .parent()
        .and_then(Path::parent)
        .context("find the target folder")?;
    Ok(folder.to_owned())
}

/// A program that was built beside this test, with a store of the tests' own.
pub fn program(name: &str) -> Result<Command> {
    let path = target()?.join(name);
    ensure!(
        path.exists(),
        "{} is missing: run `make build` first",
        path.display()
    );
    let mut command = Command::new(path);
    command.env("ECLI_STORE", store_root()?);
    Ok(command)
}

/// The `ecli` that was built beside this test.
pub fn ecli() -> Result<Command> {
    let mut command = program("ecli")?;
    command
        // Where cargo has its products, other compilers have theirs.
        .env("ECLI_TARGET_DIR", target()?.join("test-guests"))
        .env("NO_COLOR", "1")
        // Nobody is there to be asked.
        .env("ECLI_YES", "1")
        .env_remove("RUST_BACKTRACE");
    // A user's own configuration must not decide about a test.
    command.env("XDG_CONFIG_HOME", target()?.join("test-config"));
    Ok(command)
}

/// The tests' store. Kept between runs, as the compiled components in it are.
pub fn store_root() -> Result<PathBuf> {
    Ok(target()?.join("test-store"))
}

/// Says that the images are in the tests' store already: in the virtual machine of scripts/vm,
/// which cannot build.
const BUILT: &str = "ECLI_TEST_BUILT";

/// Build a project of the repository (`examples/execsnoop`) and return its parts; once for each
/// test program and project.
pub fn build(project: &str) -> Result<Tool> {
    build_with(project, "", &[])
}

/// The same with the guest in one of the other languages that the project has.
pub fn build_in(project: &str, language: &str) -> Result<Tool> {
    build_with(project, &format!("-{language}"), &["--language", language])
}

fn build_with(project: &str, suffix: &str, options: &[&str]) -> Result<Tool> {
    let folder = repository().join(project);
    let name = folder
        .file_name()
        .and_then(|name| name.to_str())
        .map(|name| format!("{name}{suffix}"))
        .context("name a project")?;
    if std::env::var_os(BUILT).is_none() {
        build_image(&folder, &name, options)?;
    }
    let reference: Reference = name.parse()?;
    let image = Store::open(store_root()?)?.image(&reference, &Platform::host())?;
    let component = image.component.context("the image has no component")?;
    Ok(Tool {
        name: image.metadata.name,
        objects: image
            .objects
            .into_iter()
            .map(|o| (o.name, o.bytes.into()))
            .collect(),
        component: component.bytes.into(),
    })
}

fn build_image(folder: &Path, name: &str, options: &[&str]) -> Result<()> {
    let output = ecli()?
        .arg("build")
        .arg(folder)
        .args(["--tag", name])
        .args(options)
        .output()?;
    ensure!(
        output.status.success(),
        "ecli build {} {options:?}: {}",
        folder.display(),
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}

/// Whether the kernel's tests can run: they need root. Says so aloud when they cannot, and fails in
/// CI, which must not lack it.
///
/// # Panics
/// In CI (`CI=true`) without root.
pub fn is_root() -> bool {
    static ROOT: OnceLock<bool> = OnceLock::new();
    *ROOT.get_or_init(|| {
        // The owner of a process's own folder in /proc is its effective user.
        let root = std::fs::metadata("/proc/self")
            .is_ok_and(|metadata| std::os::unix::fs::MetadataExt::uid(&metadata) == 0);
        if !root {
            assert!(
                std::env::var_os("CI").is_none(),
                "the kernel's tests need root in CI"
            );
            eprintln!("NOT RUN for want of root: tests of the kernel");
        }
        root
    })
}

/// The id of the calling thread, as BPF programs see it.
///
/// # Errors
/// When there is no `/proc`.
pub fn thread_id() -> Result<String> {
    let path = std::fs::read_link("/proc/thread-self")?;
    let name = path.file_name().and_then(|name| name.to_str());
    Ok(name.context("it ends in a number")?.to_owned())
}

/// Wait until `condition` holds.
///
/// # Errors
/// When it does not within `patience`.
pub fn wait_until(
    what: &str,
    patience: Duration,
    mut condition: impl FnMut() -> Result<bool>,
) -> Result<()> {
    let start = Instant::now();
    while !condition()? {
        ensure!(
            start.elapsed() < patience,
            "waited {patience:?} in vain: {what}"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}

/// Names and ids of what BPF programs, maps and links the kernel has, as `bpftool` lists them.
///
/// # Errors
/// When `bpftool` is missing (Debian package `bpftool`) or fails.
pub fn kernel_objects() -> Result<Vec<String>> {
    let mut objects = Vec::new();
    for kind in ["prog", "map", "link"] {
        let output = Command::new("bpftool")
            .args(["--json", kind, "list"])
            .output()
            .context("run bpftool: install the package of this name")?;
        ensure!(output.status.success(), "bpftool {kind} list failed");
        let listed: serde_json::Value = serde_json::from_slice(&output.stdout)?;
        for object in listed.as_array().context("bpftool printed no list")? {
            objects.push(format!("{kind} {} {}", object["id"], object["name"]));
        }
    }
    Ok(objects)
}
