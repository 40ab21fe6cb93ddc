//! `vmlinux.h`: the types of the running kernel as one C header.
//!
//! # Why `unsafe` is sound here
//! libbpf's BTF and dump objects are created, used and freed in this module by one owner each. The
//! callback of the dump gets back the pointer to the text that it was given with, while the only
//! reference to that text is lent to the dump.
#![allow(unsafe_code)]

use std::ffi::{CString, c_char, c_void};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::ptr::NonNull;

use eunomia_host_abi::{Error, Result};
use libbpf_sys::{btf, btf_dump};

use crate::libbpf::host::KERNEL_BTF;

/// In front of the types; the same as bpftool writes.
const PREAMBLE: &str = "\
#ifndef __VMLINUX_H__
#define __VMLINUX_H__

#ifndef BPF_NO_PRESERVE_ACCESS_INDEX
#pragma clang attribute push (__attribute__((preserve_access_index)), apply_to = record)
#endif

";

/// Behind them.
const POSTAMBLE: &str = "
#ifndef BPF_NO_PRESERVE_ACCESS_INDEX
#pragma clang attribute pop
#endif

#endif /* __VMLINUX_H__ */
";

/// Bytes to begin with; a kernel's header has some 3 MiB.
const TEXT_BYTES_EXPECTED: usize = 4 * 1024 * 1024;

/// The text of `vmlinux.h` for the kernel whose BTF is in the file `btf_path`, or for the running
/// one.
///
/// # Errors
/// When the file cannot be read or is not BTF: `NotFound` when this kernel does not show its types.
pub fn vmlinux_header(btf_path: Option<&Path>) -> Result<String> {
    let path = btf_path.unwrap_or(Path::new(KERNEL_BTF));
    let failed = |error: io::Error, what: &str| {
        Error::from_errno(
            error.raw_os_error().unwrap_or(0),
            format!("write vmlinux.h from {}: {what}", path.display()),
        )
    };
    if !path.exists() {
        let hint = match btf_path {
            Some(_) => "there is no such file",
            None => "this kernel does not describe its types (CONFIG_DEBUG_INFO_BTF)",
        };
        return Err(failed(rustix::io::Errno::NOENT.into(), hint));
    }
    let types = Types::read(path).map_err(|error| failed(error, "read the types"))?;
    let mut text = String::with_capacity(TEXT_BYTES_EXPECTED);
    text.push_str(PREAMBLE);
    types
        .dump(&mut text)
        .map_err(|error| failed(error, "print a type"))?;
    text.push_str(POSTAMBLE);
    Ok(text)
}

/// Parsed BTF.
struct Types(NonNull<btf>);

impl Types {
    fn read(path: &Path) -> io::Result<Self> {
        let path = CString::new(path.as_os_str().as_bytes())?;
        // SAFETY: `path` ends with a NUL.
        let btf = unsafe { libbpf_sys::btf__parse(path.as_ptr(), std::ptr::null_mut()) };
        NonNull::new(btf)
            .map(Self)
            .ok_or_else(io::Error::last_os_error)
    }

    fn dump(&self, text: &mut String) -> io::Result<()> {
        // SAFETY: the BTF outlives the dump, which is dropped first; `text` is not used otherwise
        // as long as the dump lives.
        let dump = unsafe {
            libbpf_sys::btf_dump__new(
                self.0.as_ptr(),
                Some(append),
                std::ptr::from_mut(text).cast(),
                std::ptr::null(),
            )
        };
        let dump = Dump(NonNull::new(dump).ok_or_else(io::Error::last_os_error)?);
        // SAFETY: the BTF is alive.
        let count = unsafe { libbpf_sys::btf__type_cnt(self.0.as_ptr()) };
        for id in 1..count {
            // SAFETY: the dump is alive, and so is the text that it appends to.
            let code = unsafe { libbpf_sys::btf_dump__dump_type(dump.0.as_ptr(), id) };
            if code < 0 {
                return Err(io::Error::from_raw_os_error(-code));
            }
        }
        Ok(())
    }
}

/// What the dump calls for each piece of text.
unsafe extern "C" fn append(
    text: *mut c_void,
    format: *const c_char,
    args: *mut libbpf_sys::__va_list_tag,
) {
    // SAFETY: the pointer that `dump` passed, to a `String` that nobody else uses meanwhile.
    let text = unsafe { &mut *text.cast::<String>() };
    // SAFETY: what libbpf passed to this callback.
    unsafe { crate::c_format::append(text, format, args) };
}

impl Drop for Types {
    fn drop(&mut self) {
        // SAFETY: owned, and freed once.
        unsafe { libbpf_sys::btf__free(self.0.as_ptr()) };
    }
}

struct Dump(NonNull<btf_dump>);

impl Drop for Dump {
    fn drop(&mut self) {
        // SAFETY: owned, and freed once, before the BTF.
        unsafe { libbpf_sys::btf_dump__free(self.0.as_ptr()) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_running_kernel_has_tasks() {
        let text = vmlinux_header(None).unwrap();
        assert!(text.starts_with("#ifndef __VMLINUX_H__"));
        assert!(text.contains("struct task_struct {"));
        assert!(text.contains("typedef unsigned int __u32;"));
        assert!(text.trim_end().ends_with("#endif /* __VMLINUX_H__ */"));
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = vmlinux_header(Some(Path::new("/nonexistent/btf"))).unwrap_err();
        assert_eq!(error.kind(), eunomia_host_abi::ErrorKind::NotFound);
        assert!(error.to_string().contains("/nonexistent/btf"));
    }
}
