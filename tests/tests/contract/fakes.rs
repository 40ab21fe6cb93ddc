//! What the BPF programs of the cases do, for the fake kernel, which runs no instructions.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use eunomia_host_abi::fake::{
    FakeKernel, FakeObject, FakeObjectBuilder, FakeProgram, Operation, Script, SectionName,
};
use eunomia_host_abi::kernel::{ProgramStatistics, RunInput, RunOutput};
use eunomia_host_abi::{Error, ErrorKind, Result as KernelResult};
use eunomia_runtime::Tool;

use crate::case::Case;

/// A fake kernel that knows the programs of a case.
pub(crate) fn kernel(case: &Case, tool: &Tool) -> Result<FakeKernel> {
    let kernel = FakeKernel::new();
    for (name, elf) in &tool.objects {
        let object = Fake {
            builder: FakeObject::from_elf(elf)
                .with_context(|| format!("read object {name}"))?
                .into_builder(),
            kernel: kernel.clone(),
        };
        kernel.register(name, declare((&case.name, name), object).builder.build());
    }
    Ok(kernel)
}

/// Says what the programs of an object of a case do. A case whose guest runs none of its programs
/// needs nothing.
fn declare((case, name): (&str, &str), object: Fake) -> Fake {
    match case {
        "ring-buffer" => ring_buffer(object),
        "rows" => object.syscall("emit", |kernel, _| {
            for number in 0..2_u8 {
                let mut event = [0; 40];
                event[0] = number + 1;
                event[8..12].copy_from_slice(&(-7_i32 - i32::from(number)).to_le_bytes());
                event[12] = 1;
                event[13..17].copy_from_slice(b"comm");
                event[29] = number;
                event[31] = 9;
                kernel.ring("events")?.push(&event);
            }
            Ok(0)
        }),
        "globals" => object.syscall("work", |kernel, _| {
            let limit = number(kernel.global("limit")?);
            kernel.set_global("seen", &u32::try_from(limit).unwrap_or(0).to_le_bytes())?;
            let total = number(kernel.global("total")?) + limit;
            kernel.set_global("total", &total.to_le_bytes())?;
            Ok(0)
        }),
        "driven" => object.syscall("produce", |kernel, input| {
            for _ in 0..argument(input, 0) {
                kernel.ring("events")?.push(&[1, 0, 0, 0]);
                kernel.ring("others")?.push(&[2, 0, 0, 0]);
            }
            Ok(0)
        }),
        "user-ring-buffer" => object.syscall("take", |kernel, input| {
            let records = argument(input, 0) as usize;
            for payload in kernel.user_ring("commands")?.drain_at_most(records) {
                let word = number(payload[..4].to_vec());
                let taken = number(kernel.global("taken")?) as u32 + 1;
                let sum = number(kernel.global("sum")?) + word;
                kernel.set_global("taken", &taken.to_le_bytes())?;
                kernel.set_global("sum", &sum.to_le_bytes())?;
            }
            Ok(0)
        }),
        "per-cpu-map" => object.tracepoint("count", |kernel, input| {
            let cpu = input.cpu.unwrap_or(0);
            kernel.map("counts")?.add(&1_u32.to_le_bytes(), cpu, 1)
        }),
        "perf-buffer" => object.tracepoint("output", |kernel, input| {
            let records = number(kernel.global("records")?) as u32;
            for number in 0..records {
                let mut event = [0; 500];
                event[..4].copy_from_slice(&number.to_le_bytes());
                kernel
                    .perf("events")?
                    .push(input.cpu.unwrap_or(0), &event)?;
            }
            Ok(())
        }),
        "sources" => object.tracepoint("produce", |kernel, input| {
            kernel.ring("ring0")?.push(&1_u64.to_le_bytes());
            kernel.ring("ring14")?.push(&2_u64.to_le_bytes());
            let cpu = input.cpu.unwrap_or(0);
            kernel
                .perf("perf")?
                .push(cpu, &4_u32.to_le_bytes())
                .map(drop)
        }),
        "stop" => object.syscall("produce", |kernel, _| {
            kernel.ring("events")?.push(&[5, 0, 0, 0]);
            Ok(0)
        }),
        "iterate" => {
            let words = [0_u32, 4, 1, 5, 2, 6];
            let records: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
            let program = FakeProgram::new("list_numbers", SectionName("iter/bpf_map_elem"));
            object.program(program.writing(&records))
        }
        "attach" => object.syscall("choose", |kernel, _| {
            // Being run is a system call, which the program sees when it is attached.
            let calls = number(kernel.global("calls")?);
            let is_seen = kernel.attached().iter().any(|it| it.name == "on_call");
            let calls = calls + u64::from(is_seen);
            kernel.set_global("calls", &calls.to_le_bytes())?;
            Ok(0)
        }),
        "errors" if name == "bad" => {
            let refusal = Error::from_errno(EACCES, "load object \"bad\": program \"wild\": R1")
                .with_kind(ErrorKind::Rejected);
            object.kernel.fail_next(Operation::Load, refusal);
            object
        }
        "errors" => {
            let message = "attach program \"anywhere\" to tracepoint:sched:no_such_tracepoint";
            let refusal = Error::from_errno(ENOENT, message);
            object.kernel.fail_next(Operation::Attach, refusal);
            object
        }
        "machine" => {
            object
                .kernel
                .add_symbol("vfs_read", 0xffff_0000_1000, 0x100);
            object.syscall("look", |kernel, _| {
                let now = kernel.now().as_nanos() as u64;
                kernel.set_global("now_ns", &now.to_le_bytes()).map(|()| 0)
            })
        }
        "inner-maps" => object.syscall("look", |kernel, input| {
            let (slot, key) = (argument(input, 0), argument(input, 1));
            kernel.set_global("found", &[0; 4])?;
            let Some(inner) = kernel.map("slots")?.inner(&slot.to_le_bytes())? else {
                return Ok(1);
            };
            let Some(value) = inner.get(&key.to_le_bytes())? else {
                return Ok(2);
            };
            kernel.set_global("found", &value).map(|()| 0)
        }),
        "memory" => object.syscall("bump", |kernel, _| {
            let shared = kernel.map("shared")?;
            let key = 2_u32.to_le_bytes();
            let value = number(shared.get(&key)?.unwrap_or_default()) as u32 + 1;
            shared.set(&key, &value.to_le_bytes())?;
            let counter = number(kernel.global("counter")?) + number(kernel.global("constant")?);
            kernel
                .set_global("counter", &counter.to_le_bytes())
                .map(|()| 0)
        }),
        "test-run" => test_run(object),
        _ => object,
    }
}

