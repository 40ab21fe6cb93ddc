//! `ecli run --pin`, `ecli pins`, `ecli unpin`: what outlives a run, and what does not.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use eunomia_tests::{Running, build, ecli, is_root, wait_until};

/// A folder of a test's own, unpinned in the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        Self(format!("/sys/fs/bpf/ecli-run-{name}-{}", std::process::id()).into())
    }

    fn name(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }

    fn links(&self) -> usize {
        let links = std::fs::read_dir(self.0.join("execsnoop/links"));
        links.map_or(0, Iterator::count)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.0.exists() {
            let _ = ecli().and_then(|mut ecli| Ok(ecli.args(["unpin", self.name()]).output()?));
        }
    }
}

fn text(output: &Output) -> String {
    let all = [&output.stdout[..], &output.stderr[..]].concat();
    String::from_utf8_lossy(&all).into_owned()
}

fn listed() -> Result<serde_json::Value> {
    let output = ecli()?.args(["pins", "--json"]).output()?;
    ensure!(output.status.success(), "{}", text(&output));
    Ok(serde_json::from_slice(&output.stdout)?)
}

#[test]
fn a_pinned_tool_goes_on_when_it_is_killed() -> Result<()> {
    if !is_root() {
        return Ok(());
    }
    build("examples/execsnoop")?;
    let folder = Folder::new("killed");
    let mut tool = Running::start(["--pin", folder.name(), "execsnoop"])?;
    wait_until("both programs are pinned", Duration::from_secs(60), || {
        tool.must_run()?;
        Ok(folder.links() == 2)
    })?;
    tool.signal("KILL")?;
    let ended = tool.end()?;
    ensure!(ended.code == -1, "{ended:?}");
    let ids = link_ids(&folder.0)?;
    ensure!(ids.len() == 2, "{ids:?}");

    let all = listed()?;
    let own = all.as_array().context("a list")?.iter();
    let own: Vec<_> = own.filter(|row| row["path"] == folder.name()).collect();
    ensure!(own.len() == 1, "{all}");
    ensure!(own[0]["links"] == 2 && own[0]["programs"] == 2, "{all}");
    ensure!(
        own[0]["image"]
            .as_str()
            .is_some_and(|it| it.contains("execsnoop")),
        "{all}"
    );

    let again = ecli()?
        .args([
            "run",
            "--pin",
            folder.name(),
            "--timeout",
            "1s",
            "execsnoop",
        ])
        .output()?;
    ensure!(again.status.code() == Some(1), "{}", text(&again));
    ensure!(
        text(&again).contains("it is in use by what execsnoop"),
        "{}",
        text(&again)
    );

    let unpinned = ecli()?.args(["unpin", folder.name()]).output()?;
    ensure!(unpinned.status.success(), "{}", text(&unpinned));
    ensure!(!folder.0.exists(), "the folder is still there");
    wait_until("the links are gone", Duration::from_secs(10), || {
        let left = all_link_ids()?;
        Ok(ids.iter().all(|id| !left.contains(id)))
    })?;
    let twice = ecli()?.args(["unpin", folder.name()]).output()?;
    ensure!(twice.status.code() == Some(1), "{}", text(&twice));
    ensure!(
        text(&twice).contains("`ecli pins` lists"),
        "{}",
        text(&twice)
    );
    Ok(())
}

/// Ids of the links in a folder, by bpftool.
fn link_ids(folder: &Path) -> Result<Vec<u64>> {
    let mut ids = Vec::new();
    for entry in std::fs::read_dir(folder.join("execsnoop/links"))? {
        let path = entry?.path();
        let output = Command::new("bpftool")
            .args(["--json", "link", "show", "pinned"])
            .arg(&path)
            .output()
            .context("run bpftool: install the package of this name")?;
        let link: serde_json::Value = serde_json::from_slice(&output.stdout)?;
        ids.push(link["id"].as_u64().with_context(|| format!("{link}"))?);
    }
    Ok(ids)
}

fn all_link_ids() -> Result<Vec<u64>> {
    let output = Command::new("bpftool")
        .args(["--json", "link", "list"])
        .output()?;
    let links: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    let links = links.as_array().context("a list")?.iter();
    Ok(links.filter_map(|link| link["id"].as_u64()).collect())
}

#[test]
fn a_run_that_ends_well_says_what_stays_and_one_that_fails_leaves_nothing() -> Result<()> {
    if !is_root() {
        return Ok(());
    }
    build("examples/execsnoop")?;
    let folder = Folder::new("ended");
    let run = |arguments: &[&str]| -> Result<Output> {
        let mut ecli = ecli()?;
        ecli.args(["run", "--timeout", "1s", "--pin", folder.name()]);
        Ok(ecli.args(arguments).output()?)
    };
    // One attaches, the other cannot.
    let nowhere = "on_exit=tracepoint:ecli:no_such_tracepoint";
    let failed = run(&["--attach", nowhere, "execsnoop"])?;
    ensure!(!failed.status.success(), "{}", text(&failed));
    ensure!(
        text(&failed).contains("nothing is pinned"),
        "{}",
        text(&failed)
    );
    ensure!(!folder.0.exists(), "the folder is still there");

    let ended = run(&["execsnoop"])?;
    ensure!(ended.status.success(), "{}", text(&ended));
    ensure!(
        text(&ended).contains("keeps 2 links, 2 programs"),
        "{}",
        text(&ended)
    );
    ensure!(folder.links() == 2, "both are still attached");
    Ok(())
}

#[test]
fn a_policy_may_forbid_it() -> Result<()> {
    if !is_root() {
        return Ok(());
    }
    build("examples/execsnoop")?;
    let policy = tempfile::tempdir()?;
    std::fs::create_dir(policy.path().join("ecli"))?;
    std::fs::write(
        policy.path().join("ecli/policy.toml"),
        "permissions.pins = false\n",
    )?;
    let folder = Folder::new("forbidden");
    let refused = ecli()?
        .env("XDG_CONFIG_HOME", policy.path())
        .args([
            "run",
            "--timeout",
            "1s",
            "--pin",
            folder.name(),
            "execsnoop",
        ])
        .output()?;
    ensure!(refused.status.code() == Some(1), "{}", text(&refused));
    ensure!(
        text(&refused).contains("denied by policy"),
        "{}",
        text(&refused)
    );
    ensure!(!folder.0.exists(), "the folder is there");
    Ok(())
}
