//! Guests of the older ABI, built from `tests/wasm-bpf` as their own SDK builds them: the BPF
//! object as an array of bytes in a core module made by clang and wasi-libc.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use anyhow::{Context, Result, ensure};
use eunomia_tests::repository;

/// A guest's source, its BPF object's source, and what else the compiler is told.
pub(crate) struct Guest {
    pub(crate) source: &'static str,
    pub(crate) object: &'static str,
    pub(crate) defines: &'static [&'static str],
}

impl Guest {
    /// The guest `NAME.c` with the object `OBJECT.bpf.c`.
    pub(crate) const fn new(source: &'static str, object: &'static str) -> Self {
        Self {
            source,
            object,
            defines: &[],
        }
    }

    /// Compile both halves; the module is in a folder that goes with the returned value.
    pub(crate) fn build(&self) -> Result<Built> {
        let folder = tempfile::tempdir()?;
        let sources = repository().join("tests/wasm-bpf");
        let object = folder.path().join("object.bpf.o");
        run(Command::new("clang")
            .args(["-g", "-O2", "-Wall", "-target", "bpf", "-c"])
            .arg(format!("-D__TARGET_ARCH_{}", target_arch()))
            .arg("-I")
            .arg(headers()?)
            .arg("-o")
            .arg(&object)
            .arg(sources.join(format!("{}.bpf.c", self.object))))?;
        let array = folder.path().join("object.c");
        std::fs::write(&array, as_c_array(&std::fs::read(&object)?))?;
        let module = folder.path().join(format!("{}.wasm", self.source));
        run(Command::new("clang")
            .args(["--target=wasm32-wasi", "-O2", "-Wall", "-Wl,--export-table"])
            .args(self.defines)
            .arg("-I")
            .arg(&sources)
            .arg("-o")
            .arg(&module)
            .arg(sources.join(format!("{}.c", self.source)))
            .arg(&array))?;
        Ok(Built {
            module,
            _folder: folder,
        })
    }
}

/// A compiled guest.
pub(crate) struct Built {
    pub(crate) module: PathBuf,
    _folder: tempfile::TempDir,
}

fn run(command: &mut Command) -> Result<()> {
    let output = command
        .output()
        .context("run clang: install what scripts/setup lists")?;
    ensure!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}

fn as_c_array(bytes: &[u8]) -> String {
    let mut text = String::from("__attribute__((aligned(8))) unsigned char bpf_object[] = {");
    for byte in bytes {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte},");
    }
    let _ = write!(
        text,
        "}};\nunsigned int bpf_object_len = {};\n",
        bytes.len()
    );
    text
}

/// A folder with `vmlinux.h` and `bpf/bpf_helpers.h`, made once for each process.
fn headers() -> Result<&'static Path> {
    static FOLDER: OnceLock<tempfile::TempDir> = OnceLock::new();
    if FOLDER.get().is_none() {
        let folder = tempfile::tempdir()?;
        eunomia_runtime::headers::write_bpf_headers(folder.path())?;
        let types = eunomia_runtime::vmlinux::vmlinux_header(None)
            .map_err(|error| anyhow::anyhow!(error.text()))?;
        std::fs::write(folder.path().join("vmlinux.h"), types)?;
        // Another thread's is as good.
        let _ = FOLDER.set(folder);
    }
    Ok(FOLDER.get().context("it was just made")?.path())
}

fn target_arch() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "x86",
        "aarch64" => "arm64",
        other => other,
    }
}
