//! Changes programs and maps before they are loaded.

use std::process::ExitCode;

use bpf::maps;
use eunomia_bpf::{Object, PerfEventArrayName, Result};

// Module `bpf`: the maps of configure.bpf.c.
eunomia_bpf::include_bindings!();

/// `enum bpf_map_type`.
mod map_type {
    pub(crate) const ARRAY: u32 = 2;
    pub(crate) const PERF_EVENT_ARRAY: u32 = 4;
    pub(crate) const LRU_HASH: u32 = 9;
    pub(crate) const QUEUE: u32 = 22;
}

fn main() -> ExitCode {
    eunomia_bpf::run(case)
}

fn case() -> Result<()> {
    let object = Object::open(bpf::OBJECT)?;
    for program in object.programs() {
        println!(
            "{} in {}: {}, autoload {}, id {}",
            program.name, program.section, program.type_name, program.autoload, program.id
        );
    }
    object.program("optional")?.set_autoload(true)?;
    object.program("usual")?.set_autoload(false)?;
    object
        .program("chosen")?
        .set_attach_target("sched_process_exec")?;

    let counts = object.map(maps::COUNTS)?;
    counts.set_map_type(map_type::LRU_HASH)?;
    println!("to a queue: {}", code(counts.set_map_type(map_type::QUEUE)));
    let events = object.map(maps::EVENTS)?;
    println!(
        "ring to array: {}",
        code(events.set_map_type(map_type::ARRAY))
    );
    events.set_map_type(map_type::PERF_EVENT_ARRAY)?;
    let flexible = object.map("flexible")?;
    flexible.set_value_size(100)?;
    flexible.set_max_entries(3)?;
    object.map(maps::UNUSED)?.set_autocreate(false)?;
    println!(
        "shared: {}",
        code(object.map(maps::UNUSED)?.set_pin_name("shared"))
    );
    println!("not loaded: {}", counts.info().id == 0);

    let object = object.load()?;
    let mut found = object.maps();
    found.retain(|map| !map.name.starts_with('.'));
    for map in found {
        println!(
            "{}: {}, key {}, value {}, entries {}, created {}",
            map.name,
            map.type_name,
            map.key_size,
            map.value_size,
            map.max_entries,
            map.id != 0
        );
    }
    for program in object.programs() {
        println!(
            "{} loaded: {}, {:?}",
            program.name,
            program.id != 0,
            program.attach_target
        );
    }
    println!("too late: {}", code(counts.set_max_entries(9)));
    println!(
        "perf: {}",
        code(object.perf_buffer(PerfEventArrayName::new("events")))
    );
    let mut links = object.attach()?;
    links.sort_by_key(|link| link.info().name);
    for info in links.iter().map(|link| link.info()) {
        println!(
            "{} at {:?}, type {}",
            info.name, info.targets, info.link_type
        );
    }
    Ok(())
}

/// How a call ended.
fn code<T>(result: Result<T>) -> String {
    match result {
        Ok(_) => "ok".into(),
        Err(error) => format!("{:?}", error.code()),
    }
}
