//! What a guest prints, kept.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use eunomia_runtime::Stdio;
use eunomia_runtime::console::Console;

/// Standard output of a guest that is kept in memory. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Printed(Arc<Mutex<Vec<u8>>>);

impl Printed {
    /// All that was written yet; what is no UTF-8 is replaced.
    pub fn text(&self) -> String {
        let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// For a guest that prints here.
    pub fn stdio(&self) -> Stdio {
        Stdio::Console(Console::new(Box::new(self.clone()), false))
    }
}

impl Write for Printed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut printed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        printed.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
