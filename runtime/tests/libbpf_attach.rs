//! Attaching to every kind of target that the development kernel has.
#![allow(clippy::unwrap_used, reason = "a test that fails here says where")]

mod real_kernel;
#[path = "real_kernel/usdt.rs"]
mod usdt;

use std::io::Read as _;
use std::net::UdpSocket;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use eunomia_host_abi::ErrorKind;
use eunomia_host_abi::kernel::{Link, Object, ProgramSetting};
use real_kernel::{attach, load_opened, open, proof};

/// Places in `hits` of `tests/bpf/attach.bpf.c`.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Tracepoint,
    RawTracepoint,
    TypedTracepoint,
    Uprobe,
    Uretprobe,
    UprobeMulti,
    Usdt,
    PerfEvent,
    Xdp,
    Tc,
    Cgroup,
    SocketFilter,
    Netfilter,
}

impl Kind {
    /// The row of docs/attach-types.md that an event of this link proves.
    fn attach_type(self, link: &dyn Link) -> &'static str {
        let info = link.info();
        let generic = info.target.ends_with(":generic");
        match self {
            Self::Tracepoint => "tracepoint",
            Self::RawTracepoint => "raw_tracepoint",
            Self::TypedTracepoint => "tp_btf",
            Self::Uprobe => "uprobe",
            Self::Uretprobe => "uretprobe",
            Self::UprobeMulti => "uprobe.multi",
            Self::Usdt => "usdt",
            Self::PerfEvent if info.target.contains("or-cpu-clock") => "perf_event (or CPU clock)",
            Self::PerfEvent => "perf_event (software)",
            Self::Xdp if generic => "xdp (generic)",
            Self::Xdp => "xdp (default)",
            // clsact has filters in place of links.
            Self::Tc if info.link_type == 0 => "tc (clsact)",
            Self::Tc => "tcx",
            Self::Cgroup => "cgroup_skb/egress",
            Self::SocketFilter => "socket filter",
            Self::Netfilter => "netfilter",
        }
    }
}

fn load(programs: &[&str]) -> Box<dyn Object> {
    let mut object = open("attach");
    for info in object.programs() {
        let wanted = programs.contains(&info.name.as_str());
        object
            .set_program(&info.name, ProgramSetting::Autoload(wanted))
            .unwrap();
    }
    object
        .set_global("own_pid", &std::process::id().to_ne_bytes())
        .unwrap();
    load_opened(&mut *object);
    object
}

fn hits(object: &dyn Object, kind: Kind) -> u64 {
    let hits = object.get_global("hits").unwrap();
    let hits = &hits[8 * kind as usize..][..8];
    u64::from_ne_bytes(hits.try_into().unwrap())
}

/// Tests that count what the whole process does run one at a time.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn getpgid() {
    rustix::process::getpgid(None).unwrap();
}

/// What `attach` says, and that nothing is counted once the link is gone.
fn counts(object: &dyn Object, link: Box<dyn Link>, kind: Kind, act: impl Fn()) {
    let before = hits(object, kind);
    act();
    let during = hits(object, kind);
    assert!(during > before, "{:?} counts nothing", link.info());
    let attach_type = kind.attach_type(&*link);
    drop(link);
    // Whoever lists the links of the machine at this moment holds on to each for a moment.
    let begin = Instant::now();
    loop {
        let detached = hits(object, kind);
        act();
        if hits(object, kind) == detached {
            break;
        }
        assert!(begin.elapsed() < Duration::from_secs(5), "still attached");
    }
    proof::proven(attach_type);
}

#[test]
fn tracepoints_by_section_and_by_target() {
    let _alone = alone();
    let object = load(&["on_tracepoint"]);
    assert!(object.can_attach_by_section("on_tracepoint"));
    let link = object.attach("on_tracepoint", None).unwrap();
    assert_eq!(link.info().name, "on_tracepoint");
    counts(&*object, link, Kind::Tracepoint, getpgid);
    let link = attach(
        &*object,
        "on_tracepoint",
        "tracepoint:syscalls:sys_enter_getpgid",
    );
    assert_eq!(link.info().target, "tracepoint:syscalls:sys_enter_getpgid");
    assert_eq!(link.info().ids.len(), 1);
    counts(&*object, link, Kind::Tracepoint, getpgid);
    let target = eunomia_host_abi::Target::Tracepoint {
        category: "syscalls".to_owned(),
        name: "sys_enter_getpgid".to_owned(),
        cookie: 4711,
    };
    let link = object.attach("on_tracepoint", Some(&target)).unwrap();
    counts(&*object, link, Kind::Tracepoint, getpgid);
    assert_eq!(real_kernel::global_u64(&*object, "cookie"), 4711);
}

