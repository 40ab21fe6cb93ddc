//! Objects are relocated by a part of the kernel's types as by all of them.
#![allow(clippy::unwrap_used, reason = "a test that fails here says where")]

mod real_kernel;

use std::fs;
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};

use eunomia_btf::Btf;
use eunomia_btf::minimize::{Minimized, minimize};
use eunomia_host_abi::kernel::Kernel as _;
use eunomia_runtime::libbpf::{LibbpfKernel, Options};
use libbpf_rs::ObjectBuilder;
use real_kernel::{compile, global_u64, load_opened};

const KERNEL_BTF: &str = "/sys/kernel/btf/vmlinux";

/// Bytes of any part: a few types. All of them are some 5 MB.
const PART_BYTES_MAX: usize = 20_000;

/// `BPF_LD | BPF_IMM | BPF_DW`: its number may be a descriptor, which differs from load to load.
const LOAD_IMMEDIATE: u8 = 0x18;

/// Code, registers, offset and immediate of an instruction.
type Instruction = (u8, u8, i16, i32);

/// The relocated instructions of each program, as libbpf hands them to the kernel.
fn relocated(elf: &[u8], types: Option<&Path>) -> Vec<(String, Vec<Instruction>)> {
    let mut builder = ObjectBuilder::default();
    if let Some(types) = types {
        builder.btf_custom_path(types).unwrap();
    }
    let object = builder.open_memory(elf).unwrap().load().unwrap();
    let programs = object.progs().map(|program| {
        assert!(
            program.as_fd().try_clone_to_owned().is_ok(),
            "it was loaded"
        );
        let instructions = program.insns().iter().map(|instruction| {
            let is_descriptor = instruction.code == LOAD_IMMEDIATE && instruction.src_reg() != 0;
            let immediate = if is_descriptor { 0 } else { instruction.imm };
            let registers = instruction.dst_reg() | instruction.src_reg() << 4;
            (instruction.code, registers, instruction.off, immediate)
        });
        let name = program.name().to_string_lossy().into_owned();
        (name, instructions.collect())
    });
    programs.collect()
}

/// A file with the part of the running kernel's types that `elf` needs.
fn part_of(elf: &[u8], name: &str) -> PathBuf {
    let kernel = Btf::parse(&fs::read(KERNEL_BTF).unwrap()).unwrap();
    let Minimized::Section { bytes, .. } = minimize(&kernel, &[elf]).unwrap() else {
        panic!("{name} asks for a part of the kernel's types");
    };
    assert!(
        bytes.len() < PART_BYTES_MAX,
        "{name}: {} bytes",
        bytes.len()
    );
    let file = format!("{name}.{}.btf", std::process::id());
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    // Cargo has made it, but not in a virtual machine.
    fs::create_dir_all(folder).unwrap();
    let path = folder.join(file);
    fs::write(&path, bytes).unwrap();
    path
}

fn check_equal(name: &str, elf: &[u8]) {
    real_kernel::kernel(); // Says that it takes root.
    let part = part_of(elf, name);
    let (whole, part_only) = (relocated(elf, None), relocated(elf, Some(&part)));
    fs::remove_file(part).unwrap();
    assert!(!whole.is_empty() && whole.iter().all(|(_, program)| !program.is_empty()));
    assert_eq!(whole, part_only, "{name}");
}

#[test]
fn odd_relocations_come_out_the_same() {
    check_equal("relocations", &compile("relocations"));
}

#[test]
fn tools_are_relocated_the_same() {
    for tool in [
        "execsnoop",
        "opensnoop",
        "runqlat",
        "syscount",
        "bashreadline",
    ] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
        let source = folder.join(format!("{tool}/{tool}.bpf.c"));
        check_equal(tool, &real_kernel::compile_file(tool, &source));
    }
}

/// A kernel that keeps what objects need, in a folder of this test.
fn keeping(name: &str) -> (LibbpfKernel, PathBuf) {
    real_kernel::kernel(); // Says that it takes root.
    let folder = format!("{name}.{}.cache", std::process::id());
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(folder);
    let options = Options {
        cache_dir: Some(folder.clone()),
        ..Options::default()
    };
    (LibbpfKernel::with_options(options), folder)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn a_part_is_kept_and_made_anew_when_it_is_damaged() {
    let (kernel, folder) = keeping("kept");
    let elf = compile("relocations");
    let load = || load_opened(&mut *kernel.open_object("relocations", &elf).unwrap());
    load();
    let kept = files(&folder);
    assert_eq!(kept.len(), 1, "{kept:?}");
    let sound = fs::read(&kept[0]).unwrap();
    assert!(sound.len() < PART_BYTES_MAX);
    load();
    assert_eq!(fs::read(&kept[0]).unwrap(), sound);
    for at in [0, 40, sound.len() - 1] {
        let mut damaged = sound.clone();
        damaged[at] ^= 1;
        fs::write(&kept[0], damaged).unwrap();
        load();
        assert_eq!(fs::read(&kept[0]).unwrap(), sound, "byte {at}");
    }
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn an_object_that_asks_for_numbers_of_types_gets_those_of_the_kernel() {
    let (kernel, folder) = keeping("whole");
    let mut object = kernel
        .open_object("whole_kernel", &compile("whole_kernel"))
        .unwrap();
    load_opened(&mut *object);
    let program = object.attach("numbers", None).unwrap();
    // Any system call runs it.
    let btf = Btf::parse(&fs::read(KERNEL_BTF).unwrap()).unwrap();
    let task = btf.find("task_struct", eunomia_btf::Kind::Struct).unwrap();
    assert_eq!(global_u64(&*object, "number"), u64::from(task.id().0));
    drop(program);
    fs::remove_dir_all(folder).unwrap();
}
