//! Constructors of targets; what they mean is in `wit/attach.wit`.

use super::{
    CgroupTarget, IteratorTarget, KprobeMultiTarget, KprobeTarget, KsyscallTarget, NetfilterTarget,
    NetkitSide, NetkitTarget, PerfEventTarget, PerfSampling, Position, ProcessFilter,
    ProgramFunction, RawTracepointTarget, SymbolLocation, Target, TcDirection, TcTarget,
    TraceTarget, TracepointTarget, UprobeLocation, UprobeLocations, UprobeMultiTarget,
    UprobeTarget, UsdtTarget, XdpMode, XdpTarget,
};

macro_rules! targets {
    ($($case:ident($target:ty)),* $(,)?) => {$(
        impl From<$target> for Target {
            fn from(target: $target) -> Self {
                Self::$case(target)
            }
        }
    )*};
}

targets!(
    Tracepoint(TracepointTarget),
    RawTracepoint(RawTracepointTarget),
    Trace(TraceTarget),
    Kprobe(KprobeTarget),
    Ksyscall(KsyscallTarget),
    KprobeMulti(KprobeMultiTarget),
    Uprobe(UprobeTarget),
    UprobeMulti(UprobeMultiTarget),
    Usdt(UsdtTarget),
    PerfEvent(PerfEventTarget),
    Xdp(XdpTarget),
    Tc(TcTarget),
    Netkit(NetkitTarget),
    Cgroup(CgroupTarget),
    Netfilter(NetfilterTarget),
    Iterator(IteratorTarget),
    ProgramFunction(ProgramFunction),
);

macro_rules! cookies {
    ($($target:ty),* $(,)?) => {$(
        impl $target {
            /// Set what `bpf_get_attach_cookie` returns; 0 by default.
            pub fn cookie(mut self, cookie: u64) -> Self {
                self.cookie = cookie;
                self
            }
        }
    )*};
}

cookies!(
    TracepointTarget,
    RawTracepointTarget,
    TraceTarget,
    KprobeTarget,
    KsyscallTarget,
    UprobeTarget,
    UsdtTarget,
);

impl Target {
    /// A target in the text form of `ecli run --attach`, for example
    /// `uprobe:/bin/bash:readline`.
    pub fn text(target: impl Into<String>) -> Self {
        Self::Text(target.into())
    }

    /// Every packet of a network interface, by name or index.
    pub fn socket_filter(network_interface: impl Into<String>) -> Self {
        Self::SocketFilter(network_interface.into())
    }

    /// A socket map or hash of the same object.
    pub fn socket_map(map: impl Into<String>) -> Self {
        Self::SocketMap(map.into())
    }

    /// A network namespace, by path.
    pub fn network_namespace(path: impl Into<String>) -> Self {
        Self::NetworkNamespace(path.into())
    }
}

impl TracepointTarget {
    /// A tracepoint as listed under `events/` of tracefs: `new("sched", "sched_switch")`.
    pub fn new(category: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            category: category.into(),
            name: name.into(),
            cookie: 0,
        }
    }
}

impl RawTracepointTarget {
    /// A raw tracepoint, by its name without category.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            cookie: 0,
        }
    }
}

impl KprobeTarget {
    /// The start of a kernel function, or its return.
    pub fn new(symbol: impl Into<String>) -> Self {
        Self {
            symbol: symbol.into(),
            offset: 0,
            cookie: 0,
        }
    }

    /// Probe so many bytes behind the start.
    pub fn offset(mut self, offset: u64) -> Self {
        self.offset = offset;
        self
    }
}

impl KsyscallTarget {
    /// A system call by its name without prefix: `openat`.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            cookie: 0,
        }
    }
}

impl KprobeMultiTarget {
    /// Kernel functions by name; each may hold the wildcards `*` and `?`.
    pub fn new<S: Into<String>>(symbols: impl IntoIterator<Item = S>) -> Self {
        Self {
            symbols: symbols.into_iter().map(Into::into).collect(),
            cookies: Vec::new(),
        }
    }
}

impl UprobeTarget {
    /// A function of an executable or library: a path, or a bare name to look up.
    pub fn new(binary: impl Into<String>, symbol: impl Into<String>) -> Self {
        let symbol = symbol.into();
        let location = UprobeLocation::Symbol(SymbolLocation { symbol, offset: 0 });
        Self::at(binary, location)
    }

