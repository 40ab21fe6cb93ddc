//! Reads and writes the memory of arrays and of global data.

use std::process::ExitCode;

use bpf::{globals, maps};
use eunomia_bpf::{Object, RawMap, Result, RunInput, UpdateFlags};

// Module `bpf`: the globals and maps of memory.bpf.c.
eunomia_bpf::include_bindings!();

/// Bytes that one call reads.
const CALL_BYTES_MAX: u32 = 1 << 20;

fn main() -> ExitCode {
    eunomia_bpf::run(case)
}

fn case() -> Result<()> {
    let object = Object::open(bpf::OBJECT)?.load()?;
    let shared = object.map(maps::SHARED)?;
    let memory = shared.raw();
    shared.update(&1, &0x0102, UpdateFlags::ANY)?;
    memory.write_memory(16, &40_u32.to_le_bytes())?;
    object.program("bump")?.test_run(&RunInput::default())?;
    println!("elements 1 and 2: {:?}", memory.read_memory(8, 16)?);
    println!(
        "as entries: {:?} {:?}",
        shared.lookup(&1)?,
        shared.lookup(&2)?
    );
    println!("nothing: {:?}", memory.read_memory(8, 0)?);
    println!("most: {}", memory.read_memory(0, CALL_BYTES_MAX)?.len());
    println!("more: {}", code(memory.read_memory(0, CALL_BYTES_MAX + 1)));
    let most = vec![7; CALL_BYTES_MAX as usize];
    memory.write_memory(8, &most)?;
    println!(
        "most written: {:?}",
        memory.read_memory(u64::from(CALL_BYTES_MAX) + 7, 2)?
    );
    let end = 140_000 * 8;
    println!("last byte: {:?}", memory.read_memory(end - 1, 1)?);
    println!("over the end: {}", code(memory.read_memory(end - 1, 2)));
    println!(
        "written over the end: {}",
        code(memory.write_memory(end - 1, &[0; 2]))
    );

    let bss = object.map(".bss")?;
    let counter = object
        .globals()
        .into_iter()
        .find(|global| global.name == "counter");
    let offset = counter.map_or(0, |global| global.offset.into());
    println!(".bss: {:?}", bss.read_memory(offset, 8)?);
    bss.write_memory(offset, &100_u64.to_le_bytes())?;
    object.program("bump")?.test_run(&RunInput::default())?;
    println!("as global: {}", object.get(globals::COUNTER)?);
    word("initialized", &object.map(".data")?)?;
    word("constant", &object.map(".rodata")?)?;
    println!(
        "constant: {}",
        code(object.map(".rodata")?.write_memory(0, &[0]))
    );
    Ok(())
}

/// The first word of a section.
fn word(name: &str, section: &RawMap) -> Result<()> {
    println!("{name}: {:?}", section.read_memory(0, 4)?);
    Ok(())
}

/// How a call ended.
fn code<T>(result: Result<T>) -> String {
    match result {
        Ok(_) => "ok".into(),
        Err(error) => format!("{:?}", error.code()),
    }
}
