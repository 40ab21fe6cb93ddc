//! Compiling objects, running tools on them, and provoking events.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use eunomia_tests::{Running, ecli, repository, target};
use serde_json::Value;

/// How long events may take to appear on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a run gave.
pub(crate) struct Run {
    /// All rows of its JSON.
    pub(crate) rows: Vec<Value>,
    /// What it said on standard error.
    pub(crate) said: String,
    /// Processes that were started, by id.
    pub(crate) children: Vec<u64>,
}

impl Run {
    /// The rows about a process that was started.
    pub(crate) fn own_rows(&self) -> Vec<&Value> {
        let is_own = |row: &&Value| {
            row["pid"]
                .as_u64()
                .is_some_and(|pid| self.children.contains(&pid))
        };
        self.rows.iter().filter(is_own).collect()
    }
}

/// The object compiled from `tests/formats/NAME.bpf.c`, once for each process. What follows a `-`
/// in a name is defined while compiling.
pub(crate) fn object(name: &str) -> Result<Vec<u8>> {
    static COMPILED: Mutex<BTreeMap<String, Vec<u8>>> = Mutex::new(BTreeMap::new());
    let mut compiled = COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(object) = compiled.get(name) {
        return Ok(object.clone());
    }
    if let Some(folder) = compiled_elsewhere()
        && let Ok(object) = std::fs::read(folder.join(format!("{name}.o")))
    {
        return Ok(object);
    }
    let folder = tempfile::tempdir()?;
    let product = folder.path().join("product.o");
    let (stem, defined) = name.split_once('-').unwrap_or((name, "WHOLE"));
    let source = repository().join(format!("tests/formats/{stem}.bpf.c"));
    let output = compiler(stem)
        .args(["-g", "-O2", "-Wall", "-Werror", "-mcpu=v3", "-I"])
        .arg(headers()?)
        .arg(format!("-D{defined}"))
        .arg("-c")
        .arg(&source)
        .arg("-o")
        .arg(&product)
        .output()
        .context("run the compiler: install clang, and zig as scripts/setup does")?;
    let problem = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "compile {name}: {problem}");
    let bytes = std::fs::read(&product)?;
    compiled.insert(name.to_owned(), bytes.clone());
    Ok(bytes)
}

/// clang; for an object whose enums have 64 bits, the one in zig, since Debian's describes none.
fn compiler(name: &str) -> Command {
    const WIDE_ENUMS: &str = "kinds";
    if name != WIDE_ENUMS {
        let mut clang = Command::new("clang");
        clang.args(["-target", "bpf"]);
        return clang;
    }
    let mut zig = Command::new(std::env::var_os("ECLI_ZIG").unwrap_or_else(|| "zig".into()));
    zig.args(["cc", "-target", "bpfel-freestanding-none"]);
    zig
}

/// Where objects are that were compiled for a machine without a compiler.
fn compiled_elsewhere() -> Option<PathBuf> {
    std::env::var_os("ECLI_TEST_OBJECTS").map(|folder| Path::new(&folder).join("formats"))
}

/// Compile these for such a machine.
pub(crate) fn compile_for_another_machine(names: &[&str]) -> Result<()> {
    let folder = compiled_elsewhere().context("ECLI_TEST_OBJECTS says where to")?;
    std::fs::create_dir_all(&folder)?;
    for name in names {
        std::fs::write(folder.join(format!("{name}.o")), object(name)?)?;
    }
    Ok(())
}

/// A folder with `vmlinux.h` and `bpf/bpf_helpers.h`.
fn headers() -> Result<&'static Path> {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    if let Some(folder) = FOLDER.get() {
        return Ok(folder);
    }
    let folder = target()?.join(format!("test-headers-{}", std::process::id()));
    eunomia_runtime::headers::write_bpf_headers(&folder).context("write headers")?;
    let header = eunomia_runtime::vmlinux::vmlinux_header(None)?;
    std::fs::write(folder.join("vmlinux.h"), header)?;
    Ok(FOLDER.get_or_init(|| folder))
}

/// Run `ecli run -o json ARGS`, start `true` again and again until `enough` rows came, then stop
/// it.
pub(crate) fn run(
    args: &[&str],
    input: Option<&[u8]>,
    enough: impl Fn(&Run) -> bool,
) -> Result<Run> {
    run_with(args, input, enough, || {
        let mut child = Command::new("/bin/true").spawn()?;
        let pid = u64::from(child.id());
        child.wait()?;
        Ok(Some(pid))
    })
}

/// For as long as a test has an XDP program on the loopback interface, which takes one only.
pub(crate) fn xdp_of_loopback() -> MutexGuard<'static, ()> {
    static TAKEN: Mutex<()> = Mutex::new(());
    TAKEN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A program called `name`, which does nothing, so that its processes are told from others.
pub(crate) fn namesake(folder: &Path, name: &str) -> Result<PathBuf> {
    let path = folder.join(name);
    std::os::unix::fs::symlink("/bin/true", &path)?;
    Ok(path)
}

/// The same with other events; `provoke` returns the process that was started.
pub(crate) fn run_with(
    args: &[&str],
    input: Option<&[u8]>,
    enough: impl Fn(&Run) -> bool,
    mut provoke: impl FnMut() -> Result<Option<u64>>,
) -> Result<Run> {
    let mut tool = Running::start([&["-o", "json"], args].concat())?;
    if let Some(input) = input {
        tool.give(input)?;
    }
    let mut state = Run {
        rows: Vec::new(),
        said: String::new(),
        children: Vec::new(),
    };
    let start = Instant::now();
    let mut in_time = true;
    while in_time && !tool.has_ended()? {
        state.children.extend(provoke()?);
        state.rows.extend(tool.rows()?);
        if enough(&state) {
            break;
        }
        std::thread::sleep(Duration::from_millis(5));
        in_time = start.elapsed() < PATIENCE;
    }
    // It may have ended.
    let _ = tool.signal("INT");
    let ended = tool.end()?;
    let last = state.rows.last();
    ensure!(in_time, "waited in vain: {last:?}: {}", ended.said);
    let ended = ended.successful()?;
    state.rows.extend(ended.rows()?);
    state.said = ended.said;
    Ok(state)
}

/// Run `ecli run ARGS`, which fails, and return what it says.
pub(crate) fn refused(args: &[&str]) -> Result<String> {
    let output = ecli()?
        .arg("run")
        .args(args)
        .stdin(Stdio::null())
        .output()?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(!output.status.success(), "{args:?} did not fail: {said}");
    ensure!(!said.contains("panicked"), "{said}");
    Ok(said)
}

/// Run `ecli run ARGS`, which prints something and ends.
pub(crate) fn printed(args: &[&str]) -> Result<String> {
    let output = ecli()?
        .arg("run")
        .args(args)
        .stdin(Stdio::null())
        .output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{args:?}: {said}");
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// A file with these bytes, and its path.
pub(crate) fn file(folder: &Path, name: &str, bytes: &[u8]) -> Result<String> {
    let path = folder.join(name);
    std::fs::write(&path, bytes)?;
    Ok(path
        .to_str()
        .context("temporary paths are UTF-8")?
        .to_owned())
}
