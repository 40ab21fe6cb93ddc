//! The calls that attach, beyond those that libbpf-rs has.
//!
//! # Why `unsafe` is sound here
//! Programs are borrowed from a loaded object for the whole call. Options say their own size, and what
//! they point to (strings, lists) lives in local variables until the call returns; libbpf copies what it
//! keeps. A link that libbpf returns is owned by nobody else.
#![allow(unsafe_code)]

use std::ffi::{CString, c_char};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, IntoRawFd, OwnedFd};
use std::ptr::NonNull;

use libbpf_rs::{AsRawLibbpf, Link, ProgramMut};
use libbpf_sys::bpf_link_create_opts;

/// A program that can be attached.
pub(super) type Program<'a> = ProgramMut<'a>;

/// A size for `sz` of libbpf's options.
const fn size<T>() -> u64 {
    size_of::<T>() as u64
}

fn owned(link: *mut libbpf_sys::bpf_link) -> io::Result<Link> {
    // libbpf 1 returns null and sets errno; nothing lies between.
    match NonNull::new(link) {
        // SAFETY: a new link, see the module.
        Some(link) => Ok(unsafe { Link::from_ptr(link) }),
        None => Err(io::Error::last_os_error()),
    }
}

fn c_string(text: &str) -> io::Result<CString> {
    CString::new(text).map_err(|_| io::Error::from(rustix::io::Errno::INVAL))
}

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

pub(super) fn by_section(program: &Program<'_>) -> io::Result<Link> {
    // SAFETY: see the module.
    owned(unsafe { libbpf_sys::bpf_program__attach(program.as_libbpf_object().as_ptr()) })
}

pub(super) fn tracepoint(
    program: &Program<'_>,
    category: &str,
    name: &str,
    cookie: u64,
) -> io::Result<Link> {
    let (category, name) = (c_string(category)?, c_string(name)?);
    let options = libbpf_sys::bpf_tracepoint_opts {
        sz: size::<libbpf_sys::bpf_tracepoint_opts>(),
        bpf_cookie: cookie,
    };
    // SAFETY: see the module.
    owned(unsafe {
        libbpf_sys::bpf_program__attach_tracepoint_opts(
            program.as_libbpf_object().as_ptr(),
            category.as_ptr(),
            name.as_ptr(),
            &raw const options,
        )
    })
}

pub(super) fn raw_tracepoint(program: &Program<'_>, name: &str, cookie: u64) -> io::Result<Link> {
    let name = c_string(name)?;
    let mut options = libbpf_sys::bpf_raw_tracepoint_opts {
        sz: size::<libbpf_sys::bpf_raw_tracepoint_opts>(),
        cookie,
        ..Default::default()
    };
    // SAFETY: see the module.
    owned(unsafe {
        libbpf_sys::bpf_program__attach_raw_tracepoint_opts(
            program.as_libbpf_object().as_ptr(),
            name.as_ptr(),
            &raw mut options,
        )
    })
}

/// fentry and the like, tp_btf, LSM: where the program was loaded for.
pub(super) fn trace(program: &Program<'_>, cookie: u64) -> io::Result<Link> {
    let options = libbpf_sys::bpf_trace_opts {
        sz: size::<libbpf_sys::bpf_trace_opts>(),
        cookie,
    };
    // SAFETY: see the module.
    owned(unsafe {
        libbpf_sys::bpf_program__attach_trace_opts(
            program.as_libbpf_object().as_ptr(),
            &raw const options,
        )
    })
}

/// A kernel function.
pub(super) struct Kprobe<'a> {
    pub(super) symbol: &'a str,
    pub(super) offset: u64,
    pub(super) cookie: u64,
    pub(super) on_return: bool,
}

