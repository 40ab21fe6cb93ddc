//! Places in the network stack, and cgroups.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::Path;

use eunomia_host_abi::target::{NetkitSide, Position, TcDirection, XdpMode};
use eunomia_host_abi::{ErrorKind, Target};
use libbpf_sys::bpf_link_create_opts;
use rustix::io::Errno;

use super::super::host;
use super::super::places::cgroup_place;
use super::attachment::{Clsact, Unlinked};
use super::raw::{self, Filter};
use super::{Attached, Attaching, Attachment, Failure};

/// Flags of `linux/if_link.h`.
const XDP_MODES: [(XdpMode, u32); 4] = [
    (XdpMode::Default, 0),
    (XdpMode::Generic, libbpf_sys::XDP_FLAGS_SKB_MODE),
    (XdpMode::Driver, libbpf_sys::XDP_FLAGS_DRV_MODE),
    (XdpMode::Hardware, libbpf_sys::XDP_FLAGS_HW_MODE),
];

/// `BPF_F_NETFILTER_IP_DEFRAG`.
const NETFILTER_DEFRAGMENT: u32 = 1;

pub(super) fn attach(attaching: &Attaching<'_>, target: &Target) -> Attached {
    match target {
        Target::Xdp {
            network_interface,
            mode,
        } => xdp(attaching, network_interface, *mode),
        Target::Tc { .. } => tc(attaching, target),
        Target::Netkit {
            network_interface,
            side,
            position,
        } => {
            let attach_type = match side {
                NetkitSide::Primary => libbpf_sys::BPF_NETKIT_PRIMARY,
                NetkitSide::Peer => libbpf_sys::BPF_NETKIT_PEER,
            };
            let mut options = placed(*position);
            options.__bindgen_anon_1.netkit.relative_id = relative_id(*position);
            let interface = interface(network_interface)?.cast_signed();
            kernel_link(attaching, interface, attach_type, options)
        }
        Target::Cgroup {
            path,
            position,
            pre_order,
        } => {
            let cgroup = open_cgroup(path)?;
            let mut options = placed(*position);
            options.__bindgen_anon_1.cgroup.relative_id = relative_id(*position);
            if *pre_order {
                options.flags |= libbpf_sys::BPF_F_PREORDER;
            }
            let attach_type = attaching.info.attach_type;
            let ordered = options.flags != 0;
            match raw::link(attaching.program, cgroup.as_raw_fd(), attach_type, options) {
                Ok(link) => Ok(vec![Attachment::KernelLink(link)]),
                Err(error) if ordered => Err(order_failure(error, (6, 16), "Linux 6.16")),
                Err(error) => Err(error.into()),
            }
        }
        Target::SocketMap(name) => socket_map(attaching, name),
        Target::NetworkNamespace(path) => {
            let namespace = File::open(path).map_err(|error| unopened(&error, path))?;
            let attach_type = attaching.info.attach_type;
            let options = bpf_link_create_opts::default();
            kernel_link(attaching, namespace.as_raw_fd(), attach_type, options)
        }
        Target::Netfilter {
            protocol_family,
            hook,
            priority,
            defragment,
        } => {
            let mut options = bpf_link_create_opts::default();
            options.__bindgen_anon_1.netfilter.pf = *protocol_family;
            options.__bindgen_anon_1.netfilter.hooknum = *hook;
            options.__bindgen_anon_1.netfilter.priority = *priority;
            options.__bindgen_anon_1.netfilter.flags =
                if *defragment { NETFILTER_DEFRAGMENT } else { 0 };
            kernel_link(attaching, 0, libbpf_sys::BPF_NETFILTER, options)
        }
        Target::SocketFilter(network_interface) => {
            let interface = match network_interface.as_str() {
                EVERY_INTERFACE => 0,
                name => interface(name)?,
            };
            let socket = raw::packet_socket(attaching.program, interface)?;
            Ok(vec![Attachment::Socket(socket)])
        }
        _ => Err(Failure::Explained(
            ErrorKind::NotSupported,
            "this runtime does not know this kind of target".to_owned(),
        )),
    }
}

fn xdp(attaching: &Attaching<'_>, network_interface: &str, mode: XdpMode) -> Attached {
    let flags = XDP_MODES.iter().find(|(known, _)| *known == mode);
    let options = bpf_link_create_opts {
        flags: flags.map_or(0, |(_, flags)| *flags),
        ..Default::default()
    };
    let interface = interface(network_interface)?.cast_signed();
    kernel_link(attaching, interface, libbpf_sys::BPF_XDP, options).map_err(|failure| {
        let taken = match &failure {
            Failure::System(error) if is_taken(error) => raw::xdp_program(interface),
            _ => None,
        };
        match taken {
            Some(id) => Failure::Explained(
                ErrorKind::Busy,
                format!(
                    "network interface `{network_interface}` has an XDP program already, and takes \
                     one only: program {id} (`bpftool prog show id {id}`; `ip link set \
                     {network_interface} xdp off` removes one that no link holds)"
                ),
            ),
            None => failure,
        }
    })
}

/// What kernels say to a second XDP program: in the same mode, and in another one.
fn is_taken(error: &io::Error) -> bool {
    [Errno::BUSY, Errno::EXIST]
        .iter()
        .any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
}

fn kernel_link(
    attaching: &Attaching<'_>,
    target: i32,
    attach_type: u32,
    options: bpf_link_create_opts,
) -> Attached {
    let link = raw::link(attaching.program, target, attach_type, options)?;
    Ok(vec![Attachment::KernelLink(link)])
}

