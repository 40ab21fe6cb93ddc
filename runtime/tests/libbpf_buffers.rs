//! Perf buffers and user ring buffers of the real kernel.
#![allow(clippy::unwrap_used, reason = "a test that fails here says where")]

mod real_kernel;

use std::time::{Duration, Instant};

use eunomia_host_abi::ErrorKind;
use eunomia_host_abi::kernel::{Object, PerfBuffer, RunInput, UserRingBuffer};
use real_kernel::{call, global_u64, load_only};

fn object() -> Box<dyn Object> {
    load_only("buffers", &["sample", "drain"])
}

fn open(object: &dyn Object, pages: u32) -> Box<dyn PerfBuffer> {
    object
        .map("samples")
        .unwrap()
        .open_perf_buffer(pages)
        .unwrap()
}

/// `sample` of `count` records of `bytes`, the first of which is number `number`, on one CPU.
fn sample(object: &dyn Object, count: u64, bytes: u64, number: u64, cpu: u32) {
    let arguments = [count, bytes, number];
    let input = RunInput {
        context: arguments
            .iter()
            .flat_map(|word| word.to_ne_bytes())
            .collect(),
        cpu: Some(cpu),
        ..RunInput::default()
    };
    let output = object
        .test_run("sample", &input)
        .unwrap_or_else(|error| panic!("{}", error.text()));
    assert_eq!(output.return_value, 0);
}

/// Number, CPU and payload length of each record.
fn records(mut rest: &[u8]) -> Vec<(u64, u32, usize)> {
    let mut found = Vec::new();
    while !rest.is_empty() {
        let length = u32::from_le_bytes(rest[..4].try_into().unwrap()) as usize;
        let cpu = u32::from_le_bytes(rest[4..8].try_into().unwrap());
        let number = u64::from_le_bytes(rest[8..16].try_into().unwrap());
        found.push((number, cpu, length));
        rest = &rest[(8 + length).next_multiple_of(8)..];
    }
    found
}

fn take(buffer: &mut dyn PerfBuffer, bytes_max: usize) -> (Vec<(u64, u32, usize)>, u64) {
    let mut bytes = Vec::new();
    let lost = buffer.take(&mut bytes, bytes_max).unwrap();
    (records(&bytes), lost)
}

#[test]
fn samples_arrive_from_every_cpu() {
    let object = object();
    let mut buffer = open(&*object, 8);
    assert_eq!(take(&mut *buffer, usize::MAX), (vec![], 0));
    let cpus = std::thread::available_parallelism().unwrap().get() as u32;
    for cpu in 0..cpus {
        sample(&*object, 5, 20, 100 * u64::from(cpu), cpu);
    }
    let (mut found, lost) = take(&mut *buffer, usize::MAX);
    found.sort();
    assert_eq!(lost, 0);
    assert_eq!(found.len(), 5 * cpus as usize);
    for (index, (number, cpu, length)) in found.into_iter().enumerate() {
        assert_eq!(cpu, index as u32 / 5);
        assert_eq!(number, u64::from(100 * cpu) + index as u64 % 5);
        // 20 is 4 modulo 8 and so needs no filling.
        assert_eq!(length, 20);
    }
    assert_eq!(take(&mut *buffer, usize::MAX), (vec![], 0));
}

#[test]
fn samples_survive_the_end_of_the_ring() {
    let object = object();
    let mut buffer = open(&*object, 1);
    let mut next = 0;
    for _ in 0..200 {
        // 3 times (8 + 4 + 107, filled up to 120) bytes never divide a page.
        sample(&*object, 3, 107, next, 0);
        let (found, lost) = take(&mut *buffer, usize::MAX);
        assert_eq!(lost, 0);
        for (number, ..) in found {
            assert_eq!(number, next);
            next += 1;
        }
    }
    assert_eq!(next, 600);
}

#[test]
fn what_the_kernel_drops_is_counted() {
    let object = object();
    let mut buffer = open(&*object, 1);
    // A page holds 4096 / (8 + 4 + 100) records or a few less.
    sample(&*object, 1000, 100, 0, 0);
    let (first, _) = take(&mut *buffer, usize::MAX);
    assert!(first.len() > 30 && first.len() < 40, "{}", first.len());
    // The kernel tells at the next record that finds room.
    sample(&*object, 1, 100, 5000, 0);
    let (second, lost) = take(&mut *buffer, usize::MAX);
    assert_eq!(second.len(), 1);
    assert_eq!(lost as usize, 1000 - first.len());
    assert_eq!(global_u64(&*object, "dropped"), lost);
}

