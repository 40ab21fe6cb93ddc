//! Credentials, as Docker's command line keeps them.

use std::fmt;
use std::io::{self, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::DOCKER_HUB;
use crate::file::{read_bounded, sync_folder};
use crate::limits::CREDENTIALS_BYTES_MAX;
use crate::{Error, ErrorKind, Result};

/// Docker keeps the credentials of its own registry under its first address.
const DOCKER_HUB_KEY: &str = "https://index.docker.io/v1/";
const CONFIG_FILE: &str = "config.json";
const HELPER_PREFIX: &str = "docker-credential-";
/// What a helper prints when it has none (docker-credential-helpers, `credentials/error.go`).
const HELPER_NOT_FOUND: &str = "credentials not found";
/// The user name that marks a helper's secret as an identity token.
const TOKEN_USER: &str = "<token>";

/// What proves to a registry who we are. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Credentials {
    /// User name and password, or an access token in place of the password.
    Password {
        /// The user.
        username: String,
        /// The secret.
        password: String,
    },
    /// A refresh token of OAuth 2, which the registry's token server exchanges.
    IdentityToken(String),
    /// A token that is sent to the registry as it is.
    BearerToken(String),
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Password { .. } => "Password(..)",
            Self::IdentityToken(_) => "IdentityToken(..)",
            Self::BearerToken(_) => "BearerToken(..)",
        })
    }
}

impl Credentials {
    /// The value of an `Authorization: Basic` header.
    pub(super) fn basic(&self) -> Option<String> {
        let Self::Password { username, password } = self else {
            return None;
        };
        Some(format!(
            "Basic {}",
            BASE64.encode(format!("{username}:{password}"))
        ))
    }
}

/// Docker's `config.json`: credentials a registry, in it or in a credential helper.
#[derive(Clone, Debug)]
pub struct CredentialFile {
    path: PathBuf,
    /// Where helpers are looked for; `None`: along `PATH`.
    helpers: Option<PathBuf>,
}

impl CredentialFile {
    /// The user's file: `$DOCKER_CONFIG/config.json` or `~/.docker/config.json`; `None` without a
    /// home.
    pub fn of_user() -> Option<Self> {
        let folder = std::env::var_os("DOCKER_CONFIG").filter(|folder| !folder.is_empty());
        let folder = folder.map(PathBuf::from).or_else(|| {
            let home = std::env::var_os("HOME").filter(|home| !home.is_empty())?;
            Some(PathBuf::from(home).join(".docker"))
        })?;
        Some(Self::at(folder.join(CONFIG_FILE)))
    }

