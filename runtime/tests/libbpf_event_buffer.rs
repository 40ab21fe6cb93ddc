//! Perf buffers in the place of ring buffers: as on kernels before 5.8, on this one.
#![allow(clippy::unwrap_used, reason = "a test that fails here says where")]

mod real_kernel;

use std::time::Duration;

use eunomia_host_abi::ErrorKind;
use eunomia_host_abi::kernel::{Kernel as _, Object, RingBuffer, RunInput, map_type};
use eunomia_runtime::libbpf::{LibbpfKernel, Options};
use real_kernel::{compile, global_u64, kernel, load_opened};

/// Payload bytes of `struct event`.
const EVENT_BYTES: usize = 32;

fn load(perf_buffers: bool) -> Box<dyn Object> {
    kernel(); // Says that it takes root.
    let kernel = LibbpfKernel::with_options(Options {
        perf_buffers,
        ..Options::default()
    });
    let mut object = kernel
        .open_object("event_buffer", &compile("event_buffer"))
        .unwrap_or_else(|error| panic!("{}", error.text()));
    load_opened(&mut *object);
    object
}

fn open(object: &dyn Object) -> Box<dyn RingBuffer> {
    let map = object.map("events").unwrap();
    // Whatever it is, it is what the object says.
    assert_eq!(map.info().map_type, map_type::RINGBUF);
    assert_eq!(map.info().max_entries, 64 * 1024);
    map.open_ring_buffer()
        .unwrap_or_else(|error| panic!("{}", error.text()))
}

fn call(object: &dyn Object, program: &str, arguments: &[u64], cpu: u32) {
    let input = RunInput {
        context: arguments
            .iter()
            .flat_map(|word| word.to_ne_bytes())
            .collect(),
        cpu: Some(cpu),
        ..RunInput::default()
    };
    object
        .test_run(program, &input)
        .unwrap_or_else(|error| panic!("{}", error.text()));
}

/// `count` events, the first of which is number `number`.
fn produce(object: &dyn Object, count: u64, number: u64, cpu: u32) {
    for index in 0..count {
        call(object, "produce", &[number + index], cpu);
    }
}

/// Length and number of each record that was not discarded.
fn records(mut batch: &[u8]) -> Vec<(usize, u64)> {
    const DISCARDED: u32 = 1 << 30;
    let mut found = Vec::new();
    while !batch.is_empty() {
        let header = u32::from_ne_bytes(batch[..4].try_into().unwrap());
        let length = (header & !DISCARDED) as usize;
        if header & DISCARDED == 0 {
            let payload = &batch[8..8 + length];
            let number = u64::from_ne_bytes(payload[..8].try_into().unwrap());
            let rest = payload[8..].iter().take(21);
            assert!(rest.clone().all(|byte| u64::from(*byte) == number & 0xff));
            found.push((length, number));
        }
        batch = &batch[(8 + length).next_multiple_of(8)..];
    }
    found
}

/// Everything that is there, in batches of at most `bytes_max`.
fn drain(ring: &mut dyn RingBuffer, bytes_max: usize) -> Vec<(usize, u64)> {
    let (mut found, mut consumed) = (Vec::new(), 0);
    loop {
        let batch = ring.batch(consumed, bytes_max).unwrap();
        consumed = batch.len();
        if consumed == 0 {
            return found;
        }
        assert!(consumed <= bytes_max.max(8 + EVENT_BYTES), "{consumed}");
        found.extend(records(batch));
    }
}

#[test]
fn records_are_the_same_through_either_buffer() {
    let mut read = Vec::new();
    for perf_buffers in [false, true] {
        let object = load(perf_buffers);
        let mut ring = open(&*object);
        assert_eq!(ring.batch(0, 4096).unwrap(), b"");
        produce(&*object, 100, 0, 0);
        call(&*object, "produce_short", &[0], 0);
        let batches = [1, 100, 64 * 1024].map(|bytes_max| {
            produce(&*object, 100, 500, 0);
            drain(&mut *ring, bytes_max)
        });
        assert_eq!(global_u64(&*object, "unreserved"), 0);
        assert_eq!(global_u64(&*object, "unsubmitted"), 0);
        assert_eq!(ring.take_lost(), 0);
        read.push(batches.concat());
    }
    assert_eq!(read[0], read[1]);
    // Of each hundred those are discarded whose number is 3 modulo 7.
    let expected: Vec<u64> = (0..100).filter(|number| number % 7 != 3).collect();
    let numbers: Vec<u64> = read[0].iter().map(|(_, number)| *number).collect();
    assert_eq!(numbers[..expected.len()], expected);
    assert_eq!(read[0][0].0, EVENT_BYTES);
    assert_eq!(read[0][expected.len()], (8, 0), "the short one");
}

