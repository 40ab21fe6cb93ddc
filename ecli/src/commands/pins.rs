//! `ecli pins`.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use eunomia_runtime::libbpf;
use eunomia_runtime::libbpf::pins::{self, Pinned};
use serde::Serialize;

use super::print;
use crate::failure::HintExt as _;
use crate::table;
use crate::terminal::visible;

const AFTER_HELP: &str = "\
Folders are those of `ecli run --pin`. Maps that tools share by name (LIBBPF_PIN_BY_NAME, or as the
tool asks) are pinned below /sys/fs/bpf/ecli, and are listed, too: they stay until they are removed.

Examples:
  ecli pins
  ecli pins --json | jq -r '.[].path' | xargs ecli unpin";

/// List what outlives the tools that pinned it
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Options {
    /// Print a JSON list
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    path: PathBuf,
    /// Nothing: a shared map.
    image: Option<String>,
    links: usize,
    programs: usize,
    maps: usize,
}

/// Prints them.
pub(crate) fn run(options: Options) -> Result<()> {
    let listed = pins::list().hint("only root sees what is pinned, mostly: sudo ecli pins")?;
    let folders = listed.into_iter().map(|pinned: Pinned| Row {
        path: pinned.folder,
        image: Some(pinned.image),
        links: pinned.links,
        programs: pinned.programs,
        maps: pinned.maps,
    });
    let shared = pins::shared_maps(&libbpf::Options::default().pin_root);
    let shared = shared.into_iter().map(|path| Row {
        path,
        image: None,
        links: 0,
        programs: 0,
        maps: 1,
    });
    let rows: Vec<Row> = folders.chain(shared).collect();
    let text = match options.json {
        true => serde_json::to_string_pretty(&rows)? + "\n",
        false => human(&rows),
    };
    print(text.as_bytes())
}

fn human(rows: &[Row]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let mut table = vec![["PATH", "IMAGE", "LINKS", "PROGRAMS", "MAPS"].map(str::to_owned)];
    table.extend(rows.iter().map(|row| {
        let image = row.image.as_deref().unwrap_or("(shared by name)");
        [
            visible(&row.path.display().to_string()),
            visible(image),
            row.links.to_string(),
            row.programs.to_string(),
            row.maps.to_string(),
        ]
    }));
    table::aligned(&table)
}
