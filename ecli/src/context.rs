//! What every command needs: the options of all verbs merged with the configuration files.

use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;

use anyhow::Result;
use eunomia_image::{Store, default_store_root};

use crate::cli::Global;
use crate::config::Config;
use crate::environment::user_folder;

/// The settings that hold for this run of `ecli`.
#[derive(Debug)]
pub(crate) struct Context {
    /// What the configuration files say; the command line goes before it.
    pub(crate) config: Config,
    store: Option<PathBuf>,
}

impl Context {
    /// Reads the configuration files.
    pub(crate) fn new(global: Global) -> Result<Self> {
        let config = Config::load()?;
        Ok(Self {
            store: global.store,
            config,
        })
    }

    /// Opens the image store: `--store`, `ECLI_STORE`, the configuration, or the default.
    pub(crate) fn store(&self) -> Result<Store> {
        let root = match self.store.clone().or_else(|| self.config.store.clone()) {
            Some(root) => root,
            None => default_store_root()?,
        };
        Ok(Store::open(root)?)
    }

    /// Where compiled components are kept: beside the images, if the store is this user's own, or
    /// else in the user's cache. Others must not put machine code there.
    pub(crate) fn component_cache(&self) -> Result<Option<PathBuf>> {
        let store = self.store()?;
        let owner = std::fs::metadata(store.root()).map(|metadata| metadata.uid());
        if owner.is_ok_and(|owner| owner == rustix::process::geteuid().as_raw()) {
            return Ok(Some(store.cache_folder()));
        }
        Ok(user_cache())
    }
}

/// What this user's ecli can make or fetch again (XDG base directories); none for users without a
/// home.
pub(crate) fn user_cache() -> Option<PathBuf> {
    Some(user_folder("XDG_CACHE_HOME", ".cache")?.join("ecli"))
}