    /// Any place of an executable or library.
    pub fn at(binary: impl Into<String>, location: UprobeLocation) -> Self {
        Self {
            binary: binary.into(),
            location,
            process: ProcessFilter::Any,
            reference_counter: 0,
            cookie: 0,
        }
    }

    /// Choose whose calls are reported; of any process by default.
    pub fn process(mut self, process: ProcessFilter) -> Self {
        self.process = process;
        self
    }
}

impl UprobeMultiTarget {
    /// Many places of one executable or library.
    pub fn new(binary: impl Into<String>, locations: UprobeLocations) -> Self {
        Self {
            binary: binary.into(),
            locations,
            process: ProcessFilter::Any,
            reference_counters: Vec::new(),
            cookies: Vec::new(),
        }
    }

    /// Choose whose calls are reported; of any process by default.
    pub fn process(mut self, process: ProcessFilter) -> Self {
        self.process = process;
        self
    }
}

impl UsdtTarget {
    /// A statically defined trace point `provider:name` of an executable or library.
    pub fn new(
        binary: impl Into<String>,
        provider: impl Into<String>,
        name: impl Into<String>,
    ) -> Self {
        Self {
            binary: binary.into(),
            provider: provider.into(),
            name: name.into(),
            process: ProcessFilter::Any,
            cookie: 0,
        }
    }

    /// Choose whose calls are reported; of any process by default.
    pub fn process(mut self, process: ProcessFilter) -> Self {
        self.process = process;
        self
    }
}

impl PerfEventTarget {
    /// Sampling by time: hardware cycles, or the software clock where there are none, so many
    /// times a second on each CPU that is online.
    pub fn cpu_samples(frequency: u64) -> Self {
        const PERF_TYPE_HARDWARE: u32 = 0;
        const PERF_COUNT_HW_CPU_CYCLES: u64 = 0;
        Self {
            fall_back_to_cpu_clock: true,
            ..Self::new(
                PERF_TYPE_HARDWARE,
                PERF_COUNT_HW_CPU_CYCLES,
                PerfSampling::Frequency(frequency),
            )
        }
    }

    /// An event by the numbers of `struct perf_event_attr`, of any process on every CPU.
    pub fn new(event_type: u32, config: u64, sampling: PerfSampling) -> Self {
        Self {
            event_type,
            config,
            config1: 0,
            config2: 0,
            sampling,
            process: ProcessFilter::Any,
            cpu: None,
            exclude_user: false,
            exclude_kernel: false,
            fall_back_to_cpu_clock: false,
        }
    }

    /// Choose which process is sampled; any by default.
    pub fn process(mut self, process: ProcessFilter) -> Self {
        self.process = process;
        self
    }
}

impl XdpTarget {
    /// A network interface, by name or index, in the driver if it can.
    pub fn new(network_interface: impl Into<String>) -> Self {
        Self {
            network_interface: network_interface.into(),
            mode: XdpMode::Default,
        }
    }

    /// Choose where in the network stack it runs.
    pub fn mode(mut self, mode: XdpMode) -> Self {
        self.mode = mode;
        self
    }
}

impl TcTarget {
    /// A network interface, by name or index.
    pub fn new(network_interface: impl Into<String>, direction: TcDirection) -> Self {
        Self {
            network_interface: network_interface.into(),
            direction,
            position: Position::Anywhere,
            priority: 0,
        }
    }

    /// Choose the place among the programs that are there already.
    pub fn position(mut self, position: Position) -> Self {
        self.position = position;
        self
    }
}

impl NetkitTarget {
    /// One side of a netkit pair, by name or index.
    pub fn new(network_interface: impl Into<String>, side: NetkitSide) -> Self {
        Self {
            network_interface: network_interface.into(),
            side,
            position: Position::Anywhere,
        }
    }
}

impl CgroupTarget {
    /// A cgroup by its path, below the cgroup2 mount or absolute.
    pub fn new(path: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            position: Position::Anywhere,
            pre_order: false,
        }
    }
}

impl NetfilterTarget {
    /// A netfilter hook by the numbers `NFPROTO_*` and `NF_INET_*`; lower priorities run first.
    pub fn new(protocol_family: u32, hook: u32, priority: i32) -> Self {
        Self {
            protocol_family,
            hook,
            priority,
            defragment: false,
        }
    }
}
