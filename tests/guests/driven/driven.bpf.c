// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} others SEC(".maps");

struct produce_args {
	__u32 records;
};

static long produce_one(__u32 index, void *ctx)
{
	__u32 first = 1, second = 2;

	bpf_ringbuf_output(&events, &first, sizeof(first), 0);
	bpf_ringbuf_output(&others, &second, sizeof(second), 0);
	return 0;
}

SEC("syscall")
int produce(struct produce_args *args)
{
	bpf_loop(args->records, produce_one, NULL, 0);
	return 0;
}
