//! Reads a full ring buffer, as often as the first argument says, and prints a line a round:
//! nanoseconds of reading, records, the sum of their numbers. Guests in other languages lie beside
//! it and do the same.

use std::error::Error;
use std::process::ExitCode;
use std::time::Instant;

use bpf::{Event, maps};
use eunomia_bpf::{Object, RunInput};

// Module `bpf`: the types and maps of flood.bpf.c.
eunomia_bpf::include_bindings!();

fn main() -> ExitCode {
    eunomia_bpf::run(flood)
}

fn flood() -> Result<(), Box<dyn Error>> {
    let rounds: u32 = std::env::args().nth(1).as_deref().unwrap_or("1").parse()?;
    let object = Object::open(bpf::OBJECT)?.load()?;
    let mut events = object.ring_buffer(maps::EVENTS)?;
    let fill = object.program("fill")?;
    for _ in 0..rounds {
        fill.test_run(&RunInput::default())?;
        let start = Instant::now();
        let (mut records, mut sum) = (0_u64, 0_u64);
        while let Some(batch) = events.try_next_batch()? {
            for event in batch.records::<Event>() {
                records += 1;
                sum += event.number();
            }
        }
        println!("{} {records} {sum}", start.elapsed().as_nanos());
    }
    Ok(())
}
