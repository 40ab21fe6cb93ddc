//! Numbers, and reading and writing a guest's memory.

use eunomia_host_abi::wasm_bpf::GuestMemory;
use wasmtime::Caller;

/// `errno` of the specification, as far as it is returned here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub(super) enum Errno {
    BadDescriptor = 8,
    Fault = 21,
    Interrupted = 27,
    InvalidArgument = 28,
    Io = 29,
    NotSupported = 58,
    NoSeek = 70,
}

/// The outcome of a function, before it becomes a number.
pub(super) type Outcome<T = ()> = Result<T, Errno>;

/// 0 or the errno.
pub(super) fn number(outcome: Outcome) -> i32 {
    outcome.map_or_else(|errno| errno as i32, |()| 0)
}

/// A guest that calls, and its memory.
pub(super) struct Guest<'a, 'b, T: 'static> {
    pub(super) caller: &'a mut Caller<'b, T>,
    memory: GuestMemory,
}

impl<'a, 'b, T: 'static> Guest<'a, 'b, T> {
    pub(super) fn new(caller: &'a mut Caller<'b, T>) -> wasmtime::Result<Self> {
        let memory = GuestMemory::of(caller)?;
        Ok(Self { caller, memory })
    }

    pub(super) fn bytes(&self, pointer: u32, length: u32) -> Outcome<&[u8]> {
        let bytes = self
            .memory
            .bytes(&*self.caller, pointer.into(), length.into());
        bytes.map_err(|_| Errno::Fault)
    }

    pub(super) fn bytes_mut(&mut self, pointer: u32, length: u32) -> Outcome<&mut [u8]> {
        let bytes = self
            .memory
            .bytes_mut(self.caller, pointer.into(), length.into());
        bytes.map_err(|_| Errno::Fault)
    }

    pub(super) fn write(&mut self, pointer: u32, bytes: &[u8]) -> Outcome {
        let length = u32::try_from(bytes.len()).map_err(|_| Errno::Fault)?;
        self.bytes_mut(pointer, length)?.copy_from_slice(bytes);
        Ok(())
    }

    pub(super) fn write_u32(&mut self, pointer: u32, value: u32) -> Outcome {
        self.write(pointer, &value.to_le_bytes())
    }

    pub(super) fn write_u64(&mut self, pointer: u32, value: u64) -> Outcome {
        self.write(pointer, &value.to_le_bytes())
    }

    /// The buffers of a vectored read or write: pointer and length of each.
    pub(super) fn vectors(&self, pointer: u32, count: u32) -> Outcome<Vec<(u32, u32)>> {
        /// As of `IOV_MAX` on Linux.
        const VECTORS_MAX: u32 = 1024;
        if count > VECTORS_MAX {
            return Err(Errno::InvalidArgument);
        }
        let bytes = self.bytes(pointer, count * 8)?;
        let words = bytes.chunks_exact(8).map(|vector| {
            let (pointer, length) = vector.split_at(4);
            (u32_of(pointer), u32_of(length))
        });
        Ok(words.collect())
    }
}

/// The first four bytes as a number; 0 when there are fewer.
pub(super) fn u32_of(bytes: &[u8]) -> u32 {
    bytes
        .first_chunk()
        .map_or(0, |word| u32::from_le_bytes(*word))
}

/// The first eight bytes as a number; 0 when there are fewer.
pub(super) fn u64_of(bytes: &[u8]) -> u64 {
    bytes
        .first_chunk()
        .map_or(0, |word| u64::from_le_bytes(*word))
}
