//! What the BPF programs of the cases do, for the fake kernel, which runs no instructions.

use std::time::Duration;

use anyhow::{Context, Result};
use eunomia_host_abi::fake::{
    FakeKernel, FakeObject, FakeObjectBuilder, FakeProgram, Script, SectionName,
};
use eunomia_host_abi::kernel::{RunInput, RunOutput};
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
        kernel.register(name, declare(&case.name, object).builder.build());
    }
    Ok(kernel)
}

/// Says what the programs of a case do. A case whose guest runs none of its programs needs nothing.
fn declare(case: &str, object: Fake) -> Fake {
    match case {
        "ring-buffer" => ring_buffer(object),
        "rows" => object.syscall("emit", |kernel, _| {
            for number in 0..2_u8 {
                let mut event = [0; 40];
                event[0] = number + 1;
                event[8..12].copy_from_slice(&(-7_i32 - i32::from(number)).to_le_bytes());
                event[12] = 1;
                event[16..20].copy_from_slice(b"comm");
                event[32] = number;
                event[34] = 9;
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
        _ => object,
    }
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
        run: impl Fn(&FakeKernel, &RunInput) -> eunomia_host_abi::Result<u32> + Send + Sync + 'static,
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

    fn running(
        self,
        name: &str,
        section: SectionName<'_>,
        run: impl Fn(&FakeKernel, &RunInput) -> eunomia_host_abi::Result<RunOutput>
        + Send
        + Sync
        + 'static,
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
