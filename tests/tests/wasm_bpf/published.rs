//! Images of modules in a registry: pushed there by another tool, as they are published, then
//! pulled and run.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use eunomia_tests::{Running, ecli, is_root};

use super::{BOOTSTRAP, alone, write_layout};

/// A registry that is ended with the test.
#[path = "../../../image/tests/support/registry.rs"]
#[allow(dead_code, reason = "this test uses a part of it")]
mod registry;

fn text(path: &Path) -> &str {
    path.to_str().expect("temporary paths are UTF-8")
}

fn done(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("{command:?}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{command:?}: {said}");
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn a_published_module_is_pulled_and_run_and_pushed_on_unchanged() -> Result<()> {
    if !is_root() {
        return Ok(());
    }
    let _alone = alone();
    let folder = tempfile::tempdir()?;
    let (layout, store) = (folder.path().join("layout"), folder.path().join("store"));
    std::fs::create_dir(&layout)?;
    let guest = BOOTSTRAP.build()?;
    write_layout(&layout, &std::fs::read(&guest.module)?)?;
    let server = registry::RegistryServer::start();
    let name = server.name("eunomia-bpf/bootstrap:latest");
    done(Command::new("skopeo").args([
        "copy",
        "--quiet",
        "--dest-tls-verify=false",
        &format!("oci:{}:old", layout.display()),
        &format!("docker://{name}"),
    ]))?;
    let raw = |name: &str| {
        done(Command::new("skopeo").args([
            "inspect",
            "--raw",
            "--tls-verify=false",
            &format!("docker://{name}"),
        ]))
    };
    let program = folder.path().join("published");
    std::fs::copy("/bin/true", &program)?;
    // Fetched by the run itself.
    let store = text(&store).to_owned();
    let mut tool = Running::start(["--store", &store, &name, "published"])?;
    tool.expect(|line| line.starts_with("attached"))?;
    let mut child = Command::new(&program).spawn()?;
    let expected = format!("EXEC {} published", child.id());
    ensure!(child.wait()?.success());
    tool.expect(|line| line == expected)?;
    tool.stop()?;
    // And on to another name: the same bytes.
    let copy = server.name("copies/bootstrap:1");
    done(ecli()?.args(["--store", &store, "push", "-q", &name, &copy]))?;
    ensure!(raw(&copy)? == raw(&name)?, "the manifest has changed");
    Ok(())
}