#[test]
fn a_missing_tracepoint_is_named() {
    let object = load(&["on_tracepoint", "on_missing"]);
    for (error, expected) in [
        (object.attach("on_missing", None), "no_such_tracepoint"),
        (
            object.attach(
                "on_tracepoint",
                Some(&"tracepoint:ecli:nothing".parse().unwrap()),
            ),
            "category `ecli`",
        ),
        (
            object.attach(
                "on_tracepoint",
                Some(&"tracepoint:sched:nothing".parse().unwrap()),
            ),
            "no such tracepoint",
        ),
    ] {
        let error = error.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound, "{}", error.text());
        assert!(error.text().contains(expected), "{}", error.text());
    }
}

#[test]
fn raw_and_typed_tracepoints() {
    let _alone = alone();
    let object = load(&["on_raw_tracepoint", "on_typed_tracepoint"]);
    let link = object.attach("on_raw_tracepoint", None).unwrap();
    assert_eq!(link.info().link_type, 1);
    counts(&*object, link, Kind::RawTracepoint, getpgid);
    let link = attach(&*object, "on_raw_tracepoint", "raw_tracepoint:sys_enter");
    counts(&*object, link, Kind::RawTracepoint, getpgid);
    let link = object.attach("on_typed_tracepoint", None).unwrap();
    counts(&*object, link, Kind::TypedTracepoint, getpgid);
    let link = attach(&*object, "on_typed_tracepoint", "trace");
    counts(&*object, link, Kind::TypedTracepoint, getpgid);
    let target = "raw_tracepoint:nonesuch".parse().unwrap();
    let error = object
        .attach("on_raw_tracepoint", Some(&target))
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{}", error.text());
}

/// A function that this binary exports under a name that uprobes find.
#[allow(unsafe_code)] // The name is ours alone.
#[inline(never)]
#[unsafe(no_mangle)]
extern "C" fn ecli_test_probe_target(first: u64) -> u64 {
    std::hint::black_box(first) * 2
}

fn call_probed() {
    std::hint::black_box(ecli_test_probe_target(std::hint::black_box(21)));
}

fn own_binary() -> String {
    std::env::current_exe().unwrap().display().to_string()
}

#[test]
fn user_space_functions_and_their_returns() {
    let _alone = alone();
    let object = load(&["on_uprobe", "on_uretprobe"]);
    let target = format!("uprobe:{}:ecli_test_probe_target", own_binary());
    let link = attach(&*object, "on_uprobe", &target);
    counts(&*object, link, Kind::Uprobe, call_probed);
    assert_eq!(real_kernel::global_u64(&*object, "argument"), 21);
    let link = attach(&*object, "on_uretprobe", &target);
    counts(&*object, link, Kind::Uretprobe, call_probed);
    assert_eq!(real_kernel::global_u64(&*object, "returned"), 42);
}

#[test]
fn many_user_space_functions_where_the_kernel_has_links_to_them() {
    let _alone = alone();
    let object = load(&["on_uprobe_multi"]);
    let target = format!("uprobe_multi:{}:ecli_test_probe_*", own_binary());
    let link = match object.attach("on_uprobe_multi", Some(&target.parse().unwrap())) {
        Ok(link) => link,
        Err(error) => {
            // Before Linux 6.6.
            assert_eq!(error.kind(), ErrorKind::NotSupported, "{}", error.text());
            assert!(error.text().contains("Linux 6.6"), "{}", error.text());
            return proof::lacking("uprobe.multi", &error);
        }
    };
    counts(&*object, link, Kind::UprobeMulti, call_probed);
    let target = eunomia_host_abi::Target::UprobeMulti {
        binary: own_binary(),
        locations: eunomia_host_abi::target::UprobeLocations::Symbols(vec![
            "ecli_test_probe_target".to_owned(),
        ]),
        process: eunomia_host_abi::target::ProcessFilter::HostProcess,
        reference_counters: Vec::new(),
        cookies: vec![99],
    };
    let link = object.attach("on_uprobe_multi", Some(&target)).unwrap();
    counts(&*object, link, Kind::UprobeMulti, call_probed);
    assert_eq!(real_kernel::global_u64(&*object, "cookie"), 99);
}

