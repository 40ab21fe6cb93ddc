//! Generated Python, run with the SDK's own classes against what a C compiler does.

use std::path::Path;
use std::process::Command;

use eunomia_btf::Btf;
use eunomia_btf::python_types::{Options, generate};

use crate::objects::{DUMP, LAYOUTS_BTF, run, source};
use crate::section::{INT_SIGNED, Section};

/// Runs a program with the generated module `bpf`, and the SDK over a stub of the host.
fn python(generated: &str, program: &str, argument: &str) -> String {
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = directory.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write("bpf.py", generated);
    write("program.py", program);
    write("argument", argument);
    write("eunomia_bpf/__init__.py", "");
    let sdk = Path::new(env!("CARGO_MANIFEST_DIR")).join("../guest-sdk/python/eunomia_bpf");
    for name in ["layout.py", "maps.py"] {
        let text = std::fs::read_to_string(sdk.join(name)).unwrap();
        write(&format!("eunomia_bpf/{name}"), &text);
    }
    write("eunomia_bpf/buffers.py", "class _Handle: pass\n");
    write("eunomia_bpf/errors.py", "call = None\n");
    write("wit_world/__init__.py", "");
    write("wit_world/imports/__init__.py", "");
    write(
        "wit_world/imports/host.py",
        "def possible_cpus(): return 3\n",
    );
    let map = "class MapInfo: pass\nclass BpfMap: pass\nclass Cursor: pass\n";
    write("wit_world/imports/bpf_map.py", map);
    run(Command::new("python3").current_dir(directory.path()).args([
        "-B",
        "program.py",
        "argument",
    ]))
}

#[test]
fn generated_classes_agree_with_a_c_compiler_byte_for_byte() {
    let generated = generate(&LAYOUTS_BTF, &Options::new("layouts")).unwrap();
    let program = std::fs::read_to_string(source("support/check_layouts.py")).unwrap();
    assert_eq!(python(&generated, &program, &DUMP.text), "checked\n");
}

#[test]
fn names_that_python_or_the_sdk_uses_are_changed() {
    let mut section = Section::new();
    let int = section.int("int", 4, INT_SIGNED);
    let none = section.structure("none", 4, &[("x", int, 0)]);
    let members = [
        ("class", int, 0),
        ("self", int, 32),
        ("new", int, 64),
        ("__state", int, 96),
        ("camelCase", int, 128),
        ("_at", int, 160),
        ("x\"\n", none, 192),
    ];
    let event = section.structure("event", 28, &members);
    let variables = [
        section.variable("first", event),
        section.variable("First", event),
        section.variable("9lives", int),
    ];
    section.data_section(".data", &variables);
    let btf = Btf::parse(&section.bytes()).unwrap();
    let generated = generate(&btf, &Options::new("quote \" and\nline \u{e9}")).unwrap();
    let program = "
import bpf
event = bpf.Event.new(class_=1, self=2, new_2=3, _state=4, camel_case=5, _at_2=6)
assert bytes(event)[:24] == bytes(sum(([n, 0, 0, 0] for n in range(1, 7)), [])), bytes(event)
assert isinstance(event.x__, bpf.None_)
assert (bpf.globals.FIRST.name, bpf.globals.FIRST_2.name) == ('first', 'First')
assert bpf.OBJECT == 'quote \" and\\nline \\xe9'
print('checked')
";
    assert_eq!(python(&generated, program, ""), "checked\n");
}
