use std::io;

use crate::attach::LinkInfo;
use crate::bindings::eunomia::bpf::attach as host;
use crate::bindings::wasi::io::streams::{InputStream, StreamError};
use crate::error::Result;

/// An attached program. Dropping it detaches, as does the end of the guest, however it ends.
#[derive(Debug)]
#[must_use = "dropping the link detaches the program"]
pub struct Link {
    handle: host::Link,
}

impl Link {
    pub(crate) fn new(handle: host::Link) -> Self {
        Self { handle }
    }

    pub(crate) fn handle(&self) -> &host::Link {
        &self.handle
    }

    /// What is attached where.
    pub fn info(&self) -> LinkInfo {
        self.handle.info()
    }

    /// Stay attached until the guest ends.
    pub fn keep(self) {
        self.handle.keep();
    }

    /// Detach now and hear of errors, which dropping passes over.
    ///
    /// # Errors
    /// The host's.
    pub fn detach(self) -> Result<()> {
        Ok(self.handle.detach()?)
    }

    /// Run an attached iterator program from the start and read what it writes. Reading runs it.
    ///
    /// # Errors
    /// `NotSupported` for links of other programs.
    pub fn iterate(&self) -> Result<IteratorOutput> {
        let stream = self.handle.iterate()?;
        Ok(IteratorOutput { stream })
    }
}

/// What an iterator program writes: text or records.
#[derive(Debug)]
pub struct IteratorOutput {
    stream: InputStream,
}

impl io::Read for IteratorOutput {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        match self.stream.blocking_read(buffer.len() as u64) {
            Ok(bytes) => {
                let room = buffer.get_mut(..bytes.len()).ok_or_else(|| {
                    io::Error::other("the host returned more bytes than were asked for")
                })?;
                room.copy_from_slice(&bytes);
                Ok(bytes.len())
            }
            Err(StreamError::Closed) => Ok(0),
            Err(StreamError::LastOperationFailed(error)) => {
                Err(io::Error::other(error.to_debug_string()))
            }
        }
    }
}
