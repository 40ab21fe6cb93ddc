//! What is lost between the kernel and a guest that counts records by key, on the real kernel: made
//! is what was received and what was lost, for each key, and of what the ring has room for nothing
//! is lost.
//!
//! How much is lost when one CPU makes records as fast as it can depends on who else wants the CPU
//! of the reader; `scripts/bench --only loss` measures that.

use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use eunomia_tests::{Ended, Running, build, is_root, thread_id};

/// Keys of the records: `KEYS` of `bench.bpf.c`.
const KEYS: usize = 1024;
/// Each system call of the producer makes so many, or none: `RECORDS_A_CALL` there.
const RECORDS_A_CALL: u64 = 1024;
/// Bytes of a record in the ring, with its header.
const RECORD_BYTES: u64 = 72;

const MIB: u64 = 1 << 20;
/// The smallest ring: not even what one call makes fits.
const PAGE: u64 = 4096;

/// By whom the guest is woken: by the kernel when it waits, or by one record of so many.
const RECORDS_A_WAKE: [&str; 2] = ["0", "1024"];

/// How long records are made.
const PRODUCTION: Duration = Duration::from_secs(2);

/// What became of the records.
struct Counts {
    made: u64,
    received: u64,
    lost: u64,
}

/// Makes records for [`PRODUCTION`] while the guest counts them.
fn run(ring_bytes: u64, records_a_wake: &str, paced: &str) -> Result<Counts> {
    build("bench/guest")?;
    let (tell, told) = channel();
    let (go, start) = channel();
    // A thread of its own, of which the guest has all records when it has ended.
    let producer = std::thread::spawn(move || -> Result<()> {
        tell.send(thread_id()?)?;
        start.recv()?;
        let begin = Instant::now();
        while begin.elapsed() < PRODUCTION {
            std::hint::black_box(std::os::unix::process::parent_id());
        }
        Ok(())
    });
    let thread = told.recv()?;
    let ring_bytes = ring_bytes.to_string();
    let mut tool = Running::start(["guest", "loss", &thread, &ring_bytes, records_a_wake, paced])?;
    tool.expect(|line| line == "attached")?;
    go.send(())?;
    producer.join().expect("the producer does not panic")?;
    let ended = tool.stop()?;
    let counts = counts(&ended)?;
    println!(
        "ring of {ring_bytes} bytes, wake {records_a_wake}, paced {paced}: {} made, {} lost",
        counts.made, counts.lost
    );
    // The operator is told the same.
    let told = match counts.lost {
        0 => String::new(),
        lost => format!("ecli: {lost} events were lost\n"),
    };
    ensure!(ended.said == told, "{} instead of {told}", ended.said);
    Ok(counts)
}

/// The sums over all keys, each of which must add up.
fn counts(ended: &Ended) -> Result<Counts> {
    let mut sums = [0; 3];
    let mut keys = 0;
    for line in ended.printed.lines() {
        let words = line.split(' ').map(str::parse);
        let words: Vec<u64> = words.collect::<Result<_, _>>()?;
        let [made, received, lost] = words[..] else {
            anyhow::bail!("a line of the guest: {line}");
        };
        ensure!(made > 0, "key {keys} was not made");
        ensure!(
            made == received + lost,
            "of key {keys} {made} were made, {received} received, {lost} lost"
        );
        for (sum, count) in sums.iter_mut().zip([made, received, lost]) {
            *sum += count;
        }
        keys += 1;
    }
    ensure!(keys == KEYS, "{keys} keys");
    let [made, received, lost] = sums;
    ensure!(
        made.is_multiple_of(RECORDS_A_CALL),
        "{made} records are no whole number of calls"
    );
    Ok(Counts {
        made,
        received,
        lost,
    })
}

#[test]
fn what_finds_the_ring_full_is_counted_by_key_exactly() -> Result<()> {
    if !is_root() {
        return Ok(());
    }
    for records_a_wake in RECORDS_A_WAKE {
        let counts = run(PAGE, records_a_wake, "0")?;
        // Of each call at least what is more than the ring.
        let calls = counts.made / RECORDS_A_CALL;
        ensure!(counts.lost > calls, "{} lost", counts.lost);
        ensure!(counts.received > 0, "nothing was received");
        // However much that is on this machine.
        run(MIB, records_a_wake, "0")?;
    }
    Ok(())
}

#[test]
fn nothing_is_lost_of_what_a_ring_of_one_mib_has_room_for() -> Result<()> {
    if !is_root() {
        return Ok(());
    }
    for records_a_wake in RECORDS_A_WAKE {
        let counts = run(MIB, records_a_wake, "1")?;
        ensure!(counts.lost == 0, "{} lost", counts.lost);
        let rings = counts.received * RECORD_BYTES / MIB;
        ensure!(rings >= 10, "the ring was filled {rings} times only");
    }
    Ok(())
}
