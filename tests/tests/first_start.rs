//! The first start of a component compiles it in a hurry, later ones find it compiled with care.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, ensure};
use eunomia_host_abi::fake::FakeKernel;
use eunomia_runtime::{Compilation, Outcome, Runtime, Settings, Tool};
use eunomia_tests::{build, wait_until};

/// Compiling takes a second, and far more where everything else is compiled meanwhile.
const PATIENCE: Duration = Duration::from_secs(300);

#[test]
fn hurried_code_gives_way_to_careful_code() -> Result<()> {
    let tool = build("bench/guest")?;
    let cache = tempfile::tempdir()?;
    run(&tool, cache.path())?;
    wait_until("careful code", PATIENCE, || {
        let names = compiled(cache.path())?;
        Ok(names.len() == 1 && !names[0].contains("hurried"))
    })?;
    run(&tool, cache.path())?;
    ensure!(compiled(cache.path())?.len() == 1, "nothing was compiled");
    // Damage is found, and made good.
    let careful = cache.path().join(&compiled(cache.path())?[0]);
    std::fs::write(&careful, b"damaged")?;
    run(&tool, cache.path())
}

/// Run the guest, which does nothing, to its end.
fn run(tool: &Tool, cache: &Path) -> Result<()> {
    let runtime = Runtime::builder()
        .kernel(Arc::new(FakeKernel::new()))
        .cache_dir(Some(cache.to_owned()))
        .compilation(Compilation::Twice)
        .build()?;
    let settings = Settings {
        args: vec!["nothing".into()],
        ..Settings::default()
    };
    let outcome = runtime.open(tool.clone())?.load()?.run(settings)?.wait();
    ensure!(
        matches!(outcome.outcome, Outcome::Exited(0)),
        "{:?}",
        outcome.outcome
    );
    Ok(())
}

/// Names of compiled components.
fn compiled(cache: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(cache)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.ends_with(".cwasm") {
            names.push(name);
        }
    }
    Ok(names)
}
