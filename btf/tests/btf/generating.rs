//! Generated Rust, compiled and run against what a C compiler does.

use std::path::Path;
use std::process::Command;

use eunomia_btf::rust_types::{Options, generate};
use eunomia_btf::{Btf, ErrorKind};

use crate::objects::{DUMP, LAYOUTS_BTF, run, source};
use crate::section::{INT_SIGNED, Section};

/// Compiles generated code, without warnings, into a program that uses it: `program`.
fn compile(directory: &Path, generated: &str, program: &str) {
    std::fs::write(directory.join("generated.rs"), generated).unwrap();
    std::fs::write(directory.join("program.rs"), program).unwrap();
    run(rustc(directory)
        .args(["--crate-name", "eunomia_bpf", "--crate-type", "rlib"])
        .arg(source("support/eunomia_bpf.rs")));
    run(rustc(directory)
        .args([
            "--crate-name",
            "program",
            "--crate-type",
            "bin",
            "-Dwarnings",
        ])
        .args([
            "-Dunsafe_code",
            "--extern",
            "eunomia_bpf=libeunomia_bpf.rlib",
        ])
        .arg("program.rs"));
}

fn rustc(directory: &Path) -> Command {
    // Beside the cargo that runs this test.
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let mut command = Command::new(rustc);
    command.current_dir(directory).args(["--edition", "2024"]);
    command
}

#[test]
fn generated_types_agree_with_a_c_compiler_byte_for_byte() {
    let directory = tempfile::tempdir().unwrap();
    let generated = generate(&LAYOUTS_BTF, &Options::new("layouts")).unwrap();
    let program = std::fs::read_to_string(source("support/check_layouts.rs")).unwrap();
    compile(directory.path(), &generated, &program);
    std::fs::write(directory.path().join("dump"), &DUMP.text).unwrap();
    let program = directory.path().join("program");
    let output = run(Command::new(program).arg(directory.path().join("dump")));
    assert_eq!(output, "checked\n");
}

#[test]
fn only_what_user_space_can_reach_is_generated() {
    let generated = generate(&LAYOUTS_BTF, &Options::new("layouts")).unwrap();
    for absent in [
        "TaskStruct",
        "InnerOnlyByPointer",
        "NOT_VISIBLE",
        "UNUSED_",
        "LICENSE",
    ] {
        assert!(!generated.contains(absent), "{absent}");
    }
    for present in [
        "pub struct Point ",
        "pub struct Event ",
        "pub struct SmallKind(",
    ] {
        assert!(generated.contains(present), "{present}");
    }
}

#[test]
fn further_types_are_generated_by_name() {
    let mut options = Options::new("layouts");
    options.types.push("task_struct".to_owned());
    options.module = "with_kernel".to_owned();
    let generated = generate(&LAYOUTS_BTF, &options).unwrap();
    assert!(generated.contains("pub struct TaskStruct "));
    assert!(generated.contains("pub mod with_kernel {"));
    options.types.push("no_such".to_owned());
    assert_eq!(
        generate(&LAYOUTS_BTF, &options).unwrap_err().kind(),
        ErrorKind::NotFound
    );
}

#[test]
fn names_that_rust_or_the_generator_uses_are_changed() {
    let mut section = Section::new();
    let int = section.int("int", 4, INT_SIGNED);
    let option = section.structure("option", 4, &[("Some", int, 0)]);
    let string = section.structure("event_ref", 4, &[("new", int, 0)]);
    let hostile = "x { } fn main() { std::process::abort() } // \"\n";
    let members = [
        ("type", int, 0),
        ("self", int, 32),
        ("new", int, 64),
        ("as_bytes", int, 96),
        ("camelCase", int, 128),
        ("Option", option, 160),
        (hostile, string, 192),
        ("_pad0", int, 256),
    ];
    let event = section.structure("event", 36, &members);
    let text = section.int("char", 1, INT_SIGNED);
    let text = section.array(text, 4);
    let other = section.structure("Event", 8, &[("comm", text, 0), ("comm_str", int, 32)]);
    let variables = [
        section.variable("first", event),
        section.variable("First", other),
        section.variable("9lives", int),
    ];
    section.data_section(".data", &variables);
    let btf = Btf::parse(&section.bytes()).unwrap();
    let options = Options::new("quote \" and\nline");
    let generated = generate(&btf, &options).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let program = "
        include!(\"generated.rs\");
        use eunomia_bpf::{NamedRecord, Record};
        fn main() {
            let event = bpf::Event::read_from(&[1; 36]).unwrap();
            assert_eq!(event.r#type, event.camel_case);
            assert_eq!(event.self_, event.new_2);
            assert_eq!(bpf::Event::NAME, \"event\");
            assert_eq!(bpf::Event2::NAME, \"Event\");
            assert_eq!(bpf::globals::FIRST.name(), \"first\");
            assert_eq!(bpf::globals::FIRST_2.name(), \"First\");
            assert_eq!(bpf::OBJECT, \"quote \\\" and\\nline\");
        }
    ";
    compile(directory.path(), &generated, program);
    run(&mut Command::new(directory.path().join("program")));
}

#[test]
fn what_has_no_layout_is_refused_by_name() {
    let mut section = Section::new();
    let int = section.int("int", 4, INT_SIGNED);
    let overlapping = section.structure("event", 8, &[("a", int, 0), ("b", int, 16)]);
    let variable = section.variable("broken", overlapping);
    section.data_section(".bss", &[variable]);
    let btf = Btf::parse(&section.bytes()).unwrap();
    let error = generate(&btf, &Options::new("x")).unwrap_err();
    let expected =
        "variable \"broken\": struct event: member \"b\": it overlaps the member before it";
    assert_eq!(error.to_string(), expected);
}
