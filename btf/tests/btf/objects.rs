//! What the installed compilers make of the C sources in `tests/bpf`.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use eunomia_btf::Btf;

/// The object made of `layouts.bpf.c`.
pub(crate) static LAYOUTS: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let directory = tempfile::tempdir().unwrap();
    let object = directory.path().join("layouts.bpf.o");
    run(Command::new("clang")
        .args(["-target", "bpf", "-g", "-O2", "-c"])
        .arg(source("bpf/layouts.bpf.c"))
        .arg("-o")
        .arg(&object));
    std::fs::read(object).unwrap()
});

/// Its BTF.
pub(crate) static LAYOUTS_BTF: LazyLock<Btf> = LazyLock::new(|| Btf::from_elf(&LAYOUTS).unwrap());

/// What the native program `dump.c` prints about the same structs.
pub(crate) static DUMP: LazyLock<Dump> = LazyLock::new(|| {
    let directory = tempfile::tempdir().unwrap();
    let program = directory.path().join("dump");
    run(Command::new("cc")
        .arg(source("bpf/dump.c"))
        .arg("-o")
        .arg(&program));
    Dump::parse(run(&mut Command::new(program)))
});

/// Values and member offsets of structs, as a C compiler lays them out.
pub(crate) struct Dump {
    pub(crate) text: String,
    /// The bytes of a value, by the struct's name.
    pub(crate) values: HashMap<String, Vec<u8>>,
    /// By the names of struct and member.
    pub(crate) offsets: Vec<(String, String, u32)>,
}

impl Dump {
    fn parse(text: String) -> Self {
        let mut values = HashMap::new();
        let mut offsets = Vec::new();
        for line in text.lines() {
            match line.split(' ').collect::<Vec<_>>()[..] {
                ["value", name, hex] => {
                    let bytes = (0..hex.len() / 2)
                        .map(|at| u8::from_str_radix(&hex[at * 2..at * 2 + 2], 16).unwrap())
                        .collect();
                    values.insert(name.to_owned(), bytes);
                }
                ["offset", name, member, offset] => {
                    offsets.push((name.to_owned(), member.to_owned(), offset.parse().unwrap()));
                }
                _ => panic!("dump.c printed {line:?}"),
            }
        }
        Self {
            text,
            values,
            offsets,
        }
    }
}

/// A file in `tests`.
pub(crate) fn source(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests")
        .join(name)
}

/// Runs a program and gives what it prints. That it fails or is missing fails the test.
pub(crate) fn run(command: &mut Command) -> String {
    let program = command.get_program().to_owned();
    let program = Path::new(&program)
        .file_name()
        .unwrap_or(OsStr::new("?"))
        .to_owned();
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("this test needs {program:?} to be installed: {error}"));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program:?} failed:\n{errors}");
    String::from_utf8(output.stdout).unwrap()
}
