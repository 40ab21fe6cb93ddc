//! Many commands at once, and commands that are killed.

#![allow(clippy::unwrap_used, reason = "a failed test says where and why")]

mod support;

use std::process::{Child, Command, Stdio};
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use eunomia_image::{ImageBuilder, Metadata, PackedImage, Reference, Store, World};
use serde_json::Value;
use support::Sandbox;
use support::noise::noise;
use support::proxy::{Fault, Proxy};
use support::registry::RegistryServer;

const COMPONENT_BYTES: usize = 2 << 20;

fn image() -> PackedImage {
    image_of(COMPONENT_BYTES)
}

fn image_of(bytes: usize) -> PackedImage {
    let metadata = Metadata::new("tool", World::Command);
    ImageBuilder::new(metadata)
        .component(noise(bytes, 1))
        .object("a", noise(100_000, 2))
        .build()
        .unwrap()
}

/// A registry with an image, a slow way to it, and the image's name on that way.
fn serving() -> (RegistryServer, Proxy, String) {
    let (server, sandbox) = (RegistryServer::start(), Sandbox::new());
    let store = Store::open(sandbox.store()).unwrap();
    let name = server.name("a:1");
    let reference = Reference::parse(&name).unwrap();
    store.write_image(&reference, &image()).unwrap();
    sandbox.ecli(&["push", &name]).succeeded();
    let slow = Proxy::start(server.address, |_| Fault::Delay(Duration::from_millis(1)));
    let name = format!("{}/a:1", slow.address);
    (server, slow, name)
}

fn spawn(sandbox: &Sandbox, arguments: &[&str]) -> Child {
    let mut command = sandbox.command(arguments);
    let command = command.stdout(Stdio::piped()).stderr(Stdio::null());
    command.spawn().unwrap()
}

#[test]
fn ten_pulls_at_once_download_each_blob_once() {
    let (_server, _slow, name) = serving();
    let sandbox = Sandbox::new();
    let pulls: Vec<Child> = (0..10)
        .map(|_| spawn(&sandbox, &["pull", "--json", &name]))
        .collect();
    let mut bytes = 0;
    for pull in pulls {
        let output = pull.wait_with_output().unwrap();
        assert!(output.status.success());
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        bytes += report["bytes"].as_u64().unwrap();
    }
    let image = image();
    let blobs = image
        .blobs()
        .iter()
        .filter(|(blob, _)| blob.digest != image.digest());
    assert_eq!(bytes, blobs.map(|(blob, _)| blob.size).sum::<u64>());
    sandbox.ecli(&["store", "check"]).succeeded();
}

#[test]
fn a_hundred_pulls_killed_at_any_moment_leave_a_store_in_which_the_next_succeeds() {
    const PULLS: u32 = 100;
    /// The others were done, or had not begun.
    const KILLED_MIN: u32 = 80;
    let (_server, slow, name) = serving();
    let sandbox = Sandbox::new();
    let mut state = 7_u64;
    let mut killed = 0;
    for number in 0..PULLS {
        state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
        // From nearly the first byte of the image to nearly its last: on a busy machine, times
        // would say little.
        let share = 0.99 * (state >> 40) as f64 / f64::from(1 << 24);
        let wanted = (share * COMPONENT_BYTES as f64) as u64;
        let before = slow.bytes.load(Ordering::Relaxed);
        let sent = || slow.bytes.load(Ordering::Relaxed) - before;
        let mut pull = spawn(&sandbox, &["pull", "-q", &name]);
        while sent() < wanted.max(1) && pull.try_wait().unwrap().is_none() {
            thread::sleep(Duration::from_micros(200));
        }
        let _ = pull.kill();
        let was_killed = !pull.wait().unwrap().success();
        killed += u32::from(was_killed && sent() > 0);
        sandbox.ecli(&["store", "check"]).succeeded();
        // Every fifth goes on where the one before was killed, and is sooner done.
        if !was_killed || number % 5 != 0 {
            let listed = sandbox.ecli(&["list", "-q"]).succeeded();
            if !listed.is_empty() {
                sandbox.ecli(&["rm", &name]).succeeded();
            }
            sandbox.ecli(&["prune"]).succeeded();
        }
    }
    println!("{killed} of {PULLS} were killed while they transferred");
    assert!(killed >= KILLED_MIN, "{killed} of {PULLS}");
    sandbox.ecli(&["pull", &name]).succeeded();
    sandbox.ecli(&["store", "check"]).succeeded();
    let listed = sandbox.ecli(&["list", "--json"]).succeeded();
    let listed: Value = serde_json::from_str(&listed).unwrap();
    assert_eq!(listed[0]["digest"], image().digest().to_string());
}

