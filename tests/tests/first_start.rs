//! The first start of a component compiles it in a hurry, later ones find it compiled with care.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
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

/// Tells the helper below where its cache is.
const CACHE: &str = "ECLI_FIRST_START_CACHE";

#[test]
fn careful_code_goes_on_where_a_killed_process_was() -> Result<()> {
    let tool = build("bench/guest")?;
    let cache = tempfile::tempdir()?;
    let mut killed = Command::new(std::env::current_exe()?)
        .args(["--exact", "compiles_until_it_is_killed", "--ignored"])
        .env(CACHE, cache.path())
        .stdout(Stdio::null())
        .spawn()?;
    let found = wait_until("functions that are done", PATIENCE, || {
        let files = files(cache.path(), ".functions")?;
        let sizes = files.iter().map(|file| Ok(file.metadata()?.len()));
        Ok(sizes.sum::<Result<u64>>()? > 0)
    });
    killed.kill()?;
    killed.wait()?;
    found?;
    // Whether it was killed amid its work or at its end: the next start has careful code, and needs
    // the pieces no longer.
    run(&tool, cache.path())?;
    wait_until("careful code", PATIENCE, || {
        let names = compiled(cache.path())?;
        let is_careful = names.len() == 1 && !names[0].contains("hurried");
        Ok(is_careful && files(cache.path(), ".functions")?.is_empty())
    })?;
    run(&tool, cache.path())
}

#[test]
#[ignore = "started by the test above, which kills it"]
fn compiles_until_it_is_killed() -> Result<()> {
    let cache = std::env::var_os(CACHE).map(PathBuf::from);
    let runtime = Runtime::builder()
        .kernel(Arc::new(FakeKernel::new()))
        .cache_dir(cache)
        .compilation(Compilation::Twice)
        .build()?;
    let _loaded = runtime.open(build("bench/guest")?)?.load()?;
    std::thread::sleep(PATIENCE);
    Ok(())
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
    let names = files(cache, ".cwasm")?.into_iter();
    Ok(names
        .map(|path| path.to_string_lossy().into_owned())
        .collect())
}

/// Files whose name ends so.
fn files(folder: &Path, suffix: &str) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.to_string_lossy().ends_with(suffix) {
            files.push(path);
        }
    }
    Ok(files)
}
