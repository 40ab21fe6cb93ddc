//! What a case's folder says of it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use eunomia_tests::repository;
use serde::Deserialize;

use crate::run::KernelName;

/// A case. Without a `case.toml` it is one run without arguments on both kernels.
#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) name: String,
    /// Of the guest.
    pub(crate) language: &'static str,
    pub(crate) only: Option<KernelName>,
    /// The real kernel counts how often programs run meanwhile.
    pub(crate) statistics: bool,
    pub(crate) runs: Vec<Run>,
}

/// `case.toml`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    /// The one kernel that can do it, and why the other cannot.
    only: Option<KernelName>,
    why: Option<String>,
    /// The real kernel is to count how often programs run meanwhile.
    #[serde(default)]
    statistics: bool,
    #[serde(default)]
    run: Vec<Run>,
}

/// One run of the guest.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Run {
    #[serde(default)]
    pub(crate) args: Vec<String>,
    /// Globals that the operator sets, as text.
    #[serde(default)]
    pub(crate) globals: BTreeMap<String, String>,
    /// Targets that the operator chooses, by program, as text.
    #[serde(default)]
    pub(crate) attach: BTreeMap<String, Vec<String>>,
    /// Links that the operator lets the guest hold.
    pub(crate) links_max: Option<usize>,
    /// The operator asks the guest to stop when it has printed this line.
    pub(crate) stop_when: Option<String>,
}

impl Case {
    pub(crate) fn read(name: &str, language: &'static str) -> Result<Self> {
        let path = folder(name).join("case.toml");
        let mut manifest = match std::fs::read_to_string(&path) {
            Ok(text) => toml::from_str(&text).with_context(|| path.display().to_string())?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Manifest::default(),
            Err(error) => return Err(error).with_context(|| path.display().to_string()),
        };
        let has_reason = manifest.why.as_ref().is_some_and(|why| !why.is_empty());
        ensure!(
            manifest.only.is_some() == has_reason,
            "{name}: `only` and `why` go together"
        );
        let mut runs = std::mem::take(&mut manifest.run);
        if runs.is_empty() {
            runs.push(Run::default());
        }
        let Manifest {
            only, statistics, ..
        } = manifest;
        Ok(Self {
            name: name.to_owned(),
            language,
            only,
            statistics,
            runs,
        })
    }

    pub(crate) fn runs_on(&self, kernel: KernelName) -> bool {
        self.only.is_none_or(|only| only == kernel)
    }

    /// The kernel whose lines are written down: the real one must agree with the fake one.
    pub(crate) fn blessing_kernel(&self) -> KernelName {
        self.only.unwrap_or(KernelName::Fake)
    }

    pub(crate) fn expected_path(&self) -> PathBuf {
        folder(&self.name).join("expected.txt")
    }
}

fn folder(name: &str) -> PathBuf {
    repository().join("tests/guests").join(name)
}
