//! What may run: policy files, statements of images, and the question on a terminal.

#![allow(clippy::unwrap_used, reason = "a failed test says where and why")]

mod support;

use std::io::Write as _;
use std::process::{Command, Stdio};

use support::image::{ADMITTED, STRANGER, stranger};
use support::server::{Answer, Server};
use support::{Outcome, Sandbox};

fn policy(sandbox: &Sandbox, text: &str) {
    sandbox.write("config/ecli/policy.toml", text);
}

fn run_yes(sandbox: &Sandbox) -> Outcome {
    sandbox.ecli(&["run", "--yes", STRANGER])
}

#[track_caller]
fn assert_admitted(outcome: &Outcome) {
    assert!(outcome.stderr.contains(ADMITTED), "{}", outcome.stderr);
}

#[track_caller]
fn assert_refused(outcome: &Outcome, reason: &str) {
    assert_eq!(outcome.code, 1);
    assert!(outcome.stderr.contains(reason), "{}", outcome.stderr);
    assert!(!outcome.stderr.contains(ADMITTED), "{}", outcome.stderr);
}

#[test]
fn a_command_whose_output_nobody_reads_ends_without_a_word() {
    let sandbox = Sandbox::new();
    for arguments in [&["policy", "show"][..], &["prune"], &["version"]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = sandbox.command(arguments).stdout(writer).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(
            (output.status.code(), &*said),
            (Some(1), ""),
            "{arguments:?}"
        );
    }
}

#[test]
fn a_strangers_image_needs_a_yes_which_is_remembered() {
    let sandbox = Sandbox::new();
    stranger(&sandbox, STRANGER, |_| {});
    let run = || sandbox.ecli(&["run", STRANGER]);
    let first = run();
    assert_refused(&first, "there is no terminal to ask on");
    assert!(
        first.stderr.contains("hint:") && first.stderr.contains("--yes"),
        "{}",
        first.stderr
    );
    assert_admitted(&run_yes(&sandbox));
    assert_admitted(&run());
    // Another image under that name is another question.
    stranger(&sandbox, STRANGER, |permissions| {
        permissions.helpers.push("bpf_more".into());
    });
    assert_refused(&run(), "there is no terminal");
    let mut command = sandbox.command(&["run", STRANGER]);
    assert_refused(
        &sandbox.run(command.env("ECLI_YES", "0")),
        "there is no terminal",
    );
    let mut command = sandbox.command(&["run", STRANGER]);
    assert_admitted(&sandbox.run(command.env("ECLI_YES", "1")));
}

#[test]
fn a_name_does_not_make_a_stranger_local() {
    let sandbox = Sandbox::new();
    stranger(&sandbox, STRANGER, |_| {});
    sandbox.ecli(&["tag", STRANGER, "mine"]).succeeded();
    assert_refused(&sandbox.ecli(&["run", "mine"]), "there is no terminal");
}

#[test]
fn a_package_of_an_address_needs_a_yes_each_time() {
    let sandbox = Sandbox::new();
    let (object, _) = support::image::built(&sandbox);
    let server = Server::start(move |asked| match &*asked.path {
        "/tool.bpf.o" => Answer::new(200, object.clone()),
        _ => Answer::new(404, ""),
    });
    let address = format!("http://{}/tool.bpf.o", server.address);
    // Whether it runs then is this kernel's affair: the program is a kprobe.
    let asks = |outcome: &Outcome| outcome.stderr.contains("there is no terminal to ask on");
    let run = |options: &[&str]| sandbox.ecli(&[&["run", "--timeout", "100ms"], options].concat());
    for _ in 0..2 {
        assert_refused(&run(&[&address]), "there is no terminal to ask on");
        let accepted = run(&["--yes", &address]);
        assert!(!asks(&accepted), "{}", accepted.stderr);
    }
    // The same bytes as a file are the user's own.
    std::fs::copy(
        sandbox.path("own/target/ecli/own/own.bpf.o"),
        sandbox.path("own.bpf.o"),
    )
    .unwrap();
    let own = run(&["./own.bpf.o"]);
    assert!(!asks(&own), "{}", own.stderr);
    // No yes goes before a policy.
    for (text, reason) in [
        ("require-signatures = true\n", "require-signatures"),
        ("other-repositories = \"deny\"\n", "no rule names http://"),
        (
            "[permissions]\nhelpers.deny = [\"bpf_send_signal\"]\n",
            "helpers: bpf_send_signal",
        ),
    ] {
        policy(&sandbox, text);
        let outcome = run(&["--yes", &address]);
        assert_refused(&outcome, "denied by policy");
        assert!(outcome.stderr.contains(reason), "{}", outcome.stderr);
    }
    assert!(server.asked().len() > 5);
}

