// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
// A map that bumblebee's runner serves as a histogram: how often a value came, by kind.
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

struct dimensions {
	u8 kind;
	u64 size; /* behind padding */
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, struct dimensions);
	__type(value, u64);
} hist_sizes SEC(".maps");

u64 execs = 0;

SEC("tracepoint/sched/sched_process_exec")
int handle_exec(void *ctx)
{
	struct dimensions key;
	u64 one = 1, *count;

	/* 5, 50, 500, and again. */
	__builtin_memset(&key, 0, sizeof(key));
	key.kind = 3;
	switch (__sync_fetch_and_add(&execs, 1) % 3) {
	case 0:
		key.size = 5;
		break;
	case 1:
		key.size = 50;
		break;
	default:
		key.size = 500;
	}
	count = bpf_map_lookup_elem(&hist_sizes, &key);
	if (count)
		__sync_fetch_and_add(count, 1);
	else
		bpf_map_update_elem(&hist_sizes, &key, &one, BPF_NOEXIST);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
