//! Events from the kernel and commands to it.

use std::time::Duration;

use eunomia_bpf::{BatchBuilder, ErrorCode, LoadedObject, Object};

use crate::bpf::{self, Event, Kind, globals, maps};
use crate::{Outcome, equal, fails, time};

/// More than a system call of some process takes to come.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Reads what the program has written: indexes in order, without what was discarded.
pub(crate) fn ring_buffer(_: &[String]) -> Outcome {
    let object = producer(100, 10)?;
    let mut ring = object.ring_buffer(maps::EVENTS)?;
    fails(
        "a second reader",
        object.ring_buffer(maps::EVENTS),
        ErrorCode::Busy,
    )?;
    equal("nothing yet", ring.try_next_batch()?.is_none(), true)?;
    object.program("produce")?.test_run(&Default::default())?;

    let batch = ring.next_batch()?.ok_or("stopped")?;
    let mut count = 0;
    for (event, record) in batch.records::<Event>().zip(batch.raw_records()) {
        equal("index", event.index(), count)?;
        let kind = if count == 0 {
            Kind::KIND_FIRST
        } else {
            Kind::KIND_OTHER
        };
        equal("kind", event.kind(), kind)?;
        equal("comm", &*event.comm_str(), "producer")?;
        let tail = &record.payload()[Event::TAIL_OFFSET..];
        equal("tail", &tail[..event.tail_bytes().into()], b"tail")?;
        count += 1;
    }
    equal("count", count, 90)?;
    equal(
        "time is up",
        ring.next_batch_within(Duration::ZERO)?
            .is_some_and(|it| it.is_empty()),
        true,
    )?;
    equal("all is freed", ring.available_bytes(), 0)?;
    time::poll_ring_buffer()
}

/// Reads more than fits into one batch, piece by piece.
pub(crate) fn ring_buffer_batches(_: &[String]) -> Outcome {
    let object = producer(500, 0)?;
    let mut ring = object.ring_buffer(maps::EVENTS)?;
    ring.set_batch_bytes_max(1000);
    object.program("produce")?.test_run(&Default::default())?;
    let (mut batches, mut next) = (0, 0);
    while let Some(batch) = ring.try_next_batch()? {
        equal("bytes", batch.as_bytes().len() <= 1000, true)?;
        batches += 1;
        for event in batch.records::<Event>() {
            equal("index", event.index(), next)?;
            next += 1;
        }
        if batches % 2 == 0 {
            ring.release();
        }
    }
    equal("records", next, 500)?;
    equal("many batches", batches > 20, true)
}

/// Asks for more bytes than a record has.
pub(crate) fn ring_buffer_wrong_type(_: &[String]) -> Outcome {
    let object = producer(3, 0)?;
    let mut ring = object.ring_buffer(maps::EVENTS)?;
    object.program("produce")?.test_run(&Default::default())?;
    let batch = ring.next_batch()?.ok_or("stopped")?;
    equal("records", batch.records::<[u64; 32]>().count(), 0)?;
    let next = ring.try_next_batch().map(|batch| batch.is_some());
    fails("the next read", next, ErrorCode::InvalidArgument)
}

/// Reads events that come by themselves.
pub(crate) fn perf_buffer(_: &[String]) -> Outcome {
    let object = producer(20, 0)?;
    let mut perf = object.perf_buffer(maps::PERF_EVENTS)?;
    let _link = object.program("on_call")?.attach()?;
    let mut seen = Vec::new();
    while seen.len() < 20 {
        let batch = perf.next_batch_within(TIMEOUT)?.ok_or("stopped")?;
        equal("in time", batch.is_empty(), false)?;
        equal("lost", batch.lost(), 0)?;
        seen.extend(batch.records::<u64>());
        for record in batch.raw_records() {
            equal(
                "cpu",
                record.cpu() < eunomia_bpf::host::possible_cpus(),
                true,
            )?;
        }
    }
    seen.sort_unstable();
    equal("events", seen, (0..20).collect())
}

/// Sends numbers to the kernel, more than fit at once.
pub(crate) fn user_ring_buffer(_: &[String]) -> Outcome {
    let object = producer(0, 0)?;
    let commands = object.user_ring_buffer(maps::COMMANDS)?;
    let take = object.program("take_commands")?;
    let mut batch = BatchBuilder::new();
    for value in 1..=1000_u64 {
        batch.push(&value)?;
    }
    let mut rounds = 0;
    while !batch.is_empty() {
        let before = batch.as_bytes().len();
        commands.write_within(&mut batch, Duration::ZERO)?;
        equal("some were submitted", batch.as_bytes().len() < before, true)?;
        take.test_run(&Default::default())?;
        rounds += 1;
    }
    equal("several rounds", rounds > 3, true)?;
    equal("seen", object.get(globals::COMMANDS_SEEN)?, 1000)?;
    equal("sum", object.get(globals::COMMANDS_SUM)?, 500_500)?;
    batch.push_bytes(&[0; 5000])?;
    fails(
        "too long",
        commands.write(&mut batch),
        ErrorCode::InvalidArgument,
    )
}

fn producer(records: u32, discarded: u32) -> eunomia_bpf::Result<LoadedObject> {
    let object = Object::open(bpf::OBJECT)?;
    object.set(globals::RECORDS, records)?;
    object.set(globals::DISCARDED, discarded)?;
    object.load()
}
