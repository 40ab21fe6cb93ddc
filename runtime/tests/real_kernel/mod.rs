//! What the tests on the real kernel share: compiling their BPF programs, and opening them.
//!
//! These tests need root, clang and a kernel with BTF, and fail when one is missing: a test that
//! does not run proves nothing.
#![allow(dead_code)]

pub(crate) mod network;
pub(crate) mod proof;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, OnceLock, PoisonError};

use eunomia_host_abi::kernel::{Kernel, Link, Map, Object, RunInput};
use eunomia_runtime::libbpf::LibbpfKernel;

/// The kernel of all tests of a process.
pub(crate) fn kernel() -> &'static LibbpfKernel {
    static KERNEL: OnceLock<LibbpfKernel> = OnceLock::new();
    KERNEL.get_or_init(|| {
        assert!(
            rustix::process::geteuid().is_root(),
            "this test loads BPF programs: run it as root, for example by scripts/test"
        );
        LibbpfKernel::new()
    })
}

/// Open the object compiled from `tests/bpf/NAME.bpf.c`.
pub(crate) fn open(name: &str) -> Box<dyn Object> {
    kernel()
        .open_object(name, &compile(name))
        .unwrap_or_else(|error| panic!("{}", error.text()))
}

/// Open and load it.
pub(crate) fn load(name: &str) -> Box<dyn Object> {
    let mut object = open(name);
    load_opened(&mut *object);
    object
}

pub(crate) fn load_opened(object: &mut dyn Object) {
    object
        .load()
        .unwrap_or_else(|error| panic!("{}", error.text()));
}

/// Load only the programs named.
pub(crate) fn load_only(name: &str, programs: &[&str]) -> Box<dyn Object> {
    let mut object = open(name);
    for info in object.programs() {
        let wanted = programs.contains(&info.name.as_str());
        object
            .set_program(
                &info.name,
                eunomia_host_abi::kernel::ProgramSetting::Autoload(wanted),
            )
            .unwrap();
    }
    load_opened(&mut *object);
    object
}

pub(crate) fn attach(object: &dyn Object, program: &str, target: &str) -> Box<dyn Link> {
    let target = target.parse().unwrap();
    object
        .attach(program, Some(&target))
        .unwrap_or_else(|error| panic!("{}", error.text()))
}

pub(crate) fn global_u64(object: &dyn Object, name: &str) -> u64 {
    u64::from_ne_bytes(object.get_global(name).unwrap().try_into().unwrap())
}

/// Run a `SEC("syscall")` program with a context of u64 words.
pub(crate) fn call(object: &dyn Object, program: &str, words: &[u64]) -> u32 {
    let context = words.iter().flat_map(|word| word.to_ne_bytes()).collect();
    let input = RunInput {
        context,
        ..RunInput::default()
    };
    object
        .test_run(program, &input)
        .unwrap_or_else(|error| panic!("{}", error.text()))
        .return_value
}

/// A value of a map, as a u64.
pub(crate) fn value_u64(map: &dyn Map, key: u32) -> Option<u64> {
    let value = map.lookup(&key.to_ne_bytes(), 0).unwrap()?;
    Some(u64::from_ne_bytes(value.try_into().unwrap()))
}

/// A folder of compiled objects, for machines without a compiler: that of scripts/vm.
const OBJECTS: &str = "ECLI_TEST_OBJECTS";

/// Compile `tests/bpf/NAME.bpf.c`, once for each process; or take it from the folder of objects.
pub(crate) fn compile(name: &str) -> Vec<u8> {
    static COMPILED: Mutex<BTreeMap<String, Vec<u8>>> = Mutex::new(BTreeMap::new());
    let mut compiled = COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(object) = compiled.get(name) {
        return object.clone();
    }
    let source = tests_bpf().join(format!("{name}.bpf.c"));
    let object = compile_file(name, &source);
    compiled.insert(name.to_owned(), object.clone());
    object
}

fn tests_bpf() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bpf")
}

fn object_in(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.bpf.o"))
}

/// Compile every source that a test may want into the folder of objects.
pub(crate) fn compile_all() {
    let folder = PathBuf::from(std::env::var_os(OBJECTS).expect("where to"));
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
    let examples = fs::read_dir(examples).unwrap();
    let folders = examples.map(|entry| entry.unwrap().path());
    for source in folders.chain([tests_bpf()]).filter(|path| path.is_dir()) {
        for entry in fs::read_dir(source).unwrap() {
            let entry = entry.unwrap();
            let file = entry.file_name().into_string().unwrap();
            if let Some(name) = file.strip_suffix(".bpf.c") {
                fs::write(object_in(&folder, name), run_clang(name, &entry.path())).unwrap();
            }
        }
    }
}

/// Compile a file, or take its product from the folder of objects; `name` is for the product.
pub(crate) fn compile_file(name: &str, source: &Path) -> Vec<u8> {
    match std::env::var_os(OBJECTS) {
        Some(folder) => fs::read(object_in(Path::new(&folder), name)).unwrap(),
        None => run_clang(name, source),
    }
}

fn run_clang(name: &str, source: &Path) -> Vec<u8> {
    let object = scratch().join(format!("{name}.{}.bpf.o", std::process::id()));
    let output = Command::new("clang")
        .args(["-g", "-O2", "-Wall", "-Werror", "-target", "bpf"])
        .arg(format!("-D__TARGET_ARCH_{}", target_arch()))
        .arg("-I")
        .arg(include_folder())
        .arg("-c")
        .arg(source)
        .arg("-o")
        .arg(&object)
        .output()
        .unwrap_or_else(|error| {
            panic!("run clang: {error}: install it with `apt-get install clang`")
        });
    assert!(
        output.status.success(),
        "clang {}: {}",
        source.display(),
        String::from_utf8_lossy(&output.stderr)
    );
    let bytes = fs::read(&object).unwrap();
    fs::remove_file(&object).unwrap();
    bytes
}

/// A folder with `vmlinux.h` and `bpf/bpf_helpers.h`, made once for each process.
fn include_folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        remove_folders_of_ended_processes();
        let folder = scratch().join(format!("include.{}", std::process::id()));
        eunomia_runtime::headers::write_bpf_headers(&folder).unwrap();
        let header = eunomia_runtime::vmlinux::vmlinux_header(None)
            .unwrap_or_else(|error| panic!("{}", error.text()));
        fs::write(folder.join("vmlinux.h"), header).unwrap();
        folder
    })
}

/// Nothing tells a process of tests that it was its last one.
fn remove_folders_of_ended_processes() {
    for entry in fs::read_dir(scratch()).unwrap().flatten() {
        let name = entry.file_name();
        let ended = name
            .to_str()
            .and_then(|name| name.strip_prefix("include."))
            .is_some_and(|process| !Path::new("/proc").join(process).exists());
        if ended {
            // Another process may be at it, too.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

fn scratch() -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
}

fn target_arch() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "x86",
        "aarch64" => "arm64",
        other => other,
    }
}