#[test]
fn probes_of_other_processes_count_nothing_here() {
    let _alone = alone();
    let object = load(&["on_uprobe"]);
    let symbol = format!("uprobe:{}:ecli_test_probe_target", own_binary());
    let other = std::process::Command::new("sleep").arg("60").spawn();
    let mut other = other.unwrap();
    let link = attach(&*object, "on_uprobe", &format!("{symbol}@{}", other.id()));
    call_probed();
    assert_eq!(hits(&*object, Kind::Uprobe), 0);
    drop(link);
    other.kill().unwrap();
    other.wait().unwrap();
    let link = attach(
        &*object,
        "on_uprobe",
        &format!("{symbol}@{}", std::process::id()),
    );
    counts(&*object, link, Kind::Uprobe, call_probed);
}

#[test]
fn libraries_and_programs_are_found_by_name() {
    let object = load(&["on_uprobe"]);
    drop(attach(&*object, "on_uprobe", "uprobe:libc.so.6:getpid"));
    // One that has dynamic symbols although it is stripped.
    drop(attach(&*object, "on_uprobe", "uprobe:bash:readline"));
}

#[test]
fn what_cannot_be_probed_is_explained() {
    let object = load(&["on_uprobe", "on_uprobe_multi"]);
    for (program, target, kind, expected) in [
        (
            "on_uprobe",
            format!("uprobe:{}:no_such_function", own_binary()),
            ErrorKind::NotFound,
            "no_such_function",
        ),
        (
            "on_uprobe",
            "uprobe:/no/such/binary:main".to_owned(),
            ErrorKind::NotFound,
            "/no/such/binary",
        ),
        (
            "on_uprobe",
            "uprobe:no-such-binary:main".to_owned(),
            ErrorKind::NotFound,
            "no-such-binary",
        ),
        (
            "on_uprobe",
            "uprobe_multi:libc.so.6:mem*".to_owned(),
            ErrorKind::InvalidArgument,
            "uprobe.multi",
        ),
        (
            "on_uprobe_multi",
            "uprobe_multi:libc.so.6:no_such_*".to_owned(),
            ErrorKind::NotFound,
            "no_such_",
        ),
    ] {
        let parsed = target.parse().unwrap();
        let error = object.attach(program, Some(&parsed)).unwrap_err();
        assert_eq!(error.kind(), kind, "{}", error.text());
        assert!(error.text().contains(expected), "{}", error.text());
    }
}