#[test]
fn every_cpu_has_a_buffer() {
    let object = load(true);
    let mut ring = open(&*object);
    let cpus = std::thread::available_parallelism().unwrap().get() as u64;
    for cpu in 0..cpus {
        produce(&*object, 3, 7 * cpu, cpu as u32);
    }
    let mut found = drain(&mut *ring, 4096);
    found.sort();
    let expected = (0..cpus).flat_map(|cpu| (7 * cpu..7 * cpu + 3).map(|n| (EVENT_BYTES, n)));
    assert_eq!(found, expected.collect::<Vec<_>>());
}

#[test]
fn a_batch_is_consumed_record_by_record() {
    let object = load(true);
    let mut ring = open(&*object);
    produce(&*object, 3, 0, 0);
    let record = 8 + EVENT_BYTES;
    assert_eq!(ring.batch(0, 4096).unwrap().len(), 3 * record);
    let error = ring.batch(record + 8, 4096).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    assert_eq!(ring.batch(record, 4096).unwrap().len(), 2 * record);
    assert_eq!(ring.available(), 2 * record as u64);
    assert_eq!(records(ring.batch(0, record).unwrap()), [(EVENT_BYTES, 1)]);
    assert_eq!(
        records(ring.batch(record, record).unwrap()),
        [(EVENT_BYTES, 2)]
    );
    assert_eq!(ring.batch(record, 4096).unwrap(), b"");
}

#[test]
fn what_does_not_fit_is_counted_exactly() {
    let object = load(true);
    let mut ring = open(&*object);
    let mut produced = 0;
    for _ in 0..10 {
        produce(&*object, 4096, 7 * produced, 0);
        produced += 4096;
    }
    let received = drain(&mut *ring, 1 << 20).len() as u64;
    // The kernel tells at the next record that finds room.
    produce(&*object, 1, 0, 0);
    produced += 1;
    let received = received + drain(&mut *ring, 1 << 20).len() as u64;
    let discarded = global_u64(&*object, "discarded");
    let lost = ring.take_lost();
    assert!(lost > 1000, "{lost}");
    assert_eq!(received + discarded + lost, produced);
    assert_eq!(global_u64(&*object, "unsubmitted"), lost);
    assert_eq!(ring.take_lost(), 0);
}

#[test]
fn memory_of_an_event_is_handed_out_once() {
    for (perf_buffers, at_once) in [(false, 2), (true, 1)] {
        let object = load(perf_buffers);
        // Twice: what was discarded is there again.
        for _ in 0..2 {
            call(&*object, "reserve_two", &[], 0);
            assert_eq!(global_u64(&*object, "reserved_at_once"), at_once);
        }
    }
}

#[test]
fn a_reader_that_waits_is_woken() {
    let object = load(true);
    let mut ring = open(&*object);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let waited = tokio::time::timeout(Duration::from_millis(20), async {
            while ring.batch(0, 1).unwrap().is_empty() {
                ring.ready().await;
            }
        });
        assert!(waited.await.is_err(), "there is nothing to read");
        produce(&*object, 1, 0, 0);
        let waited = tokio::time::timeout(Duration::from_secs(10), async {
            while ring.batch(0, 1).unwrap().is_empty() {
                ring.ready().await;
            }
        });
        waited.await.expect("it is woken");
    });
}

#[test]
fn programs_that_cannot_do_without_a_ring_are_refused() {
    kernel();
    let perf = LibbpfKernel::with_options(Options {
        perf_buffers: true,
        ..Options::default()
    });
    let mut object = perf.open_object("buffers", &compile("buffers")).unwrap();
    let error = object.load().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotSupported, "{}", error.text());
    let text = error.text();
    assert!(
        text.contains("`events`") && text.contains("event_buffer.bpf.h"),
        "{text}"
    );
}
