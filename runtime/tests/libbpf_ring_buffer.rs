//! Ring buffers of the real kernel.
#![allow(clippy::unwrap_used, reason = "a test that fails here says where")]

mod real_kernel;

use std::time::{Duration, Instant};

use eunomia_host_abi::ErrorKind;
use eunomia_host_abi::kernel::{Object, RingBuffer};
use real_kernel::{call, load, load_only};

/// Ring bytes of `tests/bpf/buffers.bpf.c`.
const RING_BYTES: usize = 64 * 1024;
const NO_WAKEUP: u64 = 1;

fn object() -> Box<dyn Object> {
    load_only("buffers", &["produce", "discard"])
}

fn open(object: &dyn Object) -> Box<dyn RingBuffer> {
    object.map("events").unwrap().open_ring_buffer().unwrap()
}

/// `produce` of `count` records from `number` on.
fn produce(object: &dyn Object, bytes: u64, bytes_step: u64, count: u64, number: u64) {
    call(object, "produce", &[bytes, bytes_step, count, 0, number]);
}

/// Number and payload length of each record that is not discarded.
fn records(batch: &[u8]) -> Vec<(u64, usize)> {
    let mut found = Vec::new();
    let mut rest = batch;
    while !rest.is_empty() {
        let header = u32::from_le_bytes(rest[..4].try_into().unwrap());
        assert_eq!(header >> 31, 0, "a busy record in a batch");
        let length = (header & 0x3fff_ffff) as usize;
        let payload = &rest[8..8 + length];
        if header >> 30 == 0 {
            let number = u64::from_le_bytes(payload[..8].try_into().unwrap());
            found.push((number, length));
        }
        rest = &rest[(8 + length).next_multiple_of(8)..];
    }
    found
}

#[test]
fn records_arrive_in_order_and_whole() {
    let object = object();
    let mut ring = open(&*object);
    assert_eq!(ring.batch(0, 4096).unwrap(), b"");
    produce(&*object, 9, 1, 100, 1000);
    let batch = ring.batch(0, usize::MAX).unwrap();
    let expected: Vec<_> = (0..100u64).map(|i| (1000 + i, 9 + i as usize)).collect();
    assert_eq!(records(batch), expected);
    // The last byte of each payload is its length.
    let length = batch.len();
    assert_eq!(ring.available(), length as u64);
    assert_eq!(ring.batch(length, usize::MAX).unwrap(), b"");
    assert_eq!(ring.available(), 0);
}

#[test]
fn nothing_is_lost_while_the_ring_wraps_around() {
    let object = object();
    let mut ring = open(&*object);
    let (mut next, mut produced, mut bytes) = (0u64, 0u64, 0usize);
    let mut consumed = 0;
    while bytes < 20 * RING_BYTES {
        // Sizes that never divide the ring, so that records lie across its end.
        produce(&*object, 11 + produced % 97, 13, 40, produced);
        produced += 40;
        let batch = ring.batch(consumed, RING_BYTES / 2).unwrap();
        for (number, _) in records(batch) {
            assert_eq!(number, next);
            next += 1;
        }
        consumed = batch.len();
        bytes += consumed;
    }
    assert_eq!(next, produced);
    assert_eq!(real_kernel::global_u64(&*object, "dropped"), 0);
}

#[test]
fn a_full_ring_drops_and_then_goes_on() {
    let object = object();
    let mut ring = open(&*object);
    produce(&*object, 1000, 0, 100, 0);
    let dropped = real_kernel::global_u64(&*object, "dropped");
    // 65536 / 1008 records fit.
    assert_eq!(dropped, 100 - 65);
    let batch = ring.batch(0, usize::MAX).unwrap();
    assert_eq!(records(batch).len(), 65);
    let length = batch.len();
    assert_eq!(ring.batch(length, usize::MAX).unwrap(), b"");
    produce(&*object, 1000, 0, 1, 7);
    assert_eq!(records(ring.batch(0, usize::MAX).unwrap()), [(7, 1000)]);
}

#[test]
fn a_batch_is_bounded_but_has_at_least_one_record() {
    let object = object();
    let mut ring = open(&*object);
    produce(&*object, 100, 0, 10, 0);
    // 112 bytes a record with header and padding.
    assert_eq!(ring.batch(0, 1).unwrap().len(), 112);
    assert_eq!(ring.batch(0, 223).unwrap().len(), 112);
    assert_eq!(ring.batch(0, 224).unwrap().len(), 224);
    assert_eq!(ring.batch(224, 1).unwrap().len(), 112);
    assert_eq!(ring.batch(0, usize::MAX).unwrap().len(), 8 * 112);
}

#[test]
fn what_is_not_consumed_is_returned_again() {
    let object = object();
    let mut ring = open(&*object);
    produce(&*object, 100, 0, 3, 5);
    assert_eq!(ring.batch(0, usize::MAX).unwrap().len(), 336);
    let batch = ring.batch(112, usize::MAX).unwrap();
    assert_eq!(records(batch), [(6, 100), (7, 100)]);
    produce(&*object, 100, 0, 1, 8);
    let batch = ring.batch(112, usize::MAX).unwrap();
    assert_eq!(records(batch), [(7, 100), (8, 100)]);
}

