use crate::bindings::eunomia::bpf::bpf_map::{self as host, MapInfo};
use crate::error::Result;

/// A map of an object that is not loaded yet: its shape can still change.
#[derive(Debug)]
pub struct OpenMap {
    handle: host::BpfMap,
}

impl OpenMap {
    pub(crate) fn new(handle: host::BpfMap) -> Self {
        Self { handle }
    }

    /// Name, type and sizes, as they are now.
    pub fn info(&self) -> MapInfo {
        self.handle.info()
    }

    /// Set the number of entries, or of bytes for ring buffers.
    ///
    /// # Errors
    /// The host's.
    pub fn set_max_entries(&self, max_entries: u32) -> Result<()> {
        Ok(self.handle.set_max_entries(max_entries)?)
    }

    /// Set the size of a value, for arrays whose last member is flexible.
    ///
    /// # Errors
    /// The host's.
    pub fn set_value_size(&self, bytes: u32) -> Result<()> {
        Ok(self.handle.set_value_size(bytes)?)
    }

    /// Set the map's type, a number of `enum bpf_map_type`.
    ///
    /// # Errors
    /// `NotSupported` for changes that make no sense, see `wit/bpf-map.wit`.
    pub fn set_map_type(&self, map_type: u32) -> Result<()> {
        Ok(self.handle.set_map_type(map_type)?)
    }

    /// Set whether loading creates the map at all.
    ///
    /// # Errors
    /// The host's.
    pub fn set_autocreate(&self, create: bool) -> Result<()> {
        Ok(self.handle.set_autocreate(create)?)
    }

    /// Share the map under a name with other instances on this host.
    ///
    /// # Errors
    /// `DeniedByPolicy` without the operator's leave.
    pub fn set_pin_name(&self, name: &str) -> Result<()> {
        Ok(self.handle.set_pin_name(name)?)
    }
}
