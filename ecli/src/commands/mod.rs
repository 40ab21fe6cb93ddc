//! The verbs, one a file: its options, and `run`, which carries it out.

pub(crate) mod build;
pub(crate) mod check;
pub(crate) mod completion;
pub(crate) mod copy;
pub(crate) mod dev;
pub(crate) mod index;
pub(crate) mod init;
pub(crate) mod inspect;
pub(crate) mod key;
pub(crate) mod list;
pub(crate) mod load;
pub(crate) mod login;
pub(crate) mod logout;
pub(crate) mod man;
pub(crate) mod pins;
pub(crate) mod policy;
pub(crate) mod prune;
pub(crate) mod publish;
pub(crate) mod pull;
pub(crate) mod push;
pub(crate) mod rm;
pub(crate) mod run;
pub(crate) mod save;
pub(crate) mod sign;
pub(crate) mod store;
pub(crate) mod tag;
pub(crate) mod test;
pub(crate) mod unpin;
pub(crate) mod verify;
pub(crate) mod version;

use std::fmt::Display;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Result;
use eunomia_image::{ErrorKind, Reference, Store};

use crate::cli::Command;
use crate::context::Context;
use crate::failure::{OutputClosed, hinted};
use crate::similar::similar;

/// Carries out a command. The exit code is 0 unless the command has another one to pass on.
pub(crate) fn run(ctx: &Context, command: Command) -> Result<ExitCode> {
    match command {
        Command::Init(options) => init::run(options)?,
        Command::Build(options) => build::run(ctx, options)?,
        Command::Run(options) => return run::run(ctx, options),
        Command::Dev(options) => return dev::run(ctx, options),
        Command::Test(options) => return test::run(ctx, options),
        Command::Inspect(options) => inspect::run(ctx, options)?,
        Command::Check(options) => return check::run(ctx, options),
        Command::Pins(options) => pins::run(options)?,
        Command::Unpin(options) => unpin::run(options)?,
        Command::List(options) => list::run(ctx, options)?,
        Command::Rm(options) => rm::run(ctx, options)?,
        Command::Tag(options) => tag::run(ctx, options)?,
        Command::Pull(options) => pull::run(ctx, options)?,
        Command::Push(options) => push::run(ctx, options)?,
        Command::Publish(options) => publish::run(ctx, options)?,
        Command::Copy(options) => copy::run(ctx, options)?,
        Command::Save(options) => save::run(ctx, options)?,
        Command::Load(options) => load::run(ctx, options)?,
        Command::Index(options) => index::run(ctx, options)?,
        Command::Login(options) => login::run(ctx, options)?,
        Command::Logout(options) => logout::run(ctx, options)?,
        Command::Store(options) => return store::run(ctx, options),
        Command::Prune(options) => prune::run(ctx, options)?,
        Command::Key(options) => key::run(options)?,
        Command::Sign(options) => sign::run(ctx, options)?,
        Command::Verify(options) => verify::run(ctx, options)?,
        Command::Policy(options) => return policy::run(ctx, options),
        Command::Completion(options) => completion::run(options)?,
        Command::Man(options) => man::run(options)?,
        Command::Version(options) => version::run(options)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints a command's result.
pub(crate) fn print(text: &[u8]) -> Result<()> {
    let mut stdout = std::io::stdout().lock();
    let written = stdout.write_all(text).and_then(|()| stdout.flush());
    written.map_err(|error| match error.kind() {
        std::io::ErrorKind::BrokenPipe => OutputClosed.into(),
        _ => anyhow::Error::new(error).context("write to stdout"),
    })
}

/// Prints a line of it.
pub(crate) fn print_line(line: impl Display) -> Result<()> {
    print(format!("{line}\n").as_bytes())
}

/// Says about an image that does not exist which ones do.
pub(crate) fn unknown_image(
    store: &Store,
    wanted: &Reference,
    error: eunomia_image::Error,
) -> anyhow::Error {
    if error.kind() != ErrorKind::NotFound {
        return error.into();
    }
    let names: Vec<String> = store
        .list()
        .unwrap_or_default()
        .into_iter()
        .filter_map(|entry| entry.name)
        .collect();
    let wanted = wanted.to_string();
    let close = similar(&wanted, names.iter().map(String::as_str));
    let hint = if names.contains(&wanted) {
        "a part of it is missing: `ecli store check` finds what else is, with --repair it is \
         removed, and the image can be pulled or built again"
            .to_owned()
    } else if let Some(other) = store_of_sudo_user().filter(|other| other != store.root()) {
        format!(
            "images that you built without sudo are in another store: sudo ecli --store {} ...",
            other.display()
        )
    } else if names.is_empty() {
        "the store is empty: `ecli build FOLDER` puts an image into it".to_owned()
    } else if close.is_empty() {
        "`ecli list` shows the images that there are".to_owned()
    } else {
        format!("did you mean {}?", close.join(", "))
    };
    hinted(error, hint)
}

/// The store of the user who called sudo, if there is one.
fn store_of_sudo_user() -> Option<PathBuf> {
    let user = std::env::var("SUDO_USER")
        .ok()
        .filter(|user| user != "root")?;
    let accounts = std::fs::read_to_string("/etc/passwd").ok()?;
    // passwd(5): the sixth field is the home.
    let home = accounts.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next() == Some(&*user))
            .then(|| fields.nth(4))
            .flatten()
    })?;
    let store = Path::new(home).join(".local/share/ecli");
    // Only looked at: opening it as root would leave files of root in it.
    store.join("index.json").is_file().then_some(store)
}