/// What the kernel fails with when there is no such tracepoint, and when the verifier refuses.
const ENOENT: i32 = 2;
const EACCES: i32 = 13;

fn test_run(object: Fake) -> Fake {
    const XDP_PASS: u32 = 2;
    /// What the kernel takes as context of a `syscall` program.
    const CONTEXT_BYTES_MAX: usize = u16::MAX as usize;
    let object = object.running("add", SectionName("syscall"), |_, input| {
        let sum = argument(input, 0) + argument(input, 1);
        let mut context = input.context.clone();
        context[8..12].copy_from_slice(&sum.to_le_bytes());
        Ok(RunOutput {
            return_value: sum & 0xff,
            context,
            ..RunOutput::default()
        })
    });
    let runs = AtomicU64::new(0);
    let object = object.syscall("nothing", move |kernel, input| {
        if input.context.len() > CONTEXT_BYTES_MAX {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                "the context is too long",
            ));
        }
        let run_count = runs.fetch_add(1, Ordering::Relaxed) + 1;
        let statistics = ProgramStatistics {
            run_count,
            run_time_ns: run_count * 10,
            ..Default::default()
        };
        kernel.set_statistics("nothing", statistics);
        Ok(0)
    });
    object.running("change", SectionName("xdp"), |_, input| {
        let mut data = input.data.clone();
        let first = std::mem::replace(&mut data[0], 0xaa);
        if first == 1 {
            data.extend([0; 4]);
        }
        Ok(RunOutput {
            return_value: XDP_PASS,
            data,
            ..RunOutput::default()
        })
    })
}

fn ring_buffer(object: Fake) -> Fake {
    fn event(number: u32, text: &[u8]) -> Vec<u8> {
        let mut event = number.to_le_bytes().to_vec();
        event.extend_from_slice(text);
        event.resize(16, 0);
        event
    }
    let object = object.syscall("fill", |kernel, input| {
        let (records, discarded) = (argument(input, 0), argument(input, 1));
        let ring = kernel.ring("events")?;
        for number in 0..records {
            let event = event(number, b"record");
            let written = match number + discarded < records {
                true => ring.push(&event),
                false => ring.push_discarded(&event),
            };
            if !written {
                return Ok(number);
            }
        }
        Ok(records)
    });
    object.syscall("fill_later", |kernel, _| {
        let pause = Duration::from_millis(20);
        kernel.play(Script::new().at(pause).push("events", &event(77, b"later")));
        Ok(0)
    })
}

/// An object whose programs are given something to do.
struct Fake {
    builder: FakeObjectBuilder,
    kernel: FakeKernel,
}

impl Fake {
    /// Says what a program does when the guest runs it, and returns.
    fn syscall(
        self,
        name: &str,
        run: impl Fn(&FakeKernel, &RunInput) -> KernelResult<u32> + Send + Sync + 'static,
    ) -> Self {
        self.running(name, SectionName("syscall"), move |kernel, input| {
            let return_value = run(kernel, input)?;
            let context = input.context.clone();
            Ok(RunOutput {
                return_value,
                context,
                ..RunOutput::default()
            })
        })
    }

    /// Says what a program does that is otherwise attached to a raw tracepoint.
    fn tracepoint(
        self,
        name: &str,
        run: impl Fn(&FakeKernel, &RunInput) -> KernelResult<()> + Send + Sync + 'static,
    ) -> Self {
        let section = SectionName("raw_tp/sched_process_exec");
        self.running(name, section, move |kernel, input| {
            run(kernel, input).map(|()| RunOutput::default())
        })
    }

    fn program(self, program: FakeProgram) -> Self {
        Self {
            builder: self.builder.program(program),
            ..self
        }
    }

    fn running(
        self,
        name: &str,
        section: SectionName<'_>,
        run: impl Fn(&FakeKernel, &RunInput) -> KernelResult<RunOutput> + Send + Sync + 'static,
    ) -> Self {
        let kernel = self.kernel.clone();
        let program = FakeProgram::new(name, section).running(move |input| run(&kernel, input));
        Self {
            builder: self.builder.program(program),
            ..self
        }
    }
}

/// The u32 at this index of a program's context.
fn argument(input: &RunInput, index: usize) -> u32 {
    let bytes = input.context.chunks_exact(4).nth(index);
    bytes.map_or(0, |bytes| {
        u32::from_le_bytes(bytes.try_into().expect("chunks of 4"))
    })
}

/// A little-endian number of up to 8 bytes.
fn number(bytes: Vec<u8>) -> u64 {
    let mut number = [0; 8];
    number[..bytes.len()].copy_from_slice(&bytes);
    u64::from_le_bytes(number)
}
