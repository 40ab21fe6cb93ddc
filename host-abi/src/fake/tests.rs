//! Time, waiting and scripts: whole runs, as a host would make them for a guest.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::Poll;
use std::time::Duration;

use crate::fake::testing::{kind, load, map_info};
use crate::fake::{FakeGlobal, FakeKernel, FakeObject, Machine, Script};
use crate::kernel::{Kernel, Object, RingBuffer, map_type};
use crate::record::Records;
use crate::stop::StopSignal;
use crate::{Error, ErrorKind};

const MILLISECOND: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

fn events() -> (FakeKernel, Box<dyn Object>) {
    load(
        FakeObject::builder()
            .map(map_info("events", map_type::RINGBUF, (0, 0, 4096)))
            .map(map_info("perf", map_type::PERF_EVENT_ARRAY, (4, 4, 0)))
            .map(map_info("commands", map_type::USER_RINGBUF, (0, 0, 4096)))
            .map(map_info("counts", map_type::PERCPU_HASH, (1, 8, 4)))
            .global(FakeGlobal::zeroed("drops", 8)),
    )
}

/// The first to be ready of several, as `poll` of a guest waits.
async fn either(
    mut first: impl Future<Output = ()> + Unpin,
    mut second: impl Future<Output = ()> + Unpin,
) -> u32 {
    poll_fn(|ctx| {
        if std::pin::Pin::new(&mut first).poll(ctx).is_ready() {
            return Poll::Ready(1);
        }
        std::pin::Pin::new(&mut second).poll(ctx).map(|()| 2)
    })
    .await
}

fn payloads(batch: &[u8]) -> Vec<String> {
    let text = |payload: &[u8]| String::from_utf8_lossy(payload).into_owned();
    Records::new(batch).map(|it| text(it.payload)).collect()
}

#[test]
fn the_machine_is_what_the_test_says() {
    let kernel = FakeKernel::with_machine(Machine {
        possible_cpus: 0,
        version: (5, 10, 3),
        ..Machine::default()
    });
    assert_eq!((kernel.possible_cpus(), kernel.version()), (1, (5, 10, 3)));
    assert_eq!(kernel.monotonic_epoch(), kernel.boot_epoch());
}

#[test]
fn symbols_are_resolved_in_the_order_asked() {
    let kernel = FakeKernel::new();
    kernel.add_symbol("do_exit", 0x1000, 16);
    kernel.add_module_symbol("ext4", "sync", 0x2000, 16);
    let symbols = kernel.resolve_symbols(&[0x2004, 1, 0x1000]).unwrap();
    let names: Vec<_> = symbols
        .iter()
        .map(|it| it.as_ref().map(|it| (it.name.as_str(), it.offset)))
        .collect();
    assert_eq!(names, [Some(("sync", 4)), None, Some(("do_exit", 0))]);
    assert_eq!(kernel.symbol_address("sync").unwrap(), Some(0x2000));
}

#[test]
fn time_passes_only_when_it_is_let_and_sleepers_wake_in_order() {
    let kernel = FakeKernel::new();
    let woken = Arc::new(AtomicU32::new(0));
    let sleeper = |milliseconds: u64| {
        let (kernel, woken) = (kernel.clone(), woken.clone());
        Box::pin(async move {
            kernel.sleep(MILLISECOND * milliseconds as u32).await;
            woken.fetch_add(1, Ordering::Relaxed);
        })
    };
    let winner = kernel.block_on(either(sleeper(20), sleeper(10))).unwrap();
    assert_eq!(winner, 2);
    assert_eq!(kernel.now(), MILLISECOND * 10);
    assert_eq!(woken.load(Ordering::Relaxed), 1);
}

