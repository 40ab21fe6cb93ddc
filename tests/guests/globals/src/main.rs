//! Reads and sets global variables.

use std::process::ExitCode;

use bpf::{Pair, globals};
use eunomia_bpf::{Object, Result, RunInput, nul_padded};

// Module `bpf`: the types and globals of globals.bpf.c.
eunomia_bpf::include_bindings!();

fn main() -> ExitCode {
    eunomia_bpf::run(|| match case() {
        Ok(()) => Ok(()),
        Err(error) => {
            println!("{:?}", error.code());
            Err(error)
        }
    })
}

fn case() -> Result<()> {
    let object = Object::open(bpf::OBJECT)?;
    let mut listed = object.globals();
    listed.sort_by(|a, b| a.name.cmp(&b.name));
    for global in listed.iter().filter(|global| global.section != "license") {
        let typed = global.type_id != 0;
        println!(
            "{} in {}: {} bytes, constant {}, typed {typed}",
            global.name, global.section, global.size, global.constant
        );
    }
    println!(
        "initial: {} {}",
        object.get(globals::LIMIT)?,
        object.get(globals::TOTAL)?
    );
    object.set(globals::LIMIT, 5)?;
    object.set(globals::TOTAL, 200)?;
    if let Some(name) = nul_padded("guest") {
        object.set(globals::NAME, name)?;
    }
    println!(
        "set: {} {}",
        object.get(globals::LIMIT)?,
        object.get(globals::TOTAL)?
    );

    let object = object.load()?;
    println!(
        "loaded: {} {}",
        object.get(globals::LIMIT)?,
        object.get(globals::TOTAL)?
    );
    let name: Vec<u8> = object.get_bytes("name")?;
    println!(
        "name {}, kind {:?}",
        String::from_utf8_lossy(&name).trim_end_matches('\0'),
        object.get_bytes("kind")?
    );
    object.program("work")?.test_run(&RunInput::default())?;
    println!(
        "seen {}, total {}",
        object.get(globals::SEEN)?,
        object.get(globals::TOTAL)?
    );
    object.set(globals::TOTAL, 0)?;
    object.program("work")?.test_run(&RunInput::default())?;
    println!("from 0: {}", object.get(globals::TOTAL)?);
    println!("struct {:?}", object.get(globals::BOTH)?);
    object.set(
        globals::BOTH,
        Pair {
            left: 3,
            right: 4,
            ..Pair::default()
        },
    )?;
    println!("struct {:?}", object.get(globals::BOTH)?);
    let late = object.set(globals::LIMIT, 6).map_err(|error| error.code());
    println!("a constant after load: {late:?}");
    let wrong = object
        .set_bytes("total", &[0; 4])
        .map_err(|error| error.code());
    println!("half of a value: {wrong:?}");
    Ok(())
}
