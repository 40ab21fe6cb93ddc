//! WASI preview 1, as far as a guest without files and network can use it: arguments, standard
//! input and output, clocks, waiting, random numbers, an exit code.
//!
//! Ours rather than `wasmtime-wasi`'s, for what operators see: exit codes beyond 125 are codes and
//! no traps, a guest that sleeps hears of the operator's wish to stop, and output goes to the
//! shared console at once. (Its feature `p1` would also change how `wasmtime` itself is compiled.)
//!
//! Numbers and layouts are those of the specification, `wasi_snapshot_preview1.witx`.

mod abi;
mod arguments;
mod clocks;
mod descriptors;
mod process;
mod wait;

use std::fmt;

use eunomia_host_abi::stop::StopSignal;
use wasmtime::{ExternType, Linker, Module, Val};
use wasmtime_wasi::p2::{InputStream, OutputStream};

use crate::console::Console;
use abi::Errno;

/// The module that guests import it from.
const MODULE: &str = "wasi_snapshot_preview1";

/// A guest's side of WASI preview 1.
pub(crate) struct Preview1 {
    /// The program's name first.
    pub(crate) args: Vec<String>,
    /// None: output is dropped, input is at its end.
    pub(crate) console: Option<Console>,
    /// The guest's end of the console, which lets through what a terminal may be told.
    pub(crate) stdout: Option<Box<dyn OutputStream>>,
    pub(crate) stderr: Option<Box<dyn OutputStream>>,
    /// Opened when it is first read.
    pub(crate) stdin: Option<Box<dyn InputStream>>,
    pub(crate) stop: StopSignal,
    /// A sleep was cut short because the guest is to stop.
    pub(crate) interrupted: bool,
}

impl fmt::Debug for Preview1 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Preview1")
            .field("args", &self.args)
            .finish_non_exhaustive()
    }
}

/// A store's data that holds a [`Preview1`].
pub(crate) trait Preview1View: Send + 'static {
    /// Borrow it. Counts as a call of the host.
    fn preview1(&mut self) -> &mut Preview1;
    /// The guest is about to wait: pass on what it printed.
    fn before_wait(&mut self);
}

/// Functions that need a file, a folder or a socket, of which a guest has none, or that a guest of
/// ours cannot use.
const REFUSED: &[(&str, Errno)] = &[
    ("fd_advise", Errno::BadDescriptor),
    ("fd_allocate", Errno::BadDescriptor),
    ("fd_datasync", Errno::BadDescriptor),
    ("fd_fdstat_set_rights", Errno::BadDescriptor),
    ("fd_filestat_set_size", Errno::BadDescriptor),
    ("fd_filestat_set_times", Errno::BadDescriptor),
    ("fd_pread", Errno::BadDescriptor),
    ("fd_prestat_get", Errno::BadDescriptor),
    ("fd_prestat_dir_name", Errno::BadDescriptor),
    ("fd_pwrite", Errno::BadDescriptor),
    ("fd_readdir", Errno::BadDescriptor),
    ("fd_renumber", Errno::BadDescriptor),
    ("fd_sync", Errno::BadDescriptor),
    ("fd_seek", Errno::NoSeek),
    ("fd_tell", Errno::NoSeek),
    ("path_create_directory", Errno::BadDescriptor),
    ("path_filestat_get", Errno::BadDescriptor),
    ("path_filestat_set_times", Errno::BadDescriptor),
    ("path_link", Errno::BadDescriptor),
    ("path_open", Errno::BadDescriptor),
    ("path_readlink", Errno::BadDescriptor),
    ("path_remove_directory", Errno::BadDescriptor),
    ("path_rename", Errno::BadDescriptor),
    ("path_symlink", Errno::BadDescriptor),
    ("path_unlink_file", Errno::BadDescriptor),
    ("proc_raise", Errno::NotSupported),
    ("sock_accept", Errno::BadDescriptor),
    ("sock_recv", Errno::BadDescriptor),
    ("sock_send", Errno::BadDescriptor),
    ("sock_shutdown", Errno::BadDescriptor),
];

/// Define what `module` imports of WASI preview 1.
///
/// # Errors
/// When the linker has it already.
pub(crate) fn add_to_linker<T: Preview1View>(
    linker: &mut Linker<T>,
    module: &Module,
) -> wasmtime::Result<()> {
    arguments::add_to_linker(linker)?;
    clocks::add_to_linker(linker)?;
    descriptors::add_to_linker(linker)?;
    process::add_to_linker(linker)?;
    wait::add_to_linker(linker)?;
    let mut defined = Vec::new();
    for import in module.imports().filter(|import| import.module() == MODULE) {
        let refused = REFUSED.iter().find(|(name, _)| *name == import.name());
        let (Some((name, errno)), ExternType::Func(ty)) = (refused, import.ty()) else {
            continue;
        };
        // They all return one errno; a module that thinks otherwise is not linked.
        let returns_errno = ty.results().len() == 1 && ty.result(0).is_some_and(|ty| ty.is_i32());
        if !returns_errno || defined.contains(name) {
            continue;
        }
        defined.push(*name);
        let errno = *errno as i32;
        linker.func_new(MODULE, name, ty, move |_caller, _params, results| {
            results[0] = Val::I32(errno);
            Ok(())
        })?;
    }
    Ok(())
}
