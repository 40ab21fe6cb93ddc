//! A guest for the tests: the first argument says what it does. What it finds wrong is an error, so
//! that a case has passed when it ends with exit code 0.

mod buffers;
mod ends;
mod maps;
mod objects;
mod rows;
mod time;

use std::error::Error;
use std::fmt::Debug;
use std::process::ExitCode;

// Module `bpf`: the types, globals and maps of cases.bpf.c.
eunomia_bpf::include_bindings!();

/// Any error: a case says with `?` what it does not expect.
type Outcome = Result<(), Box<dyn Error>>;

/// A case gets the arguments behind its name.
type Case = fn(&[String]) -> Outcome;

/// How a command ends; guest `hostile` has the ways that break the contract.
const ENDS: &[(&str, Case)] = &[
    ("arguments", ends::arguments),
    ("exit", ends::exit),
    ("fail", ends::fail),
    ("recurse", ends::recurse),
    ("print", ends::print),
    ("wait-for-stop", ends::wait_for_stop),
    ("stop-itself", ends::stop_itself),
    ("sleep", time::sleep),
    ("poll", time::poll),
];

/// What works with the BPF object, and needs a kernel.
const USES: &[(&str, Case)] = &[
    ("objects", objects::describe),
    ("globals", objects::globals),
    ("phases", objects::phases),
    ("links", objects::links),
    ("iterate", objects::iterate),
    ("ring-buffer", buffers::ring_buffer),
    ("ring-buffer-batches", buffers::ring_buffer_batches),
    ("ring-buffer-wrong-type", buffers::ring_buffer_wrong_type),
    ("perf-buffer", buffers::perf_buffer),
    ("user-ring-buffer", buffers::user_ring_buffer),
    ("hash", maps::hash),
    ("batches", maps::batches),
    ("per-cpu", maps::per_cpu),
    ("arrays", maps::arrays),
    ("keyless", maps::keyless),
    ("routes", maps::routes),
    ("inner-maps", maps::inner_maps),
    ("wrong-sizes", maps::wrong_sizes),
    ("rows", rows::structs),
    ("fields", rows::fields),
];

fn main() -> ExitCode {
    eunomia_bpf::run(|| {
        let arguments: Vec<String> = std::env::args().skip(1).collect();
        let (name, arguments) = arguments.split_first().ok_or("say which case")?;
        if name == "list" {
            return list();
        }
        let mut cases = ENDS.iter().chain(USES);
        let found = cases.find(|(case, _)| case == name);
        let (_, case) = found.ok_or_else(|| format!("there is no case {name:?}"))?;
        case(arguments)
    })
}

/// The names of those that use the BPF object, so that tests leave out none.
fn list() -> Outcome {
    for (name, _) in USES {
        println!("{name}");
    }
    Ok(())
}

/// An error that names what is not as it must be.
fn equal<T: PartialEq + Debug>(what: &str, found: T, expected: T) -> Outcome {
    if found == expected {
        return Ok(());
    }
    Err(format!("{what}: found {found:?}, expected {expected:?}").into())
}

/// A call that must fail, with this code.
fn fails<T>(
    what: &str,
    result: eunomia_bpf::Result<T>,
    expected: eunomia_bpf::ErrorCode,
) -> Outcome {
    match result {
        Ok(_) => Err(format!("{what}: it must not work").into()),
        Err(error) if error.code() == expected => Ok(()),
        Err(error) => Err(format!(
            "{what}: expected {expected:?}, found {:?}: {error}",
            error.code()
        )
        .into()),
    }
}
