//! What wrong input gets: one line that names the thing, a hint, and an exit code; never a
//! backtrace.

#![allow(clippy::unwrap_used, reason = "a failed test says where and why")]

mod support;

use support::Sandbox;

#[test]
fn a_wrong_command_line_is_code_2() {
    let sandbox = Sandbox::new();
    for arguments in [
        &["nonsense"][..],
        &["build", "--nonsense"],
        &["run"],
        &["run", "--memory", "lots", "x"],
        &["run", "--attach", "p=nowhere:x", "x"],
        &["rm"],
        &["tag", "UPPER", "x"],
        &[],
    ] {
        let outcome = sandbox.ecli(arguments);
        assert_eq!(outcome.code, 2, "{arguments:?}: {}", outcome.stderr);
        assert!(outcome.stderr.contains("Usage") || outcome.stderr.contains("--help"));
    }
}

#[test]
fn an_empty_variable_is_none() {
    let sandbox = Sandbox::new();
    for variable in ["ECLI_OUTPUT", "ECLI_MEMORY", "ECLI_PULL", "ECLI_BTF"] {
        let mut empty = sandbox.command(&["run", "x"]);
        let outcome = sandbox.run(empty.env(variable, ""));
        assert_eq!(outcome.code, 1, "{variable}: {}", outcome.stderr);
        assert!(outcome.stderr.contains("no such image"));
    }
}

#[test]
fn an_unknown_image_is_named_with_what_to_do() {
    let sandbox = Sandbox::new();
    for verb in ["run", "inspect", "rm"] {
        let outcome = sandbox.ecli(&[verb, "execsnoop"]);
        assert_eq!(outcome.code, 1);
        assert!(
            outcome.stderr.ends_with(
                "image execsnoop:latest: no such image in $SANDBOX/store\n\
                 hint: the store is empty: `ecli build FOLDER` puts an image into it\n"
            ),
            "{verb}: {}",
            outcome.stderr
        );
    }
}

#[test]
fn what_is_not_a_component_is_called_by_its_name() {
    let sandbox = Sandbox::new();
    let component = "\0asm\r\0\u{1}\0";
    for (name, content, message) in [
        ("empty.wasm", "", "read ./empty.wasm: the file is empty"),
        (
            "object.o",
            "\x7fELF...",
            "read ./object.o: the ELF file ends within its head",
        ),
        (
            "text.wasm",
            "hello",
            "open the component of `text`: it is not WebAssembly",
        ),
        (
            "module.wasm",
            "\0asm\u{1}\0\0\0",
            "open the component of `module`: it is a core module without `_start`",
        ),
        (
            "nothing.wasm",
            component,
            "open the component of `nothing`: it exports neither `wasi:cli/run` (a command) nor \
             `eunomia:bpf/handler` (a plugin), but: nothing",
        ),
        (
            "cut.wasm",
            &component[..6],
            "open the component of `cut`: it is damaged",
        ),
    ] {
        sandbox.write(name, content);
        let outcome = sandbox.ecli(&["run", &format!("./{name}")]);
        assert_eq!(outcome.code, 1, "{name}");
        let expected = format!("ecli: {message}");
        assert!(
            outcome.stderr.starts_with(&expected),
            "{name}: {}",
            outcome.stderr
        );
        assert!(
            !outcome.stderr.contains("backtrace"),
            "{name}: {}",
            outcome.stderr
        );
    }
}

#[test]
fn a_folder_that_is_no_project_is_explained() {
    let sandbox = Sandbox::new();
    sandbox.write("folder/file", "");
    sandbox.ecli(&["run", "./folder"]).failed_with(
        "ecli: ./folder is neither a project nor an image layout\n\
         hint: a project has a file ecli.toml, which may be empty; an image layout has \
         oci-layout\n",
    );
    sandbox.ecli(&["build", "folder"]).failed_with(
        "ecli: read manifest $SANDBOX/folder/ecli.toml: No such file or directory (os error 2)\n\
         hint: a project has a file ecli.toml, which may be empty; is this the right folder?\n",
    );
}