#[test]
fn programs_without_a_place_name_the_target_they_need() {
    let object = load(&["on_uprobe", "on_xdp", "on_perf_event", "on_tc"]);
    for (program, expected) in [
        ("on_uprobe", "--attach on_uprobe=uprobe:"),
        ("on_xdp", "--attach on_xdp=xdp:"),
        ("on_perf_event", "--attach on_perf_event=perf_event:"),
        ("on_tc", "--attach on_tc=tc:"),
    ] {
        assert!(!object.can_attach_by_section(program));
        let error = object.attach(program, None).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        assert!(error.text().contains(expected), "{}", error.text());
    }
    assert!(!object.can_attach_by_section("nonesuch"));
    let error = object.attach("nonesuch", None).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

fn burn() {
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_millis(100) {
        std::hint::black_box(0);
    }
}

#[test]
fn the_cpu_clock_samples_every_cpu() {
    let _alone = alone();
    let object = load(&["on_perf_event"]);
    let link = attach(&*object, "on_perf_event", "perf_event:cpu-clock:hz=1000");
    assert_eq!(
        link.info().ids.len(),
        std::thread::available_parallelism().unwrap().get()
    );
    counts(&*object, link, Kind::PerfEvent, burn);
    let link = attach(
        &*object,
        "on_perf_event",
        "perf_event:cpu-clock:hz=1000:cpu=0",
    );
    assert_eq!(link.info().ids.len(), 1);
    drop(link);
    // Machines with a cycle counter have one, others fall back.
    let link = attach(
        &*object,
        "on_perf_event",
        "perf_event:cycles:hz=1000:or-cpu-clock",
    );
    counts(&*object, link, Kind::PerfEvent, burn);
    let target = "perf_event:250/0:hz=10".parse().unwrap();
    let error = object.attach("on_perf_event", Some(&target)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotSupported, "{}", error.text());
}

/// A network namespace of this thread's own, with `lo` up.
fn own_network() {
    real_kernel::network::enter_new();
    for arguments in [
        &["link", "set", "lo", "up"][..],
        &[
            "link", "add", "veth0", "type", "veth", "peer", "name", "veth1",
        ],
        &["link", "set", "veth0", "up"],
        &["link", "set", "veth1", "up"],
    ] {
        let status = std::process::Command::new("ip").args(arguments).status();
        assert!(
            status.is_ok_and(|status| status.success()),
            "ip {arguments:?}: install it with `apt-get install iproute2`"
        );
    }
}

fn send_to_self() {
    let receiver = UdpSocket::bind("127.0.0.1:0").unwrap();
    let sender = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = receiver.local_addr().unwrap();
    sender.send_to(b"hello", address).unwrap();
    receiver
        .set_read_timeout(Some(Duration::from_secs(5)))
        .unwrap();
    receiver.recv(&mut [0; 16]).unwrap();
}

#[test]
fn packets_pass_xdp_tc_and_socket_filters() {
    let object = load(&["on_xdp", "on_xdp_too", "on_tc", "on_socket_filter"]);
    own_network();
    for target in ["xdp:lo:generic", "xdp:lo", "xdp:1:generic"] {
        let link = attach(&*object, "on_xdp", target);
        assert_eq!(link.info().target, target);
        counts(&*object, link, Kind::Xdp, send_to_self);
    }
    drop(attach(&*object, "on_xdp", "xdp:veth0:driver"));
    for target in [
        "tc:lo:ingress",
        "tc:lo:egress",
        "tc:lo:ingress:priority=7",
        "tc:lo:egress:priority=1",
    ] {
        let link = attach(&*object, "on_tc", target);
        counts(&*object, link, Kind::Tc, send_to_self);
    }
    let link = attach(&*object, "on_socket_filter", "socket_filter:lo");
    counts(&*object, link, Kind::SocketFilter, send_to_self);
}

#[test]
fn packets_pass_netfilter_where_the_kernel_has_it() {
    let mut object = open("attach");
    for info in object.programs() {
        let wanted = info.name == "on_netfilter";
        object
            .set_program(&info.name, ProgramSetting::Autoload(wanted))
            .unwrap();
    }
    if let Err(error) = object.load() {
        // Before Linux 6.4.
        assert_eq!(error.kind(), ErrorKind::NotSupported, "{}", error.text());
        assert!(error.text().contains("type netfilter"), "{}", error.text());
        return proof::lacking("netfilter", &error);
    }
    own_network();
    let link = attach(&*object, "on_netfilter", "netfilter:ipv4:3:10");
    counts(&*object, link, Kind::Netfilter, send_to_self);
}

#[test]
fn a_program_takes_the_place_of_another() {
    let object = load(&["on_xdp", "on_xdp_too", "on_tc"]);
    own_network();
    let mut link = attach(&*object, "on_xdp", "xdp:lo:generic");
    send_to_self();
    let before = hits(&*object, Kind::Xdp);
    assert!(before > 0 && before < 1000);
    let target = "xdp:lo:generic".parse().unwrap();
    let error = object.attach("on_xdp_too", Some(&target)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Busy, "{}", error.text());
    object.replace_in("on_xdp_too", &mut *link).unwrap();
    assert_eq!(link.info().name, "on_xdp_too");
    send_to_self();
    assert!(hits(&*object, Kind::Xdp) >= before + 1000);
    let mut filter = attach(&*object, "on_tc", "tc:lo:ingress:priority=3");
    let error = object.replace_in("on_tc", &mut *filter).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotSupported);
    link.detach().unwrap();
    filter.detach().unwrap();
}

