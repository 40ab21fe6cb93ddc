//! Works with maps in slots of maps.

use std::process::ExitCode;

use bpf::{globals, maps};
use eunomia_bpf::{LoadedObject, Object, Result, RunInput, UpdateFlags};

// Module `bpf`: the globals and maps of maps.bpf.c.
eunomia_bpf::include_bindings!();

fn main() -> ExitCode {
    eunomia_bpf::run(case)
}

fn case() -> Result<()> {
    let object = Object::open(bpf::OBJECT)?.load()?;
    let slots = object.map(maps::SLOTS)?;
    let first = object.map(maps::FIRST)?;
    first.update(&1, &11, UpdateFlags::ANY)?;
    println!("declared slot: {}", slots.lookup_inner(&0)?.is_some());
    look(&object, [0, 1])?;
    println!("empty slot: {}", slots.lookup_inner(&1)?.is_none());
    look(&object, [1, 1])?;

    let inner = slots.raw().create_inner()?.typed::<u32, u32>()?;
    let info = inner.info();
    println!(
        "created: {} {} {}",
        info.type_name, info.key_size, info.max_entries
    );
    inner.update(&1, &22, UpdateFlags::ANY)?;
    slots.update_inner(&1, &inner, UpdateFlags::ANY)?;
    drop(inner);
    look(&object, [1, 1])?;
    let found = slots
        .lookup_inner(&1)?
        .map(|map| map.typed::<u32, u32>())
        .transpose()?;
    if let Some(found) = &found {
        println!("found again: {:?}", found.lookup(&1)?);
        found.update(&2, &33, UpdateFlags::ANY)?;
        look(&object, [1, 2])?;
    }
    slots.update_inner(&1, &first, UpdateFlags::ANY)?;
    look(&object, [1, 1])?;
    println!(
        "taken out of its slot: {:?}",
        found.map(|map| map.lookup(&2)).transpose()?
    );

    let named = object.map(maps::NAMED)?;
    println!("not there: {}", named.lookup_inner(&7)?.is_none());
    named.update_inner(&7, &first, UpdateFlags::NO_EXIST)?;
    let twice = named.update_inner(&7, &first, UpdateFlags::NO_EXIST);
    println!("there: {:?}", twice.map_err(|error| error.code()));
    let found = named
        .lookup_inner(&7)?
        .map(|map| map.typed::<u32, u32>())
        .transpose()?;
    println!(
        "by name: {:?}",
        found.map(|map| map.lookup(&1)).transpose()?
    );
    println!("delete: {} {}", named.delete(&7)?, named.delete(&7)?);

    let plain = object.map(maps::PLAIN)?;
    let refused = [
        plain.lookup_inner(&0).map(drop),
        plain.raw().create_inner().map(drop),
        plain.update_inner(&0, &first, UpdateFlags::ANY),
    ];
    println!(
        "no map of maps: {:?}",
        refused.map(|result| result.map_err(|error| error.code()))
    );
    let other = slots.update_inner(&2, &plain, UpdateFlags::ANY);
    println!(
        "of another shape: {:?}",
        other.map_err(|error| error.code())
    );
    let beyond = slots.update_inner(&3, &first, UpdateFlags::ANY);
    println!(
        "behind the last: {:?}",
        beyond.map_err(|error| error.code())
    );
    Ok(())
}

/// Has the program look up `[slot, key]`.
fn look(object: &LoadedObject, args: [u32; 2]) -> Result<()> {
    let context = args.iter().flat_map(|word| word.to_le_bytes()).collect();
    let input = RunInput {
        context,
        ..RunInput::default()
    };
    let outcome = object.program("look")?.test_run(&input)?.return_value;
    println!(
        "the program looks in {args:?}: {outcome}, {}",
        object.get(globals::FOUND)?
    );
    Ok(())
}
