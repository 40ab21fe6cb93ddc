//! The examples that take a full kernel: fentry, LSM. On others `ecli check` says so beforehand,
//! which is all that is tested there; `make vm-test` runs them on one.

use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use eunomia_tests::{Running, build, ecli, is_root, wait_until};
use serde_json::Value;

/// Says that the kernel is a full one: then nothing may lack.
const FULL: &str = "ECLI_TEST_FULL_KERNEL";

/// Emulated machines compile the guest for some seconds.
const PATIENCE: Duration = Duration::from_secs(120);

/// Whether the example can run here, as `ecli check` says.
fn can_run(name: &str) -> Result<bool> {
    if !is_root() {
        return Ok(false);
    }
    build(&format!("examples/{name}"))?;
    let checked = ecli()?.args(["check", name]).output()?;
    let verdict = String::from_utf8_lossy(&checked.stdout).into_owned();
    if !checked.status.success() {
        ensure!(
            std::env::var_os(FULL).is_none(),
            "{name} cannot run:\n{verdict}"
        );
        println!("NOT RUN on this kernel: {name}:\n{verdict}");
    }
    Ok(checked.status.success())
}

/// Act until a row comes that is wanted.
fn wait_for(
    tool: &mut Running,
    wanted: impl Fn(&Value) -> bool,
    act: impl Fn() -> Result<()>,
) -> Result<Value> {
    let mut found = None;
    wait_until("the row is printed", PATIENCE, || {
        act()?;
        tool.must_run()?;
        found = tool.rows()?.into_iter().find(&wanted);
        Ok(found.is_some())
    })?;
    found.context("the row is printed")
}

#[test]
fn lsm_guard_denies_what_its_map_says_until_it_ends() -> Result<()> {
    if !can_run("lsm-guard")? {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let (secret, public) = (folder.path().join("secret"), folder.path().join("public"));
    std::fs::write(&secret, "s")?;
    std::fs::write(&public, "p")?;
    let path = secret.to_str().context("the path is UTF-8")?;
    let mut tool = Running::start(["-o", "json", "lsm-guard", path])?;
    let row = wait_for(
        &mut tool,
        |row| row["path"] == path,
        || {
            let _ = std::fs::read(&secret); // Denied as soon as it is attached.
            Ok(())
        },
    )?;
    ensure!(row["action"] == "deny", "{row}");
    ensure!(row["pid"] == std::process::id(), "{row}");
    let denied = std::fs::read(&secret).map_err(|error| error.kind());
    ensure!(
        denied == Err(std::io::ErrorKind::PermissionDenied),
        "{denied:?}"
    );
    ensure!(
        std::fs::read(&public)? == b"p",
        "the other file is not denied"
    );
    tool.stop()?;
    ensure!(
        std::fs::read(&secret)? == b"s",
        "nothing is denied any more"
    );
    Ok(())
}

#[test]
fn tcpconnlat_reports_a_connection_with_its_other_end() -> Result<()> {
    if !can_run("tcpconnlat")? {
        return Ok(());
    }
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let mut tool = Running::start(["-o", "json", "tcpconnlat"])?;
    let row = wait_for(
        &mut tool,
        |row| row["port"] == address.port(),
        || {
            TcpStream::connect(address)?;
            listener.accept()?;
            Ok(())
        },
    )?;
    ensure!(row["destination"] == "127.0.0.1", "{row}");
    ensure!(row["pid"] == std::process::id(), "{row}");
    ensure!(
        row["duration"]
            .as_u64()
            .is_some_and(|nanoseconds| nanoseconds > 0),
        "{row}"
    );
    tool.stop().map(drop)
}
