//! Looks at the machine; prints nothing that differs between them.

use std::process::ExitCode;

use bpf::globals;
use eunomia_bpf::{Error, Object, Result, RunInput, host, symbols};

// Module `bpf`: the globals of machine.bpf.c.
eunomia_bpf::include_bindings!();

/// Addresses that one call takes.
const ADDRESSES_MAX: usize = 65_536;

const SECOND_NS: u64 = 1_000_000_000;

fn main() -> ExitCode {
    eunomia_bpf::run(case)
}

fn case() -> Result<()> {
    println!("CPUs: {}", host::possible_cpus() >= 1);
    println!("Linux: {}", host::kernel_version().major >= 5);
    let epochs = [host::monotonic_epoch_ns(), host::boot_epoch_ns()];
    println!("started after 2020: {:?}", epochs.map(is_after_2020));
    // Suspended time is in the one and not in the other.
    println!(
        "the boot comes first: {}",
        epochs[1] <= epochs[0] + SECOND_NS
    );
    println!(
        "the same each time: {}",
        epochs[0].abs_diff(host::monotonic_epoch_ns()) < SECOND_NS
    );

    let object = Object::open(bpf::OBJECT)?.load()?;
    object.program("look")?.test_run(&RunInput::default())?;
    let now = epochs[0] + object.get(globals::NOW_NS)?;
    println!("the program's time is after it: {}", now >= epochs[0]);
    kernel_symbols()
}

fn kernel_symbols() -> Result<()> {
    let address = symbols::kernel_address("vfs_read")?;
    let address = address.ok_or_else(|| Error::other("the kernel has no vfs_read"))?;
    println!(
        "no symbol: {:?}",
        symbols::kernel_address("no such symbol")?
    );
    for symbol in symbols::resolve_kernel(&[address, address + 4, 1])? {
        match symbol {
            Some(it) => println!("{}+{:#x} of {:?}", it.name, it.offset, it.module),
            None => println!("in no symbol"),
        }
    }
    println!("none: {}", symbols::resolve_kernel(&[])?.len());
    let most = symbols::resolve_kernel(&vec![address; ADDRESSES_MAX])?;
    println!("most: {}", most.iter().flatten().count());
    let more = symbols::resolve_kernel(&vec![address; ADDRESSES_MAX + 1]);
    println!("more: {:?}", more.map(drop).map_err(|error| error.code()));
    Ok(())
}

fn is_after_2020(time_ns: u64) -> bool {
    time_ns > 50 * 365 * 24 * 3600 * SECOND_NS
}
