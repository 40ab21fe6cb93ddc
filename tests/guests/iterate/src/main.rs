//! Runs an iterator program over a map.

use std::io::Read;
use std::process::ExitCode;

use bpf::maps;
use eunomia_bpf::attach::{IteratorTarget, Link};
use eunomia_bpf::{Error, Object, Result, UpdateFlags};

// Module `bpf`: the maps of iterate.bpf.c.
eunomia_bpf::include_bindings!();

fn main() -> ExitCode {
    eunomia_bpf::run(case)
}

fn case() -> Result<()> {
    let object = Object::open(bpf::OBJECT)?.load()?;
    let numbers = object.map(maps::NUMBERS)?;
    for key in 0..3 {
        numbers.update(&key, &(key + 4), UpdateFlags::ANY)?;
    }
    let program = object.program("list_numbers")?;
    let target = IteratorTarget::MapElements("numbers".into());
    let link = program.attach_to(target)?;
    println!("{} at {:?}", link.info().name, link.info().targets);
    print(&link)?;
    println!("once more, in small pieces");
    let mut output = link.iterate()?;
    let mut piece = [0; 5];
    let mut all = Vec::new();
    loop {
        let count = output.read(&mut piece)?;
        if count == 0 {
            break;
        }
        all.extend_from_slice(&piece[..count]);
    }
    show(&all);

    let rest = link.iterate()?;
    drop(link);
    println!("the link is gone, what is being read stays:");
    print_all(rest)?;

    let other = object.program("no_iterator")?.attach()?;
    println!(
        "no iterator: {:?}",
        other.iterate().map(drop).map_err(|error| error.code())
    );
    Ok(())
}

fn print(link: &Link) -> Result<()> {
    print_all(link.iterate()?)
}

fn print_all(mut output: impl Read) -> Result<()> {
    let mut bytes = Vec::new();
    output.read_to_end(&mut bytes).map_err(Error::from)?;
    show(&bytes);
    Ok(())
}

/// Records of a key and a value.
fn show(records: &[u8]) {
    for record in records.chunks(8) {
        println!("  {record:?}");
    }
}
