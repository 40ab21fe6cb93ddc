//! `ecli init` and `ecli test`: a new project passes its tests at once, in every language, without
//! root. That it runs on a kernel is in tests/tests/first_tool.rs.

#![allow(clippy::unwrap_used, reason = "a failed test says where and why")]

mod support;

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use support::Sandbox;

const LANGUAGES: &[&str] = &["rust", "c", "cpp", "go", "ts", "python", "zig"];

/// One for each shape of guest.
const SHAPES: &[&str] = &["tracepoint", "histogram", "counter", "xdp", "plugin"];

/// All others: their guests differ only in the target that is filled in.
const OTHERS: &[&str] = &["kprobe", "uprobe", "ringbuf", "tc", "lsm"];

/// An `ecli` whose products are kept between runs of this test.
fn ecli(sandbox: &Sandbox, arguments: &[&str]) -> Command {
    let mut command = sandbox.command(arguments);
    let products = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("templates");
    command
        .env("CARGO_TARGET_DIR", products.join("rust"))
        .env("ECLI_TARGET_DIR", products.join("other"));
    command
}

fn init(sandbox: &Sandbox, language: &str, template: &str) -> String {
    let name = format!("{language}-{template}");
    let arguments = ["init", &name, "--lang", language, "--template", template];
    sandbox.ecli(&arguments).succeeded();
    name
}

#[test]
fn new_projects_pass_their_tests_in_every_language() {
    let sandbox = Sandbox::new();
    for language in LANGUAGES {
        for template in SHAPES {
            let name = init(&sandbox, language, template);
            let outcome = sandbox.run(&mut ecli(&sandbox, &["test", &name]));
            assert_eq!(
                outcome.code, 0,
                "{name}: {}{}",
                outcome.stdout, outcome.stderr
            );
            assert!(outcome.stdout.ends_with(" passed, 0 failed\n"), "{name}");
        }
    }
}

/// For the same events, whatever the guest is written in, each byte of the output is the same.
#[test]
fn execsnoop_prints_the_same_in_every_language() {
    let sandbox = Sandbox::new();
    let project = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/execsnoop");
    for language in ["rust", "c", "go", "ts", "python", "zig"] {
        let arguments = ["test", project, "--language", language];
        let outcome = sandbox.run(&mut ecli(&sandbox, &arguments));
        assert_eq!(
            outcome.code, 0,
            "{language}: {}{}",
            outcome.stdout, outcome.stderr
        );
    }
}