#[test]
fn what_was_built_here_runs_without_a_question() {
    let sandbox = Sandbox::new();
    support::image::built(&sandbox);
    // Not every kernel has what it attaches to.
    let outcome = sandbox.ecli(&["run", "--timeout", "100ms", "own"]);
    let stderr = &outcome.stderr;
    assert!(
        outcome.code == 0 || stderr.contains("attach program `on_connect`"),
        "{stderr}"
    );
    assert!(!stderr.contains("there is no terminal"), "{stderr}");
    let checked = sandbox.ecli(&["policy", "check", "own"]).succeeded();
    assert!(
        checked.contains("verdict  runs: it was made on this machine"),
        "{checked}"
    );
}

/// Runs on a terminal of its own and types an answer; returns what the terminal showed.
fn run_on_terminal(sandbox: &Sandbox, answer: &str) -> String {
    let program = env!("CARGO_BIN_EXE_ecli");
    let mut command = Command::new("script");
    command.args([
        "--quiet",
        "--command",
        &format!("{program} run {STRANGER}"),
        "/dev/null",
    ]);
    for (name, value) in sandbox.command(&[]).get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("script (of bsdutils) must be installed for this test");
    child
        .stdin
        .take()
        .unwrap()
        .write_all(answer.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn the_question_shows_what_the_image_asks_for_and_no_is_the_default() {
    let sandbox = Sandbox::new();
    stranger(&sandbox, STRANGER, |_| {});
    for answer in ["\n", "n\n", "yesterday\n"] {
        let shown = run_on_terminal(&sandbox, answer);
        assert!(shown.contains("Run it? [y/N]"), "{shown}");
        assert!(shown.contains("is not signed"), "{shown}");
        assert!(
            shown.contains("send signals, which can end processes"),
            "{shown}"
        );
        assert!(shown.contains("kprobe/tcp_connect"), "{shown}");
        assert!(shown.contains("it was not wanted"), "{shown}");
        assert!(!shown.contains(ADMITTED), "{shown}");
    }
    let shown = run_on_terminal(&sandbox, "y\n");
    assert!(
        shown.contains("Run it?") && shown.contains(ADMITTED),
        "{shown}"
    );
    let shown = run_on_terminal(&sandbox, "");
    assert!(
        !shown.contains("Run it?") && shown.contains(ADMITTED),
        "{shown}"
    );
}

#[test]
fn required_signatures_must_be_by_a_key_of_the_policy() {
    let sandbox = Sandbox::new();
    stranger(&sandbox, STRANGER, |_| {});
    for name in ["ours", "theirs"] {
        sandbox
            .ecli(&["key", "generate", "--no-password", name])
            .succeeded();
    }
    policy(
        &sandbox,
        "require-signatures = true\nkeys = [\"../../ours.pub\"]\n",
    );
    assert_refused(
        &run_yes(&sandbox),
        "require-signatures: it has no signature here",
    );
    let sign = |key: &str| {
        sandbox
            .ecli(&["sign", "--local", STRANGER, "--key", key])
            .succeeded()
    };
    sign("theirs.key");
    assert_refused(
        &run_yes(&sandbox),
        "none of its 1 signatures is by one of the 1 keys",
    );
    let checked = sandbox.ecli(&["policy", "check", STRANGER]);
    assert_eq!(checked.code, 1);
    assert!(
        checked.stdout.contains("verdict  denied"),
        "{}",
        checked.stdout
    );
    sign("ours.key");
    // Trusted: no question.
    assert_admitted(&sandbox.ecli(&["run", STRANGER]));
    let checked = sandbox.ecli(&["policy", "check", STRANGER]).succeeded();
    assert!(checked.contains("verdict  runs: signed by"), "{checked}");
    // What was built here is not signed.
    assert_refused(&sandbox.ecli(&["policy", "check", "own"]), "");
}

#[test]
fn permissions_are_computed_and_denied_by_name() {
    let sandbox = Sandbox::new();
    stranger(&sandbox, STRANGER, |_| {});
    for (text, reason) in [
        (
            "helpers.deny = [\"bpf_send_signal*\"]",
            "helpers: bpf_send_signal: `bpf_send_signal*`",
        ),
        (
            "helpers.allow = [\"bpf_map_*\"]",
            "helpers: bpf_send_signal: it is not among",
        ),
        (
            "program-types.allow = [\"tracepoint\"]",
            "program-types: kprobe: it is not among",
        ),
        (
            "attach-targets.allow = [\"tracepoint:*\"]",
            "attach-targets: kprobe:tcp_connect",
        ),
    ] {
        policy(&sandbox, &format!("[permissions]\n{text}\n"));
        let outcome = run_yes(&sandbox);
        assert_refused(&outcome, reason);
        assert!(
            outcome.stderr.contains("denied by policy"),
            "{}",
            outcome.stderr
        );
    }
    policy(
        &sandbox,
        "[permissions]\nhelpers.deny = [\"*\"]\n[[repository]]\nname = \"registry.example/*\"\n\
         permissions = { attach-targets.allow = [\"kprobe:tcp_*\"] }\n",
    );
    assert_admitted(&run_yes(&sandbox));
    policy(
        &sandbox,
        "[[repository]]\nname = \"registry.example/*\"\naccess = \"deny\"\n",
    );
    assert_refused(
        &run_yes(&sandbox),
        "repository: registry.example/tools/a is named by",
    );
}

#[test]
fn a_policy_limits_memory() {
    let sandbox = Sandbox::new();
    stranger(&sandbox, STRANGER, |_| {});
    policy(&sandbox, "[limits]\nmemory = \"16MiB\"\n");
    let run = |memory: &str| sandbox.ecli(&["run", "--yes", "--memory", memory, STRANGER]);
    assert_refused(&run("17MiB"), "policy.toml allows 16MiB");
    assert_admitted(&run("16MiB"));
}

#[test]
fn an_image_that_understates_what_it_does_is_refused() {
    let sandbox = Sandbox::new();
    stranger(&sandbox, STRANGER, |permissions| {
        permissions.helpers.clear()
    });
    let outcome = run_yes(&sandbox);
    assert_refused(
        &outcome,
        "the image does more than it states: helpers bpf_send_signal",
    );
    let checked = sandbox.ecli(&["policy", "check", STRANGER]);
    assert_eq!(checked.code, 1);
    assert!(
        checked.stdout.contains("does more than it states"),
        "{}",
        checked.stdout
    );
}

#[test]
fn a_policy_that_is_not_understood_stops_everything_and_names_the_line() {
    let sandbox = Sandbox::new();
    stranger(&sandbox, STRANGER, |_| {});
    for (text, reason) in [
        ("\nrequire-signature = true\n", "line 2"),
        ("[permissions]\nhelper.deny = []\n", "line 2"),
        ("require-signatures = \"yes\"\n", "line 1"),
        ("keys = [\"missing.pub\"]\n", "missing.pub"),
        (
            "[[repository]]\nname = \"*\"\ndigests = [\"sha256:12\"]\n",
            "digests",
        ),
        ("[limits]\nmemory = \"much\"\n", "limits: memory"),
    ] {
        policy(&sandbox, text);
        for arguments in [&["run", "--yes", STRANGER][..], &["policy", "show"]] {
            let outcome = sandbox.ecli(arguments);
            assert_refused(&outcome, reason);
            assert!(outcome.stderr.contains("policy.toml"), "{}", outcome.stderr);
        }
    }
}

#[test]
fn show_prints_the_files_that_hold() {
    let sandbox = Sandbox::new();
    let none = sandbox.ecli(&["policy", "show"]).succeeded();
    assert!(none.starts_with("# no policy"), "{none}");
    policy(&sandbox, "require-signatures = true\n");
    let shown = sandbox.ecli(&["policy", "show"]).succeeded();
    assert!(shown.contains("# $SANDBOX/config/ecli/policy.toml\nrequire-signatures = true\n"));
}
