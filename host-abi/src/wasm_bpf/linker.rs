//! The functions that guests of this ABI import.

use wasmtime::{Caller, ExternType, Linker, Module, ValType};

use super::attach::Place;
use super::callback::Callback;
use super::map::{self, Operation};
use super::memory::GuestMemory;
use super::poll::{self, Request};
use super::{WasmBpfView, errno};
use crate::error::{Error, Result};
use crate::limits::{NAME_BYTES_MAX, PATH_BYTES_MAX};

/// The module that guests import this ABI from.
pub const MODULE: &str = "wasm_bpf";

/// What it was called before, which guests of the Go compiler for small places still say.
const OLD_MODULE: &str = "env";

const POLL: &str = "wasm_bpf_buffer_poll";
const OPERATE: &str = "wasm_bpf_map_operate";

/// Names that guests written in Go use, which have no table of functions to name a callback in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallbackNames {
    /// The module that they import `wasm_bpf_buffer_poll` from.
    pub wrapper_module: String,
    /// The function that they export for their samples.
    pub callback_export: String,
}

impl Default for CallbackNames {
    fn default() -> Self {
        Self {
            wrapper_module: "callback-wrapper".into(),
            callback_export: "go-callback".into(),
        }
    }
}

/// Define what `module` imports of this ABI.
///
/// # Errors
/// When the linker has it already.
pub fn add_to_linker<T: WasmBpfView + 'static>(
    linker: &mut Linker<T>,
    module: &Module,
    names: &CallbackNames,
) -> wasmtime::Result<()> {
    add_functions(linker, module, MODULE)?;
    let is_old = |import: &str| import.starts_with("wasm_");
    let imports = || module.imports();
    if imports().any(|import| import.module() == OLD_MODULE && is_old(import.name())) {
        add_functions(linker, module, OLD_MODULE)?;
    }
    let wrapper = &names.wrapper_module;
    if [MODULE, OLD_MODULE].contains(&wrapper.as_str()) {
        return Ok(());
    }
    linker.func_wrap_async(wrapper, POLL, poll_exported::<T>)?;
    Ok(())
}

fn add_functions<T: WasmBpfView + 'static>(
    linker: &mut Linker<T>,
    guest: &Module,
    module: &str,
) -> wasmtime::Result<()> {
    linker.func_wrap(module, "wasm_load_bpf_object", load::<T>)?;
    linker.func_wrap(
        module,
        "wasm_close_bpf_object",
        |mut caller: Caller<'_, T>, object: u64| match caller.data_mut().wasm_bpf().close(object) {
            true => 0,
            false => -1,
        },
    )?;
    linker.func_wrap(module, "wasm_attach_bpf_program", attach::<T>)?;
    linker.func_wrap(module, "wasm_attach_bpf_program_fd", attach_fd::<T>)?;
    linker.func_wrap(module, "wasm_bpf_map_fd_by_name", map_by_name::<T>)?;
    linker.func_wrap_async(module, POLL, poll_indexed::<T>)?;
    if has_wide_pointers(guest, module) {
        linker.func_wrap(
            module,
            OPERATE,
            |caller: Caller<'_, T>, fd, command, key, value, next_key, flags| {
                operate(caller, (fd, command), [key, value, next_key], flags)
            },
        )?;
    } else {
        linker.func_wrap(
            module,
            OPERATE,
            |caller: Caller<'_, T>, fd, command, key: u32, value: u32, next_key: u32, flags| {
                let pointers = [key, value, next_key].map(u64::from);
                operate(caller, (fd, command), pointers, flags)
            },
        )?;
    }
    Ok(())
}

/// Whether the guest was built with bindings that pass pointers to `wasm_bpf_map_operate` as i64.
fn has_wide_pointers(guest: &Module, module: &str) -> bool {
    const KEY: usize = 2;
    guest
        .imports()
        .filter(|import| import.module() == module && import.name() == OPERATE)
        .any(|import| match import.ty() {
            ExternType::Func(function) => matches!(function.param(KEY), Some(ValType::I64)),
            _ => false,
        })
}

fn load<T: WasmBpfView + 'static>(
    mut caller: Caller<'_, T>,
    elf: u32,
    bytes: u32,
) -> wasmtime::Result<u64> {
    let memory = *GuestMemory::of(&mut caller)?.memory();
    let (data, state) = memory.data_and_store_mut(&mut caller);
    let loaded = super::memory::checked(data.len(), elf.into(), bytes.into())
        .and_then(|range| state.wasm_bpf().load(&data[range]));
    Ok(loaded.unwrap_or_else(|error| {
        tell(&error);
        0
    }))
}

