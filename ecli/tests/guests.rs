//! Guests without BPF objects, built and run: neither root nor a kernel with BTF is needed.

#![allow(clippy::unwrap_used, reason = "a failed test says where and why")]

mod support;

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use support::Sandbox;

/// Does what its first argument says.
const GUEST: &str = r#"
use std::io::{Read, Write};

fn main() {
    let mut arguments = std::env::args();
    let name = arguments.next().unwrap();
    let arguments: Vec<String> = arguments.collect();
    match arguments.first().map(String::as_str) {
        Some("code") => std::process::exit(arguments[1].parse().unwrap()),
        Some("panic") => panic!("on purpose"),
        Some("loop") => {
            println!("looping");
            loop {
                std::hint::black_box(0);
            }
        }
        Some("flood") => loop {
            println!("a line of output");
        },
        Some("sleep") => {
            println!("sleeping");
            std::thread::sleep(std::time::Duration::from_secs(600));
        }
        Some("allocate") => {
            let mut all: Vec<Vec<u8>> = Vec::new();
            loop {
                all.push(vec![1; 1 << 20]);
            }
        }
        Some("authority") => {
            println!("files: {}", std::fs::read_dir("/").is_ok());
            println!("environment: {}", std::env::vars().count());
        }
        Some("echo") => {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text).unwrap();
            std::io::stdout().write_all(text.as_bytes()).unwrap();
        }
        _ => println!("{name} {arguments:?}"),
    }
}
"#;

const MANIFEST: &str = "[package]\nname = \"tool\"\nedition = \"2024\"\n[workspace]\n";

fn write_project(sandbox: &Sandbox, folder: &str) {
    sandbox.write(
        &format!("{folder}/ecli.toml"),
        "name = \"tool\"\narguments = [\"by default\"]\n",
    );
    sandbox.write(&format!("{folder}/Cargo.toml"), MANIFEST);
    sandbox.write(&format!("{folder}/src/main.rs"), GUEST);
}

/// The image `tool`, built once for all tests of this file.
fn sandbox() -> &'static Sandbox {
    static SANDBOX: OnceLock<Sandbox> = OnceLock::new();
    SANDBOX.get_or_init(|| {
        let sandbox = Sandbox::new();
        write_project(&sandbox, "project");
        sandbox.ecli(&["build", "-q", "project"]).succeeded();
        sandbox
    })
}

/// A tool that runs and has printed its first line.
fn started(arguments: &[&str]) -> (Child, String) {
    let arguments = [&["run", "tool"], arguments].concat();
    let mut command = sandbox().command(&arguments);
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    stdout.read_line(&mut line).unwrap();
    child.stdout = Some(stdout.into_inner());
    (child, line)
}

fn interrupt(child: &Child) {
    let pid = rustix::process::Pid::from_child(child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
}

/// The exit code, and what was said on stderr.
fn end(mut child: Child) -> (i32, String) {
    let mut stderr = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut stderr)
        .unwrap();
    (child.wait().unwrap().code().unwrap(), stderr)
}

#[test]
fn what_follows_the_name_goes_to_the_tool() {
    let run = |arguments: &[&str]| sandbox().ecli(arguments).succeeded();
    assert_eq!(
        run(&["run", "tool", "-h", "--store", "x"]),
        "tool [\"-h\", \"--store\", \"x\"]\n"
    );
    assert_eq!(run(&["run", "tool", "--", "-v"]), "tool [\"--\", \"-v\"]\n");
    assert_eq!(run(&["run", "tool"]), "tool [\"by default\"]\n");
}

/// WASI tells success from failure; other codes take the SDK, whose tests are elsewhere.
#[test]
fn the_exit_code_is_the_tools() {
    for (code, expected) in [("0", 0), ("1", 1), ("3", 1)] {
        let outcome = sandbox().ecli(&["run", "tool", "code", code]);
        assert_eq!(
            (outcome.code, outcome.stderr.as_str()),
            (expected, ""),
            "{code}"
        );
    }
}

#[test]
fn a_project_a_component_and_a_layout_run_without_a_name() {
    let sandbox = sandbox();
    let component = std::fs::read_dir(sandbox.path("project/target"))
        .unwrap()
        .map(|entry| {
            entry
                .unwrap()
                .path()
                .join("wasm32-wasip2/release/tool.wasm")
        })
        .find(|path| path.is_file())
        .unwrap();
    for image in ["project", "./store", component.to_str().unwrap()] {
        let printed = sandbox.ecli(&["run", image, "x"]).succeeded();
        assert_eq!(printed, "tool [\"x\"]\n", "{image}");
    }
}