pub(super) fn kprobe(program: &Program<'_>, kprobe: &Kprobe<'_>) -> io::Result<Link> {
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

pub(super) fn ksyscall(
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
pub(super) struct MultiMode {
    pub(super) on_return: bool,
    pub(super) session: bool,
}

pub(super) fn kprobe_multi_pattern(
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
pub(super) fn kprobe_multi(
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
pub(super) struct Uprobe<'a> {
    pub(super) binary: &'a str,
    pub(super) pid: i32,
    /// None: `offset` is one in the file.
    pub(super) symbol: Option<&'a str>,
    pub(super) offset: u64,
    pub(super) reference_counter: u64,
    pub(super) cookie: u64,
    pub(super) on_return: bool,
}

pub(super) fn uprobe(program: &Program<'_>, uprobe: &Uprobe<'_>) -> io::Result<Link> {
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
pub(super) struct UprobeMulti<'a> {
    pub(super) binary: &'a str,
    pub(super) pid: i32,
    pub(super) pattern: Option<&'a str>,
    pub(super) symbols: &'a [String],
    pub(super) offsets: &'a [u64],
    pub(super) reference_counters: &'a [u64],
    pub(super) cookies: &'a [u64],
    pub(super) mode: MultiMode,
}

pub(super) fn uprobe_multi(program: &Program<'_>, places: &UprobeMulti<'_>) -> io::Result<Link> {
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
pub(super) struct Usdt<'a> {
    pub(super) binary: &'a str,
    pub(super) pid: i32,
    pub(super) provider: &'a str,
    pub(super) name: &'a str,
    pub(super) cookie: u64,
}

pub(super) fn usdt(program: &Program<'_>, usdt: &Usdt<'_>) -> io::Result<Link> {
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

/// Attach to a perf event and start it.
pub(super) fn perf_event(program: &Program<'_>, event: OwnedFd) -> io::Result<Link> {
    // SAFETY: see the module.
    let link = owned(unsafe {
        libbpf_sys::bpf_program__attach_perf_event(
            program.as_libbpf_object().as_ptr(),
            event.as_raw_fd(),
        )
    })?;
    // The link closes it.
    let _ = event.into_raw_fd();
    Ok(link)
}

/// What an iterator walks.
#[derive(Clone, Copy)]
pub(super) enum Walked<'a> {
    Everything,
    Map(BorrowedFd<'a>),
    Cgroup(BorrowedFd<'a>, u32),
    Process(u32),
    Thread(u32),
}

pub(super) fn iterator(program: &Program<'_>, walked: Walked<'_>) -> io::Result<Link> {
    let mut info = libbpf_sys::bpf_iter_link_info::default();
    let number = |fd: BorrowedFd<'_>| fd.as_raw_fd().cast_unsigned();
    match walked {
        Walked::Everything => {}
        Walked::Map(fd) => info.map.map_fd = number(fd),
        Walked::Cgroup(fd, order) => {
            info.cgroup.cgroup_fd = number(fd);
            info.cgroup.order = order;
        }
        Walked::Process(pid) => info.task.pid = pid,
        Walked::Thread(tid) => info.task.tid = tid,
    }
    let mut options = libbpf_sys::bpf_iter_attach_opts {
        sz: size::<libbpf_sys::bpf_iter_attach_opts>(),
        ..Default::default()
    };
    if !matches!(walked, Walked::Everything) {
        options.link_info = &raw mut info;
        options.link_info_len = u32::try_from(size_of_val(&info)).unwrap_or(0);
    }
    // SAFETY: see the module.
    owned(unsafe {
        libbpf_sys::bpf_program__attach_iter(
            program.as_libbpf_object().as_ptr(),
            &raw const options,
        )
    })
}

/// Replace a function of the program behind `target`.
pub(super) fn function(
    program: &Program<'_>,
    target: BorrowedFd<'_>,
    function: &str,
) -> io::Result<Link> {
    let function = c_string(function)?;
    // SAFETY: see the module.
    owned(unsafe {
        libbpf_sys::bpf_program__attach_freplace(
            program.as_libbpf_object().as_ptr(),
            target.as_raw_fd(),
            function.as_ptr(),
        )
    })
}

pub(super) fn struct_ops(map: &libbpf_rs::Map<'_>) -> io::Result<Link> {
    // SAFETY: `map` is borrowed from a loaded object.
    owned(unsafe { libbpf_sys::bpf_map__attach_struct_ops(map.as_libbpf_object().as_ptr()) })
}

/// The program with an id of the kernel's.
pub(in super::super) fn program_by_id(id: u32) -> io::Result<OwnedFd> {
    // SAFETY: takes a number.
    let fd = unsafe { libbpf_sys::bpf_prog_get_fd_by_id(id) };
    super::super::raw::checked(fd)?;
    // SAFETY: a new file descriptor that nobody else owns.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// A link of the kernel's that libbpf has no structure for. Closing it detaches.
pub(super) fn link(
    program: &Program<'_>,
    target: i32,
    attach_type: u32,
    options: bpf_link_create_opts,
) -> io::Result<OwnedFd> {
    let options = bpf_link_create_opts {
        sz: size::<bpf_link_create_opts>(),
        ..options
    };
    // SAFETY: see the module; no caller sets one of the options that are pointers.
    let fd = unsafe {
        libbpf_sys::bpf_link_create(
            program.as_fd().as_raw_fd(),
            target,
            attach_type,
            &raw const options,
        )
    };
    super::super::raw::checked(fd)?;
    // SAFETY: a new file descriptor that nobody else owns.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// The old way, without a link.
pub(super) fn attach_without_link(
    program: BorrowedFd<'_>,
    target: BorrowedFd<'_>,
    attach_type: u32,
) -> io::Result<()> {
    // SAFETY: takes numbers.
    super::super::raw::checked(unsafe {
        libbpf_sys::bpf_prog_attach(program.as_raw_fd(), target.as_raw_fd(), attach_type, 0)
    })
}

pub(super) fn detach_without_link(
    program: BorrowedFd<'_>,
    target: BorrowedFd<'_>,
    attach_type: u32,
) -> io::Result<()> {
    // SAFETY: takes numbers.
    super::super::raw::checked(unsafe {
        libbpf_sys::bpf_prog_detach2(program.as_raw_fd(), target.as_raw_fd(), attach_type)
    })
}

/// A filter of the clsact queueing discipline.
#[derive(Clone, Copy, Debug)]
pub(super) struct Filter {
    pub(super) interface: i32,
    pub(super) attach_point: u32,
    pub(super) handle: u32,
    pub(super) priority: u32,
}

/// Make the filter, with the discipline if there is none. Handle and priority are filled in.
pub(super) fn clsact_attach(program: &Program<'_>, filter: &mut Filter) -> io::Result<()> {
    let mut hook = clsact_hook(filter);
    // SAFETY: `hook` says its size.
    let created = unsafe { libbpf_sys::bpf_tc_hook_create(&raw mut hook) };
    match super::super::raw::checked(created) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    let mut options = libbpf_sys::bpf_tc_opts {
        sz: size::<libbpf_sys::bpf_tc_opts>(),
        prog_fd: program.as_fd().as_raw_fd(),
        priority: filter.priority,
        ..Default::default()
    };
    // SAFETY: both say their sizes.
    super::super::raw::checked(unsafe {
        libbpf_sys::bpf_tc_attach(&raw const hook, &raw mut options)
    })?;
    filter.handle = options.handle;
    filter.priority = options.priority;
    Ok(())
}

pub(super) fn clsact_detach(filter: &Filter) -> io::Result<()> {
    let hook = clsact_hook(filter);
    let options = libbpf_sys::bpf_tc_opts {
        sz: size::<libbpf_sys::bpf_tc_opts>(),
        handle: filter.handle,
        priority: filter.priority,
        ..Default::default()
    };
    // SAFETY: both say their sizes.
    super::super::raw::checked(unsafe {
        libbpf_sys::bpf_tc_detach(&raw const hook, &raw const options)
    })
}

fn clsact_hook(filter: &Filter) -> libbpf_sys::bpf_tc_hook {
    libbpf_sys::bpf_tc_hook {
        sz: size::<libbpf_sys::bpf_tc_hook>(),
        ifindex: filter.interface,
        attach_point: filter.attach_point,
        ..Default::default()
    }
}

/// The index of a network interface.
pub(super) fn interface_index(name: &str) -> io::Result<u32> {
    let name = c_string(name)?;
    // SAFETY: `name` ends with a NUL.
    match unsafe { libc::if_nametoindex(name.as_ptr()) } {
        0 => Err(io::Error::last_os_error()),
        index => Ok(index),
    }
}

/// A socket that every packet of an interface passes, and the program in front of it.
pub(super) fn packet_socket(program: &Program<'_>, interface: u32) -> io::Result<OwnedFd> {
    /// `ETH_P_ALL`: packets of every protocol.
    const EVERY_PROTOCOL: u16 = 3;
    /// Packets that the program lets through are kept for nobody; the kernel makes it its minimum.
    const RECEIVE_BYTES: i32 = 1;

    // Protocol 0: no packets before the program is there.
    // SAFETY: takes numbers.
    let fd = unsafe { libc::socket(libc::AF_PACKET, libc::SOCK_RAW | libc::SOCK_CLOEXEC, 0) };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: a new file descriptor that nobody else owns.
    let socket = unsafe { OwnedFd::from_raw_fd(fd) };
    for (option, value) in [
        (libc::SO_RCVBUF, RECEIVE_BYTES),
        (libc::SO_ATTACH_BPF, program.as_fd().as_raw_fd()),
    ] {
        // SAFETY: the pointer leads to as many bytes as is said beside it.
        let code = unsafe {
            libc::setsockopt(
                socket.as_raw_fd(),
                libc::SOL_SOCKET,
                option,
                (&raw const value).cast(),
                4,
            )
        };
        if code < 0 {
            return Err(io::Error::last_os_error());
        }
    }
    // SAFETY: all of its bytes may be 0.
    let mut address: libc::sockaddr_ll = unsafe { std::mem::zeroed() };
    address.sll_family = u16::try_from(libc::AF_PACKET).unwrap_or(0);
    address.sll_protocol = EVERY_PROTOCOL.to_be();
    address.sll_ifindex = interface.cast_signed();
    // SAFETY: the pointer leads to as many bytes as is said beside it.
    let code = unsafe {
        libc::bind(
            socket.as_raw_fd(),
            (&raw const address).cast(),
            u32::try_from(size_of_val(&address)).unwrap_or(0),
        )
    };
    if code < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(socket)
}

/// Put a program in the place of the one behind `link`.
pub(super) fn update_link(link: BorrowedFd<'_>, program: BorrowedFd<'_>) -> io::Result<()> {
    // SAFETY: takes numbers; no options.
    super::super::raw::checked(unsafe {
        libbpf_sys::bpf_link_update(link.as_raw_fd(), program.as_raw_fd(), std::ptr::null())
    })
}

/// Type and id of a link, if the file descriptor is one.
pub(super) fn link_info(link: BorrowedFd<'_>) -> Option<(u32, u32)> {
    let mut info = libbpf_sys::bpf_link_info::default();
    let mut length = u32::try_from(size_of_val(&info)).unwrap_or(0);
    // SAFETY: `info` has `length` bytes, and any bytes make a valid `bpf_link_info`. It is zeroed, so
    // the kernel finds no further buffers to fill.
    let code = unsafe {
        libbpf_sys::bpf_link_get_info_by_fd(link.as_raw_fd(), &raw mut info, &raw mut length)
    };
    (code == 0).then_some((info.type_, info.id))
}
