//! Processes that share a store and are killed at any moment.

#![allow(clippy::unwrap_used, reason = "a test that fails here says where")]

mod support;

use std::io::Read;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use eunomia_image::registry::{Platforms, Registry, RegistryOptions};
use eunomia_image::{Reference, Store};
use support::proxy::{Fault, Proxy};
use support::registry::RegistryServer;
use support::{host, packed, reference};

const WRITER_ARGUMENT: &str = "--writer";
const PULLER_ARGUMENT: &str = "--puller";
const KILLS: u64 = 60;
const WRITERS: usize = 3;
/// A writer needs some milliseconds for an image; kills fall anywhere in several of them.
const KILL_DELAY_MAX: Duration = Duration::from_millis(30);
const TIME_MAX: Duration = Duration::from_secs(60);

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, flag, root, seed] = arguments.as_slice()
        && flag == WRITER_ARGUMENT
    {
        write_for_ever(Path::new(root), seed);
    }
    if let [_, flag, root, name] = arguments.as_slice()
        && flag == PULLER_ARGUMENT
    {
        pull(&Store::open(root).unwrap(), &reference(name)).unwrap();
        return;
    }
    let tests: [(&str, fn()); 3] = [
        (
            "a_kill_at_any_moment_leaves_a_working_store",
            a_kill_at_any_moment_leaves_a_working_store,
        ),
        (
            "a_killed_lock_holder_leaves_no_lock",
            a_killed_lock_holder_leaves_no_lock,
        ),
        (
            "pulls_that_are_killed_lose_nothing",
            pulls_that_are_killed_lose_nothing,
        ),
    ];
    let filter = arguments
        .get(1)
        .filter(|argument| !argument.starts_with('-'));
    for (name, test) in tests {
        if filter.is_none_or(|filter| name.contains(filter.as_str())) {
            test();
            println!("test {name} ... ok");
        }
    }
}

/// What the killed processes do: all that changes a store, announcing each round.
fn write_for_ever(root: &Path, seed: &str) -> ! {
    for round in 0_u64.. {
        let store = Store::open(root).unwrap();
        let name = reference(&format!("w{}", round % 4));
        store
            .write_image(&name, &packed(&format!("{seed}-{}", round % 7)))
            .unwrap();
        store.tag(&name, &reference("newest")).unwrap();
        match round % 5 {
            // Another writer may have removed it already.
            3 => drop(store.remove(&name)),
            4 => drop(store.prune().unwrap()),
            _ => {}
        }
        println!("{round}");
    }
    unreachable!("the loop has no end");
}

struct Writer {
    child: Child,
    output: ChildStdout,
}

impl Writer {
    fn start(root: &Path, seed: &str) -> Self {
        let program = std::env::current_exe().expect("the path of this test");
        let mut child = Command::new(program)
            .args([WRITER_ARGUMENT, root.to_str().expect("UTF-8"), seed])
            .stdout(Stdio::piped())
            .spawn()
            .expect("start a writer");
        let output = child.stdout.take().expect("its output is piped");
        Self { child, output }
    }

    /// Waits until it has finished a round.
    fn wait_for_round(&mut self) {
        let mut byte = [0];
        assert_eq!(
            self.output.read(&mut byte).expect("read from a writer"),
            1,
            "a writer failed"
        );
    }

    fn kill(mut self) {
        self.child.kill().expect("kill a writer");
        let status = self.child.wait().expect("wait for a writer");
        assert_eq!(
            status.code(),
            None,
            "a writer ended before it was killed: {status}"
        );
    }
}

