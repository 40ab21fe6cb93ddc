//! Writes beside each object what it needs of a kernel's types (`OBJECT.btf`), and prints how long
//! finding out takes.
//!
//!   cargo run --release -p eunomia-btf --example minimize -- KERNEL OBJECT...

use std::time::Instant;

use eunomia_btf::Btf;
use eunomia_btf::minimize::{Minimized, minimize};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut paths = std::env::args().skip(1);
    let kernel = paths
        .next()
        .ok_or("the file with the kernel's BTF, then objects")?;
    let started = Instant::now();
    let bytes = std::fs::read(kernel)?;
    let read = started.elapsed();
    let kernel = Btf::parse(&bytes)?;
    let parsed = started.elapsed();
    println!("read {read:?}, parse {:?}", parsed - read);
    for path in paths {
        let object = std::fs::read(&path)?;
        let started = Instant::now();
        let outcome = minimize(&kernel, &[&object])?;
        let took = started.elapsed();
        match outcome {
            Minimized::Section {
                bytes,
                lacks_candidates,
            } => {
                let lacks = if lacks_candidates {
                    ", lacks types"
                } else {
                    ""
                };
                std::fs::write(format!("{path}.btf"), &bytes)?;
                println!("{path}: {} bytes{lacks}, {took:?}", bytes.len());
            }
            Minimized::Nothing => println!("{path}: nothing, {took:?}"),
            Minimized::Whole(reason) => println!("{path}: all: {reason}, {took:?}"),
            _ => println!("{path}: something new, {took:?}"),
        }
    }
    Ok(())
}
