//! Works with values of each CPU; prints nothing that depends on how many there are.

use std::process::ExitCode;

use bpf::maps;
use eunomia_bpf::{Object, PerCpu, Result, RunInput, UpdateFlags, host};

// Module `bpf`: the maps of counts.bpf.c.
eunomia_bpf::include_bindings!();

fn main() -> ExitCode {
    eunomia_bpf::run(case)
}

fn case() -> Result<()> {
    let object = Object::open(bpf::OBJECT)?.load()?;
    let cpus = host::possible_cpus();
    let counts = object.map(maps::COUNTS)?;
    let info = counts.info();
    println!("value {} bytes", info.value_size);
    println!("8 bytes for each CPU: {}", info.user_value_size == 8 * cpus);

    let program = object.program("count")?;
    for _ in 0..3 {
        program.test_run(&RunInput {
            cpu: Some(0),
            ..RunInput::default()
        })?;
    }
    let values = counts
        .lookup(&1)?
        .ok_or("the key is gone")
        .map_err(eunomia_bpf::Error::other)?;
    println!("a value for each CPU: {}", values.len() == cpus as usize);
    println!(
        "on CPU 0: {}, in all: {}",
        values[0],
        values.iter().sum::<u64>()
    );

    let mut values = PerCpu::all(0_u64);
    for (cpu, value) in (0..).zip(values.iter_mut()) {
        *value = cpu + 5;
    }
    counts.update(&0, &values, UpdateFlags::ANY)?;
    println!(
        "each CPU's own: {}",
        counts.lookup(&0)?.as_ref() == Some(&values)
    );
    let mut cursor = counts.iterate()?;
    while let Some(entries) = cursor.next_entries()? {
        for (key, values) in entries.iter() {
            println!("{key}: first {:?}", values.iter().next());
        }
    }
    let short = counts.raw().update(&[0; 4], &[0; 4], UpdateFlags::ANY);
    println!("one CPU's value: {:?}", short.map_err(|error| error.code()));

    let words = object.map(maps::WORDS)?;
    println!(
        "padded to 8 bytes: {}",
        words.info().user_value_size == 8 * cpus
    );
    words.update(&7, &PerCpu::all(3_u32), UpdateFlags::NO_EXIST)?;
    let all = words
        .lookup(&7)?
        .is_some_and(|values| values.iter().all(|value| *value == 3));
    println!("all set: {all}");
    let keys = [1, 2];
    let values = [PerCpu::all(1_u32), PerCpu::all(2)];
    let set = words.update_batch(keys.iter().zip(&values), UpdateFlags::ANY)?;
    println!("set in a batch: {set}");
    println!(
        "taken: {:?}",
        words.lookup_and_delete(&2)?.map(|values| values[0])
    );
    let mut drained = words.drain()?.collect::<Result<Vec<_>>>()?;
    drained.sort_by_key(|(key, _)| *key);
    let drained: Vec<_> = drained
        .iter()
        .map(|(key, values)| (key, values[0]))
        .collect();
    println!("drained: {drained:?}");
    Ok(())
}