    /// The file at `path`, which need not exist.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            helpers: None,
        }
    }

    /// The same file, with credential helpers from `folder` instead of `PATH`.
    #[must_use]
    pub fn with_helpers_in(self, folder: impl Into<PathBuf>) -> Self {
        Self {
            helpers: Some(folder.into()),
            ..self
        }
    }

    /// Finds the credentials for `registry` (host and port): in its own helper, in the default
    /// helper, in the file. Blocks as long as a helper does, which may ask the user.
    ///
    /// # Errors
    /// A malformed file, a helper that fails.
    pub fn find(&self, registry: &str) -> Result<Option<Credentials>> {
        let registry = key_of(registry);
        let Some(config) = self.read()? else {
            return Ok(None);
        };
        self.find_in(&config, registry)
            .map_err(|error| error.context(format_args!("find credentials for {registry}")))
    }

    /// Keeps user name and password for `registry`: in the helper that the file names for it, else
    /// in the file, which only its owner may read.
    ///
    /// # Errors
    /// A malformed file, a helper that fails, failures to write.
    pub fn store(&self, registry: &str, username: &str, password: &str) -> Result<()> {
        let registry = key_of(registry);
        let mut config = self.read()?.unwrap_or_default();
        if let Some(helper) = helper_for(&config, registry) {
            let entry = json!({ "ServerURL": registry, "Username": username, "Secret": password });
            return self
                .run_helper(&helper, "store", &entry.to_string())
                .map(drop);
        }
        let auth = BASE64.encode(format!("{username}:{password}"));
        let auths = config.entry("auths").or_insert_with(|| json!({}));
        let Some(auths) = auths.as_object_mut() else {
            return Err(self.malformed("auths"));
        };
        auths.insert(registry.to_owned(), json!({ "auth": auth }));
        self.write(&config)
    }

    /// Forgets the credentials for `registry`. Returns whether there were any in the file or a
    /// helper was asked.
    ///
    /// # Errors
    /// As [`CredentialFile::store`].
    pub fn remove(&self, registry: &str) -> Result<bool> {
        let registry = key_of(registry);
        let Some(mut config) = self.read()? else {
            return Ok(false);
        };
        let helper = helper_for(&config, registry);
        if let Some(helper) = &helper {
            self.run_helper(helper, "erase", registry)?;
        }
        let auths = config.get_mut("auths").and_then(Value::as_object_mut);
        let removed = auths.is_some_and(|auths| {
            let before = auths.len();
            // Also under an address of an older API.
            auths.retain(|key, _| host_of(key) != host_of(registry));
            auths.len() < before
        });
        if removed {
            self.write(&config)?;
        }
        Ok(removed || helper.is_some())
    }

    fn find_in(&self, config: &Map<String, Value>, registry: &str) -> Result<Option<Credentials>> {
        if let Some(helper) = helper_for(config, registry)
            && let Some(found) = self.ask_helper(&helper, registry)?
        {
            return Ok(Some(found));
        }
        let Some(auths) = config.get("auths").and_then(Value::as_object) else {
            return Ok(None);
        };
        let matching = auths
            .iter()
            .find(|(key, _)| host_of(key) == host_of(registry));
        let Some((_, entry)) = matching else {
            return Ok(None);
        };
        parse_entry(entry).ok_or_else(|| self.malformed("auths"))
    }

    fn ask_helper(&self, helper: &str, registry: &str) -> Result<Option<Credentials>> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Answer {
            username: String,
            secret: String,
        }
        let Some(output) = self.run_helper(helper, "get", registry)? else {
            return Ok(None);
        };
        let answer: Answer = serde_json::from_str(&output).map_err(|_| {
            let message =
                format!("run {HELPER_PREFIX}{helper}: it printed something else than JSON");
            Error::new(ErrorKind::Corrupt, message)
        })?;
        Ok(Some(match answer.username.as_str() {
            TOKEN_USER => Credentials::IdentityToken(answer.secret),
            _ => Credentials::Password {
                username: answer.username,
                password: answer.secret,
            },
        }))
    }

    /// Runs `docker-credential-<helper> <verb>` with `input`; `None` when it knows no credentials.
    fn run_helper(&self, helper: &str, verb: &str, input: &str) -> Result<Option<String>> {
        let program = format!("{HELPER_PREFIX}{helper}");
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        if !helper.bytes().all(is_name) {
            let message = format!("run credential helper {helper:?}: this is not its name");
            return Err(Error::new(ErrorKind::InvalidInput, message));
        }
        let failed = |error: io::Error| Error::io(format!("run {program}"), error);
        let path = self.helpers.as_ref().map(|folder| folder.join(&program));
        let mut child = Command::new(path.unwrap_or_else(|| PathBuf::from(&program)))
            .arg(verb)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(failed)?;
        if let Some(mut stdin) = child.stdin.take() {
            // A helper that does not read its input shows by its status whether that is an error.
            let _ = stdin.write_all(input.as_bytes());
        }
        let mut output = String::new();
        if let Some(stdout) = child.stdout.take() {
            stdout
                .take(CREDENTIALS_BYTES_MAX)
                .read_to_string(&mut output)
                .map_err(failed)?;
        }
        let status = child.wait().map_err(failed)?;
        if status.success() {
            return Ok(Some(output));
        }
        if output.contains(HELPER_NOT_FOUND) {
            return Ok(None);
        }
        // Its output may hold secrets.
        let message = format!("run {program} {verb}: it failed ({status})");
        Err(Error::new(ErrorKind::Io, message))
    }

    fn read(&self) -> Result<Option<Map<String, Value>>> {
        let bytes = match read_bounded(&self.path, CREDENTIALS_BYTES_MAX) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        // The parser's message could quote a secret.
        serde_json::from_slice(&bytes)
            .map(Some)
            .map_err(|_| self.malformed("JSON"))
    }

    /// Whole or not at all, and never readable by others.
    fn write(&self, config: &Map<String, Value>) -> Result<()> {
        let failed = |error| Error::io(format!("write {}", self.path.display()), error);
        let folder = self.path.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder).map_err(failed)?;
        let text = serde_json::to_string_pretty(config).expect("JSON values have string keys");
        let mut file = tempfile::Builder::new()
            .permissions(std::fs::Permissions::from_mode(0o600))
            .tempfile_in(folder)
            .map_err(failed)?;
        file.write_all(text.as_bytes()).map_err(failed)?;
        file.as_file().sync_all().map_err(failed)?;
        file.persist(&self.path)
            .map_err(|error| failed(error.error))?;
        sync_folder(folder).map_err(failed)
    }

    fn malformed(&self, what: &str) -> Error {
        let message = format!("read {}: its {what} is malformed", self.path.display());
        Error::new(ErrorKind::Corrupt, message)
    }
}

/// `Ok(None)` for an entry without credentials, which `docker login` leaves beside a helper.
fn parse_entry(entry: &Value) -> Option<Option<Credentials>> {
    let text = |key: &str| {
        entry
            .get(key)
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty())
    };
    if let Some(token) = text("identitytoken") {
        return Some(Some(Credentials::IdentityToken(token.to_owned())));
    }
    if let Some(token) = text("registrytoken") {
        return Some(Some(Credentials::BearerToken(token.to_owned())));
    }
    if let Some(auth) = text("auth") {
        let decoded = String::from_utf8(BASE64.decode(auth).ok()?).ok()?;
        let (username, password) = decoded.split_once(':')?;
        let (username, password) = (username.to_owned(), password.to_owned());
        return Some(Some(Credentials::Password { username, password }));
    }
    Some(None)
}

/// Keys are hosts, or URLs of an older API.
fn host_of(key: &str) -> &str {
    let rest = key.split_once("://").map_or(key, |(_, rest)| rest);
    rest.split('/').next().unwrap_or_default()
}

/// How `registry` is called in the file and by helpers.
fn key_of(registry: &str) -> &str {
    if registry == DOCKER_HUB {
        DOCKER_HUB_KEY
    } else {
        registry
    }
}

fn helper_for(config: &Map<String, Value>, registry: &str) -> Option<String> {
    let own = config
        .get("credHelpers")
        .and_then(|helpers| helpers.get(registry));
    let name = own.or_else(|| config.get("credsStore"))?.as_str()?;
    (!name.is_empty()).then(|| name.to_owned())
}
