//! Options of the verbs that talk to registries.

use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use clap::Args;
use eunomia_image::Reference;
use eunomia_image::registry::{CredentialFile, Credentials, Registry, RegistryOptions};

use crate::context::Context;
use crate::failure::HintExt;

/// Bytes of a password that is read from stdin; tokens have some thousand.
const SECRET_BYTES_MAX: u64 = 64 << 10;

/// Bytes of a file with certificates: all those of a system together have 300 kB.
const CERTIFICATES_BYTES_MAX: u64 = 4 << 20;

/// How registries are reached, and as whom.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Access {
    #[command(flatten)]
    reach: Reach,
    #[command(flatten)]
    identity: Identity,
    /// The registries that the command line names, for `--plain-http`; the last of them gets the
    /// credentials that were given.
    #[arg(skip)]
    hosts: Vec<String>,
}

/// Credentials for this one command, which are kept nowhere. Secrets come from stdin: every process
/// of the machine can read arguments.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Identity {
    /// Name for the image's registry (of a copy: the target's); with --password-stdin
    #[arg(long, value_name = "NAME", requires = "password_stdin")]
    #[arg(help_heading = "Registry options")]
    username: Option<String>,
    /// Read that name's password, or an access token in its place, from stdin
    #[arg(long, requires = "username", help_heading = "Registry options")]
    password_stdin: bool,
    /// Read a token from stdin that the registry takes as it is (bearer)
    #[arg(long, conflicts_with = "username", help_heading = "Registry options")]
    registry_token_stdin: bool,
}

/// How registries are reached.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Reach {
    /// Reach the registries that are named without TLS; this machine's always are
    #[arg(long, help_heading = "Registry options")]
    pub(crate) plain_http: bool,
    /// Trust the certificates (PEM) in this file as well; may be repeated
    #[arg(
        long,
        value_name = "FILE",
        env = "ECLI_CA_FILE",
        hide_env_values = true
    )]
    #[arg(help_heading = "Registry options")]
    pub(crate) ca_file: Vec<PathBuf>,
    /// Docker's config.json with credentials [default: ~/.docker/config.json]
    #[arg(
        long,
        value_name = "FILE",
        env = "REGISTRY_AUTH_FILE",
        hide_env_values = true
    )]
    #[arg(help_heading = "Registry options")]
    pub(crate) auth_file: Option<PathBuf>,
}

/// What is printed.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Reporting {
    /// Print only the image's name with its digest, and no progress
    #[arg(short, long)]
    pub(crate) quiet: bool,
    /// Print one JSON object, and no progress
    #[arg(long, conflicts_with = "quiet")]
    pub(crate) json: bool,
}

impl Reporting {
    /// Whether there is to be no progress.
    pub(crate) fn is_silent(&self) -> bool {
        self.quiet || self.json
    }
}

impl Access {
    /// As whoever the file with credentials says.
    pub(crate) fn of_file(reach: &Reach) -> Self {
        Self {
            reach: reach.clone(),
            ..Self::default()
        }
    }

    /// The same for the registries `hosts`.
    pub(crate) fn to<'h>(&self, hosts: impl IntoIterator<Item = Option<&'h str>>) -> Self {
        Self {
            hosts: hosts.into_iter().flatten().map(str::to_owned).collect(),
            ..self.clone()
        }
    }

    /// These options with those of the configuration files, which they go before. Reads secrets
    /// from stdin when they are there.
    pub(crate) fn options(&self, ctx: &Context) -> Result<RegistryOptions> {
        let mut options = self.reach.options(ctx, &self.hosts)?;
        if let (Some(credentials), Some(host)) = (self.identity.credentials()?, self.hosts.last()) {
            options.credentials.insert(host.clone(), credentials);
        }
        Ok(options)
    }

    /// A client for the registry of `image`.
    pub(crate) fn registry(&self, ctx: &Context, image: &Reference) -> Result<Registry> {
        Ok(Registry::new(self.to([image.registry()]).options(ctx)?)?)
    }
}