/// tcx where the kernel has it, else clsact.
fn tc(attaching: &Attaching<'_>, target: &Target) -> Attached {
    let Target::Tc {
        network_interface,
        direction,
        position,
        priority,
    } = target
    else {
        return Ok(Vec::new());
    };
    let interface = interface(network_interface)?.cast_signed();
    let (attach_type, attach_point) = match direction {
        TcDirection::Ingress => (libbpf_sys::BPF_TCX_INGRESS, libbpf_sys::BPF_TC_INGRESS),
        TcDirection::Egress => (libbpf_sys::BPF_TCX_EGRESS, libbpf_sys::BPF_TC_EGRESS),
    };
    // A priority means clsact: tcx has none.
    if *priority == 0 {
        let mut options = placed(*position);
        options.__bindgen_anon_1.tcx.relative_id = relative_id(*position);
        match raw::link(attaching.program, interface, attach_type, options) {
            Ok(link) => return Ok(vec![Attachment::KernelLink(link)]),
            // Kernels before 6.6 say EINVAL to the attach type.
            Err(error) if refused(&error) && *position == Position::Anywhere => {}
            Err(error) => return Err(order_failure(error, (6, 6), "tcx, Linux 6.6")),
        }
    } else if *position != Position::Anywhere {
        return Err(Failure::Explained(
            ErrorKind::InvalidArgument,
            "a priority is for clsact, a position for tcx: give one of them".to_owned(),
        ));
    }
    let mut filter = Filter {
        interface,
        attach_point,
        handle: 0,
        priority: *priority,
    };
    raw::clsact_attach(attaching.program, &mut filter)?;
    Ok(vec![Attachment::Clsact(Clsact::new(filter))])
}

/// What kernels say to attach types and flags that are younger than they.
fn refused(error: &io::Error) -> bool {
    [Errno::INVAL, Errno::OPNOTSUPP]
        .iter()
        .any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
}

/// A kernel before `needed` does not know places among other programs.
fn order_failure(error: io::Error, needed: (u32, u32), what: &str) -> Failure {
    let (major, minor, _) = host::kernel_version();
    if refused(&error) && (major, minor) < needed {
        return Failure::Explained(
            ErrorKind::NotSupported,
            format!("this kernel does not order programs: that takes {what}"),
        );
    }
    error.into()
}

fn socket_map(attaching: &Attaching<'_>, name: &str) -> Attached {
    let map = attaching
        .object
        .loaded_map(name)
        .map_err(|error| Failure::Explained(error.kind(), error.to_string()))?;
    let attach_type = attaching.info.attach_type;
    let options = bpf_link_create_opts::default();
    match raw::link(
        attaching.program,
        map.as_fd().as_raw_fd(),
        attach_type,
        options,
    ) {
        Ok(link) => Ok(vec![Attachment::KernelLink(link)]),
        // Kernels before 6.10 have no links for it.
        Err(error) if refused(&error) => {
            raw::attach_without_link(attaching.program.as_fd(), map.as_fd(), attach_type)?;
            Ok(vec![Attachment::Unlinked(Unlinked {
                program: attaching.program.as_fd().try_clone_to_owned()?,
                target: Some(map.as_fd().try_clone_to_owned()?),
                attach_type,
            })])
        }
        Err(error) => Err(error.into()),
    }
}

/// Options for a place among others.
fn placed(position: Position) -> bpf_link_create_opts {
    let flags = match position {
        Position::Anywhere => 0,
        Position::First | Position::Before(_) => libbpf_sys::BPF_F_BEFORE,
        Position::Last | Position::After(_) => libbpf_sys::BPF_F_AFTER,
    };
    bpf_link_create_opts {
        flags,
        ..Default::default()
    }
}

fn relative_id(position: Position) -> u32 {
    match position {
        Position::Before(id) | Position::After(id) => id,
        Position::Anywhere | Position::First | Position::Last => 0,
    }
}

/// The index of a network interface, given by name or as a number.
fn interface(text: &str) -> Result<u32, Failure> {
    if let Ok(index) = text.parse::<u32>()
        && index != 0
        && i32::try_from(index).is_ok()
    {
        return Ok(index);
    }
    raw::interface_index(text).map_err(|_| {
        Failure::Explained(
            ErrorKind::NotFound,
            format!("there is no network interface `{text}` (see `ip link`)"),
        )
    })
}

/// What a socket filter's target says for packets of all network interfaces.
const EVERY_INTERFACE: &str = "*";

/// A cgroup: absolute paths that lead to the cgroup2 file system as they are, others below its
/// mount, and so are those below the usual mount where it is mounted elsewhere.
pub(super) fn open_cgroup(path: &str) -> Result<OwnedFd, Failure> {
    let Some(mount) = host::cgroup_mount() else {
        return Err(Failure::Explained(
            ErrorKind::NotFound,
            "cgroup2 is not mounted: `mount -t cgroup2 none /sys/fs/cgroup`".to_owned(),
        ));
    };
    let place = cgroup_place(&mount, Path::new(path));
    let file = File::open(&place).map_err(|error| unopened(&error, &place.to_string_lossy()))?;
    Ok(file.into())
}

fn unopened(error: &io::Error, path: &str) -> Failure {
    let kind = match error.kind() {
        io::ErrorKind::NotFound => ErrorKind::NotFound,
        io::ErrorKind::PermissionDenied => ErrorKind::PermissionDenied,
        _ => ErrorKind::Other,
    };
    Failure::Explained(kind, format!("open {path}: {error}"))
}
