//! How attach targets are written in policies: one spelling for each thing that a program can be
//! attached to, whichever way it gets there.

use std::path::{Component, Path, PathBuf};

use eunomia_runtime::libbpf::places;
use eunomia_runtime::target::{
    IteratorTarget, NetkitSide, Section, Target, TcDirection, UprobeLocation, UprobeLocations,
};

/// The spellings of what a section names: all of them must be allowed. None when it names nothing:
/// then the guest says where, and is checked then.
pub(crate) fn of_section(section: &str) -> Vec<String> {
    Section::target(section)
        .as_ref()
        .map(of_target)
        .unwrap_or_default()
}

/// The spellings of a target. Offsets, cookies and processes are left out: who may watch a function
/// may watch each of its instructions; likewise modes and positions, and files, cgroups and
/// interfaces have their own names, whichever way they were written.
pub(crate) fn of_target(target: &Target) -> Vec<String> {
    match target {
        Target::Kprobe { symbol, .. } => vec![format!("kprobe:{symbol}")],
        Target::KprobeMulti { symbols, .. } => symbols
            .iter()
            .map(|symbol| format!("kprobe:{symbol}"))
            .collect(),
        Target::Uprobe {
            binary, location, ..
        } => {
            let binary = real(places::binary(binary), binary);
            vec![match location {
                UprobeLocation::Symbol(symbol, _) => format!("uprobe:{binary}:{symbol}"),
                UprobeLocation::FileOffset(offset) => format!("uprobe:{binary}:{offset:#x}"),
            }]
        }
        Target::UprobeMulti {
            binary, locations, ..
        } => {
            let binary = real(places::binary(binary), binary);
            match locations {
                UprobeLocations::Pattern(pattern) => vec![format!("uprobe:{binary}:{pattern}")],
                UprobeLocations::Symbols(symbols) => symbols
                    .iter()
                    .map(|symbol| format!("uprobe:{binary}:{symbol}"))
                    .collect(),
                UprobeLocations::FileOffsets(offsets) => offsets
                    .iter()
                    .map(|offset| format!("uprobe:{binary}:{offset:#x}"))
                    .collect(),
            }
        }
        Target::Usdt {
            binary,
            provider,
            name,
            ..
        } => {
            let binary = real(places::binary(binary), binary);
            vec![format!("usdt:{binary}:{provider}:{name}")]
        }
        Target::Xdp {
            network_interface, ..
        } => vec![format!("xdp:{}", interface(network_interface))],
        Target::Tc {
            network_interface,
            direction,
            ..
        } => {
            let direction = match direction {
                TcDirection::Ingress => "ingress",
                TcDirection::Egress => "egress",
            };
            vec![format!("tc:{}:{direction}", interface(network_interface))]
        }
        Target::Netkit {
            network_interface,
            side,
            ..
        } => {
            let side = match side {
                NetkitSide::Primary => "primary",
                NetkitSide::Peer => "peer",
            };
            vec![format!("netkit:{}:{side}", interface(network_interface))]
        }
        Target::SocketFilter(name) => vec![format!("socket_filter:{}", interface(name))],
        Target::Cgroup { path, .. } => {
            vec![format!("cgroup:{}", real(places::cgroup(path), path))]
        }
        Target::Iterator(IteratorTarget::Cgroup { path, .. }) => {
            let path = real(places::cgroup(path), path);
            vec![format!("iterator:cgroup={path}")]
        }
        Target::NetworkNamespace(path) => {
            let file = places::real(Path::new(path));
            vec![format!("network_namespace:{}", real(file, path))]
        }
        other => vec![other.to_string()],
    }
}

/// The real path of what a target names, or what was written where there is nothing: attaching will
/// fail. What is there without a name of its own, seen through a link into another mount namespace,
/// and what goes up, is spelled so that no pattern of a folder covers it.
fn real(found: Option<PathBuf>, written: &str) -> String {
    match found {
        Some(path) => path.to_string_lossy().into_owned(),
        None => {
            let path = Path::new(written);
            let goes_up = path.components().any(|part| part == Component::ParentDir);
            let is_unclear = goes_up || path.exists();
            let mark = if is_unclear { "../" } else { "" };
            format!("{mark}{written}")
        }
    }
}

fn interface(written: &str) -> String {
    places::interface(written).unwrap_or_else(|| written.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_a_file_or_an_interface_is_spelled_the_same() {
        let spelled = |text: &str| of_target(&text.parse().unwrap());
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().canonicalize().unwrap();
        let (file, link) = (folder.join("program"), folder.join("link"));
        std::fs::write(&file, "").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        let (shown, link) = (file.display(), link.display());
        let name = folder.file_name().unwrap().to_string_lossy();
        for way in [
            format!("uprobe:{shown}:main"),
            format!("uprobe:{link}:main"),
            format!("uprobe:{}/../{name}/./program:main", folder.display()),
        ] {
            assert_eq!(spelled(&way), [format!("uprobe:{shown}:main")], "{way}");
        }
        let missing = spelled("uprobe:/usr/lib/../../nowhere/x:main");
        assert_eq!(missing, ["uprobe:..//usr/lib/../../nowhere/x:main"]);
        for way in ["xdp:lo", "xdp:1", "xdp:lo:generic"] {
            assert_eq!(spelled(way), ["xdp:lo"]);
        }
        assert_eq!(spelled("tc:1:ingress:first"), ["tc:lo:ingress"]);
    }

    #[test]
    fn every_way_to_a_function_is_spelled_the_same() {
        let spelled = |text: &str| of_target(&text.parse().unwrap());
        assert_eq!(spelled("kprobe:tcp_connect+4"), ["kprobe:tcp_connect"]);
        assert_eq!(spelled("kprobe_multi:a,b"), ["kprobe:a", "kprobe:b"]);
        assert_eq!(
            spelled("uprobe:/nowhere/bash:readline+8@7"),
            ["uprobe:/nowhere/bash:readline"]
        );
        assert_eq!(of_section("kretprobe/tcp_connect"), ["kprobe:tcp_connect"]);
        assert_eq!(
            of_section("tp/sched/sched_switch"),
            ["tracepoint:sched:sched_switch"]
        );
        assert!(of_section("xdp").is_empty());
        assert!(of_section("nonsense").is_empty());
    }
}
