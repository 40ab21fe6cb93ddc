//! The memory of a guest that is a core module, and what it says lies there.

use std::ops::Range;

use wasmtime::{AsContext, AsContextMut, Caller, Extern, Memory};

use crate::error::{Error, ErrorKind, Result};

/// The linear memory of a core module. Every access is checked against its size; no pointer or
/// length of a guest can overflow on the way.
#[derive(Clone, Copy, Debug)]
pub struct GuestMemory(Memory);

impl GuestMemory {
    /// The memory that the caller of a host function exports.
    ///
    /// # Errors
    /// A trap when it exports none.
    pub fn of<T: 'static>(caller: &mut Caller<'_, T>) -> wasmtime::Result<Self> {
        match caller.get_export("memory") {
            Some(Extern::Memory(memory)) => Ok(Self(memory)),
            _ => Err(wasmtime::Error::msg("the module exports no `memory`")),
        }
    }

    /// The memory itself.
    pub fn memory(&self) -> &Memory {
        &self.0
    }

    /// The `length` bytes at `pointer`.
    ///
    /// # Errors
    /// `EFAULT` when they are not all in the guest's memory.
    pub fn bytes<'a>(
        &self,
        ctx: &'a impl AsContext<Data: 'static>,
        pointer: u64,
        length: u64,
    ) -> Result<&'a [u8]> {
        let data = self.0.data(ctx.as_context());
        Ok(&data[checked(data.len(), pointer, length)?])
    }

    /// The same, to be written.
    ///
    /// # Errors
    /// As [`Self::bytes`].
    pub fn bytes_mut<'a, C: AsContextMut<Data: 'static>>(
        &self,
        ctx: &'a mut C,
        pointer: u64,
        length: u64,
    ) -> Result<&'a mut [u8]> {
        let data = self.0.data_mut(ctx);
        let range = checked(data.len(), pointer, length)?;
        Ok(&mut data[range])
    }

    /// The text at `pointer`, up to the byte 0 behind it.
    ///
    /// # Errors
    /// `EFAULT` when the memory ends first, `LimitExceeded` when there is no 0 in the first
    /// `bytes_max` bytes, `InvalidArgument` when it is not UTF-8.
    pub(super) fn text(
        &self,
        ctx: &impl AsContext<Data: 'static>,
        pointer: u64,
        bytes_max: usize,
    ) -> Result<String> {
        let data = self.0.data(ctx.as_context());
        text(data, pointer, bytes_max)
    }
}

/// Where `length` bytes at `pointer` lie in a memory of `size` bytes.
pub(super) fn checked(size: usize, pointer: u64, length: u64) -> Result<Range<usize>> {
    let end = pointer
        .checked_add(length)
        .and_then(|end| usize::try_from(end).ok());
    match (usize::try_from(pointer), end) {
        (Ok(start), Some(end)) if end <= size => Ok(start..end),
        _ => Err(outside(pointer, length)),
    }
}

fn outside(pointer: u64, length: u64) -> Error {
    const EFAULT: i32 = 14;
    Error::from_errno(
        EFAULT,
        format!("use {length} bytes at {pointer:#x}: they are not in the guest's memory"),
    )
    .with_kind(ErrorKind::InvalidArgument)
}

fn text(data: &[u8], pointer: u64, bytes_max: usize) -> Result<String> {
    let start = checked(data.len(), pointer, 1)?.start;
    let window = &data[start..data.len().min(start.saturating_add(bytes_max + 1))];
    let Some(length) = window.iter().position(|byte| *byte == 0) else {
        if window.len() <= bytes_max {
            return Err(outside(pointer, window.len() as u64 + 1));
        }
        return Err(Error::new(
            ErrorKind::LimitExceeded,
            format!("read a text at {pointer:#x}: it has more than {bytes_max} bytes"),
        ));
    };
    match std::str::from_utf8(&window[..length]) {
        Ok(text) => Ok(text.to_owned()),
        Err(error) => Err(Error::new(
            ErrorKind::InvalidArgument,
            format!("read a text at {pointer:#x}"),
        )
        .with_source(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_end_with_the_memory_and_do_not_overflow() {
        assert_eq!(checked(8, 0, 8).unwrap(), 0..8);
        assert_eq!(checked(8, 8, 0).unwrap(), 8..8);
        for (pointer, length) in [(0, 9), (9, 0), (1, 8), (u64::MAX, 1), (1, u64::MAX), (8, 1)] {
            let error = checked(8, pointer, length).unwrap_err();
            assert_eq!(error.errno(), 14, "{pointer} {length}");
        }
    }

    #[test]
    fn texts_end_at_their_first_zero() {
        let data = b"abc\0de\xff\0xyz";
        assert_eq!(text(data, 0, 3).unwrap(), "abc");
        assert_eq!(text(data, 3, 3).unwrap(), "");
        let kind = |pointer, bytes_max| text(data, pointer, bytes_max).unwrap_err().kind();
        assert_eq!(kind(0, 2), ErrorKind::LimitExceeded);
        assert_eq!(kind(4, 100), ErrorKind::InvalidArgument);
        for pointer in [8, 11, u64::MAX] {
            assert_eq!(text(data, pointer, 100).unwrap_err().errno(), 14);
        }
    }
}