#[test]
fn only_the_end_of_a_record_can_be_consumed() {
    let object = object();
    let mut ring = open(&*object);
    for consumed in [1, 8, usize::MAX] {
        let error = ring.batch(consumed, 4096).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    }
    produce(&*object, 100, 0, 3, 5);
    assert_eq!(ring.batch(0, 224).unwrap().len(), 224);
    for consumed in [1, 8, 104, 111, 113, 225, 336, 1 << 40, usize::MAX] {
        let error = ring.batch(consumed, 4096).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{consumed}");
    }
    // None of them has moved anything.
    assert_eq!(ring.batch(112, 112).unwrap().len(), 112);
    assert_eq!(ring.batch(112, usize::MAX).unwrap().len(), 112);
    assert_eq!(ring.batch(112, usize::MAX).unwrap().len(), 0);
}

#[test]
fn discarded_records_are_marked_or_passed_over() {
    let object = object();
    let mut ring = open(&*object);
    call(&*object, "discard", &[0, 0, 3, 0, 77]);
    let batch = ring.batch(0, usize::MAX).unwrap();
    assert_eq!(batch.len(), 4 * 32);
    assert_eq!(records(batch), [(77, 24)]);
    assert_eq!(ring.batch(128, usize::MAX).unwrap(), b"");
    call(&*object, "discard", &[0, 0, 3, 0, 0]);
    assert_eq!(ring.available(), 96);
    assert_eq!(ring.batch(0, usize::MAX).unwrap(), b"");
    assert_eq!(ring.available(), 0, "they take room for ever");
}

#[test]
fn a_ring_has_one_reader_at_a_time() {
    let object = object();
    let ring = open(&*object);
    let events = object.map("events").unwrap();
    assert_eq!(
        events.open_ring_buffer().unwrap_err().kind(),
        ErrorKind::Busy
    );
    drop(ring);
    let mut ring = open(&*object);
    produce(&*object, 8, 0, 1, 1);
    let length = ring.batch(0, 1).unwrap().len();
    assert_eq!(ring.batch(length, 1).unwrap(), b"");
    drop(ring);
    // A later reader goes on where the earlier one left off.
    produce(&*object, 8, 0, 1, 2);
    assert_eq!(records(open(&*object).batch(0, 1).unwrap()), [(2, 8)]);
}

#[test]
fn other_maps_are_no_ring_buffers() {
    let object = object();
    for map in ["samples", "orders", ".bss"] {
        let error = object.map(map).unwrap().open_ring_buffer().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotSupported, "{map}");
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

#[test]
fn a_reader_that_waits_is_woken_by_the_next_record() {
    let object = object();
    let mut ring = open(&*object);
    runtime().block_on(async {
        for number in 0..20 {
            let waited = tokio::time::timeout(Duration::from_millis(1), ring.ready()).await;
            assert!(waited.is_err(), "ready although the ring is empty");
            let begin = Instant::now();
            produce(&*object, 8, 0, 1, number);
            tokio::time::timeout(Duration::from_secs(5), ring.ready())
                .await
                .unwrap();
            assert!(begin.elapsed() < Duration::from_millis(90), "not woken");
            let length = ring.batch(0, usize::MAX).unwrap().len();
            assert_eq!(ring.batch(length, 1).unwrap(), b"");
        }
    });
}

#[test]
fn a_sleeping_reader_is_woken_by_another_thread() {
    let object = object();
    let mut ring = open(&*object);
    let (asleep, begin) = std::sync::mpsc::channel();
    let producer = std::thread::spawn(move || {
        begin.recv().unwrap();
        produce(&*object, 8, 0, 1, 1);
        object
    });
    runtime().block_on(async {
        let waited = tokio::time::timeout(Duration::from_millis(1), ring.ready()).await;
        assert!(waited.is_err());
        asleep.send(()).unwrap();
        tokio::time::timeout(Duration::from_secs(5), ring.ready())
            .await
            .unwrap();
    });
    producer.join().unwrap();
    assert_eq!(records(ring.batch(0, 1).unwrap()), [(1, 8)]);
}

#[test]
fn records_without_a_wakeup_are_noticed_within_100_ms() {
    let object = object();
    let mut ring = open(&*object);
    runtime().block_on(async {
        assert!(
            tokio::time::timeout(Duration::from_millis(1), ring.ready())
                .await
                .is_err()
        );
        let begin = Instant::now();
        call(&*object, "produce", &[8, 0, 1, NO_WAKEUP, 1]);
        ring.ready().await;
        assert!(begin.elapsed() < Duration::from_millis(150));
    });
}

#[test]
fn while_a_batch_is_not_consumed_the_ring_is_ready() {
    let object = object();
    let mut ring = open(&*object);
    produce(&*object, 8, 0, 1, 1);
    let length = ring.batch(0, 1).unwrap().len();
    runtime().block_on(ring.ready());
    ring.batch(length, 1).unwrap();
    runtime().block_on(async {
        let waited = tokio::time::timeout(Duration::from_millis(150), ring.ready()).await;
        assert!(waited.is_err());
    });
}

#[test]
fn the_object_may_be_dropped_before_the_reader() {
    let object = load("buffers");
    let mut ring = open(&*object);
    produce(&*object, 8, 0, 2, 1);
    drop(object);
    assert_eq!(records(ring.batch(0, usize::MAX).unwrap()).len(), 2);
}
