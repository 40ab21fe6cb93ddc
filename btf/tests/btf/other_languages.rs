//! Generated Go and Zig, compiled: both assert the size of every type and the place of every
//! member.
//!
//! `eval "$(scripts/go-toolchain)" "$(scripts/zig-toolchain)"` says where the compilers are.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use eunomia_btf::{go_types, zig_types};

use crate::objects::{LAYOUTS_BTF, run};

/// A compiler that a variable names, or else that of the PATH.
pub(crate) fn compiler(variable: &str, name: &str) -> Command {
    let chosen = std::env::var_os(variable).filter(|value| !value.is_empty());
    Command::new(chosen.unwrap_or_else(|| OsString::from(name)))
}

fn sdk(language: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../guest-sdk")
        .join(language)
}

#[test]
fn every_member_is_where_the_bpf_compiler_put_it_in_go() {
    let types = go_types::generate(&LAYOUTS_BTF, &go_types::Options::new("layouts")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("types.go", &format!("{}{types}", go_types::HEAD));
    write("main.go", "package main\n\nfunc main() {}\n");
    write(
        "go.mod",
        &format!(
            "module layouts\n\ngo 1.24\n\nrequire eunomia.dev/bpf v0.0.0\n\nreplace \
             eunomia.dev/bpf => {}\n",
            sdk("go").display()
        ),
    );
    run(compiler("ECLI_GO", "go")
        .args(["build", "-o", "layouts.wasm", "."])
        .current_dir(folder.path())
        .env("GOOS", "wasip1")
        .env("GOARCH", "wasm"));
}

#[test]
fn every_member_is_where_the_bpf_compiler_put_it_in_zig() {
    let types = zig_types::generate(&LAYOUTS_BTF, &zig_types::Options::new("layouts")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("types.zig", &format!("{}{types}", zig_types::HEAD));
    // Zig looks at what is referred to.
    write(
        "main.zig",
        "const types = @import(\"types\");\n\
         fn all(comptime T: type) void {\n    \
             inline for (comptime @import(\"std\").meta.declarations(T)) |name| {\n        \
                 const each = @field(T, name);\n        \
                 if (@TypeOf(each) == type) all(each) else _ = &each;\n    \
             }\n\
         }\n\
         export fn use() void {\n    \
             comptime all(types);\n\
         }\n",
    );
    run(compiler("ECLI_ZIG", "zig")
        .args(["build-obj", "-target", "wasm32-wasi", "-fno-emit-bin"])
        .args(["--dep", "types", "-Mroot=main.zig", "--dep", "bpf"])
        .args(["-Mtypes=types.zig"])
        .arg(format!("-Mbpf={}", sdk("zig").join("bpf.zig").display()))
        .args(["--cache-dir", "cache"])
        .current_dir(folder.path()));
}
