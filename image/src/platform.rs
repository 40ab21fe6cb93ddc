//! The platform that an image is for.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Error, ErrorKind};

/// Operating system and CPU, in Go's spelling (`linux/amd64`, `linux/arm64`, `linux/arm/v7`).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Platform {
    /// CPU architecture, a `GOARCH`.
    pub architecture: String,
    /// Operating system, a `GOOS`.
    pub os: String,
    /// Variant of the CPU.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
}

impl Platform {
    /// `linux` on `architecture` (a `GOARCH`).
    pub fn linux(architecture: impl Into<String>) -> Self {
        Self {
            architecture: architecture.into(),
            os: "linux".to_owned(),
            variant: None,
        }
    }

    /// The platform that this program runs on.
    pub fn host() -> Self {
        let architecture = match std::env::consts::ARCH {
            "x86_64" => "amd64",
            "aarch64" => "arm64",
            "x86" => "386",
            "loongarch64" => "loong64",
            "powerpc64" if cfg!(target_endian = "little") => "ppc64le",
            "powerpc64" => "ppc64",
            other => other,
        };
        Self::linux(architecture)
    }

    /// Whether an image for `self` runs on `host`: same system and CPU, and no variant that the
    /// host does not name.
    pub fn runs_on(&self, host: &Platform) -> bool {
        self.os == host.os
            && self.architecture == host.architecture
            && match (&self.variant, &host.variant) {
                (Some(ours), Some(theirs)) => ours == theirs,
                _ => true,
            }
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        match &self.variant {
            Some(variant) => write!(f, "/{variant}"),
            None => Ok(()),
        }
    }
}

impl FromStr for Platform {
    type Err = Error;

    /// Parses `os/architecture[/variant]`.
    fn from_str(text: &str) -> Result<Self, Error> {
        let mut parts = text.split('/');
        let mut part = || parts.next().filter(|part| is_word(part)).map(str::to_owned);
        let (os, architecture) = (part(), part());
        let rest: Vec<&str> = parts.collect();
        match (os, architecture, rest.as_slice()) {
            (Some(os), Some(architecture), []) => Ok(Self {
                architecture,
                os,
                variant: None,
            }),
            (Some(os), Some(architecture), [variant]) if is_word(variant) => Ok(Self {
                architecture,
                os,
                variant: Some((*variant).to_owned()),
            }),
            _ => Err(Error::new(
                ErrorKind::InvalidInput,
                format!("parse platform {text:?}: expected os/architecture, as in linux/arm64"),
            )),
        }
    }
}

fn is_word(part: &str) -> bool {
    (1..=32).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_platform_prints_as_it_parses() {
        for text in ["linux/amd64", "linux/arm64", "linux/arm/v7"] {
            assert_eq!(text.parse::<Platform>().expect(text).to_string(), text);
        }
        for text in [
            "",
            "linux",
            "linux/",
            "/amd64",
            "linux/arm/v7/x",
            "linux/arm/",
            "a b/c",
        ] {
            assert!(text.parse::<Platform>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_variant_matters_only_when_both_sides_name_one() {
        let v7: Platform = "linux/arm/v7".parse().expect("valid");
        let v6: Platform = "linux/arm/v6".parse().expect("valid");
        assert!(v7.runs_on(&Platform::linux("arm")));
        assert!(v7.runs_on(&v7));
        assert!(!v7.runs_on(&v6));
        assert!(!Platform::linux("amd64").runs_on(&Platform::linux("arm64")));
    }
}
