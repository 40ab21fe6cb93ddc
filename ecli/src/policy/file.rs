//! Policy files: `/etc/ecli/policy.toml`, and the user's. `docs/policy.md` describes them.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow};
use eunomia_image::{Digest, PublicKey};
use serde::Deserialize;

use super::pattern::Pattern;
use crate::environment::user_folder;
use crate::failure::HintExt as _;
use crate::{duration, size};

const SYSTEM_FILE: &str = "/etc/ecli/policy.toml";
const FILE_NAME: &str = "ecli/policy.toml";

/// Bytes of a policy file, and of a key's.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// A file that was read, with its keys.
#[derive(Clone, Debug)]
pub(crate) struct PolicyFile {
    /// Where it is.
    pub(crate) path: PathBuf,
    /// What it says, as it was written.
    pub(crate) text: String,
    /// Its rules.
    pub(crate) rules: Rules,
}

/// What a file says, for all images.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Rules {
    /// Nothing runs that is not signed by one of the keys.
    #[serde(default)]
    pub(crate) require_signatures: bool,
    /// Files of public keys, relative to the policy file, or keys in PEM.
    #[serde(default)]
    keys: Vec<String>,
    /// What was built on this machine, and files. Default: denied where signatures are required.
    pub(crate) local: Option<Access>,
    /// Repositories that no rule names. Default: allowed.
    pub(crate) other_repositories: Option<Access>,
    /// Rules for repositories; the first that matches holds.
    #[serde(default)]
    pub(crate) repository: Vec<Repository>,
    /// What images may do.
    #[serde(default)]
    pub(crate) permissions: PermissionRules,
    /// What they may use.
    #[serde(default)]
    pub(crate) limits: LimitRules,
    #[serde(skip)]
    pub(crate) public_keys: Vec<NamedKey>,
}

/// A rule for some repositories. What it leaves out is as for all images.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Repository {
    /// `registry/repository`.
    pub(crate) name: Pattern,
    pub(crate) access: Option<Access>,
    pub(crate) require_signatures: Option<bool>,
    keys: Option<Vec<String>>,
    /// Only images with one of these digests, or with a signature by one of `keys`.
    pub(crate) digests: Option<Vec<String>>,
    pub(crate) permissions: Option<PermissionRules>,
    pub(crate) limits: Option<LimitRules>,
    #[serde(skip)]
    pub(crate) public_keys: Option<Vec<NamedKey>>,
}

/// A key and what the policy file calls it.
#[derive(Clone, Debug)]
pub(crate) struct NamedKey {
    pub(crate) name: String,
    pub(crate) key: PublicKey,
}

/// Yes or no.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Access {
    Allow,
    Deny,
}

/// What images may do; what is left out is allowed, apart from pinned maps.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct PermissionRules {
    #[serde(default)]
    pub(crate) program_types: Names,
    #[serde(default)]
    pub(crate) attach_targets: Names,
    #[serde(default)]
    pub(crate) helpers: Names,
    #[serde(default)]
    pub(crate) kernel_functions: Names,
    #[serde(default)]
    pub(crate) pinned_maps: Names,
    #[serde(default)]
    pub(crate) imports: Names,
    /// Whether guests may ask for kernel addresses. Default: yes.
    pub(crate) kernel_symbols: Option<bool>,
    /// Whether what a tool has in the kernel may outlive it (`--pin`). Default: yes.
    pub(crate) pins: Option<bool>,
    /// Whether guests may run programs by themselves (test runs). Default: yes.
    pub(crate) test_runs: Option<bool>,
}

/// Which names are allowed.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Names {
    /// Only these.
    pub(crate) allow: Option<Vec<Pattern>>,
    /// Not these, even where `allow` has them.
    #[serde(default)]
    pub(crate) deny: Vec<Pattern>,
}

/// What images may use; smaller limits of others go before these.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct LimitRules {
    /// Memory of the guest: `64MiB`.
    pub(crate) memory: Option<String>,
    /// CPU time of the guest in all: `10m`.
    pub(crate) cpu_time: Option<String>,
}

/// The system's file and the user's, as far as they exist.
///
/// # Errors
/// A file that cannot be read, or says what is not understood: then nothing runs.
pub(crate) fn load() -> Result<Vec<PolicyFile>> {
    paths()
        .into_iter()
        .filter_map(|path| read(&path).transpose())
        .collect()
}

/// Where policy files are looked for, the system's first.
pub(crate) fn paths() -> Vec<PathBuf> {
    let user = user_folder("XDG_CONFIG_HOME", ".config");
    [PathBuf::from(SYSTEM_FILE)]
        .into_iter()
        .chain(user.map(|folder| folder.join(FILE_NAME)))
        .collect()
}

fn read(path: &Path) -> Result<Option<PolicyFile>> {
    let operation = || format!("read policy {}", path.display());
    let text = match read_bounded(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(operation),
    };
    let mut rules = parse(&text)
        .with_context(operation)
        .hint("docs/policy.md lists what it may hold; until it is corrected nothing runs")?;
    let folder = path.parent().unwrap_or(Path::new("/"));
    rules.read_keys(folder).with_context(operation)?;
    Ok(Some(PolicyFile {
        path: path.to_owned(),
        text,
        rules,
    }))
}

