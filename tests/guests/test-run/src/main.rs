//! Runs programs by hand.

use std::process::ExitCode;

use eunomia_bpf::{Object, Program, Result, RunInput};

/// Runs of one call.
const RUNS_MAX: u32 = 1_000_000;
/// Bytes of context that the kernel takes, one less than the host.
const CONTEXT_BYTES_MAX: usize = 65_535;
const CONTEXT_BYTES_HOST_MAX: usize = 65_536;
const DATA_BYTES_MAX: usize = 1 << 20;

fn main() -> ExitCode {
    eunomia_bpf::run(case)
}

fn case() -> Result<()> {
    let object = Object::open_default()?.load()?;
    let add = object.program("add")?;
    let words = |words: [u32; 3]| words.iter().flat_map(|word| word.to_le_bytes()).collect();
    let output = add.test_run(&RunInput {
        context: words([400, 5, 0]),
        ..RunInput::default()
    })?;
    println!("add: {}, {:?}", output.return_value, output.context);

    let nothing = object.program("nothing")?;
    for bytes in [CONTEXT_BYTES_MAX, CONTEXT_BYTES_HOST_MAX + 1] {
        let input = RunInput {
            context: vec![0; bytes],
            ..RunInput::default()
        };
        println!(
            "context of {bytes} bytes: {}",
            code(nothing.test_run(&input))
        );
    }

    let change = object.program("change")?;
    packet(&change, 0)?;
    packet(&change, 1)?;
    let many = |repeat, bytes| {
        let input = RunInput {
            data: vec![0; bytes],
            repeat,
            ..RunInput::default()
        };
        code(change.test_run(&input))
    };
    println!(
        "many runs: {}, more: {}",
        many(RUNS_MAX, 64),
        many(RUNS_MAX + 1, 64)
    );
    println!("too much data: {}", many(1, DATA_BYTES_MAX + 1));
    println!("on CPU 0: {}", code(nothing.test_run(&RunInput::default())));

    let before = nothing.statistics()?;
    for _ in 0..5 {
        nothing.test_run(&RunInput::default())?;
    }
    let after = nothing.statistics()?;
    println!("runs: {}", after.run_count - before.run_count);
    println!("time: {}", after.run_time_ns > before.run_time_ns);
    println!("recursions: {}", after.recursion_misses);
    Ok(())
}

fn packet(change: &Program, first: u8) -> Result<()> {
    let mut data = vec![0x11; 64];
    data[0] = first;
    let output = change.test_run(&RunInput {
        data,
        ..RunInput::default()
    })?;
    println!(
        "packet: {}, {} bytes",
        output.return_value,
        output.data.len()
    );
    println!("  {:?} .. {:?}", &output.data[..2], output.data.last());
    Ok(())
}

/// How a call ended.
fn code<T>(result: Result<T>) -> String {
    match result {
        Ok(_) => "ok".into(),
        Err(error) => format!("{:?}", error.code()),
    }
}