#[test]
fn a_wrong_manifest_is_shown_with_the_line() {
    let sandbox = Sandbox::new();
    sandbox.write("tool/ecli.toml", "name = \"x\"\nverison = \"1\"\n");
    let outcome = sandbox.ecli(&["build", "tool"]);
    assert_eq!(outcome.code, 1);
    for part in [
        "$SANDBOX/tool/ecli.toml",
        "line 2",
        "unknown field `verison`",
        "`version`",
    ] {
        assert!(
            outcome.stderr.contains(part),
            "{part} is not in: {}",
            outcome.stderr
        );
    }
    sandbox.write("tool/ecli.toml", "");
    sandbox.ecli(&["build", "tool"]).failed_with(
        "ecli: $SANDBOX/tool: nothing to build: neither *.bpf.c nor Cargo.toml, *.go, guest.zig, \
         guest.ts, *.c, *.cpp or guest.py\n",
    );
}

#[test]
fn a_missing_clang_is_named_with_how_to_get_it() {
    let sandbox = Sandbox::new();
    sandbox.write("tool/ecli.toml", "");
    sandbox.write("tool/tool.bpf.c", "int x;\n");
    let mut command = sandbox.command(&["build", "tool"]);
    let outcome = sandbox.run(command.env("ECLI_CLANG", "/nowhere/clang"));
    assert_eq!(outcome.code, 1);
    assert!(
        outcome.stderr.starts_with(
            "ecli: run /nowhere/clang --version: No such file or directory (os error 2)\n\
             hint: install clang:\n"
        ),
        "{}",
        outcome.stderr
    );
    for system in ["Debian", "Fedora", "Arch", "openEuler", "macOS"] {
        assert!(outcome.stderr.contains(system), "{}", outcome.stderr);
    }
}

#[test]
fn a_guest_toolchain_without_the_target_is_named_with_the_remedy() {
    let sandbox = Sandbox::new();
    sandbox.write("tool/ecli.toml", "");
    sandbox.write(
        "tool/Cargo.toml",
        "[package]\nname = \"tool\"\nedition = \"2024\"\n[workspace]\n",
    );
    sandbox.write("tool/src/main.rs", "fn main() {}\n");
    // Says that its libraries are where there are none.
    let rustc = sandbox.write("rustc", "#!/bin/sh\necho /nowhere\n");
    make_executable(&rustc);
    let mut command = sandbox.command(&["build", "tool"]);
    let outcome = sandbox.run(command.env("ECLI_GUEST_RUSTC", &rustc));
    outcome.failed_with(
        "ecli: find a Rust toolchain for guests: $SANDBOX/rustc has no standard library for \
         wasm32-wasip2\n\
         hint: run `rustup target add wasm32-wasip2`; where that cannot download, `eval \
         \"$(scripts/guest-toolchain)\"` of ecli's repository makes one\n",
    );
}

#[test]
fn a_wrong_configuration_is_shown_with_its_file() {
    let sandbox = Sandbox::new();
    sandbox.write("config/ecli/config.toml", "stroe = \"/x\"\n");
    let outcome = sandbox.ecli(&["list"]);
    assert_eq!(outcome.code, 1);
    for part in [
        "$SANDBOX/config/ecli/config.toml",
        "unknown field `stroe`",
        "hint: ",
    ] {
        assert!(
            outcome.stderr.contains(part),
            "{part} is not in: {}",
            outcome.stderr
        );
    }
}

#[test]
fn the_configuration_is_used_where_no_option_and_no_variable_is() {
    let sandbox = Sandbox::new();
    let folder = sandbox.path("elsewhere");
    let text = format!("store = {:?}\n", folder.to_str().unwrap());
    sandbox.write("config/ecli/config.toml", &text);
    let mut command = sandbox.command(&["list"]);
    sandbox.run(command.env_remove("ECLI_STORE")).succeeded();
    assert!(folder.join("oci-layout").is_file());
    assert!(!sandbox.store().exists());
    sandbox.ecli(&["list"]).succeeded();
    assert!(sandbox.store().exists());
    sandbox.ecli(&["--store", "third", "list"]).succeeded();
    assert!(sandbox.path("third").exists());
}

#[test]
fn a_store_that_is_something_else_is_left_alone() {
    let sandbox = Sandbox::new();
    sandbox.write("store/precious", "data");
    let outcome = sandbox.ecli(&["list"]);
    assert_eq!(outcome.code, 1);
    assert!(
        outcome
            .stderr
            .starts_with("ecli: open image store $SANDBOX/store")
    );
}

fn make_executable(path: &std::path::Path) {
    use std::os::unix::fs::PermissionsExt;

    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}
