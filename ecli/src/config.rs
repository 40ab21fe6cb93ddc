//! The configuration files: `$XDG_CONFIG_HOME/ecli/config.toml`, then `/etc/ecli/config.toml`.
//!
//! A key of the first file hides that of the second; options and environment variables go before
//! both. `docs/configuration.md` describes them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde::Deserialize;

use crate::environment::user_folder;
use crate::failure::HintExt;

const SYSTEM_FILE: &str = "/etc/ecli/config.toml";

/// What the configuration files say.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Config {
    /// Folder of the image store.
    pub(crate) store: Option<PathBuf>,
    /// How `ecli run` shows rows: `columns` or `json`.
    pub(crate) output: Option<String>,
    /// Memory that a guest may use: `64MiB`.
    pub(crate) memory: Option<String>,
    /// File with the BTF of this machine's kernel, if it does not show its own.
    pub(crate) btf: Option<PathBuf>,
    /// When `ecli run` fetches an image: `always`, `missing` or `never`.
    pub(crate) pull: Option<String>,
    /// Where images with a short name come from: `registry.example/tools`.
    pub(crate) default_registry: Option<String>,
    /// Docker's file with credentials, if it is not where Docker has it.
    pub(crate) auth_file: Option<PathBuf>,
    /// Files with certificates (PEM) that are trusted beside those of the system.
    pub(crate) ca_files: Option<Vec<PathBuf>>,
    /// By host and port.
    #[serde(default)]
    pub(crate) registry: BTreeMap<String, RegistryConfig>,
}

/// What is special about one registry.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct RegistryConfig {
    /// Where its images are looked for first, in this order.
    pub(crate) mirrors: Option<Vec<String>>,
    /// It is reached without TLS.
    pub(crate) plain_http: Option<bool>,
}

impl Config {
    /// Reads both files; one that does not exist says nothing.
    pub(crate) fn load() -> Result<Self> {
        let mut config = Self::default();
        for file in files() {
            config = config.or(Self::read(&file)?);
        }
        Ok(config)
    }

    fn read(file: &Path) -> Result<Self> {
        let text = match std::fs::read_to_string(file) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Self::default());
            }
            Err(error) => {
                return Err(error).with_context(|| format!("read {}", file.display()));
            }
        };
        parse(&text)
            .with_context(|| format!("read {}", file.display()))
            .hint(
                "it may hold: store, output, memory, btf, pull, default-registry, auth-file, \
                 ca-files and [registry.\"HOST\"] with mirrors and plain-http",
            )
    }

    fn or(self, other: Self) -> Self {
        Self {
            store: self.store.or(other.store),
            output: self.output.or(other.output),
            memory: self.memory.or(other.memory),
            btf: self.btf.or(other.btf),
            pull: self.pull.or(other.pull),
            default_registry: self.default_registry.or(other.default_registry),
            auth_file: self.auth_file.or(other.auth_file),
            ca_files: self.ca_files.or(other.ca_files),
            registry: merged(self.registry, other.registry),
        }
    }
}

fn merged(
    mut first: BTreeMap<String, RegistryConfig>,
    second: BTreeMap<String, RegistryConfig>,
) -> BTreeMap<String, RegistryConfig> {
    for (host, hidden) in second {
        let own = first.entry(host).or_default();
        own.mirrors = own.mirrors.take().or(hidden.mirrors);
        own.plain_http = own.plain_http.or(hidden.plain_http);
    }
    first
}

/// `toml` explains in several lines, with the line that is wrong.
fn parse(text: &str) -> Result<Config> {
    toml::from_str(text).map_err(|error| anyhow::anyhow!("{}", error.to_string().trim_end()))
}

/// The user's file, then the system's.
fn files() -> Vec<PathBuf> {
    user_folder("XDG_CONFIG_HOME", ".config")
        .map(|folder| folder.join("ecli/config.toml"))
        .into_iter()
        .chain([PathBuf::from(SYSTEM_FILE)])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_file_hides_the_second_key_by_key() {
        let user = parse("output = \"json\"").unwrap();
        let system = parse("output = \"columns\"\nmemory = \"1GiB\"").unwrap();
        let merged = user.or(system);
        assert_eq!(merged.output.as_deref(), Some("json"));
        assert_eq!(merged.memory.as_deref(), Some("1GiB"));
    }

    #[test]
    fn registries_are_merged_key_by_key_too() {
        let user = parse("[registry.\"a.example\"]\nplain-http = true").unwrap();
        let system = parse(
            "[registry.\"a.example\"]\nplain-http = false\nmirrors = [\"m.example\"]\n\
             [registry.\"b.example\"]\nplain-http = true",
        );
        let merged = user.or(system.unwrap());
        let a = &merged.registry["a.example"];
        assert_eq!(a.plain_http, Some(true));
        assert_eq!(a.mirrors.as_deref(), Some(&["m.example".to_owned()][..]));
        assert_eq!(merged.registry["b.example"].plain_http, Some(true));
    }

    #[test]
    fn an_unknown_key_is_named_with_its_line() {
        let message = parse("stor = \"x\"").unwrap_err().to_string();
        assert!(message.contains("unknown field `stor`"), "{message}");
        assert!(message.contains("line 1"), "{message}");
    }
}