#[test]
fn a_sleep_that_was_dropped_does_not_move_the_clock() {
    let kernel = FakeKernel::new();
    let mut dropped = kernel.sleep(SECOND);
    let polled = kernel.block_on(poll_fn(|ctx| Poll::Ready(dropped.as_mut().poll(ctx))));
    assert_eq!(polled.unwrap(), Poll::Pending);
    drop(dropped);
    assert!(!kernel.advance_to_next());
    assert_eq!(kernel.now(), Duration::ZERO);
}

#[test]
fn a_sleep_counts_from_when_it_was_made() {
    let kernel = FakeKernel::with_machine(Machine {
        run_time_max: Duration::MAX,
        ..Machine::default()
    });
    let sleep = kernel.sleep(MILLISECOND * 5);
    kernel.advance(MILLISECOND * 3);
    kernel.block_on(sleep).unwrap();
    assert_eq!(kernel.now(), MILLISECOND * 5);
    kernel.block_on(kernel.sleep(Duration::ZERO)).unwrap();
    kernel.block_on(kernel.sleep(Duration::MAX)).unwrap();
    assert_eq!(kernel.now(), Duration::from_nanos(u64::MAX));
}

#[test]
fn waiting_for_what_never_comes_is_an_error() {
    let (kernel, object) = events();
    let mut reader = object.map("events").unwrap().open_ring_buffer().unwrap();
    let error = kernel.block_on(reader.ready()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidState);
    assert!(error.text().contains("nothing is due"));
}

#[test]
fn a_run_that_never_ends_is_an_error() {
    let kernel = FakeKernel::new();
    kernel.advance(SECOND);
    let ticks = async {
        loop {
            kernel.sleep(SECOND).await;
        }
    };
    let error = kernel.block_on(ticks).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LimitExceeded);
    assert_eq!(kernel.now(), SECOND + Machine::default().run_time_max);
}

#[test]
fn a_future_that_wakes_itself_does_not_hang_time_or_the_executor() {
    let kernel = FakeKernel::new();
    let mut left = 1000;
    let output = kernel.block_on(poll_fn(|ctx| {
        left -= 1;
        ctx.waker().wake_by_ref();
        if left == 0 {
            Poll::Ready(7)
        } else {
            Poll::Pending
        }
    }));
    assert_eq!(output.unwrap(), 7);
    assert_eq!(kernel.now(), Duration::ZERO);
}

#[test]
fn a_driven_future_is_woken_from_outside() {
    let (kernel, object) = events();
    let ring = kernel.ring("events").unwrap();
    let mut reader = object.map("events").unwrap().open_ring_buffer().unwrap();
    let pusher = std::thread::spawn(move || ring.push(b"late"));
    let runtime = futures_executor(kernel.drive(async move {
        reader.ready().await;
        payloads(reader.batch(0, 4096).unwrap())
    }));
    assert_eq!(runtime.unwrap(), ["late"]);
    assert!(pusher.join().unwrap());
}

/// An executor that parks its thread.
fn futures_executor<F: Future>(future: F) -> F::Output {
    struct Unpark(std::thread::Thread);
    impl std::task::Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = std::task::Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut future = Box::pin(future);
    loop {
        let polled = future
            .as_mut()
            .poll(&mut std::task::Context::from_waker(&waker));
        match polled {
            Poll::Ready(output) => return output,
            Poll::Pending => std::thread::park(),
        }
    }
}

#[test]
fn a_script_makes_things_happen_at_their_time() {
    let (kernel, object) = events();
    let mut reader = object.map("events").unwrap().open_ring_buffer().unwrap();
    kernel.play(
        Script::new()
            .at(SECOND)
            .push("events", b"one")
            .after(MILLISECOND)
            .push("events", b"two")
            .at(Duration::ZERO)
            .push_discarded("events", b"zero"),
    );
    let mut seen = Vec::new();
    kernel
        .block_on(async {
            let mut consumed = 0;
            while seen.len() < 3 {
                reader.ready().await;
                let batch = reader.batch(consumed, 4096).unwrap();
                consumed = batch.len();
                seen.extend(payloads(batch).into_iter().map(|it| (kernel.now(), it)));
                // What was read counts until it is consumed.
                reader.batch(consumed, 4096).unwrap();
                consumed = 0;
            }
        })
        .unwrap();
    let expected = [
        (Duration::ZERO, "zero".to_owned()),
        (SECOND, "one".to_owned()),
        (SECOND + MILLISECOND, "two".to_owned()),
    ];
    assert_eq!(seen, expected);
    assert!(kernel.script_problems().is_empty());
}