/// Only starts and only what is about ends: each says so in the same words.
#[test]
fn execsnoop_refuses_the_same_options_in_every_language() {
    let sandbox = Sandbox::new();
    let project = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/execsnoop");
    for language in ["rust", "c", "go", "ts", "python", "zig"] {
        // The code that argparse ends with.
        let code = if language == "python" { 2 } else { 1 };
        for (name, options) in [
            ("forks", r#"["--starts", "--forks"]"#),
            ("duration", r#"["-m", "5ms", "-s"]"#),
        ] {
            let case = format!("arguments = {options}\nexit-code = {code}\n");
            sandbox.write(&format!("{language}-{name}/refused.toml"), &case);
            sandbox.write(&format!("{language}-{name}/refused.expected"), "");
            let cases = format!("{language}-{name}");
            let arguments = ["test", project, "--language", language, "--cases", &cases];
            let outcome = sandbox.run(&mut ecli(&sandbox, &arguments));
            let shown = format!("{cases}: {}{}", outcome.stdout, outcome.stderr);
            assert_eq!(outcome.code, 0, "{shown}");
            let words = "error: --starts cannot be used with --min-duration or --forks, \
                         which are about ends\n";
            assert_eq!(outcome.stderr.matches(words).count(), 1, "{shown}");
        }
    }
}

#[test]
fn the_bpf_side_of_every_template_compiles() {
    let sandbox = Sandbox::new();
    for template in OTHERS {
        let name = init(&sandbox, "c", template);
        sandbox
            .run(&mut ecli(&sandbox, &["test", &name]))
            .succeeded();
    }
}

#[test]
fn a_failed_test_shows_the_difference_and_bless_writes_it_down() {
    let sandbox = Sandbox::new();
    let name = init(&sandbox, "c", "tracepoint");
    let expected = sandbox.path(&name).join("tests/one.expected");
    let right = std::fs::read_to_string(&expected).unwrap();
    std::fs::write(&expected, right.replace("shown", "other")).unwrap();
    let outcome = sandbox.run(&mut ecli(&sandbox, &["test", &name]));
    assert_eq!(outcome.code, 1);
    for part in [
        "test all ... ok\n",
        "test one ... failed\n  line 2\n  - ",
        "1 failed",
    ] {
        assert!(outcome.stdout.contains(part), "{}", outcome.stdout);
    }
    let json = sandbox.run(&mut ecli(&sandbox, &["test", "--json", &name, "one"]));
    assert!(
        json.stdout.starts_with(r#"{"reason":"line 2"#),
        "{}",
        json.stdout
    );
    sandbox
        .run(&mut ecli(&sandbox, &["test", "--bless", &name]))
        .succeeded();
    assert_eq!(std::fs::read_to_string(&expected).unwrap(), right);
}

#[test]
fn wrong_tests_are_refused_by_the_place_that_is_wrong() {
    let sandbox = Sandbox::new();
    let name = init(&sandbox, "c", "tracepoint");
    let case = sandbox.path(&name).join("tests/wrong.toml");
    let event = |fields: &str| format!("[[event]]\n{fields}\n");
    for (manifest, reason) in [
        (
            event("ring = \"none\"\ndata = {}"),
            "there is no map \"none\"; there are: events",
        ),
        (
            event("ring = \"events\"\ndata = { pid = -1 }"),
            "member \"pid\": -1 is not",
        ),
        (
            event("ring = \"events\"\ndata = { none = 1 }"),
            "struct event has no such member",
        ),
        (
            event("ring = \"events\"\nhex = \"0\""),
            "half a byte is missing",
        ),
        (
            event("global = \"none\"\nvalue = 1"),
            "there is no global variable \"none\"",
        ),
        (event("stop = true\nring = \"events\""), "say one of `ring`"),
        (
            "exit-code = 3\n".to_owned(),
            "it ended with code 0\n  expected: code 3",
        ),
    ] {
        std::fs::write(&case, manifest).unwrap();
        let outcome = sandbox.run(&mut ecli(&sandbox, &["test", &name, "wrong"]));
        assert_eq!(outcome.code, 1, "{reason}");
        assert!(
            outcome.stdout.contains(reason),
            "{reason}: {}",
            outcome.stdout
        );
    }
    std::fs::write(&case, "[[event]]\nrink = \"events\"\n").unwrap();
    let outcome = sandbox.run(&mut ecli(&sandbox, &["test", &name, "wrong"]));
    assert!(
        outcome.stderr.contains("unknown field `rink`"),
        "{}",
        outcome.stderr
    );
}

#[test]
fn only_what_can_be_a_project_is_written() {
    let sandbox = Sandbox::new();
    let outcome = sandbox.ecli(&["init", "Big"]);
    assert!(
        outcome.stderr.contains("small letters"),
        "{}",
        outcome.stderr
    );
    assert!(!sandbox.path("Big").exists());
    sandbox.write("full/file", "");
    let outcome = sandbox.ecli(&["init", "full"]);
    assert!(outcome.stderr.contains("not empty"), "{}", outcome.stderr);
    let entries = std::fs::read_dir(sandbox.path("full")).unwrap();
    assert_eq!(entries.count(), 1);
    // The folder in which the user stands.
    std::fs::create_dir(sandbox.path("here")).unwrap();
    let mut here = sandbox.command(&["init", ".", "--lang", "c"]);
    sandbox
        .run(here.current_dir(sandbox.path("here")))
        .succeeded();
    let manifest = std::fs::read_to_string(sandbox.path("here/ecli.toml")).unwrap();
    assert!(manifest.contains("name = \"here\""), "{manifest}");
    assert!(sandbox.path("here/.gitignore").is_file());
    let list = sandbox.ecli(&["init", "--list"]).succeeded();
    for template in SHAPES.iter().chain(OTHERS) {
        assert!(
            list.contains(&format!("\n{template} ")),
            "{template}: {list}"
        );
    }
}

#[test]
fn on_a_terminal_it_asks() {
    let sandbox = Sandbox::new();
    // `script` gives it a terminal.
    let ecli = format!("{} init", env!("CARGO_BIN_EXE_ecli"));
    let mut child = Command::new("script")
        .args(["--quiet", "--return", "--command", &ecli, "/dev/null"])
        .current_dir(sandbox.path(""))
        .env("XDG_CONFIG_HOME", sandbox.path("config"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"asked\ncobol\nc\n\n").unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    let shown = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{shown}");
    assert!(shown.contains("Name of the tool [mytool]: "), "{shown}");
    assert!(shown.contains("there is no \"cobol\""), "{shown}");
    let manifest = std::fs::read_to_string(sandbox.path("asked/ecli.toml")).unwrap();
    assert!(manifest.contains("language = \"c\""), "{manifest}");
    assert!(sandbox.path("asked/probe.bpf.c").is_file());
}
