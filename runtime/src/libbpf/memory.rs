//! The memory of an array map that is mapped into this process.

use std::os::fd::AsFd;

use eunomia_host_abi::kernel::map_type;
use eunomia_host_abi::{Error, ErrorKind, Result};

use super::failure::from_io;
use super::map_fd::MapFd;
use super::mapping::{Access, Mapping, page_bytes};

/// The elements of an array, each at a multiple of 8 bytes.
#[derive(Debug)]
pub(super) struct Memory {
    name: String,
    mapping: Mapping,
    /// Bytes of all elements; the mapping is longer, up to a whole page.
    length: usize,
}

impl Memory {
    /// The memory in `place`, mapped first if it is not, or not writable and has to be.
    pub(super) fn mapped<'a>(
        place: &'a mut Option<Self>,
        fd: &MapFd,
        name: &str,
        write: bool,
    ) -> Result<&'a Self> {
        let usable = place
            .as_ref()
            .is_some_and(|memory| memory.mapping.is_writable() || !write);
        if !usable {
            *place = Some(Self::new(fd, name, write)?);
        }
        place.as_ref().ok_or_else(|| unmappable(name))
    }

    fn new(fd: &MapFd, name: &str, write: bool) -> Result<Self> {
        let shape = fd.shape();
        let mappable =
            shape.map_type == map_type::ARRAY && shape.map_flags & libbpf_sys::BPF_F_MMAPABLE != 0;
        let length = (shape.max_entries as usize)
            .checked_mul(shape.value_size.next_multiple_of(8))
            .filter(|_| mappable)
            .ok_or_else(|| unmappable(name))?;
        let access = if write {
            Access::ReadWrite
        } else {
            Access::Read
        };
        let mapping = Mapping::new(fd.as_fd(), 0, length.next_multiple_of(page_bytes()), access)
            .map_err(|error| from_io(&error, format!("map the memory of map `{name}`")))?;
        Ok(Self {
            name: name.to_owned(),
            mapping,
            length,
        })
    }

    pub(super) fn read(&self, offset: u64, length: usize) -> Result<Vec<u8>> {
        let offset = self.inside(offset, length)?;
        let mut bytes = Vec::new();
        self.mapping.read(offset, length, &mut bytes);
        Ok(bytes)
    }

    pub(super) fn write(&self, offset: u64, bytes: &[u8]) -> Result<()> {
        let offset = self.inside(offset, bytes.len())?;
        self.mapping.write(offset, bytes);
        Ok(())
    }

    fn inside(&self, offset: u64, length: usize) -> Result<usize> {
        usize::try_from(offset)
            .ok()
            .filter(|start| {
                start
                    .checked_add(length)
                    .is_some_and(|end| end <= self.length)
            })
            .ok_or_else(|| {
                Error::new(
                    ErrorKind::InvalidArgument,
                    format!(
                        "memory of map `{}`: {length} bytes at {offset} are beyond its {} bytes",
                        self.name, self.length
                    ),
                )
            })
    }
}

fn unmappable(name: &str) -> Error {
    Error::new(
        ErrorKind::NotSupported,
        format!("memory of map `{name}`: it is not an array with BPF_F_MMAPABLE"),
    )
}
