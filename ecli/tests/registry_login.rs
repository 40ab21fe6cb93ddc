//! Credentials: a registry that wants some, the file that keeps them, and who gets to see them.

#![allow(clippy::unwrap_used, reason = "a failed test says where and why")]

mod support;

use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use eunomia_image::{ImageBuilder, Metadata, Reference, Store, World};
use support::registry::{PASSWORD, RegistryServer, USER};
use support::server::{Answer, Server};
use support::{Outcome, Sandbox, run, text};

/// `user:s3cret-password` in base64, as it is sent and kept.
const ENCODED: &str = "dXNlcjpzM2NyZXQtcGFzc3dvcmQ=";

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    let metadata = Metadata::new("tool", World::Command);
    let image = ImageBuilder::new(metadata).component(*b"\0asm\x0d\0\x01\0");
    let name = Reference::parse("tool:1").unwrap();
    let store = Store::open(sandbox.store()).unwrap();
    store.write_image(&name, &image.build().unwrap()).unwrap();
    sandbox
}

/// Runs ecli with `input` on stdin; fails when it prints a secret.
fn with_input(sandbox: &Sandbox, arguments: &[&str], input: &str) -> Outcome {
    let input = sandbox.write("input", input);
    let mut command = sandbox.command(arguments);
    let outcome = sandbox.run(command.stdin(std::fs::File::open(input).unwrap()));
    for secret in [PASSWORD, ENCODED] {
        let said = format!("{}{}", outcome.stdout, outcome.stderr);
        assert!(
            !said.contains(secret),
            "{arguments:?} printed {secret}: {said}"
        );
    }
    outcome
}