#[test]
fn tc_programs_run_in_the_order_asked_for() {
    let object = load(&["on_tc"]);
    own_network();
    let id = |object: &dyn Object| {
        let programs = object.programs();
        programs.iter().find(|p| p.name == "on_tc").unwrap().id
    };
    let other = load(&["on_tc"]);
    let first = attach(&*object, "on_tc", "tc:lo:egress");
    let target = format!("tc:lo:egress:before={}", id(&*object));
    let second = match other.attach("on_tc", Some(&target.parse().unwrap())) {
        Ok(link) => link,
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::NotSupported, "{}", error.text());
            assert!(error.text().contains("Linux 6.6"), "{}", error.text());
            return proof::lacking("tcx", &error);
        }
    };
    counts(&*other, second, Kind::Tc, send_to_self);
    drop(first);
    let target = "tc:lo:egress:after=4000000000".parse().unwrap();
    let error = object.attach("on_tc", Some(&target)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{}", error.text());
}

#[test]
fn a_missing_network_interface_is_named() {
    let object = load(&["on_xdp", "on_tc"]);
    for (program, target) in [
        ("on_xdp", "xdp:nonesuch0"),
        ("on_tc", "tc:nonesuch0:ingress"),
    ] {
        let error = object
            .attach(program, Some(&target.parse().unwrap()))
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert!(error.text().contains("nonesuch0"), "{}", error.text());
    }
}

/// A cgroup of a test's own, with no process in it at first. Dropping it removes it.
struct Cgroup {
    /// Below the mount.
    name: String,
    folder: std::path::PathBuf,
}

impl Cgroup {
    fn new(name: &str) -> Self {
        let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap();
        let mount = mounts
            .lines()
            .map(|line| line.split(' ').collect::<Vec<_>>())
            .find(|fields| fields[2] == "cgroup2")
            .expect("cgroup2 is not mounted: `mount -t cgroup2 none /sys/fs/cgroup`")[1];
        let name = format!("ecli-test-{name}-{}", std::process::id());
        let folder = std::path::Path::new(mount).join(&name);
        std::fs::create_dir(&folder).unwrap();
        Self { name, folder }
    }

    /// A process in the cgroup sends a packet to itself.
    fn send(&self) {
        let script = format!(
            "echo $$ > {}/cgroup.procs && echo hello > /dev/udp/127.0.0.1/9",
            self.folder.display()
        );
        let status = std::process::Command::new("bash")
            .args(["-c", &script])
            .status();
        assert!(status.unwrap().success());
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        std::fs::remove_dir(&self.folder).unwrap();
    }
}