fn attach<T: WasmBpfView + 'static>(
    mut caller: Caller<'_, T>,
    object: u64,
    program: u32,
    target: u32,
) -> wasmtime::Result<i32> {
    let memory = GuestMemory::of(&mut caller)?;
    let attached = (|| {
        let program = memory.text(&caller, program.into(), NAME_BYTES_MAX)?;
        let target = match target {
            0 => String::new(),
            target => memory.text(&caller, target.into(), PATH_BYTES_MAX)?,
        };
        let mut view = caller.data_mut().wasm_bpf();
        view.attach(object, &program, Place::Named(&target))
    })();
    Ok(told(attached))
}

fn attach_fd<T: WasmBpfView + 'static>(
    mut caller: Caller<'_, T>,
    object: u64,
    program: u32,
    fd: i32,
) -> wasmtime::Result<i32> {
    let memory = GuestMemory::of(&mut caller)?;
    let place = match fd {
        ..0 => Place::Section,
        fd => Place::Folder(fd),
    };
    let program = memory.text(&caller, program.into(), NAME_BYTES_MAX);
    Ok(told(program.and_then(|program| {
        caller.data_mut().wasm_bpf().attach(object, &program, place)
    })))
}

fn map_by_name<T: WasmBpfView + 'static>(
    mut caller: Caller<'_, T>,
    object: u64,
    name: u32,
) -> wasmtime::Result<i32> {
    let memory = GuestMemory::of(&mut caller)?;
    let name = memory.text(&caller, name.into(), NAME_BYTES_MAX);
    let found = name.and_then(|name| caller.data_mut().wasm_bpf().map_by_name(object, &name));
    Ok(found.unwrap_or_else(|error| {
        tracing::debug!(error = error.text(), "find a map");
        errno::of(&error)
    }))
}

fn operate<T: WasmBpfView + 'static>(
    mut caller: Caller<'_, T>,
    (fd, command): (i32, i32),
    [key, value, next_key]: [u64; 3],
    flags: u64,
) -> wasmtime::Result<i32> {
    let memory = GuestMemory::of(&mut caller)?;
    let operation = Operation {
        fd,
        command,
        key,
        value,
        next_key,
        flags,
    };
    let done = map::operate(&mut caller, memory, &operation);
    Ok(done.map_or_else(|error| errno::of(&error), |()| 0))
}

/// A poll's parameters: object, map, callback, context, data, bytes, milliseconds.
type IndexedPoll = (u64, i32, u32, u32, u32, i32, i32);

fn poll_indexed<T: WasmBpfView + 'static>(
    mut caller: Caller<'_, T>,
    (object, fd, callback, context, data, bytes_max, timeout_ms): IndexedPoll,
) -> Box<dyn Future<Output = wasmtime::Result<i32>> + Send + '_> {
    let request = Request {
        object,
        fd,
        context,
        data,
        bytes_max,
        timeout_ms,
    };
    let callback = Callback::at(&mut caller, callback);
    Box::new(poll_with(caller, request, callback))
}

/// The same without the callback, which has a name.
type ExportedPoll = (u64, i32, u32, u32, i32, i32);

fn poll_exported<T: WasmBpfView + 'static>(
    mut caller: Caller<'_, T>,
    (object, fd, context, data, bytes_max, timeout_ms): ExportedPoll,
) -> Box<dyn Future<Output = wasmtime::Result<i32>> + Send + '_> {
    let request = Request {
        object,
        fd,
        context,
        data,
        bytes_max,
        timeout_ms,
    };
    let name = caller.data_mut().wasm_bpf().guest.callback_export.clone();
    let callback = Callback::exported(&mut caller, &name);
    Box::new(poll_with(caller, request, callback))
}

async fn poll_with<T: WasmBpfView + 'static>(
    mut caller: Caller<'_, T>,
    request: Request,
    callback: Result<Callback>,
) -> wasmtime::Result<i32> {
    match callback {
        Ok(callback) => poll::poll(&mut caller, &request, &callback).await,
        Err(error) => Ok(told(Err(error))),
    }
}

fn told(outcome: Result<()>) -> i32 {
    match outcome {
        Ok(()) => 0,
        Err(error) => {
            tell(&error);
            errno::of(&error)
        }
    }
}

/// Say aloud what the guest gets as a number only.
fn tell(error: &Error) {
    tracing::warn!("{}", error.text());
}
