// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
// Counts how often each process gets a CPU.
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#define COMM_BYTES 16

struct count {
	__u64 switches;
	__u32 pid;
	char comm[COMM_BYTES];
};

/* By process id; those that got a CPU longest ago make room. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 10240);
	__type(key, __u32);
	__type(value, struct count);
} counts SEC(".maps");

SEC("raw_tp/sched_switch")
int BPF_PROG(on_switch, bool preempt, struct task_struct *previous, struct task_struct *next)
{
	struct count *count, first = { .switches = 1 };
	__u32 pid = BPF_CORE_READ(next, tgid);

	/* The idle task. */
	if (!pid)
		return 0;
	count = bpf_map_lookup_elem(&counts, &pid);
	if (count) {
		__sync_fetch_and_add(&count->switches, 1);
		return 0;
	}
	first.pid = pid;
	bpf_probe_read_kernel(first.comm, COMM_BYTES, &next->comm);
	bpf_map_update_elem(&counts, &pid, &first, BPF_ANY);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
