//! Who reads which buffer.
//!
//! A ring has one position of its reader, in memory that every file descriptor of the map shares:
//! two readers in one process would free each other's records. So there is at most one for each
//! map.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use eunomia_host_abi::{Error, ErrorKind, Result};

/// Ids of the maps that have a reader (or writer, for user ring buffers) in this process.
static TAKEN: Mutex<BTreeSet<u32>> = Mutex::new(BTreeSet::new());

/// The right to be the one user of a buffer. Dropping it gives it back.
#[derive(Debug)]
pub(super) struct Reservation {
    map_id: u32,
}

impl Reservation {
    pub(super) fn new(map_id: u32, map_name: &str) -> Result<Self> {
        if taken().insert(map_id) {
            Ok(Self { map_id })
        } else {
            Err(Error::new(
                ErrorKind::Busy,
                format!("open buffer `{map_name}`: it is open in this process already"),
            ))
        }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        taken().remove(&self.map_id);
    }
}

fn taken() -> std::sync::MutexGuard<'static, BTreeSet<u32>> {
    // A set that is inserted to and removed from is whole even if somebody panicked meanwhile.
    TAKEN.lock().unwrap_or_else(PoisonError::into_inner)
}
