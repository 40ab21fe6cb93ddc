//! `ecli check` and `ecli run` of the examples agree: what can run here runs.

use anyhow::{Result, ensure};
use eunomia_tests::{build, ecli, is_root, repository};

/// The examples that are images.
fn examples() -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in repository().join("examples").read_dir()? {
        let entry = entry?;
        if entry.path().join("ecli.toml").is_file() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}

/// What the example does not run without.
fn arguments(name: &str) -> &'static [&'static str] {
    match name {
        "xdp-filter" => &["lo"],
        _ => &[],
    }
}

#[test]
fn verdicts_of_the_examples_agree_with_what_then_happens() -> Result<()> {
    if !is_root() {
        return Ok(());
    }
    for name in examples()? {
        build(&format!("examples/{name}"))?;
        let checked = ecli()?.args(["check", &name]).output()?;
        let verdict = String::from_utf8_lossy(&checked.stdout).into_owned();
        let ran = ecli()?
            .args(["run", "--timeout", "1s", &name])
            .args(arguments(&name))
            .output()?;
        let said = String::from_utf8_lossy(&ran.stderr).into_owned();
        println!("{name}: {verdict}");
        ensure!(
            checked.status.success() == ran.status.success(),
            "{name}: `ecli check` said:\n{verdict}\nand then `ecli run` said:\n{said}"
        );
        ensure!(
            ran.status.success() || said.contains("ecli check"),
            "{name} does not run, and this does not say why:\n{said}"
        );
    }
    Ok(())
}