#[test]
fn a_login_is_checked_kept_as_docker_keeps_it_and_forgotten() {
    let (server, sandbox) = (RegistryServer::start_private(), sandbox());
    let registry = server.address.to_string();
    let target = server.name("tools/a:1");
    let push = ["-vv", "push", "tool:1", &target];
    let outcome = sandbox.ecli(&push);
    assert_eq!(outcome.code, 1);
    assert!(
        outcome
            .stderr
            .contains("it wants a login\nhint: log in with `ecli login")
    );

    let login = ["-vv", "login", "-u", USER, "--password-stdin", &registry];
    let outcome = with_input(&sandbox, &login, "wrong\n");
    assert_eq!(outcome.code, 1);
    assert!(
        outcome.stderr.contains("refuses the credentials"),
        "{}",
        outcome.stderr
    );
    assert!(!sandbox.path("docker/config.json").exists());

    let outcome = with_input(&sandbox, &login, &format!("{PASSWORD}\n"));
    assert_eq!(outcome.succeeded(), format!("logged in to {registry}\n"));
    let file = sandbox.path("docker/config.json");
    assert_eq!(
        std::fs::metadata(&file).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let kept = std::fs::read_to_string(&file).unwrap();
    assert!(kept.contains(&format!("\"auth\": \"{ENCODED}\"")), "{kept}");
    with_input(&sandbox, &push, "").succeeded();
    with_input(&sandbox, &["-vv", "pull", &target], "").succeeded();
    // skopeo finds the login in the same file.
    let source = format!("docker://{target}");
    let auth = [
        "inspect",
        "--raw",
        "--tls-verify=false",
        "--authfile",
        text(&file),
        &source,
    ];
    run("skopeo", &auth);

    let logout = ["logout", &registry];
    assert_eq!(
        sandbox.ecli(&logout).succeeded(),
        format!("logged out of {registry}\n")
    );
    assert_eq!(
        sandbox.ecli(&logout).succeeded(),
        format!("not logged in to {registry}\n")
    );
    assert_eq!(sandbox.ecli(&push).code, 1);
}

#[test]
fn a_login_of_skopeo_is_found() {
    let (server, sandbox) = (RegistryServer::start_private(), sandbox());
    let file = sandbox.path("auth.json");
    let registry = server.address.to_string();
    let login = [
        "login",
        "--tls-verify=false",
        "--authfile",
        text(&file),
        "-u",
        USER,
    ];
    let mut child = Command::new("skopeo")
        .args(login)
        .args(["--password-stdin", &registry])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(PASSWORD.as_bytes())
        .unwrap();
    assert!(child.wait().unwrap().success());
    let target = server.name("a:1");
    sandbox
        .ecli(&["push", "--auth-file", text(&file), "tool:1", &target])
        .succeeded();
    let mut command = sandbox.command(&["pull", &target]);
    sandbox
        .run(command.env("REGISTRY_AUTH_FILE", &file))
        .succeeded();
}

#[test]
fn a_registry_that_asks_nobody_is_told_apart() {
    let (server, sandbox) = (RegistryServer::start(), sandbox());
    let registry = server.address.to_string();
    let login = ["login", "-u", USER, "--password-stdin", &registry];
    let outcome = with_input(&sandbox, &login, PASSWORD);
    assert!(
        outcome.stderr.contains("did not ask for credentials"),
        "{}",
        outcome.stderr
    );
    outcome.succeeded();
    for (registry, input, message) in [
        (
            "127.0.0.1:1",
            PASSWORD,
            "hint: is the registry's name right",
        ),
        ("not a host", PASSWORD, "is not the name of a registry"),
        (
            registry.as_str(),
            "",
            "read the secret from stdin: it is empty",
        ),
    ] {
        let outcome = with_input(
            &sandbox,
            &["login", "-u", USER, "--password-stdin", registry],
            input,
        );
        assert_eq!(outcome.code, 1);
        assert!(
            outcome.stderr.contains(message),
            "{registry}: {}",
            outcome.stderr
        );
    }
}

#[test]
fn a_terminal_is_asked_and_does_not_show_the_password() {
    let (server, sandbox) = (RegistryServer::start_private(), sandbox());
    // `script` gives its command a terminal.
    let line = format!("{} login {}", env!("CARGO_BIN_EXE_ecli"), server.address);
    let mut child = Command::new("script")
        .args(["-qec", &line, "/dev/null"])
        .env("DOCKER_CONFIG", sandbox.path("docker"))
        .env("XDG_CONFIG_HOME", sandbox.path("config"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("script (package bsdutils) must be installed for this test");
    let (mut input, mut output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let mut shown = String::new();
    let mut read_until = |end: &str| {
        let mut byte = [0];
        while !shown.contains(end) && output.read(&mut byte).unwrap() == 1 {
            shown.push(char::from(byte[0]));
        }
        assert!(shown.contains(end), "{shown}");
        shown.clone()
    };
    read_until("user name: ");
    writeln!(input, "{USER}").unwrap();
    read_until("password: ");
    writeln!(input, "{PASSWORD}").unwrap();
    let shown = read_until("logged in to ");
    assert!(!shown.contains(PASSWORD), "{shown}");
    drop(input);
    assert!(child.wait().unwrap().success());
    assert!(sandbox.path("docker/config.json").is_file());
}

#[test]
fn credentials_for_one_command_come_from_stdin_and_are_kept_nowhere() {
    let (server, sandbox) = (RegistryServer::start_private(), sandbox());
    let target = server.name("tools/a:1");
    let as_user = ["-vv", "--username", USER, "--password-stdin"];
    let with = |arguments: &[&str], input: &str| {
        let (options, rest) = (&as_user[1..], &arguments[1..]);
        let line = [&as_user[..1], &arguments[..1], options, rest].concat();
        with_input(&sandbox, &line, input)
    };
    let password = format!("{PASSWORD}\n");
    with(&["push", "tool:1", &target], &password).succeeded();
    let refused = with(&["push", "tool:1", &target], "wrong\n");
    assert!(
        refused.stderr.contains("it refuses the credentials"),
        "{}",
        refused.stderr
    );
    with(&["pull", &target], &password).succeeded();
    let copy = server.name("tools/b:1");
    // The source is not the registry that they are for, but here it is the same.
    with(&["copy", &target, &copy], &password).succeeded();
    assert_eq!(sandbox.ecli(&["pull", &copy]).code, 1);
    assert!(!sandbox.path("docker").exists());
    for arguments in [
        &["pull", "--username", USER, &target][..],
        &["pull", "--password-stdin", &target],
        &[
            "pull",
            "--registry-token-stdin",
            "--username",
            USER,
            &target,
        ],
    ] {
        assert_eq!(sandbox.ecli(arguments).code, 2, "{arguments:?}");
    }
}

#[test]
fn a_token_from_stdin_is_sent_to_the_registry_as_it_is() {
    let expected = format!("Bearer {PASSWORD}");
    let server = Server::start(move |asked| match asked.header("authorization") {
        Some(header) if header == expected => Answer::new(404, ""),
        _ => {
            Answer::new(401, "").header("WWW-Authenticate", "Bearer realm=\"http://127.0.0.1:1/\"")
        }
    });
    let name = format!("{}/a:1", server.address);
    let pull = ["-vv", "pull", "--registry-token-stdin", &name];
    let outcome = with_input(&sandbox(), &pull, PASSWORD);
    assert_eq!(outcome.code, 1);
    assert!(outcome.stderr.contains("404"), "{}", outcome.stderr);
    let outcome = with_input(&sandbox(), &pull, "another");
    assert!(
        outcome.stderr.contains("it refuses the credentials"),
        "{}",
        outcome.stderr
    );
}
