//! What the help texts say, verb by verb, as golden files.

#![allow(clippy::unwrap_used, reason = "a failed test says where and why")]

mod support;

use support::{Sandbox, assert_golden};

/// All verbs.
const VERBS: &[&str] = &[
    "init",
    "build",
    "run",
    "dev",
    "test",
    "list",
    "inspect",
    "check",
    "pins",
    "unpin",
    "rm",
    "tag",
    "pull",
    "push",
    "publish",
    "copy",
    "save",
    "load",
    "index",
    "login",
    "logout",
    "store",
    "prune",
    "key",
    "sign",
    "verify",
    "policy",
    "completion",
    "man",
    "version",
];

#[test]
fn every_verb_has_a_help_text_that_was_reviewed() {
    let sandbox = Sandbox::new();
    let help = sandbox.ecli(&["--help"]).succeeded();
    assert_golden("help.txt", &help);
    for verb in VERBS {
        assert!(
            help.contains(&format!("\n  {verb}")),
            "{verb} is not in the list"
        );
        let help = sandbox.ecli(&[verb, "--help"]).succeeded();
        assert_golden(&format!("help-{verb}.txt"), &help);
    }
}

#[test]
fn the_list_of_verbs_in_this_test_is_complete() {
    let help = Sandbox::new().ecli(&["--help"]).succeeded();
    let commands = help
        .split("Commands:\n")
        .nth(1)
        .unwrap()
        .split("\n\n")
        .next()
        .unwrap();
    let listed: Vec<&str> = commands
        .lines()
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|verb| *verb != "help")
        .collect();
    assert_eq!(listed, VERBS);
}

#[test]
fn completions_and_manual_pages_know_the_verbs() {
    let sandbox = Sandbox::new();
    for shell in ["bash", "zsh", "fish"] {
        let script = sandbox.ecli(&["completion", shell]).succeeded();
        assert!(script.contains("inspect"), "{shell}");
    }
    assert!(sandbox.ecli(&["man"]).succeeded().contains(".TH"));
    sandbox.ecli(&["man", "--folder", "man1"]).succeeded();
    for verb in VERBS {
        assert!(
            sandbox.path(&format!("man1/ecli-{verb}.1")).is_file(),
            "{verb}"
        );
    }
}
