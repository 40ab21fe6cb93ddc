//! Generated C headers, compiled: they assert the size of every type and the place of every member.

use std::path::Path;
use std::process::Command;

use eunomia_btf::c_types::{Options, generate};

use crate::objects::{LAYOUTS_BTF, run};

/// Compiles a program that includes the header, without warnings.
fn compile(compiler: &str, language: &[&str], header: &str, program: &str) {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("layouts.skel.h"), header).unwrap();
    std::fs::write(directory.path().join("program"), program).unwrap();
    let sdk = Path::new(env!("CARGO_MANIFEST_DIR")).join("../guest-sdk/c/include");
    run(Command::new(compiler)
        .current_dir(directory.path())
        .args(language)
        .args(["-Wall", "-Werror", "-fsyntax-only", "-I"])
        .arg(sdk)
        .arg("program"));
}

const PROGRAM: &str = "#include \"layouts.skel.h\"\n#include \"layouts.skel.h\"\n\
    int use(struct layouts_bpf *skel) { return layouts_bpf__load(skel); }\n\
    struct layouts_bpf *loaded(void) { return layouts_bpf__open_and_load(); }\n\
    void choose(struct layouts_bpf *skel) {\n\
        skel->rodata->targ_pid = 1;\n\
        skel->rodata->targ_comm[0] = 'x';\n\
        skel->links.handle_exec = bpf_program__attach(skel->progs.handle_exec);\n\
    }\n";

#[test]
fn every_member_is_where_the_bpf_compiler_put_it_in_c() {
    let header = generate(&LAYOUTS_BTF, &Options::new("layouts")).unwrap();
    compile("clang", &["-std=gnu17", "-x", "c"], &header, PROGRAM);
}

#[test]
fn every_member_is_where_the_bpf_compiler_put_it_in_cpp() {
    let header = generate(&LAYOUTS_BTF, &Options::new("layouts")).unwrap();
    compile("clang", &["-std=c++2b", "-x", "c++"], &header, PROGRAM);
}

#[test]
fn bit_fields_and_unions_are_those_of_c() {
    let header = generate(&LAYOUTS_BTF, &Options::new("layouts")).unwrap();
    for part in ["union ", " : ", "offsetof("] {
        assert!(header.contains(part), "{part:?} is not in:\n{header}");
    }
}
