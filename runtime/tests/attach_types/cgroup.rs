//! Programs of cgroups. What they judge is done by this test program itself, started once more as a
//! process of the cgroup.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use super::real_kernel::network;
use super::{attached, counts, denies};

const OBJECT: &str = "attach_sockets";

/// What the child does, and where: see [`act_in_a_cgroup`].
const ACT: &str = "ECLI_TEST_ACT";
const FOLDER: &str = "ECLI_TEST_CGROUP";

/// How long data that is not dropped may be on its way through this machine.
const DATA_PATIENCE: Duration = Duration::from_secs(2);

/// A cgroup of a test's own. Dropping it removes it.
pub(crate) struct Cgroup {
    folder: PathBuf,
}

impl Cgroup {
    pub(crate) fn new(name: &str) -> Self {
        let mounts = fs::read_to_string("/proc/self/mounts").unwrap();
        let mount = mounts
            .lines()
            .map(|line| line.split(' ').collect::<Vec<_>>())
            .find(|fields| fields[2] == "cgroup2")
            .expect("cgroup2 is not mounted: `mount -t cgroup2 none /sys/fs/cgroup`")[1];
        let name = format!("ecli-attach-{name}-{}", std::process::id());
        let folder = PathBuf::from(mount).join(name);
        fs::create_dir(&folder).unwrap();
        Self { folder }
    }

    pub(crate) fn path(&self) -> String {
        self.folder.display().to_string()
    }

    /// A process of this cgroup does it; an error when it could not.
    pub(crate) fn act(&self, act: &str) -> io::Result<()> {
        let output = Command::new(std::env::current_exe()?)
            .args(["--ignored", "--exact", "cgroup::act_in_a_cgroup"])
            .env(ACT, act)
            .env(FOLDER, &self.folder)
            .output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(text.contains("1 test"), "no such test: {text}");
        match output.status.success() {
            true => Ok(()),
            false => Err(io::Error::other(text.into_owned())),
        }
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        fs::remove_dir(&self.folder).unwrap();
    }
}

#[test]
#[ignore = "the other tests start it as a process of a cgroup"]
fn act_in_a_cgroup() {
    let folder = PathBuf::from(std::env::var_os(FOLDER).expect("which cgroup"));
    fs::write(folder.join("cgroup.procs"), std::process::id().to_string()).unwrap();
    let any = "127.0.0.1:0";
    match std::env::var(ACT).expect("what to do").as_str() {
        "exchange" => exchange().unwrap(),
        "bind" => drop(UdpSocket::bind(any).unwrap()),
        "connect" => UdpSocket::bind("0.0.0.0:0")
            .unwrap()
            .connect("127.0.0.1:9")
            .unwrap(),
        "send" => {
            let receiver = UdpSocket::bind(any).unwrap();
            let sender = UdpSocket::bind("0.0.0.0:0").unwrap();
            sender
                .send_to(b"hello", receiver.local_addr().unwrap())
                .unwrap();
            receiver.set_read_timeout(Some(DATA_PATIENCE)).unwrap();
            receiver.recv(&mut [0; 16]).unwrap();
        }
        "bind6" => drop(UdpSocket::bind("[::1]:0").unwrap()),
        "connect6" => UdpSocket::bind("[::]:0")
            .unwrap()
            .connect("[::1]:9")
            .unwrap(),
        "send6" => {
            let receiver = UdpSocket::bind("[::1]:0").unwrap();
            let sender = UdpSocket::bind("[::]:0").unwrap();
            sender
                .send_to(b"hello", receiver.local_addr().unwrap())
                .unwrap();
            receiver.set_read_timeout(Some(DATA_PATIENCE)).unwrap();
            // With the sender's address, which a program may change.
            receiver.recv_from(&mut [0; 16]).unwrap();
        }
        "receive" => {
            let socket = UdpSocket::bind(any).unwrap();
            let own = socket.local_addr().unwrap();
            socket.send_to(b"hello", own).unwrap();
            socket.set_read_timeout(Some(DATA_PATIENCE)).unwrap();
            socket.recv_from(&mut [0; 16]).unwrap();
        }
        "peer" | "peer6" => {
            let at = if std::env::var(ACT).unwrap() == "peer" {
                any
            } else {
                "[::1]:0"
            };
            let socket = UdpSocket::bind(at).unwrap();
            socket.connect(socket.local_addr().unwrap()).unwrap();
            socket.peer_addr().unwrap();
        }
        // A getsockopt and a setsockopt.
        "ttl" => drop(UdpSocket::bind(any).unwrap().ttl().unwrap()),
        "set-ttl" => UdpSocket::bind(any).unwrap().set_ttl(9).unwrap(),
        "device" => drop(fs::File::open("/dev/zero").unwrap()),
        "sysctl" => drop(fs::read("/proc/sys/kernel/ostype").unwrap()),
        other => panic!("nobody knows how to {other}"),
    }
}

