//! A guest whose program denies what the kernel is about to do: only on full kernels, as that of
//! `make vm-test`.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use eunomia_tests::{Running, is_root};

use super::guests::Guest;

const LSM: Guest = Guest::new("lsm", "lsm");

/// Says that the kernel is a full one.
const FULL: &str = "ECLI_TEST_FULL_KERNEL";

/// Where the guest is for a machine without a compiler.
fn compiled_elsewhere() -> Result<PathBuf> {
    let folder = std::env::var_os("ECLI_TEST_OBJECTS");
    let folder = folder.context("ECLI_TEST_OBJECTS says where compiled guests are")?;
    Ok(PathBuf::from(folder).join("lsm.wasm"))
}

#[test]
fn a_guests_lsm_program_denies_until_the_guest_ends() -> Result<()> {
    if !is_root() || std::env::var_os(FULL).is_none() {
        println!("NOT RUN: it takes a kernel with BPF LSM (make vm-test)");
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let made = folder.path().join("made");
    // The program knows threads by their names.
    let make = || -> Result<std::io::Result<()>> {
        let path = made.clone();
        let thread = std::thread::Builder::new().name("no-folders".to_owned());
        let thread = thread.spawn(move || std::fs::create_dir(path))?;
        Ok(thread.join().expect("it does not panic"))
    };
    let mut tool = Running::start([compiled_elsewhere()?])?;
    tool.expect(|line| line == "attached")?;
    let denied = make()?.map_err(|error| error.kind());
    ensure!(
        denied == Err(std::io::ErrorKind::PermissionDenied) && !made.exists(),
        "{denied:?}"
    );
    let expected = format!("DENIED {}", std::process::id());
    tool.expect(|line| line == expected)?;
    tool.stop()?;
    make()?.context("it is denied although the guest has ended")?;
    Ok(())
}

#[test]
#[ignore = "scripts/vm asks for it, which takes it to a machine without a compiler"]
fn the_guest_is_compiled_for_another_machine() -> Result<()> {
    let guest = LSM.build()?;
    std::fs::copy(guest.module, compiled_elsewhere()?)?;
    Ok(())
}
