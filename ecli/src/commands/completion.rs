//! `ecli completion`.

use anyhow::Result;
use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::print;
use crate::cli::Cli;

const AFTER_HELP: &str = "\
Examples:
  ecli completion bash > /etc/bash_completion.d/ecli
  ecli completion zsh > ~/.zfunc/_ecli
  ecli completion fish > ~/.config/fish/completions/ecli.fish";

/// Print a script that completes command lines of ecli
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Options {
    /// The shell that the script is for
    shell: Shell,
}

/// Prints the script.
pub(crate) fn run(options: Options) -> Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(options.shell, &mut Cli::command(), "ecli", &mut script);
    print(&script)
}
