//! Objects, their globals, programs and links.

use std::io::Read;

use eunomia_bpf::{ErrorCode, Global, Object, UpdateFlags, list_objects, nul_padded};

use crate::bpf::{self, Pair, globals, maps};
use crate::{Outcome, equal, fails};

/// What an object says of itself.
pub(crate) fn describe(_: &[String]) -> Outcome {
    equal("objects", list_objects(), vec![bpf::OBJECT.to_owned()])?;
    let object = Object::open_default()?;
    let programs: Vec<_> = object.programs().into_iter().map(|it| it.name).collect();
    equal("programs", programs.contains(&"produce".to_owned()), true)?;
    let maps = object.maps();
    let hash = maps.iter().find(|map| map.name == "hash");
    let sizes = hash.map(|map| (map.key_size, map.value_size, map.max_entries));
    equal("hash", sizes, Some((4, 16, 10_000)))?;
    let globals = object.globals();
    let records = globals.iter().find(|global| global.name == "records");
    equal(
        "records",
        records.map(|it| (it.size, it.constant)),
        Some((4, true)),
    )?;

    let btf = object.btf()?;
    let event = btf.find("struct event").ok_or("struct event is missing")?;
    let event = btf.describe(event)?;
    equal("event", (event.name.as_str(), event.size), ("event", 32))?;
    fails("no object", Object::open("nothing"), ErrorCode::NotFound)?;
    fails("no program", object.program("nothing"), ErrorCode::NotFound)
}

/// Globals before and after load.
pub(crate) fn globals(_: &[String]) -> Outcome {
    let object = Object::open(bpf::OBJECT)?;
    equal("initial", object.get(globals::RECORDS)?, 10)?;
    object.set(globals::RECORDS, 5)?;
    equal("set", object.get(globals::RECORDS)?, 5)?;
    let text = nul_padded("from the guest").ok_or("the text is too long")?;
    object.set(globals::TEXT, text)?;
    let wrong = object.set(Global::<u64>::new("records"), 1);
    fails("another size", wrong, ErrorCode::InvalidArgument)?;
    fails(
        "no global",
        object.get_bytes("nothing"),
        ErrorCode::NotFound,
    )?;

    let object = object.load()?;
    equal("kept", object.get(globals::TEXT)?, text)?;
    fails(
        "constant",
        object.set(globals::RECORDS, 6),
        ErrorCode::InvalidState,
    )?;
    object.program("produce")?.test_run(&Default::default())?;
    equal("written", object.get(globals::WRITTEN)?, 5)?;
    object.set(globals::WRITTEN, 0)?;
    equal("reset", object.get(globals::WRITTEN)?, 0)?;
    let both = Pair {
        left: 3,
        ..object.get(globals::BOTH)?
    };
    object.set(globals::BOTH, both)?;
    equal("struct", object.get(globals::BOTH)?, both)
}

/// What must come before load, and what after. Types keep most of it apart.
pub(crate) fn phases(_: &[String]) -> Outcome {
    let object = Object::open(bpf::OBJECT)?;
    let early = object.map(maps::HASH)?;
    early.set_max_entries(77)?;
    object.map("slots")?.set_autocreate(true)?;
    let program = object.program("on_call")?;
    program.set_autoload(false)?;
    let object = object.load()?;
    equal("entries", object.map(maps::HASH)?.info().max_entries, 77)?;
    fails(
        "too late",
        early.set_max_entries(78),
        ErrorCode::InvalidState,
    )?;
    fails(
        "too late",
        program.set_autoload(true),
        ErrorCode::InvalidState,
    )?;
    let attached = object.program("on_call")?.attach();
    fails("not loaded", attached, ErrorCode::InvalidState)
}

/// Links hold programs; what was made from an object keeps it.
pub(crate) fn links(_: &[String]) -> Outcome {
    let object = Object::open(bpf::OBJECT)?.load()?;
    let program = object.program("on_call")?;
    let link = program.attach()?;
    equal("program", link.info().name.as_str(), "on_call")?;
    equal("ids", link.info().ids.len(), 1)?;
    let before = object.get(globals::CALLS)?;
    // Every write is a system call.
    println!("  calls are counted");
    equal("counts", object.get(globals::CALLS)? > before, true)?;
    link.detach()?;
    let after = object.get(globals::CALLS)?;
    println!("  calls are no longer counted");
    equal("counts no more", object.get(globals::CALLS)?, after)?;

    program.store_in(object.map(maps::JUMP)?.raw(), 1)?;
    let as_bytes = object.map(maps::JUMP)?.update(&0, &1, UpdateFlags::ANY);
    fails("a descriptor as bytes", as_bytes, ErrorCode::NotSupported)?;
    let links = object.attach()?;
    drop(object);
    equal("links", links.is_empty(), false)
}

/// Reads what an iterator writes, twice.
pub(crate) fn iterate(_: &[String]) -> Outcome {
    let object = Object::open(bpf::OBJECT)?.load()?;
    let link = object.program("list_maps")?.attach()?;
    for _ in 0..2 {
        let mut text = String::new();
        link.iterate()?.read_to_string(&mut text)?;
        let lines = text.lines().filter(|line| *line == "map").count();
        equal("maps", lines >= object.maps().len(), true)?;
    }
    let call = object.program("on_call")?.attach()?;
    fails("no iterator", call.iterate(), ErrorCode::NotSupported)
}
