//! From one machine to another: a tool that is built here, published, and run elsewhere.

#![allow(clippy::unwrap_used, reason = "a failed test says where and why")]

mod support;

use support::Sandbox;
use support::registry::RegistryServer;

const MANIFEST: &str = "\
[package]\nname = \"hello\"\nversion = \"1.2.3\"\nedition = \"2024\"\n[workspace]\n";

fn write_project(sandbox: &Sandbox, says: &str) {
    sandbox.write("project/ecli.toml", "");
    sandbox.write("project/Cargo.toml", MANIFEST);
    let main = format!("fn main() {{ println!(\"{says}\") }}\n");
    sandbox.write("project/src/main.rs", &main);
}

#[test]
fn a_published_tool_runs_elsewhere_as_new_or_as_old_as_asked_for() {
    let (server, author) = (RegistryServer::start(), Sandbox::new());
    let place = server.name("tools");
    write_project(&author, "first");
    let published = author
        .ecli(&["publish", "-q", "--to", &place, "project"])
        .succeeded();
    let first = published.trim();
    assert!(
        first.starts_with(&format!("{place}/project@sha256:")),
        "{first}"
    );

    let user = Sandbox::new();
    let run = |arguments: &[&str]| {
        let mut command = user.command(&[&["run"], arguments].concat());
        user.run(command.env("ECLI_REGISTRY", &place).env("ECLI_YES", "1"))
    };
    let (tagged, latest) = (format!("{place}/project:1.2.3"), format!("{place}/project"));
    let outcome = run(&["--pull", "never", &latest]);
    assert!(
        outcome.stderr.contains("no such image"),
        "{}",
        outcome.stderr
    );
    assert_eq!(run(&[&latest]).succeeded(), "first\n");
    assert_eq!(run(&[&tagged]).succeeded(), "first\n");
    assert_eq!(run(&[first]).succeeded(), "first\n");

    write_project(&author, "second");
    author
        .ecli(&["publish", "--to", &place, "project"])
        .succeeded();
    assert_eq!(run(&["project"]).succeeded(), "first\n");
    assert_eq!(
        run(&["--pull", "always", "project"]).succeeded(),
        "second\n"
    );
    assert_eq!(run(&["project"]).succeeded(), "second\n");
    assert_eq!(run(&["--pull", "always", first]).succeeded(), "first\n");
    // Whatever the registry has under its name, a digest is what it is; also on a new machine.
    let other = Sandbox::new();
    assert_eq!(other.ecli(&["run", "--yes", first]).succeeded(), "first\n");

    // The configuration says when; a registry that is gone matters only when it is asked.
    drop(server);
    user.write("config/ecli/config.toml", "pull = \"always\"\n");
    assert_eq!(run(&["project"]).code, 1);
    assert_eq!(
        run(&["--pull", "missing", "project"]).succeeded(),
        "second\n"
    );
    user.write("config/ecli/config.toml", "pull = \"sometimes\"\n");
    let outcome = run(&["project"]);
    assert!(
        outcome.stderr.contains("it is always, missing or never"),
        "{}",
        outcome.stderr
    );
}

#[test]
fn a_remote_image_is_inspected_without_being_kept() {
    let (server, author) = (RegistryServer::start(), Sandbox::new());
    write_project(&author, "hello");
    let name = server.name("x/hello:9");
    author
        .ecli(&["publish", "--no-latest", "--to", &name, "project"])
        .succeeded();
    let user = Sandbox::new();
    let shown = user.ecli(&["inspect", "--remote", &name]).succeeded();
    assert!(shown.contains("component (world command)"), "{shown}");
    let report = user
        .ecli(&["inspect", "--remote", "--json", &name])
        .succeeded();
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["metadata"]["version"], "1.2.3");
    assert_eq!(user.ecli(&["list", "-q"]).succeeded(), "");
    assert_eq!(user.ecli(&["pull", &server.name("x/hello")]).code, 1);
}
