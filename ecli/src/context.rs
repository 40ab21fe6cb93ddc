//! What every command needs: the options of all verbs merged with the configuration files.

use std::path::PathBuf;

use anyhow::Result;
use eunomia_image::{Store, default_store_root};

use crate::cli::Global;
use crate::config::Config;

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
}