#[test]
fn a_script_reaches_every_kind_of_state() {
    let (kernel, object) = events();
    let stop = StopSignal::default();
    let mut perf = object.map("perf").unwrap().open_perf_buffer(1).unwrap();
    kernel.play(
        Script::new()
            .output("perf", 1, b"abcd")
            .lose("perf", 0, 3)
            .set("counts", b"a", &[1; 16])
            .add("counts", b"b", 1, 5)
            .set("counts", b"c", &[1; 16])
            .remove("counts", b"c")
            .set_global("drops", &[9; 8])
            .call(|kernel| kernel.map("counts")?.add(b"b", 0, 1))
            .at(SECOND)
            .stop(&stop),
    );
    kernel
        .block_on(async {
            perf.ready().await;
            stop.requested().await;
        })
        .unwrap();
    assert_eq!(kernel.now(), SECOND);
    let mut records = Vec::new();
    assert_eq!(perf.take(&mut records, 4096).unwrap(), 3);
    assert_eq!(payloads(&records), ["abcd"]);
    let counts = object.map("counts").unwrap();
    assert_eq!(counts.lookup(b"a", 0).unwrap(), Some(vec![1; 16]));
    let expected = [1_u64.to_le_bytes(), 5_u64.to_le_bytes()].concat();
    assert_eq!(counts.lookup(b"b", 0).unwrap(), Some(expected));
    assert_eq!(counts.lookup(b"c", 0).unwrap(), None);
    assert_eq!(object.get_global("drops").unwrap(), [9; 8]);
    assert!(kernel.script_problems().is_empty());
}

#[test]
fn what_a_script_cannot_do_is_told() {
    let (kernel, _object) = events();
    kernel.play(
        Script::new()
            .at(SECOND)
            .push("no_such_map", b"x")
            .set("counts", b"a", b"too short")
            .output("perf", 9, b"x")
            .call(|_| Err(Error::new(ErrorKind::Other, "own"))),
    );
    kernel.advance(SECOND);
    let problems = kernel.script_problems();
    assert_eq!(problems.len(), 4);
    assert!(problems[0].starts_with("at 1s: push 1 bytes to no_such_map: map \"no_such_map\""));
    assert!(problems[3].ends_with("call: own"));
}

#[test]
fn the_same_run_gives_the_same_result() {
    let run = || {
        let (kernel, object) = events();
        let stop = StopSignal::default();
        let mut script = Script::new();
        for number in 0..100_u64 {
            let payload = format!("event {number}");
            script = script
                .at(MILLISECOND * (number * 7919 % 100) as u32)
                .push("events", payload.as_bytes());
        }
        kernel.play(script.at(SECOND).stop(&stop));
        let reader = object.map("events").unwrap().open_ring_buffer().unwrap();
        kernel
            .block_on(summary(kernel.clone(), reader, stop))
            .unwrap()
    };
    let first = run();
    assert_eq!(first.len(), 100 + 10);
    assert_eq!(first, run());
}

