// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
//! Reports every program that starts.
#![no_std]
#![no_main]

use aya_ebpf::btf_maps::{Array, RingBuf};
use aya_ebpf::helpers::{bpf_get_current_comm, bpf_get_current_pid_tgid};
use aya_ebpf::macros::{btf_map, tracepoint};
use aya_ebpf::programs::TracePointContext;

#[repr(C)]
pub struct Event {
    pub pid: u32,
    pub comm: [u8; 16],
}

/// Records of a ring buffer have no type in BTF; this makes it appear there.
#[used]
#[unsafe(no_mangle)]
static UNUSED_EVENT: Event = Event {
    pid: 0,
    comm: [0; 16],
};

/// libbpf wants ring buffers without a type.
#[btf_map]
static EVENTS: RingBuf<(), { 256 << 10 }> = RingBuf::new();

/// Records that found it full.
#[btf_map]
static LOST: Array<u64, 1> = Array::new();

#[tracepoint(category = "sched", name = "sched_process_exec")]
pub fn on_exec(_: TracePointContext) -> u32 {
    let event = Event {
        pid: (bpf_get_current_pid_tgid() >> 32) as u32,
        comm: bpf_get_current_comm().unwrap_or_default(),
    };
    if EVENTS.output_untyped::<Event>(&event, 0).is_err()
        && let Some(lost) = LOST.get_ptr_mut(0)
    {
        // SAFETY: values of arrays stay where they are; a count that is off by one is no harm.
        unsafe { *lost += 1 };
    }
    0
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}

#[unsafe(link_section = "license")]
#[unsafe(no_mangle)]
static LICENSE: [u8; 13] = *b"Dual BSD/GPL\0";
