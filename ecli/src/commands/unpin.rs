//! `ecli unpin`.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::Args;
use eunomia_runtime::libbpf;
use eunomia_runtime::libbpf::pins;

use super::print_line;
use crate::pinning;
use crate::terminal::visible;

const AFTER_HELP: &str = "\
Programs are detached, and programs and maps unloaded, unless somebody else holds them: a tool that
still runs, another pin.

Examples:
  ecli unpin guard                       What `ecli run --pin guard` has left
  ecli unpin /sys/fs/bpf/ecli/counters   A map that tools share by name";

/// Remove what `ecli run --pin` has left in the kernel
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Options {
    /// Folders or shared maps, as `ecli pins` lists them
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
}

/// Removes them, in this order; ends at the first that cannot be.
pub(crate) fn run(options: Options) -> Result<()> {
    for path in &options.paths {
        let path = pinning::folder(path);
        remove(&path)?;
        let shown = visible(&path.display().to_string());
        print_line(format_args!("unpinned {shown}"))?;
    }
    Ok(())
}

fn remove(path: &Path) -> Result<()> {
    let shared = pins::shared_maps(&libbpf::Options::default().pin_root);
    if shared.iter().any(|map| map == path) {
        return std::fs::remove_file(path).with_context(|| format!("unpin {}", path.display()));
    }
    pins::remove(path)?;
    Ok(())
}
