//! `ecli login`.

use anyhow::{Context as _, Result, anyhow};
use clap::Args;
use eunomia_image::registry::{Login, Registry};

use super::print;
use crate::context::Context;
use crate::failure::{HintExt, hinted};
use crate::terminal;
use crate::transfer::{Reach, password_of, secret_from_stdin};

const AFTER_HELP: &str = "\
The registry is asked whether it accepts the credentials, which then are kept where docker keeps
them: in the credential helper that ~/.docker/config.json names, else in that file. docker, skopeo
and oras find them there.

Examples:
  ecli login registry.example
  ecli login --username ci --password-stdin registry.example <token-file";

/// Keep user name and password for a registry
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Options {
    /// Host and perhaps port [default: the default registry]
    #[arg(value_name = "REGISTRY")]
    registry: Option<String>,
    /// User name [default: asked for]
    #[arg(short, long, value_name = "NAME")]
    username: Option<String>,
    /// Read the password, or an access token in its place, from stdin [default: asked for]
    #[arg(long, requires = "username")]
    password_stdin: bool,
    #[command(flatten)]
    reach: Reach,
}

/// Checks the credentials and keeps them.
pub(crate) fn run(ctx: &Context, options: Options) -> Result<()> {
    let registry = registry(ctx, options.registry.as_deref())?;
    let file = options.reach.credential_file(ctx)?;
    let username = match options.username {
        Some(username) => username,
        None => terminal::ask("user name: ").hint("give --username NAME --password-stdin")?,
    };
    let password = if options.password_stdin {
        secret_from_stdin()?
    } else {
        terminal::ask_secret("password: ").hint("give --password-stdin")?
    };
    let credentials = password_of(&username, password.clone())
        .with_context(|| format!("log in to {registry}"))?;
    let hosts = std::slice::from_ref(&registry);
    let mut settings = options.reach.options(ctx, hosts)?;
    settings.credentials.insert(registry.clone(), credentials);
    let said = Registry::new(settings)?.login(&registry)?;
    file.store(&registry, &username, &password)?;
    if said == Login::NotAsked {
        say!("ecli: {registry} did not ask for credentials: these were not checked");
    }
    print(format!("logged in to {registry}\n").as_bytes())
}

/// The registry that was named, or else the default one: its host and port.
pub(super) fn registry(ctx: &Context, named: Option<&str>) -> Result<String> {
    let Some(text) = named else {
        let probe = eunomia_image::Reference::parse("any")?;
        let full = crate::transfer::full(ctx, &probe).map_err(|_| {
            hinted(
                anyhow!("which registry?"),
                "as in `ecli login registry.example`",
            )
        })?;
        return Ok(full.registry().unwrap_or_default().to_owned());
    };
    // What people copy from an address bar, and docker accepts.
    let host = text.split_once("://").map_or(text, |(_, rest)| rest);
    let host = host.split('/').next().unwrap_or_default();
    let probe = eunomia_image::Reference::parse("any")?;
    Ok(probe
        .with_default_registry(host)?
        .registry()
        .unwrap_or_default()
        .to_owned())
}
