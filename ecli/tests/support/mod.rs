//! Runs the `ecli` of this build in an environment of its own.
#![allow(dead_code, reason = "every test file uses its part of it")]

pub(crate) mod image;
#[path = "../../../image/tests/support/noise.rs"]
pub(crate) mod noise;
#[path = "../../../image/tests/support/proxy.rs"]
pub(crate) mod proxy;
#[path = "../../../image/tests/support/registry.rs"]
pub(crate) mod registry;

#[path = "../../../image/tests/support/server.rs"]
pub(crate) mod server;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

/// A folder with a home and a store, in which nothing of the machine's configuration counts.
pub(crate) struct Sandbox {
    folder: TempDir,
}

/// What a command printed, and its exit code.
pub(crate) struct Outcome {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Sandbox {
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path
    }

    pub(crate) fn store(&self) -> PathBuf {
        self.path("store")
    }

    /// A command line, to which a test may add variables.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ecli"));
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env("ECLI_STORE", self.store())
            .env("XDG_CONFIG_HOME", self.path("config"))
            .env("RUST_BACKTRACE", "1")
            // Those of the cargo that runs this test.
            .env_remove("CARGO_TARGET_DIR")
            .env_remove("CARGO_MANIFEST_DIR")
            .env_remove("ECLI_OUTPUT")
            .env_remove("ECLI_MEMORY")
            .env_remove("ECLI_PULL")
            .env_remove("ECLI_REGISTRY")
            .env_remove("ECLI_CA_FILE")
            .env_remove("REGISTRY_AUTH_FILE")
            .env("DOCKER_CONFIG", self.path("docker"))
            .env_remove("ECLI_YES")
            .env_remove("ECLI_KEY_PASSWORD")
            .env_remove("COSIGN_PASSWORD")
            .env_remove("SOURCE_DATE_EPOCH");
        command
    }

    pub(crate) fn ecli(&self, arguments: &[&str]) -> Outcome {
        self.run(&mut self.command(arguments))
    }

    /// Runs a command; folders of this sandbox read `$SANDBOX` in what it printed.
    pub(crate) fn run(&self, command: &mut Command) -> Outcome {
        let Output {
            status,
            stdout,
            stderr,
        } = command.output().unwrap();
        let text = |bytes: Vec<u8>| {
            let text = String::from_utf8(bytes).unwrap();
            text.replace(self.folder.path().to_str().unwrap(), "$SANDBOX")
        };
        Outcome {
            code: status.code().unwrap(),
            stdout: text(stdout),
            stderr: text(stderr),
        }
    }
}

impl Outcome {
    /// Fails unless the command succeeded; returns what it printed.
    #[track_caller]
    pub(crate) fn succeeded(self) -> String {
        assert_eq!(self.code, 0, "stderr: {}", self.stderr);
        self.stdout
    }

    /// Fails unless the command failed with code 1 and said exactly this on stderr.
    #[track_caller]
    pub(crate) fn failed_with(self, stderr: &str) {
        assert_eq!((self.code, self.stderr.as_str()), (1, stderr));
        assert_eq!(self.stdout, "");
    }
}

/// Runs a program that must be installed and must succeed; returns its standard output.
#[track_caller]
pub(crate) fn run(program: &str, arguments: &[&str]) -> Vec<u8> {
    let output = Command::new(program)
        .args(arguments)
        .output()
        .unwrap_or_else(|error| panic!("{program} must be installed for this test: {error}"));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {stderr}");
    output.stdout
}

pub(crate) fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Compares with a golden file of `tests/golden/`; with `ECLI_BLESS=1` writes it.
#[track_caller]
pub(crate) fn assert_golden(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(name);
    if std::env::var_os("ECLI_BLESS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(
        text, golden,
        "{name}: ECLI_BLESS=1 writes what is printed now; review the change"
    );
}