#[test]
fn a_tool_has_no_files_and_no_environment() {
    let printed = sandbox().ecli(&["run", "tool", "authority"]).succeeded();
    assert_eq!(printed, "files: false\nenvironment: 0\n");
}

#[test]
fn standard_input_reaches_the_tool() {
    let mut command = sandbox().command(&["run", "tool", "echo"]);
    let file = sandbox().write("input", "some text");
    command.stdin(std::fs::File::open(file).unwrap());
    assert_eq!(sandbox().run(&mut command).succeeded(), "some text");
}

#[test]
fn a_trap_and_a_limit_are_told_apart() {
    let outcome = sandbox().ecli(&["run", "tool", "panic"]);
    assert_eq!(outcome.code, 1);
    assert!(outcome.stderr.contains("on purpose"), "{}", outcome.stderr);
    assert!(
        outcome
            .stderr
            .contains("ecli: the guest of `tool` trapped: "),
        "{}",
        outcome.stderr
    );

    let outcome = sandbox().ecli(&["run", "--memory", "16MiB", "tool", "allocate"]);
    assert_eq!(outcome.code, 1);
    for part in ["its limit is 16 MiB", "hint: ", "--memory"] {
        assert!(
            outcome.stderr.contains(part),
            "{part} is not in: {}",
            outcome.stderr
        );
    }
}

#[test]
fn a_reader_that_leaves_ends_the_tool_without_a_word() {
    let (mut child, line) = started(&["flood"]);
    assert_eq!(line, "a line of output\n");
    drop(child.stdout.take());
    assert_eq!(end(child), (1, String::new()));
}

#[test]
fn the_second_interrupt_ends_a_tool_at_once() {
    for what in ["loop", "sleep"] {
        let (child, line) = started(&[what]);
        assert!(line.starts_with(what), "{line}");
        let begin = Instant::now();
        interrupt(&child);
        // Two at once would be one: the first one must have been seen.
        std::thread::sleep(Duration::from_millis(50));
        interrupt(&child);
        assert_eq!(end(child), (130, String::new()), "{what}");
        // Long before the grace of a single one, which is 5 seconds.
        assert!(
            begin.elapsed() < Duration::from_secs(4),
            "{what}: {:?}",
            begin.elapsed()
        );
    }
}

#[test]
fn a_tool_that_does_not_leave_is_ended_after_its_grace() {
    let outcome = sandbox().ecli(&["run", "--timeout", "1ms", "tool", "sleep"]);
    assert_eq!((outcome.code, outcome.stdout.as_str()), (1, "sleeping\n"));
    assert!(outcome.stderr.contains("stop"), "{}", outcome.stderr);
}

#[test]
fn the_same_guest_is_built_in_any_folder() {
    let other = Sandbox::new();
    write_project(&other, "elsewhere/deeper");
    let digest = |sandbox: &Sandbox, folder: &str| {
        sandbox
            .ecli(&["build", "-q", "-t", "same", folder])
            .succeeded()
    };
    assert_eq!(
        digest(&other, "elsewhere/deeper"),
        digest(sandbox(), "project")
    );
}

#[test]
fn a_guest_that_does_not_compile_shows_what_cargo_says() {
    let sandbox = Sandbox::new();
    write_project(&sandbox, "broken");
    sandbox.write("broken/src/main.rs", "fn main() { nonsense }\n");
    let outcome = sandbox.ecli(&["build", "broken"]);
    assert_eq!(outcome.code, 1);
    for part in [
        "cannot find value `nonsense`",
        "ecli: build guest \"tool\" with cargo: cargo ended with exit status: 101",
    ] {
        assert!(
            outcome.stderr.contains(part),
            "{part} is not in: {}",
            outcome.stderr
        );
    }
}

#[test]
fn a_package_that_is_no_guest_is_explained() {
    let sandbox = Sandbox::new();
    write_project(&sandbox, "library");
    std::fs::remove_file(sandbox.path("library/src/main.rs")).unwrap();
    sandbox.write("library/src/lib.rs", "");
    let outcome = sandbox.ecli(&["build", "library"]);
    assert_eq!(outcome.code, 1);
    for part in [
        "it makes neither a program nor a dynamic library",
        "hint: ",
        "cdylib",
    ] {
        assert!(
            outcome.stderr.contains(part),
            "{part} is not in: {}",
            outcome.stderr
        );
    }
}
