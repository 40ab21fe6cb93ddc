//! Calls of libbpf that libbpf-rs has no safe function for: properties of programs and maps.
//!
//! # Why `unsafe` is sound here
//! Pointers to libbpf's structures come from libbpf-rs values that are borrowed for the whole call,
//! so they are valid and not freed meanwhile. Strings that libbpf returns belong to the structure
//! (or are static) and are copied before the borrow ends. Buffers are passed with their own length.
#![allow(unsafe_code)]

use std::ffi::{CStr, CString, c_char};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::path::Path;
use std::ptr::NonNull;

use libbpf_rs::{AsRawLibbpf, OpenMap, OpenObject, OpenProgram, ProgramMut};

/// The bytes of the object's BTF as libbpf has it: that of the ELF file, with the sizes and offsets
/// of global variables, which the compiler leaves to the ELF symbols.
pub(super) fn object_btf(object: &OpenObject) -> Option<Vec<u8>> {
    // SAFETY: `object` is open.
    let btf = unsafe { libbpf_sys::bpf_object__btf(object.as_libbpf_object().as_ptr()) };
    let mut length = 0;
    // SAFETY: `btf` is null or belongs to `object`. Null is refused before the call.
    let bytes =
        (!btf.is_null()).then(|| unsafe { libbpf_sys::btf__raw_data(btf, &raw mut length) })?;
    if bytes.is_null() {
        return None;
    }
    // SAFETY: libbpf returned `length` bytes that live until the BTF is changed or freed.
    Some(unsafe { std::slice::from_raw_parts(bytes.cast::<u8>(), length as usize) }.to_vec())
}

/// The file descriptor of the object's BTF in the kernel.
pub(super) fn object_btf_fd(object: &libbpf_rs::Object) -> Option<OwnedFd> {
    // SAFETY: `object` is loaded.
    let fd = unsafe { libbpf_sys::bpf_object__btf_fd(object.as_libbpf_object().as_ptr()) };
    if fd < 0 {
        return None;
    }
    // SAFETY: libbpf keeps it open as long as the object lives, which is borrowed here.
    unsafe { BorrowedFd::borrow_raw(fd) }
        .try_clone_to_owned()
        .ok()
}

/// Whether load loaded the program.
pub(super) fn is_loaded(program: &ProgramMut<'_>) -> bool {
    // SAFETY: `program` is borrowed from a loaded object.
    unsafe { libbpf_sys::bpf_program__fd(program.as_libbpf_object().as_ptr()) >= 0 }
}

/// Whether `bpf_object__attach_skeleton` and the like attach it.
pub(super) fn program_autoattach(program: &OpenProgram<'_>) -> bool {
    // SAFETY: `program` is borrowed from an open object.
    unsafe { libbpf_sys::bpf_program__autoattach(program.as_libbpf_object().as_ptr()) }
}

/// `enum bpf_prog_type`.
pub(super) fn program_type(program: &OpenProgram<'_>) -> u32 {
    // SAFETY: as in `program_autoattach`.
    unsafe { libbpf_sys::bpf_program__type(program.as_libbpf_object().as_ptr()) }
}

/// `enum bpf_attach_type`.
pub(super) fn program_attach_type(program: &OpenProgram<'_>) -> u32 {
    // SAFETY: as in `program_autoattach`.
    unsafe { libbpf_sys::bpf_program__expected_attach_type(program.as_libbpf_object().as_ptr()) }
}

pub(super) fn program_type_name(program_type: u32) -> String {
    // SAFETY: takes a number.
    static_text(
        unsafe { libbpf_sys::libbpf_bpf_prog_type_str(program_type) },
        program_type,
    )
}

pub(super) fn map_type_name(map_type: u32) -> String {
    // SAFETY: takes a number.
    static_text(
        unsafe { libbpf_sys::libbpf_bpf_map_type_str(map_type) },
        map_type,
    )
}

/// Whether this kernel knows a type of program; found out by loading one. `None`: cannot be told.
pub(super) fn knows_program_type(program_type: u32) -> Option<bool> {
    // SAFETY: takes a number; no options.
    answer(unsafe { libbpf_sys::libbpf_probe_bpf_prog_type(program_type, std::ptr::null()) })
}

/// Whether this kernel knows a type of map; found out by creating one. `None`: cannot be told.
pub(super) fn knows_map_type(map_type: u32) -> Option<bool> {
    // SAFETY: takes a number; no options.
    answer(unsafe { libbpf_sys::libbpf_probe_bpf_map_type(map_type, std::ptr::null()) })
}

fn answer(code: i32) -> Option<bool> {
    (code >= 0).then_some(code > 0)
}

/// What a map declares beyond what libbpf-rs tells.
pub(super) struct MapDeclaration {
    pub(super) map_type: u32,
    pub(super) key_type_id: u32,
    pub(super) value_type_id: u32,
    pub(super) map_extra: u64,
    /// For global data, `.kconfig` and the like.
    pub(super) internal: bool,
    pub(super) pin_path: Option<String>,
}

