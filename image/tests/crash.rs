//! Processes that write to a store and are killed at any moment; for pulls, see `ecli`'s
//! `tests/registry_faults.rs`.

#![allow(clippy::unwrap_used, reason = "a test that fails here says where")]

mod support;

use std::io::Read;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use eunomia_image::Store;
use support::{host, packed, reference};

const WRITER_ARGUMENT: &str = "--writer";
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
    let tests: [(&str, fn()); 2] = [
        (
            "a_kill_at_any_moment_leaves_a_working_store",
            a_kill_at_any_moment_leaves_a_working_store,
        ),
        (
            "a_killed_lock_holder_leaves_no_lock",
            a_killed_lock_holder_leaves_no_lock,
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
