//! Reads a ring buffer in every way.

use std::process::ExitCode;
use std::time::Duration;

use bpf::{Event, maps};
use eunomia_bpf::poll::Poller;
use eunomia_bpf::{LoadedObject, Object, Result, RingBuffer, RunInput};

// Module `bpf`: the types and maps of ring.bpf.c.
eunomia_bpf::include_bindings!();

/// Longer than the program takes to write its late record.
const PATIENCE: Duration = Duration::from_secs(10);

fn main() -> ExitCode {
    eunomia_bpf::run(case)
}

fn case() -> Result<()> {
    let object = Object::open(bpf::OBJECT)?.load()?;
    let mut ring = object.ring_buffer(maps::EVENTS)?;
    let second = object.ring_buffer(maps::EVENTS).map(drop);
    println!("second reader: {:?}", second.map_err(|error| error.code()));
    println!("nothing yet: {}", ring.try_next_batch()?.is_none());
    let timed_out = ring.next_batch_within(Duration::from_millis(5))?;
    println!(
        "time is up: {}",
        timed_out.is_some_and(|batch| batch.is_empty())
    );

    echo(&object, &mut ring)?;
    pieces(&object, &mut ring)?;
    full(&object, &mut ring)?;
    late(&object, &mut ring)?;

    drop(ring);
    let again = object.ring_buffer(maps::EVENTS)?;
    println!("a new reader finds {} bytes", again.available_bytes());
    Ok(())
}

/// Prints what the program wrote, discarded records left out.
fn echo(object: &LoadedObject, ring: &mut RingBuffer) -> Result<()> {
    println!("echo: wrote {}", fill(object, [5, 2])?);
    println!("available {}", ring.available_bytes());
    if let Some(batch) = ring.next_batch()? {
        println!("batch of {} bytes", batch.as_bytes().len());
        for event in batch.records::<Event>() {
            println!("  {} {}", event.number(), event.text_str());
        }
    }
    println!("available while held {}", ring.available_bytes());
    ring.release();
    println!("available after {}", ring.available_bytes());
    Ok(())
}

/// Reads a record at a time, however few bytes were asked for.
fn pieces(object: &LoadedObject, ring: &mut RingBuffer) -> Result<()> {
    fill(object, [3, 0])?;
    for bytes_max in [1, 24, 47] {
        ring.set_batch_bytes_max(bytes_max);
        let batch = ring.try_next_batch()?;
        let bytes = batch.map_or(0, |batch| batch.as_bytes().len());
        println!("of at most {bytes_max} bytes: {bytes}");
    }
    println!("and then: {}", ring.try_next_batch()?.is_none());
    ring.set_batch_bytes_max(0);
    Ok(())
}

/// More than the ring holds is lost; what is read leaves room.
fn full(object: &LoadedObject, ring: &mut RingBuffer) -> Result<()> {
    println!("full: wrote {} of 5000", fill(object, [5000, 0])?);
    println!("no room: {}", fill(object, [1, 0])?);
    let (mut records, mut batches, mut largest) = (0, 0, 0);
    while let Some(batch) = ring.try_next_batch()? {
        records += batch.records::<Event>().count();
        largest = largest.max(batch.as_bytes().len());
        batches += 1;
    }
    println!(
        "read {records} in {} batches",
        if batches > 1 { "several" } else { "no" }
    );
    println!("none above half of the ring: {}", largest <= 32 * 1024);
    println!("room again: {}", fill(object, [1, 0])?);
    println!(
        "read {}",
        ring.try_next_batch()?
            .map_or(0, |it| it.records::<Event>().count())
    );
    Ok(())
}

/// Waits for a record, in the call and with a poller.
fn late(object: &LoadedObject, ring: &mut RingBuffer) -> Result<()> {
    ring.release();
    object
        .program("fill_later")?
        .test_run(&RunInput::default())?;
    for event in ring
        .next_batch()?
        .iter()
        .flat_map(|batch| batch.records::<Event>())
    {
        println!("late: {} {}", event.number(), event.text_str());
    }
    ring.release();
    let mut poller = Poller::new();
    let events = poller.add(ring);
    let short = poller.after(Duration::from_millis(5));
    println!("the timer is first: {}", poller.wait()?.contains(short));
    object
        .program("fill_later")?
        .test_run(&RunInput::default())?;
    poller.after(PATIENCE);
    println!("the record is first: {}", poller.wait()?.contains(events));
    println!("still ready: {}", poller.wait()?.contains(events));
    let read = ring.try_next_batch()?;
    println!(
        "read {}",
        read.map_or(0, |batch| batch.records::<Event>().count())
    );
    Ok(())
}

/// Runs the program that writes `[records, of which discarded]`; returns how many fitted.
fn fill(object: &LoadedObject, args: [u32; 2]) -> Result<u32> {
    let context = args.iter().flat_map(|word| word.to_le_bytes()).collect();
    let input = RunInput {
        context,
        ..RunInput::default()
    };
    Ok(object.program("fill")?.test_run(&input)?.return_value)
}
