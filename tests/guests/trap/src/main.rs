//! Traps while it holds a loaded object: says so, then aborts.

use std::process::ExitCode;

use bpf::globals;
use eunomia_bpf::{Object, Result};

// Module `bpf`: the global of trap.bpf.c.
eunomia_bpf::include_bindings!();

fn main() -> ExitCode {
    eunomia_bpf::run(trap)
}

fn trap() -> Result<()> {
    let object = Object::open(bpf::OBJECT)?.load()?;
    object.set(globals::MARK, 1)?;
    println!("mark {}", object.get(globals::MARK)?);
    std::process::abort();
}