/// A guest that prints every event, and a line every 100 ms, until it is asked to stop.
async fn summary(
    kernel: FakeKernel,
    mut reader: Box<dyn RingBuffer>,
    stop: StopSignal,
) -> Vec<String> {
    let mut lines = Vec::new();
    let mut tick = kernel.sleep(MILLISECOND * 100);
    let mut consumed = 0;
    loop {
        let batch = reader.batch(consumed, 4096).unwrap();
        consumed = batch.len();
        let now = kernel.now();
        lines.extend(payloads(batch).iter().map(|it| format!("{now:?} {it}")));
        if consumed > 0 {
            continue;
        }
        if stop.is_requested() {
            return lines;
        }
        let event_or_stop = async {
            either(reader.ready(), stop.requested()).await;
        };
        either(&mut tick, Box::pin(event_or_stop)).await;
        let due = kernel.now().as_millis() as usize / 100;
        if due > lines.iter().filter(|line| line.starts_with("tick")).count() {
            lines.push(format!("tick {:?}", kernel.now()));
            tick = kernel.sleep(MILLISECOND * 100);
        }
    }
}

#[test]
fn what_a_guest_submits_makes_room_when_it_is_drained() {
    let (kernel, object) = events();
    let mut writer = object
        .map("commands")
        .unwrap()
        .open_user_ring_buffer()
        .unwrap();
    let payload = vec![1; writer.payload_bytes_max()];
    assert!(writer.submit(&payload).unwrap());
    assert!(!writer.has_room(0) && !writer.submit(b"next").unwrap());
    let drain = |kernel: &FakeKernel| {
        assert_eq!(kernel.user_ring("commands")?.drain_at_most(1).len(), 1);
        Ok(())
    };
    kernel.play(Script::new().at(SECOND).call(drain));
    kernel.block_on(writer.ready()).unwrap();
    assert_eq!(kernel.now(), SECOND);
    assert!(writer.has_room(4) && writer.submit(b"next").unwrap());
    assert_eq!(kernel.user_ring("commands").unwrap().drain(), [b"next"]);
    assert!(kernel.script_problems().is_empty());
}

#[test]
fn a_reserved_record_holds_up_those_behind_it_until_it_is_done_with() {
    let (kernel, object) = events();
    let mut reader = object.map("events").unwrap().open_ring_buffer().unwrap();
    let ring = kernel.ring("events").unwrap();
    let first = ring.reserve(5).unwrap();
    let second = ring.reserve(3).unwrap();
    assert!(ring.push(b"third"));
    assert_eq!(reader.batch(0, 4096).unwrap(), b"");
    drop(second);
    assert_eq!(
        kind(kernel.block_on(reader.ready())),
        ErrorKind::InvalidState
    );
    first.write(b"first, cut off");
    first.commit();
    kernel.block_on(reader.ready()).unwrap();
    let batch = reader.batch(0, 4096).unwrap();
    let discarded: Vec<bool> = Records::new(batch).map(|it| it.discarded).collect();
    assert_eq!(discarded, [false, true, false]);
    assert_eq!(payloads(batch)[0], "first");
    assert_eq!((ring.dropped(), ring.available()), (0, 48));
}

#[test]
fn a_record_pushed_without_wakeup_is_noticed_within_100_ms() {
    let (kernel, object) = events();
    let mut reader = object.map("events").unwrap().open_ring_buffer().unwrap();
    let push = |kernel: &FakeKernel| {
        assert!(kernel.ring("events")?.push_without_wakeup(b"quiet"));
        Ok(())
    };
    kernel.play(Script::new().at(SECOND).call(push));
    kernel.block_on(reader.ready()).unwrap();
    assert_eq!(kernel.now(), SECOND + MILLISECOND * 100);
    assert_eq!(payloads(reader.batch(0, 4096).unwrap()), ["quiet"]);
}

#[test]
fn calls_take_their_time_for_guests_that_never_wait() {
    let machine = Machine {
        call_time: MILLISECOND,
        ..Machine::default()
    };
    let kernel = FakeKernel::with_machine(machine);
    let stop = StopSignal::default();
    kernel.play(Script::new().at(MILLISECOND * 3).stop(&stop));
    let mut calls = 0;
    while !stop.is_requested() {
        kernel.symbol_address("x").unwrap();
        calls += 1;
    }
    assert_eq!(calls, 3);
}