#[test]
fn a_take_is_bounded_and_goes_on_where_it_stopped() {
    let object = object();
    let mut buffer = open(&*object, 8);
    sample(&*object, 50, 100, 0, 0);
    let mut next = 0;
    loop {
        let (found, _) = take(&mut *buffer, 1000);
        assert!(found.len() <= 10);
        if found.is_empty() {
            break;
        }
        for (number, ..) in found {
            assert_eq!(number, next);
            next += 1;
        }
    }
    assert_eq!(next, 50);
}

#[test]
fn perf_buffers_have_one_reader_and_a_sensible_size() {
    let object = object();
    let map = object.map("samples").unwrap();
    for pages in [0, 3] {
        let error = map.open_perf_buffer(pages).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    }
    let buffer = open(&*object, 1);
    assert_eq!(map.open_perf_buffer(1).unwrap_err().kind(), ErrorKind::Busy);
    drop(buffer);
    drop(open(&*object, 1));
    let error = object
        .map("events")
        .unwrap()
        .open_perf_buffer(1)
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotSupported);
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

#[test]
fn a_perf_reader_is_woken() {
    let object = object();
    let mut buffer = open(&*object, 8);
    runtime().block_on(async {
        for number in 0..10 {
            let waited = tokio::time::timeout(Duration::from_millis(1), buffer.ready()).await;
            assert!(waited.is_err(), "ready although empty");
            let begin = Instant::now();
            sample(&*object, 1, 20, number, 0);
            tokio::time::timeout(Duration::from_secs(5), buffer.ready())
                .await
                .unwrap();
            assert!(begin.elapsed() < Duration::from_millis(90), "not woken");
            assert_eq!(take(&mut *buffer, usize::MAX).0.len(), 1);
        }
    });
}

fn open_user(object: &dyn Object) -> Box<dyn UserRingBuffer> {
    object
        .map("orders")
        .unwrap()
        .open_user_ring_buffer()
        .unwrap()
}

#[test]
fn orders_reach_the_kernel_in_full() {
    let object = object();
    let mut ring = open_user(&*object);
    let mut sum = 0;
    let mut sent = 0u64;
    for round in 0..300 {
        for size in [8, 9, 100, 251] {
            let mut payload = vec![0; size];
            payload[..8].copy_from_slice(&(sent + 1).to_ne_bytes());
            assert!(ring.submit(&payload).unwrap());
            sent += 1;
            sum += sent;
        }
        assert_eq!(call(&*object, "drain", &[]), 4, "{round}");
    }
    assert_eq!(global_u64(&*object, "drained"), sent);
    assert_eq!(global_u64(&*object, "drained_sum"), sum);
}

#[test]
fn a_full_user_ring_takes_no_more_until_it_is_drained() {
    let object = object();
    let mut ring = open_user(&*object);
    assert_eq!(ring.payload_bytes_max(), 4096 - 8);
    let payload = [1; 1016];
    for _ in 0..4 {
        assert!(ring.has_room(1016));
        assert!(ring.submit(&payload).unwrap());
    }
    assert!(!ring.has_room(1));
    assert!(!ring.submit(&[0; 8]).unwrap());
    runtime().block_on(async {
        let waited = tokio::time::timeout(Duration::from_millis(150), ring.ready()).await;
        assert!(waited.is_err(), "ready although full");
        assert_eq!(call(&*object, "drain", &[]), 4);
        tokio::time::timeout(Duration::from_secs(5), ring.ready())
            .await
            .unwrap();
    });
    assert!(ring.submit(&[2; 4096 - 8]).unwrap());
    assert_eq!(call(&*object, "drain", &[]), 1);
    let error = ring.submit(&[0; 4096 - 7]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
}

#[test]
fn a_user_ring_has_one_writer() {
    let object = object();
    let map = object.map("orders").unwrap();
    let mut ring = open_user(&*object);
    assert!(ring.submit(&[0; 24]).unwrap());
    let error = map.open_user_ring_buffer().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Busy);
    drop(ring);
    // A later writer goes on where the earlier one left off.
    assert!(open_user(&*object).submit(&[0; 24]).unwrap());
    assert_eq!(call(&*object, "drain", &[]), 2);
    let error = object
        .map("events")
        .unwrap()
        .open_user_ring_buffer()
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotSupported);
}
