//! `ecli man`.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::{Args, CommandFactory};
use clap_mangen::Man;

use super::print;
use crate::cli::Cli;

const AFTER_HELP: &str = "\
Examples:
  ecli man | man -l -
  ecli man --folder /usr/local/share/man/man1";

/// Print the manual page of ecli, or write those of all verbs
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Options {
    /// Write one page a verb into this folder
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
}

/// Prints or writes the pages.
pub(crate) fn run(options: Options) -> Result<()> {
    let mut command = Cli::command();
    command.build();
    match options.folder {
        Some(folder) => write_pages(&command, &folder),
        None => print(&page(command)?),
    }
}

fn write_pages(command: &clap::Command, folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("create {}", folder.display()))?;
    let verbs = command
        .get_subcommands()
        .filter(|verb| verb.get_name() != "help");
    for command in std::iter::once(command).chain(verbs) {
        let path = folder.join(format!("{}.1", name_of(command)));
        std::fs::write(&path, page(command.clone())?)
            .with_context(|| format!("write {}", path.display()))?;
    }
    Ok(())
}

/// `ecli`, `ecli-build`...
fn name_of(command: &clap::Command) -> String {
    command
        .get_display_name()
        .unwrap_or(command.get_name())
        .to_owned()
}

fn page(command: clap::Command) -> Result<Vec<u8>> {
    let mut page = Vec::new();
    let title = name_of(&command);
    Man::new(command)
        .title(title)
        .render(&mut page)
        .context("write a manual page")?;
    Ok(page)
}