pub(super) fn read_bounded(path: &Path) -> std::io::Result<String> {
    use std::io::Read as _;
    let mut text = String::new();
    std::fs::File::open(path)?
        .take(FILE_BYTES_MAX + 1)
        .read_to_string(&mut text)?;
    if text.len() as u64 > FILE_BYTES_MAX {
        let message = format!("it is larger than {FILE_BYTES_MAX} bytes");
        return Err(std::io::Error::other(message));
    }
    Ok(text)
}

/// Parses and checks all but the keys. Errors name the line.
pub(super) fn parse(text: &str) -> Result<Rules> {
    let rules: Rules =
        toml::from_str(text).map_err(|error| anyhow!("{}", error.to_string().trim_end()))?;
    rules.limits.check()?;
    for repository in &rules.repository {
        if let Some(limits) = &repository.limits {
            limits.check()?;
        }
        for digest in repository.digests.iter().flatten() {
            digest
                .parse::<Digest>()
                .with_context(|| format!("repository {}: digests", repository.name))?;
        }
    }
    Ok(rules)
}

impl Rules {
    fn read_keys(&mut self, folder: &Path) -> Result<()> {
        self.public_keys = read_keys(&self.keys, folder)?;
        for repository in &mut self.repository {
            if let Some(keys) = &repository.keys {
                repository.public_keys = Some(read_keys(keys, folder)?);
            }
        }
        Ok(())
    }

    #[cfg(test)]
    pub(super) fn set_keys(&mut self, keys: &[PublicKey]) {
        self.public_keys = keys
            .iter()
            .map(|key| NamedKey {
                name: "test".into(),
                key: key.clone(),
            })
            .collect();
    }
}

fn read_keys(keys: &[String], folder: &Path) -> Result<Vec<NamedKey>> {
    keys.iter()
        .map(|key| {
            if key.contains("-----BEGIN") {
                let key = PublicKey::from_pem(key)?;
                let name = key.fingerprint();
                return Ok(NamedKey { name, key });
            }
            let path = folder.join(key);
            let pem = read_bounded(&path).with_context(|| format!("key {}", path.display()))?;
            let key =
                PublicKey::from_pem(&pem).with_context(|| format!("key {}", path.display()))?;
            let name = path.display().to_string();
            Ok(NamedKey { name, key })
        })
        .collect()
}

impl LimitRules {
    fn check(&self) -> Result<()> {
        self.memory_bytes()?;
        self.cpu_time()?;
        Ok(())
    }

    pub(crate) fn memory_bytes(&self) -> Result<Option<u64>> {
        self.memory
            .as_deref()
            .map(size::parse)
            .transpose()
            .context("limits: memory")
    }

    pub(crate) fn cpu_time(&self) -> Result<Option<std::time::Duration>> {
        self.cpu_time
            .as_deref()
            .map(duration::parse)
            .transpose()
            .context("limits: cpu-time")
    }
}

#[cfg(test)]
#[path = "../../../image/tests/support/mutate.rs"]
mod mutate;

#[cfg(test)]
mod tests {
    use super::mutate::{Random, rounds};
    use super::*;

    const SEED: &str = r#"
require-signatures = true
keys = ["a.pub"]
local = "allow"
[[repository]]
name = "registry.example/*"
digests = ["sha256:0000000000000000000000000000000000000000000000000000000000000000"]
[permissions]
helpers = { allow = ["bpf_*"], deny = ["bpf_probe_write_user"] }
attach-targets.allow = ["kprobe:tcp_*"]
[limits]
memory = "64MiB"
cpu-time = "10m"
"#;

    #[test]
    fn unknown_keys_are_named_with_their_line() {
        for (text, line) in [
            ("x = 1", "line 1"),
            ("\n[permissions]\nhelper.deny = []", "line 3"),
            ("[[repository]]\nname = \"*\"\nkey = []", "line 3"),
            ("[limits]\nmemory = \"1MiB\"\ncpu = \"1s\"", "line 3"),
        ] {
            let message = parse(text).unwrap_err().to_string();
            assert!(
                message.contains("unknown field") && message.contains(line),
                "{message}"
            );
        }
        parse(SEED).unwrap();
    }

    #[test]
    fn changed_policies_are_read_or_refused_and_never_panic() {
        let pieces = [
            "[", "]", "{", "}", "\"", "=", "\n", "*", "true", "deny", "-1", "1e9", "é",
        ];
        let mut random = Random(1);
        let mut read = 0;
        for _ in 0..rounds() / 10 {
            let changed = random.mutate(SEED.as_bytes(), &pieces);
            read += usize::from(parse(&String::from_utf8_lossy(&changed)).is_ok());
        }
        assert!(read > rounds() / 1000, "{read}");
    }
}