fn a_kill_at_any_moment_leaves_a_working_store() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("store");
    let store = Store::open(&root).unwrap();
    store
        .write_image(&reference("always"), &packed("always"))
        .unwrap();
    let start = Instant::now();
    let mut writers: Vec<Writer> = (0..WRITERS)
        .map(|number| Writer::start(&root, &format!("first-{number}")))
        .collect();
    let mut random = u64::from(std::process::id());
    println!("seed {random}");
    let mut kills = 0;
    while kills < KILLS && start.elapsed() < TIME_MAX {
        // SplitMix64's multiplier and increment: any full-period generator would do.
        random = random
            .wrapping_mul(0xbf58_476d_1ce4_e5b9)
            .wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut victim = writers.remove(0);
        victim.wait_for_round();
        let delay_max = u64::try_from(KILL_DELAY_MAX.as_micros()).expect("some milliseconds");
        thread::sleep(Duration::from_micros((random >> 20) % delay_max));
        victim.kill();
        kills += 1;
        verify(&store);
        writers.push(Writer::start(&root, &format!("later-{kills}")));
    }
    for writer in writers {
        writer.kill();
    }
    println!("{kills} kills in {:?}", start.elapsed());
    assert!(kills >= KILLS / 2, "only {kills} kills in {TIME_MAX:?}");
    verify(&store);
    store.prune().unwrap();
    assert_eq!(std::fs::read_dir(root.join("ingest")).unwrap().count(), 0);
    store
        .write_image(&reference("after"), &packed("after"))
        .unwrap();
    store.image(&reference("after"), &host()).unwrap();
}

/// The others are at work meanwhile.
fn verify(store: &Store) {
    let report = store.check().unwrap();
    assert!(report.problems.is_empty(), "{:?}", report.problems);
    store.image(&reference("always"), &host()).unwrap();
    for listed in store.list().unwrap() {
        assert_eq!(listed.problem, None, "{:?}", listed.name);
    }
}

fn a_killed_lock_holder_leaves_no_lock() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("store");
    let store = Store::open(&root).unwrap();
    for round in 0..5 {
        let mut writer = Writer::start(&root, &format!("{round}"));
        writer.wait_for_round();
        writer.kill();
        let start = Instant::now();
        store.prune().unwrap();
        // Far below the time after which waiting for a lock is given up.
        assert!(start.elapsed() < eunomia_image::limits::LOCK_WAIT_MAX / 2);
    }
}

fn client() -> Registry {
    let mut options = RegistryOptions::default();
    options.credential_file = None;
    Registry::new(options).unwrap()
}

fn pull(store: &Store, name: &Reference) -> eunomia_image::Result<u64> {
    Ok(client()
        .pull(store, name, &Platforms::Only(host()))?
        .downloaded)
}

fn pulls_that_are_killed_lose_nothing() {
    const SIZE: usize = 4 << 20;
    let server = RegistryServer::start();
    let name = reference(&format!("{}:1", server.name("a")));
    let folder = tempfile::tempdir().unwrap();
    let source = Store::open(folder.path().join("source")).unwrap();
    let content: Vec<u8> = (0..SIZE as u32 / 4).flat_map(u32::to_le_bytes).collect();
    let image = support::builder("a").component(content).build().unwrap();
    source.write_image(&name, &image).unwrap();
    client().push(&source, &name, &name).unwrap();

    let store = Store::open(folder.path().join("store")).unwrap();
    // A pull takes about so long; a slow network spreads the kills over the download.
    let slow = Proxy::start(server.address, |_| Fault::Delay(Duration::from_micros(500)));
    let through = reference(&format!("{}/a:1", slow.address));
    let start = Instant::now();
    let (mut random, mut killed) = (u64::from(std::process::id()), 0);
    for round in 0..100_u64 {
        random = random
            .wrapping_mul(0xbf58_476d_1ce4_e5b9)
            .wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut child = Command::new(std::env::current_exe().expect("the path of this test"))
            .args([
                PULLER_ARGUMENT,
                store.root().to_str().expect("UTF-8"),
                &through.to_string(),
            ])
            .stderr(Stdio::inherit())
            .spawn()
            .expect("start a pull");
        thread::sleep(Duration::from_micros((random >> 20) % 120_000));
        child.kill().expect("kill a pull");
        let status = child.wait().expect("wait for a pull");
        assert!(status.success() || status.code().is_none(), "{status}");
        killed += u64::from(!status.success());
        let report = store.check().unwrap();
        assert!(
            report.problems.is_empty(),
            "round {round}: {:?}",
            report.problems
        );
        if !store.list().unwrap().is_empty() {
            store.image(&through, &host()).unwrap();
            store.remove(&through).unwrap();
            store.prune().unwrap();
        }
    }
    println!("{killed} of 100 pulls killed in {:?}", start.elapsed());
    assert!(killed >= 20, "only {killed} were killed");
    pull(&store, &through).unwrap();
    assert_eq!(
        store.image(&through, &host()).unwrap().digest,
        image.digest()
    );
    assert_eq!(pull(&store, &through).unwrap(), 0);
}
