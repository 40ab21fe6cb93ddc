//! Takes as much as it may have, and one more.

use std::process::ExitCode;

use eunomia_bpf::output::{Field, FieldTable};
use eunomia_bpf::{Object, Result};

fn main() -> ExitCode {
    eunomia_bpf::run(case)
}

fn case() -> Result<()> {
    objects()?;
    links()?;
    tables();
    handles()
}

fn objects() -> Result<()> {
    let mut held = Vec::new();
    let refused = take(&mut held, Object::open_default);
    println!("objects: {} and then {refused}", held.len());
    held.pop();
    held.push(Object::open_default()?);
    println!("dropping one makes room");
    Ok(())
}

fn links() -> Result<()> {
    let object = Object::open_default()?.load()?;
    let program = object.program("on_exec")?;
    let mut held = Vec::new();
    let refused = take(&mut held, || program.attach());
    println!("links: {} and then {refused}", held.len());
    if let Some(link) = held.pop() {
        link.detach()?;
    }
    held.push(program.attach()?);
    println!("detaching one makes room");
    Ok(())
}

fn tables() {
    let mut held = Vec::new();
    let mut number = 0;
    let refused = take(&mut held, || {
        number += 1;
        FieldTable::new(&format!("t{number}"), [Field::of::<u8>("field")])
    });
    println!("tables: {} and then {refused}", held.len());
}

fn handles() -> Result<()> {
    let object = Object::open_default()?.load()?;
    let mut held = Vec::new();
    let refused = take(&mut held, || object.map("array"));
    println!(
        "handles: {}, and then {refused}",
        held.len() > 16_000 && held.len() < 16_384
    );
    held.clear();
    held.push(object.map("array")?);
    println!("dropping them makes room");
    Ok(())
}

/// Takes until it is refused; returns with what.
fn take<T>(held: &mut Vec<T>, mut next: impl FnMut() -> Result<T>) -> String {
    loop {
        match next() {
            Ok(one) => held.push(one),
            Err(error) => return format!("{:?}", error.code()),
        }
    }
}
