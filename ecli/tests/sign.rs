//! Keys, signatures and their verification by the command line, with a real registry.

#![allow(clippy::unwrap_used, reason = "a failed test says where and why")]

mod support;

use std::os::unix::fs::PermissionsExt as _;

use eunomia_image::registry::{Registry, RegistryOptions};
use eunomia_image::{Reference, Store};
use support::image::{ADMITTED, STRANGER, stranger};
use support::registry::RegistryServer;
use support::{Sandbox, run, text};

/// A sandbox with the keys `ours` and `theirs`.
fn with_keys() -> Sandbox {
    let sandbox = Sandbox::new();
    for name in ["ours", "theirs"] {
        sandbox
            .ecli(&["key", "generate", "--no-password", name])
            .succeeded();
    }
    sandbox
}

#[test]
fn a_key_is_generated_once_and_kept_private() {
    let sandbox = Sandbox::new();
    let generate = |name: &str| {
        let mut command = sandbox.command(&["key", "generate", name]);
        sandbox.run(command.env("ECLI_KEY_PASSWORD", "secret"))
    };
    let fingerprint = generate("release").succeeded();
    let private = sandbox.path("release.key");
    let mode = std::fs::metadata(&private).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let pem = std::fs::read_to_string(&private).unwrap();
    assert!(
        pem.starts_with("-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----"),
        "{pem}"
    );
    assert_eq!(
        sandbox.ecli(&["key", "show", "release.pub"]).succeeded(),
        fingerprint
    );
    let again = generate("release");
    assert_eq!(again.code, 1);
    assert!(
        again.stderr.contains("keys are never overwritten"),
        "{}",
        again.stderr
    );
    assert_eq!(std::fs::read_to_string(&private).unwrap(), pem);
}

#[test]
fn an_image_of_the_store_is_signed_and_verified_there() {
    let sandbox = with_keys();
    let image = stranger(&sandbox, "a", |_| {});
    let verify = |key: &str| sandbox.ecli(&["verify", "a", "--key", key]);
    verify("ours.pub").failed_with("ecli: verify a:latest: it has no signature\n");
    let signed = sandbox
        .ecli(&["sign", "a", "--key", "ours.key"])
        .succeeded();
    assert_eq!(signed.trim(), image.digest.to_string());
    let verified = verify("ours.pub").succeeded();
    assert!(
        verified.starts_with(&format!("{} bundle by ", image.digest)),
        "{verified}"
    );
    let failed = verify("theirs.pub");
    assert_eq!(failed.code, 1);
    assert!(
        failed.stderr.contains("none of its 1 signatures"),
        "{}",
        failed.stderr
    );
    // Signing again changes nothing.
    let again = sandbox.ecli(&["sign", "a", "--key", "ours.key"]);
    assert!(again.stderr.contains("already"), "{}", again.stderr);
    let swapped = sandbox.ecli(&["sign", "a", "--key", "ours.pub"]);
    assert_eq!(swapped.code, 1);
    let swapped = verify("ours.key");
    assert!(
        swapped.stderr.contains("must stay private"),
        "{}",
        swapped.stderr
    );
}

#[test]
fn a_password_is_needed_and_comes_from_the_environment() {
    let sandbox = Sandbox::new();
    stranger(&sandbox, "a", |_| {});
    let run = |arguments: &[&str], variable: &str, password: &str| {
        sandbox.run(sandbox.command(arguments).env(variable, password))
    };
    run(&["key", "generate"], "COSIGN_PASSWORD", "secret").succeeded();
    let sign = ["sign", "a", "--key", "ecli.key"];
    let wrong = run(&sign, "ECLI_KEY_PASSWORD", "guess");
    assert_eq!(wrong.code, 1);
    assert!(wrong.stderr.contains("wrong password"), "{}", wrong.stderr);
    assert!(!wrong.stderr.contains("guess"), "{}", wrong.stderr);
    run(&sign, "ECLI_KEY_PASSWORD", "secret").succeeded();
    sandbox
        .ecli(&["verify", "a", "--key", "ecli.pub"])
        .succeeded();
}

