//! `wasm_bpf`: the ABI of older guests, which are core modules, as an adapter over the kernel's
//! traits.
//!
//! Such a guest brings its BPF objects in its own memory, names everything by numbers that it was
//! given, and gets its events through a callback that the host calls while the guest waits. What
//! the contract (`wit/`) checks is checked here too, by the same code where there is one: limits,
//! policy, the operator's overrides, descriptors in the bytes of maps.
//!
//! Where this differs from the runtimes that guests were written for, `docs/compatibility.md` says
//! so.
//!
//! Failures are negative numbers: those of Linux, as the published runtimes return them, apart from
//! a poll that the operator's wish to stop cuts short, see [`INTERRUPTED`]. The ABI has no room for
//! a text, so that failures to load and to attach go to the log as well.

mod attach;
mod buffer;
mod callback;
mod errno;
mod linker;
mod map;
mod memory;
mod object;
mod poll;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::error::{Error, ErrorKind, Result};
use crate::host::link::Link;
use crate::host::object_state::ObjectRef;
use crate::host::{BpfCtx, BpfView};
use crate::kernel::Map;

use buffer::Buffer;

pub use linker::{CallbackNames, MODULE, add_to_linker};
pub use memory::GuestMemory;

/// What a poll returns when the operator asks the guest to stop: `-EINTR`, as the C library of
/// these guests (wasi-libc) numbers it, so that a guest's `err == -EINTR` is true. On Linux 27 is
/// `EFBIG`, which no poll returns.
pub const INTERRUPTED: i32 = -27;

/// What the host knows of one guest of this ABI: the numbers that it was given. No number is given
/// twice, so that one of something that is gone names nothing.
#[derive(Debug)]
pub struct Guest {
    /// What its objects are called in messages and by `bpftool`.
    name: String,
    callback_export: String,
    objects: BTreeMap<u64, GuestObject>,
    maps: BTreeMap<i32, GuestMap>,
    last_object: u64,
    last_map: i32,
    /// Polls that have not returned, each in a callback of the one before.
    polls: usize,
}

/// A loaded object and what holds its programs in their places.
#[derive(Debug)]
struct GuestObject {
    // Dropped before the object.
    links: Vec<Link>,
    object: ObjectRef,
}

/// A map that the guest asked for.
#[derive(Debug)]
struct GuestMap {
    /// The number of its object.
    object: u64,
    name: String,
    map: Arc<dyn Map>,
    buffer: Buffer,
}

/// Map numbers are small and not negative, as those of files are; 0 to 2 look like a mistake.
const FIRST_MAP: i32 = 3;

impl Guest {
    /// A guest that has nothing yet.
    pub fn new(name: impl Into<String>, names: &CallbackNames) -> Self {
        Self {
            name: name.into(),
            callback_export: names.callback_export.clone(),
            objects: BTreeMap::new(),
            maps: BTreeMap::new(),
            last_object: 0,
            last_map: FIRST_MAP - 1,
            polls: 0,
        }
    }

    fn object(&self, handle: u64) -> Result<&GuestObject> {
        self.objects.get(&handle).ok_or_else(|| unknown("object"))
    }

    fn map(&self, fd: i32) -> Result<&GuestMap> {
        self.maps.get(&fd).ok_or_else(|| unknown("map"))
    }
}

/// The guest names what it was never given, or what it has closed.
fn unknown(what: &str) -> Error {
    const EBADF: i32 = 9;
    Error::from_errno(EBADF, format!("find the {what} of a handle: there is none"))
        .with_kind(ErrorKind::InvalidArgument)
}

/// A guest's context and handles, as the functions of this ABI see them.
#[derive(Debug)]
pub struct View<'a> {
    /// What all guests have.
    pub ctx: &'a mut BpfCtx,
    /// What guests of this ABI have.
    pub guest: &'a mut Guest,
}

/// A store's data that holds a [`Guest`].
pub trait WasmBpfView: BpfView {
    /// Borrow both.
    fn wasm_bpf(&mut self) -> View<'_>;
}
