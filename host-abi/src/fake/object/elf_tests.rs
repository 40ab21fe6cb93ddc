//! What is read from an object that clang made, and what is refused.

use std::path::Path;
use std::process::Command;
use std::sync::LazyLock;

use crate::fake::{FakeKernel, FakeObject, FakeProgram, SectionName};
use crate::kernel::{Kernel, MapInfo, Object, RunInput, RunOutput, map_type};
use crate::{Error, ErrorKind};

/// The object made of `tests/bpf/everything.bpf.c`. That clang fails or is missing fails the test.
static EVERYTHING: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bpf/everything.bpf.c");
    let output = Command::new("clang")
        .args(["-target", "bpf", "-g", "-O2", "-o", "-", "-c"])
        .arg(source)
        .output()
        .expect("clang can be run");
    let problem = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "clang failed: {problem}");
    output.stdout
});

fn open() -> Box<dyn Object> {
    FakeKernel::new()
        .open_object("everything", &EVERYTHING)
        .unwrap()
}

fn map(object: &dyn Object, name: &str) -> MapInfo {
    let maps = object.maps();
    let map = maps.into_iter().find(|map| map.name == name);
    map.unwrap_or_else(|| panic!("no map {name}"))
}

#[test]
fn programs_are_read_with_what_their_sections_say() {
    let mut programs: Vec<_> = open()
        .programs()
        .into_iter()
        .map(|it| (it.name, it.section, it.type_name, it.autoload))
        .collect();
    // Compilers order sections as they like, and keep the order in a section.
    programs.sort_by(|a, b| a.1.cmp(&b.1));
    let exec = "tracepoint/sched/sched_process_exec";
    let expected = [
        ("handle_exit", "kprobe/do_exit", "kprobe", false),
        ("handle_exec", exec, "tracepoint", true),
        ("handle_exec_again", exec, "tracepoint", true),
        ("handle_tail", "uprobe", "kprobe", true),
    ]
    .map(|(name, section, kind, load)| (name.into(), section.into(), kind.into(), load));
    assert_eq!(programs, expected);
}

#[test]
fn maps_are_read_those_of_global_data_last() {
    let mut names: Vec<String> = open().maps().into_iter().map(|map| map.name).collect();
    let mut data = names.split_off(8);
    names.sort();
    let declared = [
        "events",
        "filled",
        "filter",
        "first_inner",
        "outer",
        "per_cpu",
        "shared",
        "tails",
    ];
    assert_eq!(names, declared);
    data.sort();
    assert_eq!(data, [".bss", ".data", ".data.config", ".rodata"]);
}

#[test]
fn sizes_flags_and_types_of_maps_are_read() {
    let object = open();
    let events = map(&*object, "events");
    assert_eq!(
        (events.map_type, events.max_entries),
        (map_type::RINGBUF, 8192)
    );
    assert_ne!(events.value_type_id, 0);
    let shared = map(&*object, "shared");
    assert_eq!(
        (shared.key_size, shared.value_size, shared.map_flags),
        (4, 8, 1)
    );
    assert_eq!(shared.pin_name.as_deref(), Some("shared"));
    let per_cpu = map(&*object, "per_cpu");
    assert_eq!((per_cpu.value_size, per_cpu.user_value_size), (12, 32));
    assert_eq!(map(&*object, "outer").value_size, 4);
    assert_eq!(map(&*object, "filter").map_extra, 3);
    let rodata = map(&*object, ".rodata");
    assert_eq!((rodata.value_size, rodata.max_entries), (16, 1));
}

#[test]
fn globals_are_read_with_their_initial_values() {
    let mut object = open();
    let globals = object.globals();
    let global = |name: &str| globals.iter().find(|it| it.name == name).unwrap();
    assert!(global("min_duration_ns").constant && !global("drops").constant);
    assert_eq!(global("last").size, 32);
    assert_eq!(global("custom").section, ".data.config");
    for (name, value) in [
        ("min_duration_ns", &1_000_000_u64.to_le_bytes()[..]),
        ("target_pid", &[0; 4]),
        ("started", &7_u32.to_le_bytes()),
        ("drops", &[0; 8]),
        ("custom", &42_u32.to_le_bytes()),
    ] {
        assert_eq!(object.get_global(name).unwrap(), value, "{name}");
    }
    object.set_global("custom", &43_u32.to_le_bytes()).unwrap();
    assert_eq!(object.get_global("custom").unwrap()[0], 43);
    assert!(!globals.iter().any(|it| it.name == "license"));
}

