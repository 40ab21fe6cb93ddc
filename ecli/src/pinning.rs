//! `--pin`: what a tool has in the kernel outlives its run.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Result, bail};
use eunomia_runtime::libbpf::pins::{Pinned, Pins};

use crate::admission::Candidate;
use crate::context::Context;
use crate::policy;
use crate::terminal::visible;
use crate::tool_source::Found;

/// Where BPF file systems are mounted; names without a slash in front are below it.
const MOUNT: &str = "/sys/fs/bpf";

/// The folder that a user names.
pub(crate) fn folder(named: &Path) -> PathBuf {
    Path::new(MOUNT).join(named)
}

/// The pins of a run.
pub(crate) fn pins(found: &Found, named: &Path) -> Result<Arc<Pins>> {
    Ok(Arc::new(Pins::new(&folder(named), &found.shown)?))
}

/// Whether the policy files allow it.
pub(crate) fn check_policy(ctx: &Context, found: &Found) -> Result<()> {
    let candidate = Candidate::new(ctx, found)?;
    for file in policy::load()? {
        if file.permissions(candidate.origin()).pins == Some(false) {
            let path = file.path.display();
            bail!(
                "run {}: denied by policy: {path}: pins: nothing may outlive a run (--pin)",
                candidate.shown()
            );
        }
    }
    Ok(())
}

/// Says what stays when the tool has ended.
pub(crate) fn finish(pins: &Pins, ended: &Result<ExitCode>) {
    let failed = !matches!(ended, Ok(code) if *code == ExitCode::SUCCESS || was_killed(*code));
    match pins.finish(failed) {
        Some(pinned) => say!("ecli: {}", described(&pinned)),
        None => say!("ecli: nothing is pinned"),
    }
}

/// Killed by the user, who may want to keep what is pinned: as with `kill -9`.
fn was_killed(code: ExitCode) -> bool {
    code == ExitCode::from(crate::interrupt::EXIT_CODE)
}

fn described(pinned: &Pinned) -> String {
    let Pinned {
        folder,
        links,
        programs,
        maps,
        ..
    } = pinned;
    let folder = visible(&folder.display().to_string());
    format!(
        "{folder} keeps {links} links, {programs} programs, {maps} maps; `ecli unpin {folder}` \
         removes them"
    )
}
