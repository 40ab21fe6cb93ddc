//! The command line's grammar: the global options and the verbs.

use std::path::PathBuf;

use clap::{ArgAction, Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use crate::commands;

const AFTER_HELP: &str = "\
Examples:
  ecli build examples/execsnoop        Build a tool and put it into the local store
  sudo ecli run execsnoop --help       Show the options of the tool itself
  sudo ecli run -o json execsnoop      Run it, one JSON object a line
  ecli inspect execsnoop               Show what is in it, without running it
  ecli push execsnoop registry.example/tools/execsnoop:1.0
  sudo ecli run registry.example/tools/execsnoop:1.0

Configuration: $XDG_CONFIG_HOME/ecli/config.toml, then /etc/ecli/config.toml; docs/configuration.md
lists the keys. Environment variables go before it, options before both.";

/// Build, run and manage eBPF tools in a WebAssembly sandbox.
#[derive(Debug, Parser)]
#[command(name = "ecli", version, after_help = AFTER_HELP, max_term_width = 100)]
#[command(propagate_version = false, disable_help_subcommand = false)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Reads the command line; what is wrong with it, and help, ends the process.
pub(crate) fn parse() -> Cli {
    let mut command = Cli::command();
    if std::env::vars_os().any(|(_, value)| value.is_empty()) {
        command = without_empty_variables(command);
    }
    let matches = command.get_matches();
    Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
}

/// For clap a variable that is empty is one that says "".
fn without_empty_variables(command: clap::Command) -> clap::Command {
    let is_empty = |arg: &clap::Arg| {
        let value = arg.get_env().and_then(std::env::var_os);
        value.is_some_and(|value| value.is_empty())
    };
    command
        .mut_args(|arg| match is_empty(&arg) {
            true => arg.env(None::<&str>),
            false => arg,
        })
        .mut_subcommands(without_empty_variables)
}

/// Options of every verb.
#[derive(Clone, Debug, Args)]
pub(crate) struct Global {
    /// Folder of the image store [default: /var/lib/ecli for root, else ~/.local/share/ecli]
    #[arg(
        long,
        global = true,
        value_name = "FOLDER",
        env = "ECLI_STORE",
        hide_env_values = true
    )]
    #[arg(help_heading = "Global options")]
    pub(crate) store: Option<PathBuf>,
    /// Say more on stderr; twice: everything
    #[arg(short, long, global = true, action = ArgAction::Count)]
    #[arg(help_heading = "Global options")]
    pub(crate) verbose: u8,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Init(commands::init::Options),
    Build(commands::build::Options),
    Run(commands::run::Options),
    Dev(commands::dev::Options),
    Test(commands::test::Options),
    #[command(visible_alias = "images")]
    List(commands::list::Options),
    Inspect(commands::inspect::Options),
    Check(commands::check::Options),
    Pins(commands::pins::Options),
    Unpin(commands::unpin::Options),
    #[command(visible_alias = "rmi")]
    Rm(commands::rm::Options),
    Tag(commands::tag::Options),
    Pull(commands::pull::Options),
    Push(commands::push::Options),
    Publish(commands::publish::Options),
    Copy(commands::copy::Options),
    Save(commands::save::Options),
    Load(commands::load::Options),
    Index(commands::index::Options),
    Login(commands::login::Options),
    Logout(commands::logout::Options),
    Store(commands::store::Options),
    Prune(commands::prune::Options),
    Key(commands::key::Options),
    Sign(commands::sign::Options),
    Verify(commands::verify::Options),
    Policy(commands::policy::Options),
    Completion(commands::completion::Options),
    Man(commands::man::Options),
    Version(commands::version::Options),
}
