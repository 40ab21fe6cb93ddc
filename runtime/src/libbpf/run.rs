//! Running a program at once (`BPF_PROG_TEST_RUN`).

use std::os::fd::AsFd;

use eunomia_host_abi::Result;
use eunomia_host_abi::kernel::{RunInput, RunOutput};
use libbpf_rs::ProgramMut;

use super::failure::from_io;
use super::raw::{self, TestRun};

/// Bytes by which a program may let a packet grow; the contract promises this number.
const DATA_GROWTH_BYTES_MAX: usize = 64 * 1024;

/// `BPF_F_TEST_RUN_ON_CPU`.
const RUN_ON_CPU: u32 = 1;

pub(super) fn run(
    program: &ProgramMut<'_>,
    name: &str,
    program_type: u32,
    input: &RunInput,
) -> Result<RunOutput> {
    let failed = |error: std::io::Error| from_io(&error, format!("run program `{name}`"));
    let mut context = input.context.clone();
    if program_type == libbpf_sys::BPF_PROG_TYPE_SYSCALL {
        let return_value = raw::run_syscall(program.as_fd(), &mut context).map_err(failed)?;
        return Ok(RunOutput {
            return_value,
            context,
            ..RunOutput::default()
        });
    }
    // What the program did to its context, the kernel tells only of those that run on packets.
    let mut context_out = if returns_context(program_type) {
        context.clone()
    } else {
        Vec::new()
    };
    // Room for an output is only offered where there is an input: the kernel refuses it for kinds
    // of programs that know neither.
    let mut data = match input.data.len() {
        0 => Vec::new(),
        length => vec![0; length + DATA_GROWTH_BYTES_MAX],
    };
    let test_run = TestRun {
        data: &input.data,
        data_out: &mut data,
        context: &input.context,
        context_out: &mut context_out,
        // Some kinds of programs refuse any number of runs but the default.
        repeat: if input.repeat > 1 { input.repeat } else { 0 },
        flags: input.flags | input.cpu.map_or(0, |_| RUN_ON_CPU),
        cpu: input.cpu.unwrap_or(0),
        batch_size: input.batch_size,
    };
    let (return_value, duration_ns) = raw::test_run(program.as_fd(), test_run).map_err(failed)?;
    if returns_context(program_type) {
        context = context_out;
    }
    Ok(RunOutput {
        return_value,
        data,
        context,
        duration_ns,
    })
}

fn returns_context(program_type: u32) -> bool {
    !matches!(
        program_type,
        libbpf_sys::BPF_PROG_TYPE_RAW_TRACEPOINT
            | libbpf_sys::BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE
            | libbpf_sys::BPF_PROG_TYPE_TRACING
    )
}