#[test]
fn commands_that_share_a_store_do_not_disturb_each_other() {
    /// Of each command; together they take some seconds.
    const ROUNDS: u32 = 25;
    let (_server, _slow, name) = serving();
    let sandbox = Sandbox::new();
    let store = Store::open(sandbox.store()).unwrap();
    let kept = Reference::parse("kept:1").unwrap();
    store.write_image(&kept, &image_of(1000)).unwrap();
    // What may be said by a command that was too late or too early.
    let gone = ["no such image"];
    let other = ["it is not a 64-bit ELF file", gone[0]];
    let commands: [(&[&str], &[&str]); 6] = [
        (&["pull", "-q", &name], &[]),
        (&["rm", &name], &gone),
        (&["prune"], &[]),
        // They are let through; what is in the image is no ELF file.
        (&["run", "--yes", "--pull", "never", &name], &other),
        (&["inspect", "kept:1"], &other[..1]),
        (&["store", "check"], &[]),
    ];
    thread::scope(|scope| {
        for (arguments, allowed) in commands {
            let sandbox = &sandbox;
            scope.spawn(move || {
                for _ in 0..ROUNDS {
                    let outcome = sandbox.ecli(arguments);
                    let is_known = allowed.iter().any(|part| outcome.stderr.contains(part));
                    let stderr = &outcome.stderr;
                    assert!(outcome.code == 0 || is_known, "{arguments:?}: {stderr}");
                }
            });
        }
    });
    sandbox.ecli(&["pull", &name]).succeeded();
    sandbox.ecli(&["prune"]).succeeded();
    sandbox.ecli(&["store", "check"]).succeeded();
    let listed = sandbox.ecli(&["list", "-q"]).succeeded();
    assert_eq!(listed.lines().count(), 2, "{listed}");
}

/// Runs a shell script in which `$ECLI` is ecli.
fn shell(sandbox: &Sandbox, wrapper: &[&str], script: &str) -> support::Outcome {
    // For its environment alone.
    let ecli = sandbox.command(&[]);
    let mut command = Command::new(wrapper.first().unwrap_or(&"sh"));
    if let [_, rest @ ..] = wrapper {
        command.args(rest).arg("sh");
    }
    for (name, value) in ecli.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command.current_dir(sandbox.path("."));
    command.args(["-ec", script]);
    sandbox.run(command.env("ECLI", env!("CARGO_BIN_EXE_ecli")))
}

#[test]
fn a_full_disk_is_named_and_the_pull_continues_when_there_is_room() {
    let (_server, _slow, name) = serving();
    let sandbox = Sandbox::new();
    std::fs::create_dir(sandbox.store()).unwrap();
    // A file system of one megabyte for the store, which nobody else sees.
    let script = format!(
        "mount -t tmpfs -o size=1m none store\n\
         ! $ECLI pull {name} || exit 9\n\
         $ECLI store check >&2\n\
         mount -o remount,size=16m none store\n\
         $ECLI pull --json {name}\n\
         $ECLI store check >&2\n"
    );
    let alone = ["unshare", "--user", "--map-root-user", "--mount"];
    let outcome = shell(&sandbox, &alone, &script);
    for part in [
        "No space left on device",
        "hint: free some space: `ecli prune`",
    ] {
        assert!(outcome.stderr.contains(part), "{}", outcome.stderr);
    }
    let report: Value = serde_json::from_str(&outcome.succeeded()).unwrap();
    let rest = report["bytes"].as_u64().unwrap();
    assert!(
        rest < COMPONENT_BYTES as u64,
        "{rest}: nothing was continued"
    );
}

#[test]
fn memory_stays_flat_for_a_large_image() {
    const LARGE: usize = 200 << 20;
    /// Private memory of a process, stacks included; without a limit it takes some 30 MiB.
    const DATA_KIB_MAX: usize = 96 << 10;
    let (server, other, sandbox) = (
        RegistryServer::start(),
        RegistryServer::start(),
        Sandbox::new(),
    );
    let store = Store::open(sandbox.store()).unwrap();
    let name = server.name("a:1");
    let reference = Reference::parse(&name).unwrap();
    store.write_image(&reference, &image_of(LARGE)).unwrap();
    let script = format!(
        "ulimit -d {DATA_KIB_MAX}\n\
         $ECLI push {name}\n\
         $ECLI copy {name} {}\n\
         $ECLI --store fresh pull {name}\n\
         $ECLI --store fresh store check\n\
         $ECLI --store fresh save -o a.tar {name}\n\
         $ECLI --store loaded load -i a.tar\n",
        other.name("b:1")
    );
    shell(&sandbox, &[], &script).succeeded();
}
