//! Probes of kernel functions and of places in user space. For `unsafe`, see the parent module.
#![allow(unsafe_code)]

use std::ffi::{CString, c_char};
use std::io;

use libbpf_rs::{AsRawLibbpf, Link};

use super::{Program, c_string, owned, size};

/// Strings for C, and an array of pointers to them.
struct Strings {
    pointers: Vec<*const c_char>,
    _strings: Vec<CString>,
}

impl Strings {
    fn new(texts: &[String]) -> io::Result<Self> {
        let strings = texts
            .iter()
            .map(|text| c_string(text))
            .collect::<io::Result<Vec<_>>>()?;
        Ok(Self {
            pointers: strings.iter().map(|string| string.as_ptr()).collect(),
            _strings: strings,
        })
    }
}

/// Null for an empty list.
fn list<T>(items: &[T]) -> *const T {
    if items.is_empty() {
        std::ptr::null()
    } else {
        items.as_ptr()
    }
}

/// A kernel function.
pub(in super::super) struct Kprobe<'a> {
    pub(in super::super) symbol: &'a str,
    pub(in super::super) offset: u64,
    pub(in super::super) cookie: u64,
    pub(in super::super) on_return: bool,
}

pub(in super::super) fn kprobe(program: &Program<'_>, kprobe: &Kprobe<'_>) -> io::Result<Link> {
    let symbol = c_string(kprobe.symbol)?;
    let options = libbpf_sys::bpf_kprobe_opts {
        sz: size::<libbpf_sys::bpf_kprobe_opts>(),
        bpf_cookie: kprobe.cookie,
        offset: kprobe.offset,
        retprobe: kprobe.on_return,
        ..Default::default()
    };
    // SAFETY: see the module.
    owned(unsafe {
        libbpf_sys::bpf_program__attach_kprobe_opts(
            program.as_libbpf_object().as_ptr(),
            symbol.as_ptr(),
            &raw const options,
        )
    })
}

pub(in super::super) fn ksyscall(
    program: &Program<'_>,
    name: &str,
    cookie: u64,
    on_return: bool,
) -> io::Result<Link> {
    let name = c_string(name)?;
    let options = libbpf_sys::bpf_ksyscall_opts {
        sz: size::<libbpf_sys::bpf_ksyscall_opts>(),
        bpf_cookie: cookie,
        retprobe: on_return,
        ..Default::default()
    };
    // SAFETY: see the module.
    owned(unsafe {
        libbpf_sys::bpf_program__attach_ksyscall(
            program.as_libbpf_object().as_ptr(),
            name.as_ptr(),
            &raw const options,
        )
    })
}

/// How a multi-probe runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in super::super) struct MultiMode {
    pub(in super::super) on_return: bool,
    pub(in super::super) session: bool,
}

pub(in super::super) fn kprobe_multi_pattern(
    program: &Program<'_>,
    pattern: &str,
    mode: MultiMode,
) -> io::Result<Link> {
    let pattern = c_string(pattern)?;
    let options = libbpf_sys::bpf_kprobe_multi_opts {
        sz: size::<libbpf_sys::bpf_kprobe_multi_opts>(),
        retprobe: mode.on_return,
        session: mode.session,
        ..Default::default()
    };
    // SAFETY: see the module.
    owned(unsafe {
        libbpf_sys::bpf_program__attach_kprobe_multi_opts(
            program.as_libbpf_object().as_ptr(),
            pattern.as_ptr(),
            &raw const options,
        )
    })
}

/// `cookies` are as many as `symbols`, or none.
pub(in super::super) fn kprobe_multi(
    program: &Program<'_>,
    symbols: &[String],
    cookies: &[u64],
    mode: MultiMode,
) -> io::Result<Link> {
    assert!(
        cookies.is_empty() || cookies.len() == symbols.len(),
        "cookies"
    );
    let mut symbols = Strings::new(symbols)?;
    let options = libbpf_sys::bpf_kprobe_multi_opts {
        sz: size::<libbpf_sys::bpf_kprobe_multi_opts>(),
        cnt: symbols.pointers.len() as u64,
        syms: symbols.pointers.as_mut_ptr(),
        cookies: list(cookies),
        retprobe: mode.on_return,
        session: mode.session,
        ..Default::default()
    };
    // SAFETY: see the module; `symbols` and `cookies` have `cnt` items.
    owned(unsafe {
        libbpf_sys::bpf_program__attach_kprobe_multi_opts(
            program.as_libbpf_object().as_ptr(),
            std::ptr::null(),
            &raw const options,
        )
    })
}