pub(super) fn map_declaration(map: &OpenMap<'_>) -> MapDeclaration {
    declaration(map.as_libbpf_object())
}

fn declaration(map: NonNull<libbpf_sys::bpf_map>) -> MapDeclaration {
    let map = map.as_ptr();
    // SAFETY: the callers borrow `map` from an open object.
    unsafe {
        MapDeclaration {
            map_type: libbpf_sys::bpf_map__type(map),
            key_type_id: libbpf_sys::bpf_map__btf_key_type_id(map),
            value_type_id: libbpf_sys::bpf_map__btf_value_type_id(map),
            map_extra: libbpf_sys::bpf_map__map_extra(map),
            internal: libbpf_sys::bpf_map__is_internal(map),
            pin_path: text(libbpf_sys::bpf_map__pin_path(map)),
        }
    }
}

/// The shape that a map of maps declares for its slots.
pub(super) struct InnerMap {
    pub(super) declaration: MapDeclaration,
    pub(super) key_size: u32,
    pub(super) value_size: u32,
    pub(super) max_entries: u32,
    pub(super) map_flags: u32,
}

pub(super) fn inner_map(map: &OpenMap<'_>) -> Option<InnerMap> {
    // SAFETY: `map` is borrowed from an open object; its inner map, if it has one, lives until it
    // is loaded.
    let inner =
        NonNull::new(unsafe { libbpf_sys::bpf_map__inner_map(map.as_libbpf_object().as_ptr()) })?;
    let pointer = inner.as_ptr();
    // SAFETY: as above.
    unsafe {
        Some(InnerMap {
            declaration: declaration(inner),
            key_size: libbpf_sys::bpf_map__key_size(pointer),
            value_size: libbpf_sys::bpf_map__value_size(pointer),
            max_entries: libbpf_sys::bpf_map__max_entries(pointer),
            map_flags: libbpf_sys::bpf_map__map_flags(pointer),
        })
    }
}

/// Set a map's type to one that libbpf-rs may not know.
pub(super) fn set_map_type(map: &mut libbpf_rs::OpenMapMut<'_>, map_type: u32) -> io::Result<()> {
    // SAFETY: `map` is borrowed from an open object.
    checked(unsafe { libbpf_sys::bpf_map__set_type(map.as_libbpf_object().as_ptr(), map_type) })
}

/// What a new map is like.
pub(super) struct NewMap<'a> {
    pub(super) name: &'a str,
    pub(super) inner: &'a InnerMap,
    pub(super) btf_fd: Option<BorrowedFd<'a>>,
}

pub(super) fn create_map(new: &NewMap<'_>) -> io::Result<OwnedFd> {
    let name = CString::new(new.name).map_err(io::Error::other)?;
    let declaration = &new.inner.declaration;
    let mut options = libbpf_sys::bpf_map_create_opts {
        sz: size_of::<libbpf_sys::bpf_map_create_opts>() as u64,
        map_flags: new.inner.map_flags,
        map_extra: declaration.map_extra,
        ..Default::default()
    };
    if let Some(btf_fd) = new.btf_fd {
        options.btf_fd = btf_fd.as_raw_fd().cast_unsigned();
        options.btf_key_type_id = declaration.key_type_id;
        options.btf_value_type_id = declaration.value_type_id;
    }
    // SAFETY: `name` ends with a NUL, `options` says its size.
    let fd = unsafe {
        libbpf_sys::bpf_map_create(
            declaration.map_type,
            name.as_ptr(),
            new.inner.key_size,
            new.inner.value_size,
            new.inner.max_entries,
            &raw const options,
        )
    };
    checked(fd)?;
    // SAFETY: a new file descriptor that nobody else owns.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// What the kernel says of a loaded program.
pub(super) fn program_info(program: BorrowedFd<'_>) -> io::Result<libbpf_sys::bpf_prog_info> {
    let mut info = libbpf_sys::bpf_prog_info::default();
    let mut length = 0;
    length += u32::try_from(size_of_val(&info)).unwrap_or(0);
    // SAFETY: `info` has `length` bytes, and any bytes make a valid `bpf_prog_info`. It is zeroed,
    // so the kernel finds no further buffers to fill.
    checked(unsafe {
        libbpf_sys::bpf_prog_get_info_by_fd(program.as_raw_fd(), &raw mut info, &raw mut length)
    })?;
    Ok(info)
}

/// In and out of a test run.
pub(super) struct TestRun<'a> {
    pub(super) data: &'a [u8],
    pub(super) data_out: &'a mut Vec<u8>,
    pub(super) context: &'a [u8],
    pub(super) context_out: &'a mut Vec<u8>,
    pub(super) repeat: u32,
    pub(super) flags: u32,
    pub(super) cpu: u32,
    pub(super) batch_size: u32,
}

