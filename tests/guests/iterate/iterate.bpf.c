// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
// Writes the elements of an array.
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 3);
	__type(key, __u32);
	__type(value, __u32);
} numbers SEC(".maps");

SEC("iter/bpf_map_elem")
int list_numbers(struct bpf_iter__bpf_map_elem *ctx)
{
	struct seq_file *seq = ctx->meta->seq;
	__u32 *key = ctx->key, *value = ctx->value;

	if (!key || !value)
		return 0;
	bpf_seq_write(seq, key, sizeof(*key));
	bpf_seq_write(seq, value, sizeof(*value));
	return 0;
}

SEC("raw_tp/sched_process_exec")
int no_iterator(void *ctx)
{
	return 0;
}
