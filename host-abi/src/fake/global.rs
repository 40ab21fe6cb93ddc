//! Global variables as programs reach them: the test's side.

use crate::error::{Error, ErrorKind, Result};
use crate::fake::kernel::FakeKernel;

impl FakeKernel {
    /// The value of a global variable of a loaded object, `NAME` or `OBJECT/NAME`.
    ///
    /// # Errors
    /// `NotFound` when no such variable is loaded now.
    pub fn global(&self, name: &str) -> Result<Vec<u8>> {
        self.with_global(name, |value| value.to_vec())
    }

    /// Sets a global variable of a loaded object, as a program does.
    ///
    /// # Errors
    /// As [`Self::global`]; `InvalidArgument` for a value of another size, or of a constant.
    pub fn set_global(&self, name: &str, value: &[u8]) -> Result<()> {
        let (info, _) = self.find_global(name)?;
        if info.constant || value.len() != info.size as usize {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                format!(
                    "set global variable \"{name}\" to {} bytes: it has {} in {}",
                    value.len(),
                    info.size,
                    info.section
                ),
            ));
        }
        self.with_global(name, |place| place.copy_from_slice(value))
    }

    fn with_global<T>(&self, name: &str, run: impl FnOnce(&mut [u8]) -> T) -> Result<T> {
        let (info, map) = self.find_global(name)?;
        let start = info.offset as usize;
        let mut table = map.table("reach a variable of")?.lock();
        let place = table
            .memory()
            .and_then(|memory| memory.get_mut(start..start + info.size as usize));
        place
            .map(run)
            .ok_or_else(|| map.not_supported("reach a variable of"))
    }
}