/// Run a program. The output vectors say by their length how much they can take, and are cut to
/// what was written. Returns the program's return value and the nanoseconds of one run.
pub(super) fn test_run(program: BorrowedFd<'_>, run: TestRun<'_>) -> io::Result<(u32, u32)> {
    let length = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    let in_pointer = |bytes: &[u8]| match bytes {
        [] => std::ptr::null(),
        bytes => bytes.as_ptr().cast(),
    };
    let out_pointer = |bytes: &mut Vec<u8>| match bytes.as_mut_slice() {
        [] => std::ptr::null_mut(),
        bytes => bytes.as_mut_ptr().cast(),
    };
    let mut options = libbpf_sys::bpf_test_run_opts {
        sz: size_of::<libbpf_sys::bpf_test_run_opts>() as u64,
        data_in: in_pointer(run.data),
        data_size_in: length(run.data),
        data_out: out_pointer(run.data_out),
        data_size_out: length(run.data_out),
        ctx_in: in_pointer(run.context),
        ctx_size_in: length(run.context),
        ctx_out: out_pointer(run.context_out),
        ctx_size_out: length(run.context_out),
        repeat: i32::try_from(run.repeat).unwrap_or(i32::MAX),
        flags: run.flags,
        cpu: run.cpu,
        batch_size: run.batch_size,
        ..Default::default()
    };
    // SAFETY: every pointer is null or has as many bytes as is said beside it. (A `syscall`
    // program's context is written back through `ctx_in`: the caller passes a copy, see
    // `run_syscall`.)
    checked(unsafe { libbpf_sys::bpf_prog_test_run_opts(program.as_raw_fd(), &raw mut options) })?;
    run.data_out.truncate(options.data_size_out as usize);
    run.context_out.truncate(options.ctx_size_out as usize);
    Ok((options.retval, options.duration))
}

/// Run a `syscall` program, which takes only a context and changes it in place.
pub(super) fn run_syscall(program: BorrowedFd<'_>, context: &mut [u8]) -> io::Result<u32> {
    let mut options = libbpf_sys::bpf_test_run_opts {
        sz: size_of::<libbpf_sys::bpf_test_run_opts>() as u64,
        ctx_size_in: u32::try_from(context.len()).unwrap_or(u32::MAX),
        ctx_in: match context {
            [] => std::ptr::null(),
            // The kernel writes through it, so it must come from a mutable borrow.
            context => context.as_mut_ptr().cast_const().cast(),
        },
        ..Default::default()
    };
    // SAFETY: the pointer is null or has as many bytes as is said beside it, writable ones.
    checked(unsafe { libbpf_sys::bpf_prog_test_run_opts(program.as_raw_fd(), &raw mut options) })?;
    Ok(options.retval)
}

/// Give a map, program or link a name in a BPF file system, where it lives on.
pub(super) fn pin(object: BorrowedFd<'_>, path: &Path) -> io::Result<()> {
    let path = CString::new(path.as_os_str().as_encoded_bytes()).map_err(io::Error::other)?;
    // SAFETY: `path` ends with a NUL.
    checked(unsafe { libbpf_sys::bpf_obj_pin(object.as_raw_fd(), path.as_ptr()) })
}

/// Free a link that others hold, and leave what it attaches: libbpf would switch off the perf event
/// of a probe. The descriptor of that event stays open as long as the process lives.
pub(super) fn leave_link(mut link: libbpf_rs::Link) {
    link.disconnect();
    let fd = link.as_fd().as_raw_fd();
    // SAFETY: libbpf does not close the descriptor of a link that is disconnected, and nobody uses
    // the link any more.
    drop(unsafe { OwnedFd::from_raw_fd(fd) });
    drop(link);
}

/// Detach and free a link, and hear of errors.
pub(super) fn destroy_link(link: libbpf_rs::Link) -> io::Result<()> {
    let pointer = link.as_libbpf_object();
    std::mem::forget(link);
    // SAFETY: the link was owned by `link`, which will not free it any more.
    checked(unsafe { libbpf_sys::bpf_link__destroy(pointer.as_ptr()) })
}

pub(super) fn checked(code: i32) -> io::Result<()> {
    if code < 0 {
        Err(io::Error::from_raw_os_error(-code))
    } else {
        Ok(())
    }
}

fn static_text(pointer: *const c_char, number: u32) -> String {
    // SAFETY: null, or one of libbpf's string constants.
    unsafe { text(pointer) }.unwrap_or_else(|| number.to_string())
}

/// # Safety
/// `pointer` is null or leads to a string that ends with a NUL and does not change meanwhile.
unsafe fn text(pointer: *const c_char) -> Option<String> {
    if pointer.is_null() {
        return None;
    }
    // SAFETY: the caller vouches for it.
    let text = unsafe { CStr::from_ptr(pointer) };
    Some(text.to_string_lossy().into_owned())
}