#[test]
fn the_object_loads_and_its_maps_work() {
    let mut object = open();
    object.load().unwrap();
    let shared = object.map("shared").unwrap();
    shared.update(&[1, 0, 0, 0], &[0; 8], 4).unwrap();
    let outer = object.map("outer").unwrap();
    let inner = outer.create_inner().unwrap();
    assert_eq!((inner.info().value_size, inner.info().max_entries), (8, 4));
    outer.update_inner(&[0; 8], &*inner, 0).unwrap();
    object
        .store_in("handle_tail", &*object.map("tails").unwrap(), 0)
        .unwrap();
    object.attach("handle_exec", None).unwrap();
    let error = object.attach("handle_exit", None).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidState);
}

#[test]
fn slots_that_a_declaration_fills_are_filled_by_load() {
    let kernel = FakeKernel::new();
    let mut object = kernel.open_object("everything", &EVERYTHING).unwrap();
    object.load().unwrap();
    let tails = kernel.map("tails").unwrap();
    assert_eq!(tails.program(1).unwrap().as_deref(), Some("handle_tail"));
    assert_eq!(tails.program(0).unwrap(), None);
    let filled = object.map("filled").unwrap();
    let inner = filled.lookup_inner(&[2, 0, 0, 0]).unwrap().unwrap();
    assert_eq!(inner.info().id, map(&*object, "first_inner").id);
    assert!(filled.lookup_inner(&[1, 0, 0, 0]).unwrap().is_none());
}

#[test]
fn the_bytes_of_the_btf_are_those_of_the_file() {
    let btf = eunomia_btf::Btf::parse(&open().btf().unwrap()).unwrap();
    assert_eq!(btf.find_data("event").unwrap().name(), "event");
}

#[test]
fn an_unaligned_file_is_read_too() {
    let mut bytes = vec![0; EVERYTHING.len() + 1];
    bytes[1..].copy_from_slice(&EVERYTHING);
    for file in [&bytes[1..], &EVERYTHING] {
        assert_eq!(FakeObject::from_elf(file).unwrap().programs.len(), 4);
    }
}

#[test]
fn what_a_program_does_can_be_said_of_an_object_from_elf() {
    let kernel = FakeKernel::new();
    let answer = |_: &RunInput| {
        Ok(RunOutput {
            return_value: 42,
            ..RunOutput::default()
        })
    };
    let tail = FakeProgram::new("handle_tail", SectionName("uprobe")).running(answer);
    let object = FakeObject::from_elf(&EVERYTHING).unwrap();
    kernel.register("x", object.into_builder().program(tail).build());
    let mut object = kernel.open_object("x", &[]).unwrap();
    object.load().unwrap();
    let output = object.test_run("handle_tail", &RunInput::default());
    assert_eq!(output.unwrap().return_value, 42);
}

fn refusal(file: &[u8]) -> Error {
    let error = FakeKernel::new().open_object("x", file).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    error
}

#[test]
fn what_is_no_bpf_object_is_refused() {
    assert!(
        refusal(b"")
            .text()
            .contains("not a little-endian 64-bit ELF file")
    );
    assert!(refusal(b"#!/bin/sh").text().contains("ELF"));
    let machine = 18;
    let mut other = EVERYTHING.clone();
    other[machine] = 62;
    assert!(refusal(&other).text().contains("another CPU"));
    let mut big = EVERYTHING.clone();
    big[5] = 2;
    refusal(&big);
}

#[test]
fn a_file_that_is_cut_anywhere_is_refused_or_read_but_never_panics() {
    for length in 0..EVERYTHING.len() {
        let _ = FakeObject::from_elf(&EVERYTHING[..length]);
    }
}

#[test]
fn a_file_with_any_byte_changed_is_refused_or_read_but_never_panics() {
    for at in 0..EVERYTHING.len() {
        let mut file = EVERYTHING.clone();
        file[at] ^= 0xff;
        let Ok(object) = FakeObject::from_elf(&file) else {
            continue;
        };
        let kernel = FakeKernel::new();
        kernel.register("x", object);
        let mut object = kernel.open_object("x", &[]).unwrap();
        for global in object.globals() {
            let _ = object.get_global(&global.name);
        }
        let _ = object.load();
    }
}
