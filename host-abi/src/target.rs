//! Attach targets: where a program is attached. The same as `target` in `wit/attach.wit`, and their text
//! form, as `ecli run --attach PROGRAM=TARGET` takes it.

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
    },
    /// `raw_tracepoint:NAME`.
    RawTracepoint(String),
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
        /// What `bpf_get_attach_cookie` returns.
        cookie: u64,
    },
    /// `uprobe_multi:BINARY:SYMBOL[,SYMBOL...][@PID]`.
    UprobeMulti {
        /// Path or name of the binary.
        binary: String,
        /// Functions, or one pattern.
        symbols: Vec<String>,
        /// Whose calls count.
        process: ProcessFilter,
        /// As many as `symbols`, or none.
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
    /// `perf_event:EVENT[:hz=N|period=N][:cpu=N][:or-cpu-clock][@PID]`, EVENT being a name of
    /// perf (`cpu-clock`, `cycles`, `page-faults`...) or `TYPE/CONFIG` in numbers.
    PerfEvent {
        /// `PERF_TYPE_*`.
        event_type: u32,
        /// `perf_event_attr.config`.
        config: u64,
        /// How often.
        sampling: Sampling,
        /// Whose events count.
        process: ProcessFilter,
        /// None: every CPU.
        cpu: Option<u32>,
        /// Use the CPU clock where the counter does not exist.
        fall_back_to_cpu_clock: bool,
    },
    /// `xdp:INTERFACE[:driver|generic|hardware][:replace]`.
    Xdp {
        /// Name or index.
        network_interface: String,
        /// Where in the stack.
        mode: XdpMode,
        /// Take the place of another program.
        replace: bool,
    },
    /// `tc:INTERFACE:ingress|egress[:PRIORITY]`.
    Tc {
        /// Name or index.
        network_interface: String,
        /// Which way.
        direction: TcDirection,
        /// Lower runs first; 0: the host chooses.
        priority: u32,
    },
    /// `cgroup:PATH[:multi]`.
    Cgroup {
        /// Absolute, or below the cgroup2 mount.
        path: String,
        /// `BPF_F_ALLOW_MULTI`.
        allow_multiple: bool,
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
    /// `iterator[:map=NAME|:cgroup=PATH|:cgroup-descendants=PATH|:process=PID|:thread=TID]`.
    Iterator(IteratorTarget),
}

/// A place in an executable or library.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UprobeLocation {
    /// A function and bytes behind its start.
    Symbol(String, u64),
    /// An offset in the file.
    FileOffset(u64),
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
    /// One cgroup.
    Cgroup(String),
    /// A cgroup and all below it.
    CgroupDescendants(String),
    /// One process.
    Process(u32),
    /// One thread.
    Thread(u32),
}
