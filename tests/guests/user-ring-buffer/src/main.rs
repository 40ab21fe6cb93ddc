//! Writes a user ring buffer in every way.

use std::process::ExitCode;
use std::time::Duration;

use bpf::{globals, maps};
use eunomia_bpf::poll::Wait;
use eunomia_bpf::{BatchBuilder, LoadedObject, Object, Result, RunInput};

// Module `bpf`: the globals and maps of commands.bpf.c.
eunomia_bpf::include_bindings!();

/// Bytes of the buffer that a record needs beside its payload.
const HEADER_BYTES: usize = 8;
const RING_BYTES: usize = 4096;

fn main() -> ExitCode {
    eunomia_bpf::run(case)
}

fn case() -> Result<()> {
    let object = Object::open(bpf::OBJECT)?.load()?;
    let commands = object.user_ring_buffer(maps::COMMANDS)?;
    let second = object.user_ring_buffer(maps::COMMANDS).map(drop);
    println!("second writer: {:?}", second.map_err(|error| error.code()));

    let mut batch = BatchBuilder::new();
    commands.write(&mut batch)?;
    println!("an empty batch is written");
    for word in 1..=3_u32 {
        batch.push(&word)?;
    }
    commands.write(&mut batch)?;
    println!("written: {}", batch.is_empty());
    take(&object, 10)?;

    // 16 bytes each: 256 of them fill the buffer.
    for word in 0..300_u32 {
        batch.push(&word)?;
    }
    commands.write_within(&mut batch, Duration::ZERO)?;
    println!("left without room: {} bytes", batch.as_bytes().len());
    commands.write_within(&mut batch, Duration::from_millis(5))?;
    println!("left when the time is up: {} bytes", batch.as_bytes().len());
    println!("ready: {}", commands.subscribe().is_ready());
    take(&object, 1)?;
    println!("ready: {}", commands.subscribe().is_ready());
    commands.write_within(&mut batch, Duration::ZERO)?;
    println!("left: {} bytes", batch.as_bytes().len());
    take(&object, 1000)?;
    commands.write(&mut batch)?;
    println!("left: {} bytes", batch.as_bytes().len());
    take(&object, 1000)?;

    drop(commands);
    largest(&object)
}

/// The largest record that fits, alone.
fn largest(object: &LoadedObject) -> Result<()> {
    let commands = object.user_ring_buffer(maps::COMMANDS)?;
    let mut batch = BatchBuilder::new();
    batch.push_bytes(&vec![1; RING_BYTES - HEADER_BYTES])?;
    commands.write(&mut batch)?;
    println!("largest written: {}", batch.is_empty());
    batch.push(&1_u32)?;
    batch.push_bytes(&vec![1; RING_BYTES - HEADER_BYTES + 1])?;
    let too_long = commands.write(&mut batch).map_err(|error| error.code());
    println!("one byte more: {too_long:?}, kept {}", !batch.is_empty());
    take(object, 10)?;

    // 4000 bytes do not fit beside 1000.
    batch.clear();
    batch.push_bytes(&[0; 1000])?;
    batch.push_bytes(&[0; 4000])?;
    commands.write_within(&mut batch, Duration::ZERO)?;
    println!("ready for 4000 bytes: {}", commands.subscribe().is_ready());
    batch.clear();
    batch.push_bytes(&[0; 8])?;
    commands.write_within(&mut batch, Duration::ZERO)?;
    println!(
        "ready after a write that fitted: {}",
        commands.subscribe().is_ready()
    );
    take(object, 10)
}

fn take(object: &LoadedObject, records: u32) -> Result<()> {
    let context = records.to_le_bytes().to_vec();
    let input = RunInput {
        context,
        ..RunInput::default()
    };
    object.program("take")?.test_run(&input)?;
    println!(
        "taken {}, sum {}",
        object.get(globals::TAKEN)?,
        object.get(globals::SUM)?
    );
    Ok(())
}
