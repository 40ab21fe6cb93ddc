// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
// No buffer at all: maps that count execs, one per CPU, and a histogram.
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

#define SLOTS 8

struct pair {
	u32 one;
	u64 two;
};

struct hist {
	u32 slots[SLOTS];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16);
	__type(key, struct pair);
	__type(value, u64);
} counts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 4);
	__type(key, u32);
	__type(value, u64);
} per_cpu SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4);
	__type(key, u32);
	__type(value, struct hist);
} hists SEC(".maps");

const volatile u32 parent = 0;

SEC("tp/sched/sched_process_exec")
int handle_exec(void *ctx)
{
	struct pair key = { .one = 1, .two = 2 };
	static const struct hist zero;
	struct hist *hist;
	u64 one = 1, *count;
	u32 index = 1, of = 5;

	count = bpf_map_lookup_elem(&counts, &key);
	if (count)
		__sync_fetch_and_add(count, 1);
	else
		bpf_map_update_elem(&counts, &key, &one, BPF_NOEXIST);
	count = bpf_map_lookup_elem(&per_cpu, &index);
	if (count)
		*count += 1;
	hist = bpf_map_lookup_elem(&hists, &of);
	if (!hist) {
		bpf_map_update_elem(&hists, &of, &zero, BPF_NOEXIST);
		hist = bpf_map_lookup_elem(&hists, &of);
		if (!hist)
			return 0;
	}
	__sync_fetch_and_add(&hist->slots[3], 1);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
