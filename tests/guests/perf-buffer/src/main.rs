//! Reads a perf event array.

use std::process::ExitCode;
use std::time::Duration;

use bpf::{Event, globals, maps};
use eunomia_bpf::{LoadedObject, Object, PerfBuffer, Result, RunInput};

// Module `bpf`: the types, globals and maps of perf.bpf.c.
eunomia_bpf::include_bindings!();

fn main() -> ExitCode {
    eunomia_bpf::run(case)
}

fn case() -> Result<()> {
    let object = Object::open(bpf::OBJECT)?.load()?;
    for pages in [1, 4096, 8192, 3] {
        let opened = object.perf_buffer_with_pages(maps::EVENTS, pages).map(drop);
        println!("{pages} pages: {:?}", opened.map_err(|error| error.code()));
    }
    let mut perf = object.perf_buffer_with_pages(maps::EVENTS, 1)?;
    let second = object.perf_buffer(maps::EVENTS).map(drop);
    println!("second reader: {:?}", second.map_err(|error| error.code()));
    println!("nothing yet: {}", perf.try_next_batch()?.is_none());
    let timed_out = perf.next_batch_within(Duration::from_millis(5))?;
    println!(
        "time is up: {}",
        timed_out.is_some_and(|batch| batch.is_empty())
    );

    output(&object, 3)?;
    if let Some(batch) = perf.next_batch()? {
        println!("lost {}", batch.lost());
        for record in batch.raw_records() {
            let number = record.view::<Event>().map(|event| event.number());
            println!(
                "on CPU {}: {number:?}, {} bytes",
                record.cpu(),
                record.payload().len()
            );
        }
    }
    losses(&object, &mut perf)?;
    println!("all is read: {}", perf.try_next_batch()?.is_none());
    Ok(())
}

/// More than a page holds; how many fit is the kernel's to say.
fn losses(object: &LoadedObject, perf: &mut PerfBuffer) -> Result<()> {
    println!("nothing left: {}", perf.try_next_batch()?.is_none());
    output(object, 20)?;
    let (mut read, mut lost) = (0, 0);
    let mut count = |perf: &mut PerfBuffer| -> Result<()> {
        while let Some(batch) = perf.try_next_batch()? {
            read += batch.records::<Event>().count() as u64;
            lost += batch.lost();
        }
        Ok(())
    };
    count(perf)?;
    // The kernel tells of losses with the next record that fits.
    output(object, 1)?;
    count(perf)?;
    println!(
        "read some: {}, lost some: {}, in all {}",
        read > 5,
        lost > 5,
        read + lost
    );
    Ok(())
}

fn output(object: &LoadedObject, records: u32) -> Result<()> {
    object.set(globals::RECORDS, records)?;
    let input = RunInput {
        cpu: Some(0),
        ..RunInput::default()
    };
    object.program("output")?.test_run(&input).map(drop)
}
