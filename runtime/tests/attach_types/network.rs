//! Places that packets pass, in a network namespace of each test's own.

use std::io;
use std::net::UdpSocket;
use std::process::Command;
use std::time::Duration;

use super::real_kernel::{network, proof};
use super::{attached, counts, denies, hits};

const OBJECT: &str = "attach_sockets";

/// How long a packet that is not dropped may be on its way through this machine.
const PACKET_PATIENCE: Duration = Duration::from_secs(5);
/// How long one that is dropped is waited for, which proves nothing but that it is not there.
const DROPPED_PATIENCE: Duration = Duration::from_millis(100);

/// A network namespace of this thread's own, with `lo` up and a pair `veth0`, `veth1` of which
/// `veth1` has an address.
fn own_network() {
    network::enter_new();
    for words in [
        "link set lo up",
        "link add veth0 type veth peer name veth1",
        "link set veth0 up",
        "link set veth1 up",
        "address add 10.99.0.1/24 dev veth1",
    ] {
        let status = Command::new("ip").args(words.split(' ')).status();
        assert!(
            status.is_ok_and(|status| status.success()),
            "ip {words}: it is in the package iproute2"
        );
    }
}

/// A datagram from and to this machine; an error when it does not arrive.
fn send_to_self(patience: Duration) -> io::Result<()> {
    let receiver = UdpSocket::bind("127.0.0.1:0")?;
    receiver.set_read_timeout(Some(patience))?;
    let sender = UdpSocket::bind("127.0.0.1:0")?;
    sender.send_to(b"hello", receiver.local_addr()?)?;
    receiver.recv(&mut [0; 16]).map(drop)
}

/// Packets pass until the program denies them.
fn drops(attach_type: &str, program: &str, target: &str) {
    own_network();
    let Some((mut object, link)) = attached(attach_type, (OBJECT, program), target) else {
        return;
    };
    denies(attach_type, &mut *object, link, || {
        send_to_self(PACKET_PATIENCE).and_then(|()| send_to_self(DROPPED_PATIENCE))
    });
}

#[test]
fn xdp_generic() {
    drops("xdp (generic)", "on_xdp", "xdp:lo:generic");
}

#[test]
fn xdp_in_the_driver() {
    own_network();
    let target = "xdp:veth0:driver";
    let Some((object, link)) = attached("xdp (driver)", (OBJECT, "on_xdp"), target) else {
        return;
    };
    // Somebody at the other end asks who has an address: that packet comes in at veth0.
    counts("xdp (driver)", &*object, link, || {
        let sender = UdpSocket::bind("10.99.0.1:0").unwrap();
        let before = hits(&*object);
        // The kernel asks for one address only so often: ask for all.
        for host in 2..=254 {
            sender
                .send_to(b"hello", ("10.99.0.".to_owned() + &host.to_string(), 9))
                .unwrap();
            if hits(&*object) > before {
                break;
            }
        }
    });
}

#[test]
fn xdp_says_what_is_attached_already() {
    own_network();
    let target = "xdp:lo:generic";
    let (first, _link) = attached("xdp (generic)", (OBJECT, "on_xdp"), target).unwrap();
    let id = first
        .programs()
        .iter()
        .find(|p| p.name == "on_xdp")
        .unwrap()
        .id;
    let second = super::load(OBJECT, &["on_xdp"]).unwrap();
    let error = super::attach(&*second, "on_xdp", target).unwrap_err();
    assert_eq!(error.kind(), eunomia_host_abi::ErrorKind::Busy);
    let text = error.text();
    assert!(text.contains(&format!("program {id}")), "{text}");
}

#[test]
fn tc_by_clsact() {
    drops("tc (clsact)", "on_tc", "tc:lo:ingress:priority=7");
}

#[test]
fn tc_by_tcx() {
    drops("tcx", "on_tc", "tc:lo:ingress:first");
}

#[test]
fn netkit() {
    own_network();
    // Kernels that have it make pairs of it; on others any interface shows what is said.
    let pair = "link add nk0 type netkit peer name nk1";
    let made = Command::new("ip").args(pair.split(' ')).output();
    let has_pair = made.is_ok_and(|output| output.status.success());
    let target = if has_pair {
        "netkit:nk0:primary"
    } else {
        "netkit:veth0:primary"
    };
    let Some((object, link)) = attached("netkit", (OBJECT, "on_netkit"), target) else {
        return assert!(!has_pair, "this kernel has netkit");
    };
    for words in [
        "link set nk0 up",
        "link set nk1 up",
        "address add 10.96.0.1/24 dev nk0",
    ] {
        let status = Command::new("ip").args(words.split(' ')).status();
        assert!(status.unwrap().success(), "ip {words}");
    }
    counts("netkit", &*object, link, || {
        let sender = UdpSocket::bind("10.96.0.1:0").unwrap();
        sender.send_to(b"hello", "10.96.0.2:9").unwrap();
    });
}

#[test]
fn netfilter() {
    drops("netfilter", "on_netfilter", "netfilter:ipv4:1:0");
}

#[test]
fn sk_lookup() {
    let target = "network_namespace:/proc/thread-self/ns/net";
    drops("sk_lookup", "on_sk_lookup", target);
}

#[test]
fn flow_dissector() {
    own_network();
    let target = "network_namespace:/proc/thread-self/ns/net";
    let attach_type = "flow_dissector";
    let Some((object, link)) = attached(attach_type, (OBJECT, "on_flow_dissector"), target) else {
        return;
    };
    counts(attach_type, &*object, link, network::send_raw_packet);
}

#[test]
fn socket_maps_judge_what_is_sent_and_received() {
    for (attach_type, program) in [("sk_msg", "on_sk_msg"), ("sk_skb", "on_sk_skb")] {
        own_network();
        let cgroup = super::cgroup::Cgroup::new("sockets");
        let object = super::load(OBJECT, &["on_sockops", program]).unwrap();
        let path = format!("cgroup:{}", cgroup.path());
        let collector = super::attach(&*object, "on_sockops", &path).unwrap();
        let before = hits(&*object);
        cgroup.act("exchange").unwrap();
        assert!(hits(&*object) > before, "no socket was seen to connect");
        let link = super::attach(&*object, program, "socket_map:sockets").unwrap();
        let mut object = object;
        denies(attach_type, &mut *object, link, || cgroup.act("exchange"));
        let detached = hits(&*object);
        drop(collector);
        cgroup.act("exchange").unwrap();
        assert_eq!(hits(&*object), detached, "sockops is still attached");
        proof::proven("sockops");
    }
}
