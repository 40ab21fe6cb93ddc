//! Attach targets: where a program is attached. The same as `target` in `wit/attach.wit`, and their
//! text form, as `ecli run --attach PROGRAM=TARGET` takes it.
//!
//! The text form starts with the kind; the fields behind it are separated by colons. Numbers are
//! decimal, or hexadecimal with `0x`. `@PID` at the end stands for a process, `@host` for the host
//! itself; other text behind an `@` belongs to the name, as in `memcpy@GLIBC_2.14`. A backslash
//! takes the character behind it as it is: `uprobe:/opt/a\:b:main`. Where a kind has a single
//! field, it may have colons of its own: `trace:nf_nat:nf_nat_init`. Options stand in any order.
//!
//! [`Target::to_string`](ToString) writes text that reads back as the same target, apart from what
//! has no text form: cookies, reference counters, a pattern without `*` or `?`, and a perf event
//! that counts neither user space nor the kernel.

mod display;
mod escape;
mod fields;
mod parse;
mod perf_event_name;
mod section;
#[cfg(test)]
mod tests;

pub use section::Section;

/// Where a program is attached.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Target {
    /// `tracepoint:CATEGORY:NAME`.
    Tracepoint {
        /// Folder under `events/` of tracefs.
        category: String,
        /// Folder below it.
        name: String,
        /// What `bpf_get_attach_cookie` returns. Cookies have no text form.
        cookie: u64,
    },
    /// `raw_tracepoint:NAME`.
    RawTracepoint {
        /// Name of the tracepoint.
        name: String,
        /// What `bpf_get_attach_cookie` returns.
        cookie: u64,
    },
    /// `trace`, or `trace:FUNCTION` to choose the kernel function, tracepoint or LSM hook that the
    /// program is verified against; the latter is the operator's form, applied at load.
    Trace {
        /// None: what the program was loaded for.
        function: Option<String>,
        /// What `bpf_get_attach_cookie` returns.
        cookie: u64,
    },
    /// `ksyscall:NAME`.
    Ksyscall {
        /// System call without prefix.
        name: String,
        /// What `bpf_get_attach_cookie` returns.
        cookie: u64,
    },
    /// `kprobe:SYMBOL[+OFFSET]`.
    Kprobe {
        /// Kernel function.
        symbol: String,
        /// Bytes behind its start.
        offset: u64,
        /// What `bpf_get_attach_cookie` returns.
        cookie: u64,
    },
    /// `kprobe_multi:SYMBOL[,SYMBOL...]`.
    KprobeMulti {
        /// Kernel functions, or one pattern.
        symbols: Vec<String>,
        /// As many, or none.
        cookies: Vec<u64>,
    },
    /// `uprobe:BINARY:SYMBOL[+OFFSET][@PID]` or `uprobe:BINARY:0xOFFSET[@PID]`.
    Uprobe {
        /// Path or name of the binary.
        binary: String,
        /// Place in it.
        location: UprobeLocation,
        /// Whose calls count.
        process: ProcessFilter,
        /// Offset in the file of a semaphore, 0: none.
        reference_counter: u64,
        /// What `bpf_get_attach_cookie` returns.
        cookie: u64,
    },
    /// `uprobe_multi:BINARY:PATTERN[@PID]`, or `SYMBOL,SYMBOL...` or `0xOFFSET,0xOFFSET...`.
    UprobeMulti {
        /// Path or name of the binary.
        binary: String,
        /// Places in it.
        locations: UprobeLocations,
        /// Whose calls count.
        process: ProcessFilter,
        /// As many as locations, or none.
        reference_counters: Vec<u64>,
        /// As many as locations, or none.
        cookies: Vec<u64>,
    },
    /// `usdt:BINARY:PROVIDER:NAME[@PID]`.
    Usdt {
        /// Path or name of the binary.
        binary: String,
        /// Provider of the trace point.
        provider: String,
        /// Name of the trace point.
        name: String,
        /// Whose hits count.
        process: ProcessFilter,
        /// What `bpf_usdt_cookie` returns.
        cookie: u64,
    },
    /// `perf_event:EVENT[:hz=N|period=N][:cpu=N][:user|kernel][:or-cpu-clock][@PID]`, EVENT being a
    /// name of perf (`cpu-clock`, `cycles`, `page-faults`...) or `TYPE/CONFIG[/CONFIG1[/CONFIG2]]`
    /// in numbers. 99 Hz unless it says otherwise.
    PerfEvent {
        /// `PERF_TYPE_*`.
        event_type: u32,
        /// `perf_event_attr.config`.
        config: u64,
        /// `perf_event_attr.config1`.
        config1: u64,
        /// `perf_event_attr.config2`.
        config2: u64,
        /// How often.
        sampling: Sampling,
        /// Whose events count.
        process: ProcessFilter,
        /// None: every CPU.
        cpu: Option<u32>,
        /// Not in user space (`:kernel`).
        exclude_user: bool,
        /// Not in the kernel (`:user`).
        exclude_kernel: bool,
        /// Use the CPU clock where the counter does not exist.
        fall_back_to_cpu_clock: bool,
    },
    /// `xdp:INTERFACE[:driver|generic|hardware]`.
    Xdp {
        /// Name or index.
        network_interface: String,
        /// Where in the stack.
        mode: XdpMode,
    },
    /// `tc:INTERFACE:ingress|egress[:first|last|before=ID|after=ID][:priority=N]`.
    Tc {
        /// Name or index.
        network_interface: String,
        /// Which way.
        direction: TcDirection,
        /// Among other tcx programs.
        position: Position,
        /// clsact only; 0: the kernel chooses.
        priority: u32,
    },
    /// `netkit:INTERFACE:primary|peer[:first|last|before=ID|after=ID]`.
    Netkit {
        /// Name or index.
        network_interface: String,
        /// Which end of the pair.
        side: NetkitSide,
        /// Among other programs.
        position: Position,
    },
    /// `cgroup:PATH[:first|last|before=ID|after=ID][:pre-order]`.
    Cgroup {
        /// Absolute, or below the cgroup2 mount.
        path: String,
        /// Among other programs.
        position: Position,
        /// `BPF_F_PREORDER`.
        pre_order: bool,
    },
    /// `socket_map:MAP`.
    SocketMap(String),
    /// `network_namespace:PATH`.
    NetworkNamespace(String),
    /// `netfilter:ipv4|ipv6:HOOK[:PRIORITY][:defragment]`.
    Netfilter {
        /// `NFPROTO_*`.
        protocol_family: u32,
        /// `NF_INET_*`.
        hook: u32,
        /// Order among hooks.
        priority: i32,
        /// `BPF_F_NETFILTER_IP_DEFRAG`.
        defragment: bool,
    },
    /// `iterator[:map=NAME|:cgroup=PATH[:ORDER]|:process=PID|:thread=TID]`.
    Iterator(IteratorTarget),
    /// `socket_filter:INTERFACE`, or `*` for all of them.
    SocketFilter(String),
    /// `program_function:PROGRAM_ID:FUNCTION`.
    ProgramFunction {
        /// The kernel's id of the program.
        program_id: u32,
        /// Its function that is replaced.
        function: String,
    },
}