/// A place in a binary.
pub(in super::super) struct Uprobe<'a> {
    pub(in super::super) binary: &'a str,
    pub(in super::super) pid: i32,
    /// None: `offset` is one in the file.
    pub(in super::super) symbol: Option<&'a str>,
    pub(in super::super) offset: u64,
    pub(in super::super) reference_counter: u64,
    pub(in super::super) cookie: u64,
    pub(in super::super) on_return: bool,
}

pub(in super::super) fn uprobe(program: &Program<'_>, uprobe: &Uprobe<'_>) -> io::Result<Link> {
    let binary = c_string(uprobe.binary)?;
    let symbol = uprobe.symbol.map(c_string).transpose()?;
    let options = libbpf_sys::bpf_uprobe_opts {
        sz: size::<libbpf_sys::bpf_uprobe_opts>(),
        ref_ctr_offset: uprobe.reference_counter,
        bpf_cookie: uprobe.cookie,
        retprobe: uprobe.on_return,
        func_name: symbol
            .as_ref()
            .map_or(std::ptr::null(), |symbol| symbol.as_ptr()),
        ..Default::default()
    };
    // SAFETY: see the module.
    owned(unsafe {
        libbpf_sys::bpf_program__attach_uprobe_opts(
            program.as_libbpf_object().as_ptr(),
            uprobe.pid,
            binary.as_ptr(),
            uprobe.offset,
            &raw const options,
        )
    })
}

/// Places in a binary. The lists are as long as that of the places, or empty.
pub(in super::super) struct UprobeMulti<'a> {
    pub(in super::super) binary: &'a str,
    pub(in super::super) pid: i32,
    pub(in super::super) pattern: Option<&'a str>,
    pub(in super::super) symbols: &'a [String],
    pub(in super::super) offsets: &'a [u64],
    pub(in super::super) reference_counters: &'a [u64],
    pub(in super::super) cookies: &'a [u64],
    pub(in super::super) mode: MultiMode,
}

pub(in super::super) fn uprobe_multi(
    program: &Program<'_>,
    places: &UprobeMulti<'_>,
) -> io::Result<Link> {
    let count = places.symbols.len().max(places.offsets.len());
    for items in [places.reference_counters, places.cookies, places.offsets] {
        assert!(
            items.is_empty() || items.len() == count,
            "lists of one length"
        );
    }
    let binary = c_string(places.binary)?;
    let pattern = places.pattern.map(c_string).transpose()?;
    let mut symbols = Strings::new(places.symbols)?;
    let options = libbpf_sys::bpf_uprobe_multi_opts {
        sz: size::<libbpf_sys::bpf_uprobe_multi_opts>(),
        syms: match symbols.pointers.as_mut_slice() {
            [] => std::ptr::null_mut(),
            pointers => pointers.as_mut_ptr(),
        },
        offsets: list(places.offsets),
        ref_ctr_offsets: list(places.reference_counters),
        cookies: list(places.cookies),
        cnt: count as u64,
        retprobe: places.mode.on_return,
        session: places.mode.session,
        ..Default::default()
    };
    // SAFETY: see the module; every list that is not null has `cnt` items.
    owned(unsafe {
        libbpf_sys::bpf_program__attach_uprobe_multi(
            program.as_libbpf_object().as_ptr(),
            places.pid,
            binary.as_ptr(),
            pattern
                .as_ref()
                .map_or(std::ptr::null(), |pattern| pattern.as_ptr()),
            &raw const options,
        )
    })
}

/// A USDT place.
pub(in super::super) struct Usdt<'a> {
    pub(in super::super) binary: &'a str,
    pub(in super::super) pid: i32,
    pub(in super::super) provider: &'a str,
    pub(in super::super) name: &'a str,
    pub(in super::super) cookie: u64,
}

pub(in super::super) fn usdt(program: &Program<'_>, usdt: &Usdt<'_>) -> io::Result<Link> {
    let binary = c_string(usdt.binary)?;
    let (provider, name) = (c_string(usdt.provider)?, c_string(usdt.name)?);
    let options = libbpf_sys::bpf_usdt_opts {
        sz: size::<libbpf_sys::bpf_usdt_opts>(),
        usdt_cookie: usdt.cookie,
    };
    // SAFETY: see the module.
    owned(unsafe {
        libbpf_sys::bpf_program__attach_usdt(
            program.as_libbpf_object().as_ptr(),
            usdt.pid,
            binary.as_ptr(),
            provider.as_ptr(),
            name.as_ptr(),
            &raw const options,
        )
    })
}