#[test]
fn an_image_of_a_registry_is_signed_beside_it() {
    let server = RegistryServer::start();
    let sandbox = with_keys();
    let name = server.name("tools/a:1");
    let image = stranger(&sandbox, &name, |_| {});
    let key = ["--key", "ours.key"];
    let sign = |arguments: &[&str]| sandbox.ecli(&[&["sign", &name], arguments, &key].concat());
    let early = sign(&[]);
    assert!(
        early.stderr.contains("push it with its signature"),
        "{}",
        early.stderr
    );
    let (store, reference) = (Store::open(sandbox.store()).unwrap(), name.parse().unwrap());
    push(&store, &reference);
    assert!(sign(&[]).stderr.contains("signed at the registry"));
    assert!(
        sign(&["--legacy"])
            .stderr
            .contains("signed at the registry")
    );
    let verify = ["verify", &name, "--registry", "--key"];
    let remote = sandbox
        .ecli(&[&verify[..], &["ours.pub"]].concat())
        .succeeded();
    assert!(remote.starts_with(&image.digest.to_string()), "{remote}");
    let failed = sandbox.ecli(&[&verify[..], &["theirs.pub"]].concat());
    assert!(
        failed.stderr.contains("none of its 2 signatures"),
        "{}",
        failed.stderr
    );
    // Where the image is not in the store, its registry is asked, and signs too.
    sandbox.ecli(&["rm", &name]).succeeded();
    sandbox
        .ecli(&["verify", &name, "--key", "ours.pub"])
        .succeeded();
    sandbox
        .ecli(&["sign", &name, "--key", "theirs.key"])
        .succeeded();
    sandbox
        .ecli(&["verify", &name, "--key", "theirs.pub"])
        .succeeded();
}

fn push(store: &Store, reference: &Reference) {
    let mut options = RegistryOptions::default();
    options.credential_file = None;
    Registry::new(options)
        .unwrap()
        .push(store, reference, reference)
        .unwrap();
}

#[test]
fn a_signature_travels_with_its_image() {
    let server = RegistryServer::start();
    let author = with_keys();
    let name = server.name("tools/b:1");
    stranger(&author, &name, |_| {});
    author
        .ecli(&["sign", "--local", &name, "--key", "ours.key"])
        .succeeded();
    author.ecli(&["push", &name]).succeeded();
    let user = Sandbox::new();
    std::fs::copy(author.path("ours.pub"), user.path("ours.pub")).unwrap();
    user.ecli(&["pull", &name]).succeeded();
    // What was pulled is enough: nobody asks the registry any more.
    drop(server);
    let verified = user.ecli(&["verify", &name, "--key", "ours.pub"]);
    assert!(verified.succeeded().contains(" bundle by "));
}

#[test]
fn a_layout_on_disk_is_verified_by_the_signatures_in_it() {
    let author = with_keys();
    stranger(&author, "tools/a:1", |_| {});
    author
        .ecli(&["sign", "tools/a:1", "--key", "ours.key"])
        .succeeded();
    author
        .ecli(&["save", "-o", "a.tar", "tools/a:1"])
        .succeeded();
    let user = Sandbox::new();
    std::fs::create_dir(user.path("layout")).unwrap();
    let (archive, layout) = (author.path("a.tar"), user.path("layout"));
    run("tar", &["-xf", text(&archive), "-C", text(&layout)]);
    for key in ["ours.pub", "theirs.pub"] {
        std::fs::copy(author.path(key), user.path(key)).unwrap();
    }
    for image in ["./layout", "./layout:tools/a:1"] {
        let verify = |key: &str| user.ecli(&["verify", image, "--key", key]);
        assert!(verify("ours.pub").succeeded().contains(" bundle by "));
        assert!(verify("theirs.pub").stderr.contains("none of its 1 sig"));
        for (key, runs) in [("ours.pub", true), ("theirs.pub", false)] {
            let policy = format!("require-signatures = true\nkeys = [\"../../{key}\"]\n");
            user.write("config/ecli/policy.toml", &policy);
            let outcome = user.ecli(&["run", image]);
            assert_eq!(
                outcome.stderr.contains(ADMITTED),
                runs,
                "{}",
                outcome.stderr
            );
            assert_eq!(outcome.stderr.contains("denied by policy"), !runs);
        }
        std::fs::remove_file(user.path("config/ecli/policy.toml")).unwrap();
    }
}

#[test]
fn what_is_nowhere_is_said_to_be() {
    let sandbox = with_keys();
    let missing = sandbox.ecli(&["sign", "--local", STRANGER, "--key", "ours.key"]);
    assert_eq!(missing.code, 1);
    assert!(
        missing.stderr.contains("no such image"),
        "{}",
        missing.stderr
    );
    let missing = sandbox.ecli(&["sign", "a", "--key", "none.key"]);
    assert_eq!(missing.code, 1);
}
