//! The kernel that this machine runs.

use anyhow::{Context as _, Result};

const RELEASE_FILE: &str = "/proc/sys/kernel/osrelease";

/// Its release, as `uname -r` prints it.
pub(crate) fn release() -> Result<String> {
    let text = std::fs::read_to_string(RELEASE_FILE)
        .with_context(|| format!("read the kernel's release in {RELEASE_FILE}"))?;
    Ok(text.trim_end().to_owned())
}
