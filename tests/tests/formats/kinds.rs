//! A record with every type of C, as each kind of output shows it: compared with the files in
//! `tests/formats/kinds/`. `ECLI_TEST_BLESS=1` writes them anew.

use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use eunomia_tests::{Running, is_root, repository, wait_until};

use super::gadget::image_of;
use super::running::namesake;

/// How long a loaded machine may take.
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn every_type_of_c_is_shown_by_all_outputs() -> Result<()> {
    if !is_root() {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    image_of(folder.path(), "kinds", None, None)?;
    let image = folder.path().to_str().unwrap_or_default();
    // The program knows it by its name.
    let program = namesake(folder.path(), "kinds")?;
    for output in ["columns", "json", "jsonpretty", "yaml", "csv"] {
        let options = ["-o", output, "--count", "1", image];
        let values = ["--single", "1.5", "--ratio=-0.1"];
        let mut tool = Running::start(options.iter().chain(&values))?;
        // After one row it ends by itself.
        wait_until("the record is shown", PATIENCE, || {
            ensure!(Command::new(&program).status()?.success());
            tool.has_ended()
        })?;
        let ended = tool.end()?.successful();
        let shown = ended.with_context(|| output.to_owned())?.printed;
        let path = repository().join(format!("tests/formats/kinds/{output}.txt"));
        if std::env::var_os("ECLI_TEST_BLESS").is_some() {
            std::fs::create_dir_all(path.parent().context("a folder")?)?;
            std::fs::write(&path, &shown)?;
        }
        let expected =
            std::fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
        ensure!(
            shown == expected,
            "{output}:\n{shown}\ninstead of\n{expected}"
        );
    }
    Ok(())
}