impl Identity {
    fn credentials(&self) -> Result<Option<Credentials>> {
        if self.registry_token_stdin {
            return secret_from_stdin().map(|token| Some(Credentials::BearerToken(token)));
        }
        let Some(username) = &self.username else {
            return Ok(None);
        };
        let password = secret_from_stdin()?;
        password_of(username, password).map(Some)
    }
}

/// Name and password, if they can be sent.
pub(crate) fn password_of(username: &str, password: String) -> Result<Credentials> {
    // RFC 7617: what is before the first colon is the name.
    if username.is_empty() || username.contains(':') {
        bail!("use a user name: it is empty or has a colon");
    }
    if password.is_empty() {
        bail!("use a password: it is empty");
    }
    Ok(Credentials::Password {
        username: username.to_owned(),
        password,
    })
}

impl Reach {
    /// These options with those of the configuration files, which they go before, for the
    /// registries `hosts`.
    pub(crate) fn options(&self, ctx: &Context, hosts: &[String]) -> Result<RegistryOptions> {
        let config = &ctx.config;
        let mut options = RegistryOptions::default();
        // Images travel with their signatures, by which policies judge them.
        options.signatures = true;
        if let Some(file) = self.auth_file.as_ref().or(config.auth_file.as_ref()) {
            options.credential_file = Some(CredentialFile::at(file));
        }
        let from_config = config.ca_files.as_deref().unwrap_or_default();
        let files = match self.ca_file.as_slice() {
            [] => from_config,
            own => own,
        };
        options.certificates_pem = files
            .iter()
            .map(|file| read_certificates(file))
            .collect::<Result<_>>()?;
        for (host, own) in &config.registry {
            if own.plain_http == Some(true) {
                options.plain_http_hosts.push(host.clone());
            } else if own.plain_http == Some(false) {
                options.tls_hosts.push(host.clone());
            }
            if let Some(mirrors) = &own.mirrors {
                options.mirrors.insert(host.clone(), mirrors.clone());
            }
        }
        if self.plain_http {
            options.plain_http_hosts.extend(hosts.iter().cloned());
        }
        Ok(options)
    }

    /// The file in which credentials are kept.
    pub(crate) fn credential_file(&self, ctx: &Context) -> Result<CredentialFile> {
        let file = self.options(ctx, &[])?.credential_file;
        file.context("find the file with credentials: HOME is not set")
            .hint("name one with --auth-file")
    }
}

fn read_certificates(file: &Path) -> Result<Vec<u8>> {
    let operation = || format!("read certificates {}", file.display());
    let mut content = Vec::new();
    std::fs::File::open(file)
        .and_then(|file| {
            file.take(CERTIFICATES_BYTES_MAX + 1)
                .read_to_end(&mut content)
        })
        .with_context(operation)?;
    if content.len() as u64 > CERTIFICATES_BYTES_MAX {
        bail!("{}: more than {CERTIFICATES_BYTES_MAX} bytes", operation());
    }
    Ok(content)
}

/// A password or token on stdin, without the line's end.
pub(crate) fn secret_from_stdin() -> Result<String> {
    let mut bytes = Vec::new();
    std::io::stdin()
        .lock()
        .take(SECRET_BYTES_MAX + 1)
        .read_to_end(&mut bytes)
        .context("read the secret from stdin")?;
    if bytes.len() as u64 > SECRET_BYTES_MAX {
        bail!("read the secret from stdin: more than {SECRET_BYTES_MAX} bytes");
    }
    let text = String::from_utf8(bytes)
        .map_err(|_| anyhow::anyhow!("read the secret from stdin: it is not UTF-8"))?;
    let secret = text.trim_end_matches(['\r', '\n']);
    if secret.is_empty() {
        bail!("read the secret from stdin: it is empty");
    }
    Ok(secret.to_owned())
}
