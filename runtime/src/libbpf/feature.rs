//! What this kernel knows, found out by trying it with programs that do nothing. They are gone when
//! these functions return.
//!
//! # Why `unsafe` is sound here
//! Every call passes numbers, strings that end with a NUL, and buffers with their own length; each
//! descriptor that comes back is owned at once.
#![allow(unsafe_code)]

use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::{FromRawFd, OwnedFd};

use libbpf_sys::{bpf_insn, bpf_prog_load_opts};

use super::{log, raw};

/// Bytes for the verifier's log of a trial: a few lines.
const LOG_BYTES: usize = 16 * 1024;

/// `BPF_JMP | BPF_CALL`, `BPF_JMP | BPF_EXIT` and `BPF_ALU64 | BPF_MOV | BPF_K`.
const CALL: u8 = 0x85;
const EXIT: u8 = 0x95;
const MOVE: u8 = 0xb7;

/// `BPF_F_SLEEPABLE`.
const SLEEPABLE: u32 = 1 << 4;

/// A kind of program to try.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Trial<'a> {
    /// `enum bpf_prog_type`.
    pub(crate) program_type: u32,
    /// `enum bpf_attach_type`.
    pub(crate) attach_type: u32,
    /// What it is verified against, by its number in the kernel's BTF; 0: nothing.
    pub(crate) function: u32,
    pub(crate) sleepable: bool,
    /// That of its object, which decides what it may call.
    pub(crate) license: &'a CStr,
}

/// Whether the kernel knows a type of program; `None`: cannot be told.
pub(crate) fn knows_program_type(program_type: u32) -> Option<bool> {
    log::captured(|| raw::knows_program_type(program_type)).0
}

/// Whether the kernel knows a type of map; `None`: cannot be told.
pub(crate) fn knows_map_type(map_type: u32) -> Option<bool> {
    log::captured(|| raw::knows_map_type(map_type)).0
}

/// The number in the kernel's BTF of what a program of this attach type is verified against.
pub(crate) fn function(name: &str, attach_type: u32) -> Option<u32> {
    let name = CString::new(name).ok()?;
    // SAFETY: `name` ends with a NUL.
    let id = log::captured(|| unsafe {
        libbpf_sys::libbpf_find_vmlinux_btf_id(name.as_ptr(), attach_type)
    });
    u32::try_from(id.0).ok().filter(|id| *id > 0)
}

/// Load a program that returns 0.
pub(crate) fn load(trial: Trial<'_>) -> io::Result<()> {
    let code = [
        bpf_insn {
            code: MOVE,
            ..Default::default()
        },
        exit(),
    ];
    load_code(trial, &code, &mut Vec::new())
}

/// Whether programs of this kind may call a helper; `None`: cannot be told.
pub(crate) fn may_call(trial: Trial<'_>, helper: u32) -> Option<bool> {
    let call = bpf_insn {
        code: CALL,
        imm: helper.cast_signed(),
        ..Default::default()
    };
    let mut words = Vec::new();
    if load_code(trial, &[call, exit()], &mut words).is_ok() {
        return Some(true);
    }
    let words = String::from_utf8_lossy(&words);
    if words.trim_matches(['\0', '\n']).is_empty() {
        return None;
    }
    // What verifiers have said over the years; whatever else they say is of the call's arguments.
    let refused = [
        "invalid func ",
        "unknown func ",
        "program of this type cannot use helper ",
        "cannot call GPL-restricted function",
        "helper call might sleep",
    ];
    Some(!refused.iter().any(|sign| words.contains(sign)))
}

fn exit() -> bpf_insn {
    bpf_insn {
        code: EXIT,
        ..Default::default()
    }
}

fn load_code(trial: Trial<'_>, code: &[bpf_insn], words: &mut Vec<u8>) -> io::Result<()> {
    words.resize(LOG_BYTES, 0);
    let options = bpf_prog_load_opts {
        sz: size_of::<bpf_prog_load_opts>() as u64,
        expected_attach_type: trial.attach_type,
        attach_btf_id: trial.function,
        prog_flags: if trial.sleepable { SLEEPABLE } else { 0 },
        log_level: 1,
        log_size: LOG_BYTES as u32,
        log_buf: words.as_mut_ptr().cast(),
        ..Default::default()
    };
    // SAFETY: all buffers have the length that is said beside them and outlive the call.
    let fd = unsafe {
        libbpf_sys::bpf_prog_load(
            trial.program_type,
            c"ecli_trial".as_ptr(),
            trial.license.as_ptr(),
            code.as_ptr(),
            code.len() as u64,
            &raw const options as *mut _,
        )
    };
    raw::checked(fd)?;
    // SAFETY: a new file descriptor that nobody else owns.
    drop(unsafe { OwnedFd::from_raw_fd(fd) });
    Ok(())
}
