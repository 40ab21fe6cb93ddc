//! Waits in every way and is asked to stop, or asks itself.

use std::process::ExitCode;
use std::time::Duration;

use bpf::maps;
use eunomia_bpf::lifecycle::{self, Stop};
use eunomia_bpf::poll::{Poller, Wait};
use eunomia_bpf::{BatchBuilder, Error, ErrorCode, LoadedObject, Object, Result, RunInput};

// Module `bpf`: the maps of stop.bpf.c.
eunomia_bpf::include_bindings!();

/// Longer than any test.
const HOUR: Duration = Duration::from_secs(3600);

fn main() -> ExitCode {
    let case = std::env::args().nth(1).unwrap_or_default();
    eunomia_bpf::run(|| stop(&case))
}

fn stop(case: &str) -> Result<()> {
    let object = Object::open(bpf::OBJECT)?.load()?;
    println!("asked: {}", lifecycle::stop_requested());
    match case {
        "read" | "read-within" => read(&object, case)?,
        "poll" => poll(&object)?,
        "sleep" => {
            println!("waiting");
            println!("slept: {}", lifecycle::sleep(HOUR)?);
        }
        "write" => write(&object)?,
        "itself" => {
            lifecycle::request_stop();
            lifecycle::wait_for_stop()?;
        }
        "timers" => timers()?,
        "exit" => lifecycle::exit(3),
        "exit-255" => lifecycle::exit(255),
        "fail" => return Err(Error::new(ErrorCode::Other, "it was asked to fail")),
        _ => return Err(Error::new(ErrorCode::InvalidArgument, "no such case")),
    }
    println!("asked: {}", lifecycle::stop_requested());
    println!(
        "stop is ready: {}",
        lifecycle::stop_requested() == Stop.subscribe().is_ready()
    );
    Ok(())
}

/// What arrives before the end is still read; from then on nothing is waited for.
fn read(object: &LoadedObject, case: &str) -> Result<()> {
    let mut ring = object.ring_buffer(maps::EVENTS)?;
    object.program("produce")?.test_run(&RunInput::default())?;
    let mut said = false;
    loop {
        let batch = match case {
            "read" => ring.next_batch()?,
            _ => ring.next_batch_within(HOUR)?,
        };
        let Some(batch) = batch else { break };
        println!("read {:?}", batch.records::<u32>().collect::<Vec<_>>());
        if !said {
            println!("waiting");
            said = true;
        }
    }
    object.program("produce")?.test_run(&RunInput::default())?;
    let last = ring
        .next_batch()?
        .map(|batch| batch.records::<u32>().count());
    println!("left over: {last:?}");
    println!("and then: {}", ring.next_batch()?.is_none());
    Ok(())
}

fn poll(object: &LoadedObject) -> Result<()> {
    let ring = object.ring_buffer(maps::EVENTS)?;
    let mut poller = Poller::new();
    let stop = poller.add(&Stop);
    let events = poller.add(&ring);
    let hour = poller.after(HOUR);
    println!("waiting");
    let ready = poller.wait()?;
    println!(
        "stop {}, timer {}",
        ready.contains(stop),
        ready.contains(hour)
    );
    println!("buffers too: {}", poller.wait()?.contains(events));
    Ok(())
}

/// A full buffer that nobody drains.
fn write(object: &LoadedObject) -> Result<()> {
    let commands = object.user_ring_buffer(maps::COMMANDS)?;
    let mut batch = BatchBuilder::new();
    for word in 0..257_u32 {
        batch.push(&word)?;
    }
    println!("waiting");
    commands.write(&mut batch)?;
    println!("left {} bytes", batch.as_bytes().len());
    println!("ready: {}", commands.subscribe().is_ready());
    Ok(())
}

fn timers() -> Result<()> {
    println!("slept: {}", lifecycle::sleep(Duration::from_millis(2))?);
    let mut poller = Poller::new();
    let stop = poller.add(&Stop);
    let tick = poller.every(Duration::from_millis(2));
    let end = poller.after(Duration::from_millis(20));
    let mut ticks = 0;
    loop {
        let ready = poller.wait()?;
        ticks += u32::from(ready.contains(tick));
        if ready.contains(end) {
            println!("stop {}", ready.contains(stop));
            break;
        }
    }
    println!(
        "several ticks: {}, not too many: {}",
        ticks > 1,
        ticks <= 10
    );
    let nothing = Poller::new().wait().map_err(|error| error.code());
    println!("nothing to wait for: {:?}", nothing.map(drop));
    Ok(())
}