#[test]
fn cgroups_are_found_below_their_mount() {
    let object = load(&["on_cgroup"]);
    own_network();
    let cgroup = Cgroup::new("egress");
    for path in [
        cgroup.folder.display().to_string(),
        format!("/{}", cgroup.name),
        cgroup.name.clone(),
    ] {
        let link = attach(&*object, "on_cgroup", &format!("cgroup:{path}"));
        assert_eq!(link.info().ids.len(), 1);
        counts(&*object, link, Kind::Cgroup, || cgroup.send());
    }
    // Two programs in one place.
    let first = attach(&*object, "on_cgroup", &format!("cgroup:{}", cgroup.name));
    let second = attach(&*object, "on_cgroup", &format!("cgroup:{}", cgroup.name));
    drop((first, second));
    let target = "cgroup:/no/such/cgroup".parse().unwrap();
    let error = object.attach("on_cgroup", Some(&target)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{}", error.text());
    assert!(error.text().contains("no/such/cgroup"));
}

#[test]
fn socket_maps_and_network_namespaces() {
    let object = load(&["on_socket_map", "on_lookup"]);
    own_network();
    drop(attach(&*object, "on_socket_map", "socket_map:sockets"));
    let mut link = attach(
        &*object,
        "on_lookup",
        "network_namespace:/proc/thread-self/ns/net",
    );
    link.detach().unwrap();
    let target = "socket_map:nonesuch".parse().unwrap();
    let error = object.attach("on_socket_map", Some(&target)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{}", error.text());
    let target = "socket_map:elements".parse().unwrap();
    assert!(object.attach("on_socket_map", Some(&target)).is_err());
}

fn text(link: &dyn Link) -> String {
    let mut text = String::new();
    link.iterate().unwrap().read_to_string(&mut text).unwrap();
    text
}

#[test]
fn iterators_write_text() {
    let object = load(&["each_task", "each_cgroup", "on_tracepoint"]);
    let pid = std::process::id();
    let link = object.attach("each_task", None).unwrap();
    let all = text(&*link);
    assert!(
        all.lines().any(|line| line == format!("{pid} {pid}")),
        "{all}"
    );
    // Again from the start.
    assert!(text(&*link).starts_with(all.lines().next().unwrap()));
    let link = attach(&*object, "each_task", &format!("iterator:process={pid}"));
    let own = text(&*link);
    assert!(
        own.lines().all(|line| line.starts_with(&format!("{pid} "))),
        "{own}"
    );
    let link = attach(&*object, "each_task", &format!("iterator:thread={pid}"));
    assert_eq!(text(&*link), format!("{pid} {pid}\n"));
    proof::proven("iter/task");

    let link = attach(&*object, "each_cgroup", "iterator:cgroup=/");
    assert!(text(&*link).lines().count() >= 1);
    proof::proven("iter/cgroup");

    let link = object.attach("on_tracepoint", None).unwrap();
    assert_eq!(
        link.iterate().err().unwrap().kind(),
        ErrorKind::NotSupported
    );
}

#[test]
fn an_iterator_walks_the_elements_of_a_map_where_the_kernel_allows_it() {
    let mut object = open("attach");
    for info in object.programs() {
        let wanted = info.name == "each_element";
        object
            .set_program(&info.name, ProgramSetting::Autoload(wanted))
            .unwrap();
    }
    if let Err(error) = object.load() {
        assert_eq!(error.kind(), ErrorKind::NotSupported, "{}", error.text());
        return proof::lacking("iter/bpf_map_elem", &error);
    }
    let elements = object.map("elements").unwrap();
    elements
        .update(&3u32.to_ne_bytes(), &33u64.to_ne_bytes(), 0)
        .unwrap();
    assert!(!object.can_attach_by_section("each_element"));
    let link = attach(&*object, "each_element", "iterator:map=elements");
    assert_eq!(text(&*link), "3=33\n");
    proof::proven("iter/bpf_map_elem");
}

#[test]
fn a_link_keeps_working_when_its_object_is_dropped() {
    let _alone = alone();
    let object = load(&["on_raw_tracepoint"]);
    let counter = object.map(".bss").unwrap();
    let offset = object
        .globals()
        .into_iter()
        .find(|g| g.name == "hits")
        .unwrap()
        .offset;
    let read = || counter.read_memory(u64::from(offset) + 8, 8).unwrap();
    let link = object.attach("on_raw_tracepoint", None).unwrap();
    drop(object);
    let before = read();
    getpgid();
    assert_ne!(read(), before);
    drop(link);
    let detached = read();
    getpgid();
    assert_eq!(read(), detached);
}

#[test]
fn usdt_probes_are_counted_and_bring_their_arguments() {
    let _alone = alone();
    let object = load(&["on_usdt"]);
    let target = format!("usdt:{}:ecli_test:probe", own_binary());
    for process in ["", "@host"] {
        let link = attach(&*object, "on_usdt", &format!("{target}{process}"));
        counts(&*object, link, Kind::Usdt, || usdt::hit(77));
        assert_eq!(real_kernel::global_u64(&*object, "argument"), 77);
    }
}

#[test]
fn usdt_links_may_outlive_their_object_and_each_other() {
    let object = load(&["on_usdt"]);
    let target = format!("usdt:{}:ecli_test:probe", own_binary());
    let first = attach(&*object, "on_usdt", &target);
    let second = attach(&*object, "on_usdt", &target);
    drop(object);
    drop(first);
    usdt::hit(1);
    drop(second);
}

#[test]
fn a_usdt_probe_needs_its_provider() {
    let object = load(&["on_usdt"]);
    let target = format!("usdt:{}:nobody:nothing", own_binary());
    let error = object
        .attach("on_usdt", Some(&target.parse().unwrap()))
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{}", error.text());
    assert_eq!(hits(&*object, Kind::Usdt), 0);
}
