//! The shape of the slots of a map of maps.

use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, OnceLock};

use eunomia_host_abi::Result;
use eunomia_host_abi::kernel::MapInfo;

use super::failure::from_io;
use super::raw::{self, InnerMap, NewMap};

/// What new inner maps are like.
#[derive(Clone)]
pub(super) struct InnerTemplate {
    inner: Arc<InnerMap>,
    /// The object's BTF in the kernel, once it is loaded: inner maps whose values hold locks or
    /// timers need it.
    btf_fd: Arc<OnceLock<OwnedFd>>,
}

impl InnerTemplate {
    pub(super) fn new(inner: InnerMap) -> Self {
        Self {
            inner: Arc::new(inner),
            btf_fd: Arc::default(),
        }
    }

    /// The object was loaded.
    pub(super) fn set_btf_fd(&self, fd: Option<OwnedFd>) {
        if let Some(fd) = fd {
            // Set once, by load, which happens once.
            let _ = self.btf_fd.set(fd);
        }
    }

    /// BTF types of key and value.
    pub(super) fn type_ids(&self) -> (u32, u32) {
        let declaration = &self.inner.declaration;
        (declaration.key_type_id, declaration.value_type_id)
    }

    /// Create a map for a slot of map `outer`.
    pub(super) fn create(&self, outer: &str) -> Result<(OwnedFd, MapInfo)> {
        let mut new = NewMap {
            name: "inner",
            inner: &self.inner,
            btf_fd: self.btf_fd.get().map(AsFd::as_fd),
        };
        let mut fd = raw::create_map(&new);
        if fd.is_err() && new.btf_fd.is_some() {
            // Some kinds of maps take no types; libbpf tries in the same order.
            new.btf_fd = None;
            fd = raw::create_map(&new);
        }
        let fd =
            fd.map_err(|error| from_io(&error, format!("create an inner map for map `{outer}`")))?;
        let (key_type_id, value_type_id) = self.type_ids();
        let declared = MapInfo {
            name: format!("{outer}[]"),
            type_name: raw::map_type_name(self.inner.declaration.map_type),
            key_type_id,
            value_type_id,
            map_extra: self.inner.declaration.map_extra,
            ..MapInfo::default()
        };
        Ok((fd, declared))
    }
}

impl std::fmt::Debug for InnerTemplate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let declaration = &self.inner.declaration;
        f.debug_struct("InnerTemplate")
            .field("map_type", &declaration.map_type)
            .field("max_entries", &self.inner.max_entries)
            .finish_non_exhaustive()
    }
}