/// A connection to itself, and a word in each direction.
fn exchange() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let mut active = TcpStream::connect(listener.local_addr()?)?;
    let (mut passive, _) = listener.accept()?;
    for (from, to) in [(0, 1), (1, 0)] {
        let ends = [&mut active, &mut passive];
        ends[to].set_read_timeout(Some(DATA_PATIENCE))?;
        ends[from].write_all(b"hello")?;
        ends[to].read_exact(&mut [0; 5])?;
    }
    Ok(())
}

/// A network of this thread's own, in which it can send to itself.
fn own_network() {
    network::enter_new();
    let status = Command::new("ip")
        .args(["link", "set", "lo", "up"])
        .status();
    assert!(
        status.unwrap().success(),
        "ip: it is in the package iproute2"
    );
}

/// The program of its cgroup sees the act.
fn sees(attach_type: &str, program: &str, act: &str) {
    own_network();
    let cgroup = Cgroup::new(program);
    let target = format!("cgroup:{}", cgroup.path());
    if let Some((object, link)) = attached(attach_type, (OBJECT, program), &target) {
        counts(attach_type, &*object, link, || cgroup.act(act).unwrap());
    }
}

/// The act works until the program of its cgroup denies it.
fn judges(attach_type: &str, program: &str, act: &str) {
    own_network();
    let cgroup = Cgroup::new(program);
    let target = format!("cgroup:{}", cgroup.path());
    if let Some((mut object, link)) = attached(attach_type, (OBJECT, program), &target) {
        denies(attach_type, &mut *object, link, || cgroup.act(act));
    }
}

#[test]
fn packets_that_leave_and_arrive() {
    judges("cgroup_skb/egress", "on_egress", "send");
    judges("cgroup_skb/ingress", "on_ingress", "send");
}

#[test]
fn sockets_that_are_made() {
    judges("cgroup/sock_create", "on_create", "bind");
}

#[test]
fn addresses_that_are_bound_and_connected_to() {
    judges("cgroup/bind4", "on_bind4", "bind");
    judges("cgroup/connect4", "on_connect4", "connect");
    judges("cgroup/sendmsg4", "on_sendmsg4", "send");
}

#[test]
fn the_same_of_ipv6() {
    judges("cgroup/bind6", "on_bind6", "bind6");
    judges("cgroup/connect6", "on_connect6", "connect6");
    judges("cgroup/sendmsg6", "on_sendmsg6", "send6");
}

#[test]
fn sockets_that_are_bound() {
    judges("cgroup/post_bind4", "on_post_bind4", "bind");
    judges("cgroup/post_bind6", "on_post_bind6", "bind6");
}

#[test]
fn addresses_that_are_asked_for() {
    for (attach_type, program, act) in [
        ("cgroup/recvmsg4", "on_recvmsg4", "receive"),
        ("cgroup/recvmsg6", "on_recvmsg6", "send6"),
        ("cgroup/getpeername4", "on_getpeername4", "peer"),
        ("cgroup/getpeername6", "on_getpeername6", "peer6"),
        ("cgroup/getsockname4", "on_getsockname4", "peer"),
        ("cgroup/getsockname6", "on_getsockname6", "peer6"),
    ] {
        sees(attach_type, program, act);
    }
}

#[test]
fn sockets_that_are_closed() {
    sees("cgroup/sock_release", "on_release", "bind");
}

#[test]
fn socket_options() {
    judges("cgroup/getsockopt", "on_getsockopt", "ttl");
    judges("cgroup/setsockopt", "on_setsockopt", "set-ttl");
}

#[test]
fn devices() {
    judges("cgroup/dev", "on_device", "device");
}

#[test]
fn sysctls() {
    judges("cgroup/sysctl", "on_sysctl", "sysctl");
}

#[test]
fn lsm_hooks_of_a_cgroup() {
    let cgroup = Cgroup::new("lsm");
    let target = format!("cgroup:{}", cgroup.path());
    let program = ("attach_tracing", "on_lsm_cgroup");
    if let Some((mut object, link)) = attached("lsm_cgroup", program, &target) {
        denies("lsm_cgroup", &mut *object, link, || cgroup.act("bind"));
    }
}

#[test]
fn connections_that_are_established() {
    sees("sockops", "on_sockops", "exchange");
}