/// A place in an executable or library.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UprobeLocation {
    /// A function and bytes behind its start.
    Symbol(String, u64),
    /// An offset in the file.
    FileOffset(u64),
}

/// Places of a multi-uprobe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UprobeLocations {
    /// Functions that match `*` and `?`.
    Pattern(String),
    /// Functions.
    Symbols(Vec<String>),
    /// Offsets in the file.
    FileOffsets(Vec<u64>),
}

/// Where among the programs that are attached already; numbers are kernel ids of programs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Position {
    #[default]
    Anywhere,
    First,
    Last,
    Before(u32),
    After(u32),
}

/// An end of a netkit pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum NetkitSide {
    Primary,
    Peer,
}

/// `enum bpf_cgroup_iter_order`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum CgroupOrder {
    SelfOnly,
    DescendantsPre,
    DescendantsPost,
    AncestorsUp,
}

/// Whose calls a probe in user space reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProcessFilter {
    /// Everybody's.
    Any,
    /// The host process's own.
    HostProcess,
    /// One process's.
    Pid(u32),
}

/// How often a perf event samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sampling {
    /// Times a second on each CPU.
    Frequency(u64),
    /// Once every so many events.
    Period(u64),
}

/// Where in the network stack an XDP program runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum XdpMode {
    /// Driver if it can, else generic.
    Default,
    Driver,
    Generic,
    Hardware,
}

/// Which way packets go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum TcDirection {
    Ingress,
    Egress,
}

/// What an iterator walks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IteratorTarget {
    /// All there is.
    Everything,
    /// The elements of a map of the object.
    MapElements(String),
    /// A cgroup.
    Cgroup {
        /// Absolute, or below the cgroup2 mount.
        path: String,
        /// What of its surroundings is walked.
        order: CgroupOrder,
    },
    /// One process.
    Process(u32),
    /// One thread.
    Thread(u32),
}
