//! Programs that sockets and routes name themselves: the host pins them, and others attach them.

use std::io;
use std::net::UdpSocket;
use std::os::fd::AsRawFd as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use eunomia_host_abi::Result;
use eunomia_host_abi::kernel::{Kernel as _, Object, ProgramSetting};
use eunomia_runtime::libbpf::pins::{self, Pins};
use eunomia_runtime::libbpf::{LibbpfKernel, Options};

use super::real_kernel::{compile, network, proof};
use super::{explained, hits, set_deny};

const OBJECT: &str = "attach_sockets";

/// How long a packet that is not dropped may be on its way through this machine.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long one that is dropped is waited for, which proves nothing but that it is not there.
const DROPPED_PATIENCE: Duration = Duration::from_millis(100);

/// A program that is loaded and pinned. Dropping it removes the pin.
struct Pinned {
    object: Box<dyn Object>,
    folder: PathBuf,
    program: String,
}

impl Pinned {
    fn new(program: &str) -> Result<Self> {
        let folder = format!("/sys/fs/bpf/ecli-attach-{program}-{}", std::process::id());
        let folder = PathBuf::from(folder);
        let kernel = LibbpfKernel::with_options(Options {
            pins: Some(Arc::new(Pins::new(&folder, OBJECT)?)),
            ..Options::default()
        });
        let mut object = kernel.open_object(OBJECT, &compile(OBJECT))?;
        for info in object.programs() {
            object.set_program(&info.name, ProgramSetting::Autoload(info.name == program))?;
        }
        object.load()?;
        Ok(Self {
            object,
            folder,
            program: program.to_owned(),
        })
    }

    fn path(&self) -> PathBuf {
        self.folder
            .join(OBJECT)
            .join("programs")
            .join(&self.program)
    }
}

impl Drop for Pinned {
    fn drop(&mut self) {
        pins::remove(&self.folder).unwrap();
    }
}

/// `act` works and is counted, is denied where the program denies, and is seen no more when
/// `detach` was done.
fn denies(
    attach_type: &str,
    pinned: &mut Pinned,
    act: impl Fn() -> io::Result<()>,
    detach: impl FnOnce(),
) {
    act().unwrap_or_else(|error| panic!("{attach_type}: allowed, but {error}"));
    assert!(
        hits(&*pinned.object) > 0,
        "{attach_type}: nothing is counted"
    );
    set_deny(&mut *pinned.object, true);
    assert!(act().is_err(), "{attach_type}: denied, but it works");
    detach();
    let detached = hits(&*pinned.object);
    let _ = act(); // Without the route it may go elsewhere, or nowhere.
    assert_eq!(
        hits(&*pinned.object),
        detached,
        "{attach_type}: still attached"
    );
    proof::proven(attach_type);
}

fn ip(words: &str) {
    let status = Command::new("ip").args(words.split(' ')).status();
    assert!(
        status.is_ok_and(|status| status.success()),
        "ip {words}: it is in the package iproute2"
    );
}

#[test]
fn routes() {
    network::enter_new();
    ip("link set lo up");
    ip("link add veth0 type veth peer name veth1");
    ip("link set veth0 up");
    ip("link set veth1 up");
    ip("address add 10.97.0.1/24 dev veth0");
    for (attach_type, program, place) in [
        ("lwt_out", "on_lwt_out", "out"),
        ("lwt_xmit", "on_lwt_xmit", "xmit"),
    ] {
        let mut pinned = match Pinned::new(program) {
            Ok(pinned) => pinned,
            Err(error) => {
                explained(attach_type, &error);
                continue;
            }
        };
        let route = "10.98.0.0/24 via 10.97.0.2 dev veth0";
        let path = pinned.path();
        ip("neighbour replace 10.97.0.2 lladdr 02:00:00:00:00:01 dev veth0");
        ip(&format!(
            "route add {route} encap bpf {place} pinned {}",
            path.display()
        ));
        let send = || {
            let socket = UdpSocket::bind("10.97.0.1:0")?;
            socket.send_to(b"hello", "10.98.0.1:9").map(drop)
        };
        denies(attach_type, &mut pinned, send, || {
            ip(&format!("route del {route}"))
        });
    }
}

#[test]
fn sockets_that_share_a_port() {
    network::enter_new();
    ip("link set lo up");
    let mut pinned = match Pinned::new("on_reuseport") {
        Ok(pinned) => pinned,
        Err(error) => return explained("sk_reuseport", &error),
    };
    let receiver = sharing_socket(&pinned.path());
    let to = receiver.local_addr().unwrap();
    let send = || {
        let sender = UdpSocket::bind("127.0.0.1:0")?;
        for patience in [PATIENCE, DROPPED_PATIENCE] {
            sender.send_to(b"hello", to)?;
            receiver.set_read_timeout(Some(patience))?;
            // The first may be dropped: then the second is not waited for as long.
            receiver.recv(&mut [0; 16])?;
        }
        Ok(())
    };
    denies("sk_reuseport", &mut pinned, send, || {
        detach_reuseport(&receiver)
    });
}

/// A socket of a group with the pinned program.
#[allow(unsafe_code)]
fn sharing_socket(program: &Path) -> UdpSocket {
    use std::os::fd::FromRawFd as _;
    let program = libbpf_rs::Program::fd_from_pinned_path(program).unwrap();
    // SAFETY: takes numbers.
    let socket = unsafe { libc::socket(libc::AF_INET, libc::SOCK_DGRAM, 0) };
    assert!(socket >= 0, "{}", io::Error::last_os_error());
    // SAFETY: a new file descriptor that nobody else owns.
    let socket = unsafe { UdpSocket::from_raw_fd(socket) };
    set_option(&socket, libc::SO_REUSEPORT, 1);
    let address = libc::sockaddr_in {
        sin_family: libc::AF_INET as u16,
        sin_port: 0,
        sin_addr: libc::in_addr {
            s_addr: u32::from_ne_bytes([127, 0, 0, 1]),
        },
        sin_zero: [0; 8],
    };
    let length = size_of_val(&address) as u32;
    // SAFETY: the pointer leads to as many bytes as is said beside it.
    let bound = unsafe { libc::bind(socket.as_raw_fd(), (&raw const address).cast(), length) };
    assert_eq!(bound, 0, "{}", io::Error::last_os_error());
    set_option(&socket, libc::SO_ATTACH_REUSEPORT_EBPF, program.as_raw_fd());
    socket
}

fn detach_reuseport(socket: &UdpSocket) {
    set_option(socket, libc::SO_DETACH_REUSEPORT_BPF, 0);
}

#[allow(unsafe_code)]
fn set_option(socket: &UdpSocket, option: i32, value: i32) {
    // SAFETY: the pointer leads to as many bytes as is said beside it.
    let set = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            option,
            (&raw const value).cast(),
            size_of_val(&value) as u32,
        )
    };
    assert_eq!(set, 0, "option {option}: {}", io::Error::last_os_error());
}
