//! A real registry (CNCF distribution, Debian's `docker-registry`), one for each test.

use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

const START_MAX: Duration = Duration::from_secs(20);

/// `user` with the password of [`PASSWORD`], as `htpasswd -B` writes it.
const HTPASSWD: &str = "user:$2y$05$abcdefghijklmnopqrstuuUXKlvQTwfK/kphhjbeRlh5zvpJx1LLu\n";
pub(crate) const USER: &str = "user";
pub(crate) const PASSWORD: &str = "s3cret-password";

pub(crate) struct RegistryServer {
    pub(crate) address: SocketAddr,
    process: Child,
    _folder: TempDir,
}

impl RegistryServer {
    /// A registry for everybody.
    pub(crate) fn start() -> Self {
        Self::start_with("", "")
    }

    /// A registry for [`USER`] only.
    pub(crate) fn start_private() -> Self {
        Self::start_with(
            "auth: {htpasswd: {realm: test, path: FOLDER/htpasswd}}\n",
            "",
        )
    }

    /// A registry with TLS, by the certificates in `tests/fixtures`.
    pub(crate) fn start_with_tls() -> Self {
        let file = |name| {
            format!(
                "{}/../image/tests/fixtures/{name}",
                env!("CARGO_MANIFEST_DIR")
            )
        };
        let (certificate, key) = (file("server.pem"), file("server.key"));
        Self::start_with(
            "",
            &format!(", tls: {{certificate: {certificate}, key: {key}}}"),
        )
    }

    /// A repository of this registry.
    pub(crate) fn name(&self, repository: &str) -> String {
        format!("{}/{repository}", self.address)
    }

    fn start_with(extra: &str, http: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        // Another process may take the port in between: then ours ends, and we try another one.
        for _ in 0..5 {
            let address = free_address();
            let path = super::text(folder.path());
            let config = format!(
                "version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: \
                 {path}/data}}}}\nhttp: {{addr: '{address}'{http}}}\n{}",
                extra.replace("FOLDER", path)
            );
            std::fs::write(folder.path().join("htpasswd"), HTPASSWD).expect("write htpasswd");
            let file = folder.path().join("config.yml");
            std::fs::write(&file, config).expect("write the registry's config");
            let mut process = Command::new("docker-registry")
                .arg("serve")
                .arg(&file)
                .stdout(Stdio::null())
                .stderr(Stdio::piped())
                .spawn()
                .expect("docker-registry must be installed for this test");
            if is_up(address, &mut process) {
                drain(&mut process);
                return Self {
                    address,
                    process,
                    _folder: folder,
                };
            }
        }
        panic!("docker-registry does not start");
    }
}

impl Drop for RegistryServer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn free_address() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    listener
        .local_addr()
        .expect("a bound socket has an address")
}

fn is_up(address: SocketAddr, process: &mut Child) -> bool {
    let start = Instant::now();
    while start.elapsed() < START_MAX {
        if process
            .try_wait()
            .expect("ask for the registry's state")
            .is_some()
        {
            return false;
        }
        if TcpStream::connect(address).is_ok() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    false
}

/// Nobody reads its log, which must not fill the pipe.
fn drain(process: &mut Child) {
    let Some(log) = process.stderr.take() else {
        return;
    };
    std::thread::spawn(move || BufReader::new(log).lines().for_each(drop));
}
