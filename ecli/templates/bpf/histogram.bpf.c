// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
// Counts how long processes live, as a histogram of powers of two.
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#define SLOTS 32

/* Slot N counts lives of 2^N to 2^(N+1) microseconds. */
struct histogram {
	__u64 slots[SLOTS];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct histogram);
} lives SEC(".maps");

static __u32 log2(__u64 value)
{
	__u32 slot = 0;

	for (int bits = 32; bits; bits >>= 1) {
		if (value >> bits) {
			value >>= bits;
			slot += bits;
		}
	}
	return slot < SLOTS ? slot : SLOTS - 1;
}

SEC("raw_tp/sched_process_exit")
int BPF_PROG(on_exit, struct task_struct *task)
{
	__u64 microseconds;
	struct histogram *histogram;
	__u32 zero = 0, slot;

	/* Threads end, too; the first one ends with its process. */
	if (BPF_CORE_READ(task, pid) != BPF_CORE_READ(task, tgid))
		return 0;
	histogram = bpf_map_lookup_elem(&lives, &zero);
	if (!histogram)
		return 0;
	microseconds = (bpf_ktime_get_ns() - BPF_CORE_READ(task, start_time)) / 1000;
	slot = log2(microseconds);
	if (slot < SLOTS)
		__sync_fetch_and_add(&histogram->slots[slot], 1);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
